"""`Fleet`: a whole fleet as one resource, on this host for real: its gateway, its controller, its replicas."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytest.importorskip("pulumi")

from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from tests.end_to_end.deployment import free_port, runs, until
from tests.infra.engine import UNKNOWN
from tests.infra.fleets import KEY, PROGRAM, Site, function

pytestmark = [pytest.mark.pulumi, pytest.mark.timeout(300)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.deployment.close()


def test_a_preview_makes_nothing_and_tells_what_the_fleet_would_cost(site: Site) -> None:
    result = site.stack.preview()

    assert result.ok
    assert result.changes == [("create", "p-dev"), ("create", "cloudlayer-owner"), ("create", "fleet")]
    assert (result.outputs["url"], result.outputs["api_key"]) == (UNKNOWN, UNKNOWN)
    assert not site.deployment.processes()
    assert site.deployment.machines() == []
    (told,) = [message.text for message in result.messages if message.urn.endswith("::fleet") and message.severity == "info"]
    assert told.startswith("about 0 USD/h for 1 machine, of which 1 would be bought")


def test_a_fleet_from_its_making_to_its_end(site: Site) -> None:
    first = site.up()

    assert first.outputs["url"] == site.deployment.url
    assert (first.outputs["name"], first.outputs["functions"]) == ("seefood", ["nlp/Echo/1.0.0"])
    assert (first.outputs["api_key"], "api_key" in first.secret_outputs) == (KEY, True)
    assert site.call("hello") == "hello"
    assert site.up().changes == []

    site.program(PROGRAM + "\n# an edit of the program\n")
    assert site.up(refresh=True).changes == []

    site.source("def apply(input):\n    return input.upper()\n")
    assert site.up().changes == [("update", "fleet")]
    until(lambda: site.call("hello") == "HELLO", 20, "the new source answers")

    site.manifest(function(), function("Other"))
    changed = site.up()
    assert changed.changes == [("update", "fleet")]
    assert changed.outputs["functions"] == ["nlp/Echo/1.0.0", "nlp/Other/1.0.0"]
    assert site.call("a", "nlp/Other") == "A"

    assert site.stack.destroy().ok
    site.deployment.assert_nothing_is_left()
    assert site.mark() == {}


def test_drift_is_found_by_a_refresh_and_healed_by_up(site: Site) -> None:
    site.up()
    served = site.mark()["pid"]

    other = site.folder / "by-hand.toml"
    other.write_text((site.folder / "fleet.toml").read_text().replace("Echo", "Strange"))
    site.deployment.run("deploy", other, "--yes")
    assert site.up(refresh=True).changes == [("refresh", "fleet"), ("update", "fleet")]
    assert site.call("a") == "a"
    assert site.mark()["pid"] == served

    psutil.Process(served).kill()
    until(lambda: not runs(served), 10, "the controller's keeper is dead")
    assert site.stack.resources["fleet"].outputs["drifted"] == []
    assert site.stack.refresh().ok
    assert site.stack.resources["fleet"].outputs["drifted"] == ["serve"]
    assert site.up().changes == [("update", "fleet")]
    assert site.call("b") == "b"

    with Fleets(Home(site.deployment.folder / "h")) as fleets:
        fleets.store.forget_key("pulumi/seefood")
    until(lambda: site.deployment.post("nlp/Echo", json="c").status_code == 401, 20, "the key lets nobody in")
    assert site.up(refresh=True).changes == [("refresh", "fleet"), ("update", "fleet")]
    until(lambda: site.deployment.post("nlp/Echo", json="c").status_code == 200, 20, "the key lets callers in again")

    site.deployment.down()
    assert site.up(refresh=True).changes == [("refresh", "fleet"), ("create", "fleet")]
    assert site.call("d") == "d"


def test_what_is_wrong_with_a_manifest_is_told_by_its_place(site: Site) -> None:
    site.manifest(function(more="timeout = -1"), function("Other", version="one"))
    result = site.stack.preview()

    assert {failure.property for failure in result.failures} == {"manifest"}
    texts = [failure.text for failure in result.failures]
    assert any("manifest.function[0].timeout: " in text for text in texts)
    assert any("manifest.function[1].version: " in text for text in texts)

    site.manifest(function().replace('"source"', '"nowhere"'))
    (failure,) = site.stack.preview().failures
    assert (failure.property, "manifest.function[0].source: " in failure.text) == ("manifest", True)

    site.manifest(function())
    site.stack.config["p:port"] = "70000"
    assert [failure.property for failure in site.stack.preview().failures] == ["port"]


def test_a_fleet_that_finds_no_place_is_refused_with_the_reason_and_leaves_nothing(site: Site) -> None:
    site.manifest(function().replace("cpu = 0.2", "cpu = 4000"))

    assert "create fleet seefood: no place for nlp/Echo/1.0.0: " in site.fails()

    assert "fleet" not in site.stack.resources
    assert site.mark() == {}
    site.deployment.assert_nothing_is_left()


def test_a_fleet_that_does_not_come_up_in_time_fails_with_the_reason_and_leaves_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, config={"p:timeout": "20s"})
    try:
        site.source("raise RuntimeError('it is broken')\n\ndef apply(input):\n    return input\n")

        text = site.fails()

        assert "is not up after 20 s: nlp/Echo/1.0.0: 0 of 1 replicas are ready" in text
        assert "it is broken" in text
        assert "fleet" not in site.stack.resources
        site.deployment.assert_nothing_is_left()
    finally:
        site.deployment.close()


def test_a_create_whose_plug_in_is_killed_is_gone_on_with_and_makes_no_double(site: Site) -> None:
    site.source("import time\ntime.sleep(4)\n\ndef apply(input):\n    return input\n")
    killer = threading.Thread(target=site.kill_when, args=(site.deployment.machines, "a machine is made"))
    killer.start()
    assert not site.stack.up().ok
    killer.join()
    assert "fleet" not in site.stack.resources
    machines, served = site.deployment.machines(), site.mark()["pid"]
    assert runs(served)

    site.up()

    assert site.deployment.machines() == machines
    assert site.mark()["pid"] == served
    assert len(site.deployment.pids()) == 1
    assert site.call("x") == "x"


def test_an_update_whose_plug_in_is_killed_is_gone_on_with(site: Site) -> None:
    site.up()
    served = site.mark()["pid"]
    site.source("import time\ntime.sleep(4)\n\ndef apply(input):\n    return input.upper()\n")

    def is_under_way() -> bool:
        with Fleets(Home(site.deployment.folder / "h")) as fleets:
            return not fleets.status("seefood").settled

    killer = threading.Thread(target=site.kill_when, args=(is_under_way, "the update is deployed"))
    killer.start()
    assert not site.stack.up().ok
    killer.join()

    assert site.up().changes == [("update", "fleet")]

    assert site.mark()["pid"] == served
    until(lambda: len(site.deployment.pids()) == 1, 20, "the old replica is gone, and there is one new one")
    assert site.call("x") == "X"
    assert site.up().changes == []


def test_a_fleet_that_is_not_to_be_served_is_written_down_alone(site: Site) -> None:
    served = PROGRAM.replace("port=port", 'port=port, serve=config.require_bool("serve")')
    site.program(served)
    site.stack.config["p:serve"] = "false"

    assert site.up().outputs.get("url") is None
    assert not site.deployment.processes()

    site.stack.config["p:serve"] = "true"
    assert site.up().outputs["url"] == site.deployment.url
    assert site.call("x") == "x"

    site.stack.config["p:serve"] = "false"
    assert site.up().outputs.get("url") is None
    assert not site.deployment.healthy()
    assert site.deployment.machines() != []
    assert site.stack.destroy().ok
    site.deployment.assert_nothing_is_left()


def test_a_fleet_that_the_stack_did_not_declare_is_left_alone(site: Site, tmp_path: Path) -> None:
    site.deployment.up(site.folder / "fleet.toml")

    text = site.fails()

    assert "has a fleet seefood that no program declared: end it by cloudlayer down --fleet seefood" in text
    assert site.call("still") == "still"
    site.deployment.down()

    site.up()
    other = Site(tmp_path, name="prod", deployment=site.deployment)
    assert "of another stack: give this one another name or home" in other.fails()
    assert other.stack.destroy().ok
    assert site.call("again") == "again"


def test_another_name_replaces_the_fleet_and_the_old_one_goes_first(site: Site) -> None:
    site.up()
    site.manifest(function(), name="fastfood")

    result = site.up()

    assert result.changes[-3:] == [("delete-replaced", "fleet"), ("replace", "fleet"), ("create-replacement", "fleet")]
    assert site.deployment.document("ps")[0]["fleet"] == "fastfood"
    assert site.mark("seefood") == {}
    assert site.call("x") == "x"


def test_without_a_key_one_is_made_that_no_state_shows_and_that_stays(tmp_path: Path) -> None:
    site = Site(tmp_path, secrets={})
    try:
        key = site.up().outputs["api_key"]
        site.deployment.key = key
        assert site.call("x") == "x"
        site.manifest(function(), function("Other"))
        assert site.up().outputs["api_key"] == key
        assert not [path for path in site.stack.folder.iterdir() if key.encode() in path.read_bytes()]

        assert site.stack.destroy().ok
        site.deployment.assert_nothing_is_left()
    finally:
        site.deployment.close()


def test_another_port_is_taken_in_place_and_the_machines_stay(site: Site) -> None:
    site.up()
    machines = site.deployment.machines()
    port = free_port()
    site.stack.config["p:port"] = str(port)

    assert site.up().changes == [("update", "fleet")]

    assert site.stack.resources["fleet"].outputs["url"] == f"http://127.0.0.1:{port}"
    assert site.deployment.machines() == machines
    site.deployment.url = f"http://127.0.0.1:{port}"
    assert site.call("x") == "x"


def test_a_manifest_may_be_a_dictionary_with_outputs_of_other_resources(site: Site) -> None:
    site.program(
        PROGRAM.replace(
            "config = pulumi.Config()", "config = pulumi.Config()\nother = infra.Volume('v', provider='local', size='1GiB')"
        ),
        manifest="""{
            "fleet": {"name": "seefood", "providers": ["local"]},
            "function": [{
                "name": "nlp/Echo", "version": "1.0.0", "source": "source", "engine": "process",
                "resources": {"cpu": 0.2, "memory": "64MiB", "disk": "64MiB"}, "scale": {"min": 1},
                "env": {"VOLUME": other.id, "WORD": config.require_secret("word")},
            }],
        }""",
    )
    site.source("import os\n\ndef apply(input):\n    return [os.environ['VOLUME'], os.environ['WORD']]\n")
    site.stack.secrets["p:word"] = "never-in-clear"
    foreseen = site.stack.preview()
    assert foreseen.ok
    assert any("price not known before all of its manifest is" in message.text for message in foreseen.messages)

    site.up()

    assert site.call(None) == [site.stack.resources["v"].id, "never-in-clear"]
    assert site.up().changes == []
    assert not [path for path in site.stack.folder.iterdir() if b"never-in-clear" in path.read_bytes()]
    assert site.stack.destroy().ok
