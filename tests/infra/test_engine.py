"""What the test engine promises of Pulumi's semantics, each promise with a real program and a real plug-in process."""

import json
from pathlib import Path

import pytest

pytest.importorskip("pulumi")

from tests.infra import engine
from tests.infra.engine import values
from tests.infra.engine.shelving import CHAIN, Shelf

pytestmark = pytest.mark.pulumi


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_a_preview_names_the_steps_and_creates_nothing(shelf: Shelf) -> None:
    shelf.write(CHAIN.format(size=1, disk="", vm="") + 'pulumi.export("size", disk.size)\npulumi.export("tag", vm.tag)')

    result = shelf.stack.preview()

    assert result.ok
    assert result.changes == [("create", "p-dev"), ("create", "disk"), ("create", "vm")]
    assert shelf.calls() == ["check disk anew", "check vm anew"]
    assert result.outputs == {"size": 1.0, "tag": engine.UNKNOWN}
    assert shelf.stack.states == []


def test_up_makes_things_and_a_second_up_changes_nothing(shelf: Shelf) -> None:
    result = shelf.chain(size=3)

    assert result.ok
    assert shelf.changes() == ["create disk", "create vm"]
    disk, vm = shelf.stack.resources["disk"], shelf.stack.resources["vm"]
    assert vm.inputs["image"] == disk.outputs["tag"] == f"disk#{disk.id}"
    assert vm.property_dependencies["image"] == [disk.urn] == vm.dependencies

    again = shelf.chain(size=3)

    assert [step.op for step in again.steps] == ["same", "same", "same"]
    assert shelf.changes() == []


def test_numbers_arrive_as_floats(shelf: Shelf) -> None:
    result = shelf.up('pulumi.export("type", Thing("disk", size=3).size_type)')

    assert result.outputs == {"type": "float"}


def test_a_changed_input_is_an_update_that_keeps_the_id(shelf: Shelf) -> None:
    shelf.chain(size=1)
    before = shelf.stack.resources["disk"].id

    result = shelf.chain(size=2)

    assert result.changes == [("update", "disk")]
    assert next(step.diff for step in result.steps if step.op == "update") == ("size",)
    assert shelf.stack.resources["disk"].id == before
    assert shelf.things["disk"]["size"] == 2


def test_replacement_makes_the_new_thing_before_the_old_one_goes(shelf: Shelf) -> None:
    shelf.chain(disk='kind="box"')
    old = shelf.stack.resources["disk"]
    shelf.calls()

    result = shelf.chain(disk='kind="bag"')

    assert result.changes == [
        ("replace", "disk"),
        ("create-replacement", "disk"),
        ("delete-replaced", "disk"),
    ]
    assert next(step.replaced_keys for step in result.steps if step.op == "replace") == ("kind",)
    calls = shelf.calls()
    assert calls[:3] == ["check disk", "check disk anew", "create disk"]
    assert calls[-1] == "delete disk"
    assert shelf.stack.resources["disk"].id != old.id
    assert len(shelf.stack.states) == 3


def test_delete_before_replace_takes_the_dependents_that_cannot_stay_first(shelf: Shelf) -> None:
    text = 'disk = Thing("disk", place="{0}")\nvm = Thing("vm", place=disk.tag)\nvan = Thing("van", size=disk.tag)'
    shelf.up(text.format("left"))
    shelf.calls()
    shelf.write(text.format("right"))

    foreseen = shelf.stack.preview()
    assert shelf.changes() == []
    result = shelf.stack.up()

    assert shelf.changes()[:3] == ["delete vm", "delete disk", "create disk"]
    assert ("replace", "vm") in result.changes
    assert ("update", "van") in result.changes
    assert sorted(foreseen.changes) == sorted(result.changes)
    assert sorted(shelf.things) == ["disk", "van", "vm"]


def test_the_program_may_ask_for_delete_before_replace(shelf: Shelf) -> None:
    text = 'Thing("disk", kind="{0}", opts=pulumi.ResourceOptions(delete_before_replace=True))'
    shelf.up(text.format("box"))
    shelf.calls()

    shelf.up(text.format("bag"))

    assert shelf.changes() == ["delete disk", "create disk"]


def test_up_replaces_what_it_is_told_to(shelf: Shelf) -> None:
    shelf.chain()
    shelf.calls()

    result = shelf.stack.up(replace=[shelf.stack.resources["vm"].urn])

    assert result.ok
    assert shelf.changes() == ["create vm", "delete vm"]


def test_refresh_finds_drift_and_the_next_up_heals_it(shelf: Shelf) -> None:
    shelf.chain(size=1)
    drifted = json.loads(shelf.file("disk").read_text()) | {"size": 9.0}
    shelf.file("disk").write_text(json.dumps(drifted))

    found = shelf.stack.refresh()

    assert [(step.name, step.outcome, step.diff) for step in found.steps] == [("disk", "update", ("size",)), ("vm", "same", ())]
    assert shelf.stack.resources["disk"].outputs["size"] == 9
    assert shelf.stack.resources["disk"].inputs["size"] == 1

    assert shelf.chain(size=1).changes == [("update", "disk")]
    assert shelf.things["disk"]["size"] == 1


def test_what_vanished_is_made_anew_by_an_up_with_refresh(shelf: Shelf) -> None:
    shelf.chain()
    shelf.file("vm").unlink()
    shelf.calls()

    assert shelf.stack.up().changes == []
    result = shelf.stack.up(refresh=True)

    assert result.changes == [("refresh", "vm"), ("create", "vm")]
    assert shelf.changes() == ["create vm"]
    assert sorted(shelf.things) == ["disk", "vm"]


def test_what_the_program_no_longer_names_is_deleted_after_the_creates(shelf: Shelf) -> None:
    shelf.chain()
    shelf.calls()

    result = shelf.up('Thing("tape")')

    assert result.ok
    assert shelf.changes() == ["create tape", "delete vm", "delete disk"]
    assert list(shelf.stack.resources) == ["tape"]


def test_destroy_takes_dependents_first_and_needs_no_program(shelf: Shelf) -> None:
    shelf.up(CHAIN.format(size=1, disk="", vm="") + 'Thing("last", opts=pulumi.ResourceOptions(depends_on=[vm]))')
    shelf.calls()
    shelf.program.unlink()

    result = shelf.stack.destroy()

    assert result.ok
    assert shelf.calls() == ["delete last", "delete vm", "delete disk"]
    assert shelf.stack.states == []


def test_what_is_retained_leaves_the_state_but_not_the_world(shelf: Shelf) -> None:
    shelf.chain(vm="opts=pulumi.ResourceOptions(retain_on_delete=True)")
    shelf.calls()

    assert shelf.stack.destroy().ok

    assert shelf.calls() == ["delete disk"]
    assert sorted(shelf.things) == ["vm"]
    assert shelf.stack.states == []


def test_a_change_that_the_program_forbids_replaces(shelf: Shelf) -> None:
    never = 'opts=pulumi.ResourceOptions(replace_on_changes=["size"])'
    shelf.chain(size=1, vm="", disk=never)
    shelf.calls()

    shelf.chain(size=2, disk=never)

    assert [call for call in shelf.changes() if "disk" in call] == ["create disk", "delete disk"]


def test_a_resource_as_an_input_reaches_the_provider_as_its_id(shelf: Shelf) -> None:
    result = shelf.up('disk = Thing("disk")\nThing("vm", image=disk)')

    assert result.ok
    assert shelf.things["vm"]["image"] == shelf.stack.resources["disk"].id
    assert shelf.up('disk = Thing("disk")\nThing("vm", image=disk)').changes == []


def test_what_is_found_gone_is_needed_by_nothing_any_more(shelf: Shelf) -> None:
    shelf.chain()
    shelf.file("disk").unlink()

    shelf.stack.refresh()

    vm = shelf.stack.resources["vm"]
    assert vm.needs() == {vm.parent}
    assert list(shelf.stack.resources) == ["vm"]


def test_a_reference_to_a_resource_goes_as_its_id_or_its_urn_to_who_takes_no_references() -> None:
    component = {values.SIGNATURE: values.RESOURCE, "urn": "urn:x"}
    custom = {**component, "id": "x"}
    coming = {**component, "id": ""}

    sent = values.to_struct({"all": [component, custom, coming]}, secrets=False, references=False)

    assert list(sent["all"]) == ["urn:x", "x", engine.UNKNOWN]


def test_ignored_changes_are_no_changes(shelf: Shelf) -> None:
    ignore = 'opts=pulumi.ResourceOptions(ignore_changes=["size"])'
    shelf.chain(size=1, disk=ignore)

    result = shelf.chain(size=5, disk=ignore)

    assert result.changes == []
    assert shelf.stack.resources["disk"].inputs["size"] == 1


def test_secrets_are_never_in_clear_in_the_state(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, config={"p:owner": "ann"}, secrets={"p:password": "hunter2"})
    result = shelf.up("""
password = pulumi.Config().require_secret("password")
disk = Thing("disk", password=password, opts=pulumi.ResourceOptions(additional_secret_outputs=["tag"]))
vm = Thing("vm", password=disk.password.apply(lambda word: word + "!"), image=disk.tag)
pulumi.log.info("hunter2 it is")
pulumi.export("password", vm.password)
pulumi.export("owner", vm.owner)
""")

    assert result.outputs == {"password": "hunter2!", "owner": "ann"}
    assert result.secret_outputs == {"password"}
    assert shelf.things["vm"]["password"] == "hunter2!"
    written = "".join(file.read_text() for file in shelf.stack.folder.glob("*.json"))
    tag = shelf.things["disk"]["tag"]
    assert "ann" in written
    assert not [word for word in ("hunter2", tag) if word in written]
    assert shelf.stack.resources["vm"].outputs["image"] == engine.Secret(tag)
    assert [message.text for message in result.messages if message.text.endswith("it is")] == ["[secret] it is"]
    assert shelf.stack.up().changes == []


def test_what_an_update_will_compute_is_unknown_at_its_preview(shelf: Shelf) -> None:
    text = 'disk = Thing("disk", size={0})\nfor name in "tag", "size", "id": pulumi.export(name, getattr(disk, name))'
    shelf.up(text.format(1))
    shelf.write(text.format(2))

    result = shelf.stack.preview()

    kept = shelf.stack.resources["disk"].id
    assert result.outputs == {"tag": engine.UNKNOWN, "size": 2.0, "id": kept}
    assert result.changes == [("update", "disk")]


def test_editing_the_program_is_no_change(shelf: Shelf) -> None:
    shelf.chain()

    result = shelf.up("# a comment\nNAME = 'disk'\n" + CHAIN.format(size="int('1')", disk="", vm="").replace('"disk"', "NAME"))

    assert result.changes == []


def test_messages_keep_their_severity_and_their_resource(shelf: Shelf) -> None:
    result = shelf.up('disk = Thing("disk")\npulumi.log.warn("it is slow", disk)\nprint("as it is")')

    said = {message.text: (message.severity, message.urn) for message in result.messages}
    assert said["it is slow"] == ("warning", shelf.stack.resources["disk"].urn)
    assert said["as it is"] == ("info", "")


def test_components_hold_their_children_and_their_outputs(shelf: Shelf) -> None:
    result = shelf.up("""
class Fleet(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("acme:index:Fleet", name)
        self.disk = Thing("disk", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"tag": self.disk.tag})
Fleet("fleet")
""")

    assert result.ok
    states = {state.name: state for state in shelf.stack.states}
    assert states["disk"].parent == states["fleet"].urn == "urn:pulumi:dev::p::acme:index:Fleet::fleet"
    assert states["disk"].urn == "urn:pulumi:dev::p::acme:index:Fleet$pulumi-python:dynamic:Thing::disk"
    assert states["fleet"].outputs == {"tag": states["disk"].outputs["tag"]}
    assert [name for _, name in shelf.stack.destroy().changes] == ["disk", "fleet", "p-dev"]


def test_a_thing_that_is_read_by_its_id_is_never_deleted(shelf: Shelf) -> None:
    shelf.up('Thing("disk", size=7)')
    known = shelf.stack.resources["disk"].id
    text = f'Thing("disk", size=7)\npulumi.export("size", Thing("seen", opts=pulumi.ResourceOptions(id="{known}")).size)'
    shelf.calls()

    assert shelf.up(text).outputs == {"size": 7.0}
    assert shelf.stack.destroy().ok
    assert shelf.changes() == ["delete disk"]
