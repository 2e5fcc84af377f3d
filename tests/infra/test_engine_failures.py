"""What the test engine keeps when something fails or is killed, and what it refuses, as Pulumi does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

pytest.importorskip("pulumi")

from tests.infra.engine import Result
from tests.infra.engine.shelving import CHAIN, SAMPLES, Shelf
from tests.runtime.functions import until

pytestmark = pytest.mark.pulumi


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_a_failed_check_names_the_property_and_makes_nothing(shelf: Shelf) -> None:
    result = shelf.chain(size=-4)

    [failure] = [failure for failure in result.failures if failure.property]
    assert (failure.property, failure.urn.rsplit("::", 1)[-1]) == ("size", "disk")
    assert "-4 is negative" in failure.text
    assert shelf.changes() == []
    assert shelf.stack.resources == {}


def test_a_failed_create_leaves_nothing_and_the_next_up_makes_it(shelf: Shelf) -> None:
    (shelf.folder / "fail-create").touch()

    result = shelf.chain()

    assert ["no room on the shelf" in failure.text for failure in result.failures] == [True]
    assert shelf.stack.resources == {}

    (shelf.folder / "fail-create").unlink()
    assert shelf.chain().ok
    assert sorted(shelf.things) == ["disk", "vm"]


def test_a_failed_replacement_is_made_up_for_by_the_next_run(shelf: Shelf) -> None:
    shelf.up('Thing("disk", place="left")')
    (shelf.folder / "fail-create").touch()

    assert not shelf.up('Thing("disk", place="right")').ok
    assert [state.pending_replacement for state in shelf.stack.states if state.custom] == [True]
    assert shelf.things == {}

    (shelf.folder / "fail-create").unlink()
    shelf.calls()
    assert shelf.up('Thing("disk", place="left")').changes == [("replace", "disk"), ("create-replacement", "disk")]
    assert shelf.changes() == ["create disk"]
    assert shelf.things["disk"]["place"] == "left"


def test_a_program_that_fails_deletes_nothing(shelf: Shelf) -> None:
    shelf.chain()
    shelf.calls()

    result = shelf.up('raise ValueError("the program is wrong")')

    assert "the program is wrong" in result.failures[0].text
    assert shelf.changes() == []
    assert sorted(shelf.stack.resources) == ["disk", "vm"]


def test_the_protected_stay_and_nothing_else_goes_then(shelf: Shelf) -> None:
    protect = "opts=pulumi.ResourceOptions(protect=True)"
    shelf.chain(disk=f'kind="box", {protect}')
    shelf.calls()

    destroyed = shelf.stack.destroy()
    assert "unable to delete resource" in destroyed.failures[0].text
    replaced = shelf.chain(disk=f'kind="bag", {protect}')
    assert "unable to replace resource" in replaced.failures[0].text

    assert shelf.changes() == []
    assert sorted(shelf.stack.resources) == ["disk", "vm"]


def test_a_run_that_stopped_half_way_leaves_the_order_of_deletion_as_it_was(shelf: Shelf) -> None:
    shelf.chain(size=1)
    assert not shelf.up('Thing("disk", size=3)\nraise ValueError').ok
    assert list(shelf.stack.resources) == ["vm", "disk"]
    shelf.calls()

    assert shelf.stack.destroy().ok

    assert shelf.calls() == ["delete vm", "delete disk"]


def test_what_cannot_be_deleted_stays_in_the_state_with_what_it_needs(shelf: Shelf) -> None:
    shelf.chain()
    shelf.file("vm").unlink()
    shelf.calls()

    result = shelf.stack.destroy()

    assert [failure.urn for failure in result.failures] == [shelf.stack.resources["vm"].urn]
    assert shelf.calls() == ["delete vm"]
    assert sorted(shelf.stack.resources) == ["disk", "vm"]


def test_functions_are_errors_unless_a_test_fakes_them(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, invokes={"acme:index:zone": lambda arguments: {"zone": arguments["region"] + "-a"}})

    ask = 'pulumi.export("zone", pulumi.runtime.invoke("acme:index:{0}", {{"region": "north"}}).value["zone"])'
    assert shelf.up(ask.format("zone")).outputs == {"zone": "north-a"}
    result = shelf.up(ask.format("other"))

    assert "acme:index:other is not faked" in result.failures[0].text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('Thing("disk", opts=pulumi.ResourceOptions(import_="x"))', "does not import"),
        ('Thing("disk", opts=pulumi.ResourceOptions(aliases=["urn:x"]))', "aliases"),
        ('pulumi.CustomResource("aws:s3:Bucket", "bucket", {})', "no provider for aws:s3:Bucket"),
    ],
)
def test_what_is_not_modelled_is_refused(shelf: Shelf, text: str, reason: str) -> None:
    result = shelf.up(text)

    assert reason in result.failures[0].text
    assert shelf.changes() == []


def test_a_plugin_killed_during_a_create_costs_that_step_alone(shelf: Shelf) -> None:
    shelf.up('Thing("disk")')
    (shelf.folder / "die-create").touch()

    result = shelf.chain()

    assert [failure.urn.rsplit("::", 1)[-1] for failure in result.failures] == ["vm"]
    assert list(shelf.stack.resources) == ["disk"]
    shelf.calls()
    assert shelf.chain().ok
    assert shelf.changes() == ["create vm"]


@contextmanager
def up_with_held_creates(shelf: Shelf, text: str) -> Iterator[list[Result]]:
    """An up of the program in another thread, that holds two creates; ends with its end, its result in the list."""
    shelf.write(text)
    (shelf.folder / "hold-creates").touch()
    results: list[Result] = []
    running = threading.Thread(target=lambda: results.append(shelf.stack.up()))
    running.start()
    try:
        shelf.wait_for(calls={"create disk", "create tape"})
        yield results
    finally:
        running.join(60)
        (shelf.folder / "hold-creates").unlink(missing_ok=True)
    assert results


def wait_until_reaped(number: int) -> None:
    until = time.monotonic() + 30
    with suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(number, 0)
            time.sleep(0.02)
    assert time.monotonic() < until


def test_creates_run_side_by_side_and_a_test_may_kill_the_plugin_under_them(shelf: Shelf) -> None:
    with up_with_held_creates(shelf, 'Thing("disk")\nThing("tape")') as results:
        shelf.stack.kill_plugin()

    assert sorted(failure.urn.rsplit("::", 1)[-1] for failure in results[0].failures) == ["disk", "tape"]
    assert shelf.stack.resources == {}
    assert shelf.stack.up().ok
    assert sorted(shelf.things) == ["disk", "tape"]


def test_a_failure_waits_for_what_is_under_way(shelf: Shelf) -> None:
    (shelf.folder / "fail-create").write_text("disk")
    with up_with_held_creates(shelf, 'Thing("disk")\nThing("tape")') as results:
        (shelf.folder / "hold-creates").write_text("tape")
        shelf.wait_for(calls={"refuse disk"})
        (shelf.folder / "hold-creates").unlink()

    assert ["no room" in failure.text for failure in results[0].failures] == [True]
    assert list(shelf.stack.resources) == list(shelf.things) == ["tape"]


def test_a_killed_program_leaves_no_step_half_done(shelf: Shelf) -> None:
    keep_number = f"import os, pathlib\npathlib.Path({str(shelf.folder / 'number')!r}).write_text(str(os.getpid()))\n"
    with up_with_held_creates(shelf, keep_number + 'Thing("disk")\nThing("tape")') as results:
        os.kill(int((shelf.folder / "number").read_text()), signal.SIGKILL)
        wait_until_reaped(int((shelf.folder / "number").read_text()))
        (shelf.folder / "hold-creates").unlink()

    assert "ended with -9" in results[0].failures[0].text
    assert sorted(shelf.stack.resources) == sorted(shelf.things) == ["disk", "tape"]


def test_a_call_that_hangs_is_given_up(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.up('Thing("disk")')
    (shelf.folder / "hold-deletes").touch()
    shelf.stack.timeout = 1

    result = shelf.stack.destroy()

    assert [failure.text for failure in result.failures] == ["Deadline Exceeded"]
    assert list(shelf.stack.resources) == ["disk"]


def programs(program: Path) -> list[int]:
    """The processes that run a program."""
    return [each.pid for each in psutil.process_iter(["cmdline"]) if str(program) in (each.info["cmdline"] or ())]


def test_a_killed_engine_leaves_a_true_state_and_says_what_was_under_way(shelf: Shelf) -> None:
    shelf.up('Thing("disk")')
    (shelf.folder / "die-both").touch()
    shelf.write(CHAIN.format(size=1, disk="", vm=""))
    stack = shelf.stack
    script = (
        "import sys; from tests.infra.engine import Stack\n"
        f"Stack({str(stack.folder)!r}, {str(stack.program)!r}, project='p', environment={stack.environment!r}).up()"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script], cwd=SAMPLES.parents[3], capture_output=True, check=False, timeout=60
    )
    assert killed.returncode == -9
    assert list(stack.resources) == ["disk"]
    until(lambda: not programs(stack.program))

    result = stack.up()

    [warning] = [message.text for message in result.messages if message.severity == "warning"]
    assert "1 pending operations" in warning
    assert f"{stack.resources['vm'].urn}, interrupted while creating" in warning
    assert result.changes == [("create", "vm")]
    assert not [message for message in stack.up().messages if message.severity == "warning"]


def test_what_was_made_but_did_not_come_up_is_kept_and_updated_next(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, plugin=(sys.executable, str(SAMPLES / "half_made.py")))

    result = shelf.up('Thing("disk")')

    assert [failure.text for failure in result.failures] == ["it does not boot"]
    assert (shelf.stack.resources["disk"].id, shelf.stack.resources["disk"].init_errors) == ("half", ["it does not boot"])
    assert shelf.stack.up().changes == [("update", "disk")]
    assert shelf.stack.resources["disk"].init_errors == []
    assert shelf.stack.up().changes == []


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, timeout=2)

    result = shelf.up("import threading\nthreading.Event().wait()")

    assert "ended with -9" in result.failures[0].text
