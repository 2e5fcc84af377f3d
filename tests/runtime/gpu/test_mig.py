"""MIG instances by the driver's commands, and whose they are."""

import io
import json
from contextlib import redirect_stdout, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import ReplicaSpec
from cloudlayer.providers.ssh import scripts
from cloudlayer.runtime.docker.slices import Slices
from cloudlayer.runtime.gpu import mig
from cloudlayer.scheduler import mig as geometry
from cloudlayer.units import GIB
from tests.runtime.gpu import simulated_driver
from tests.runtime.gpu.conftest import SimulatedHost
from tests.runtime.gpu.simulated_driver import PLACES

ON, OFF = "Enabled", "Disabled"


def gpu(number, mode=ON, **fields):
    return {"uuid": f"GPU-{number}", "model": "NVIDIA H100 80GB HBM3", "memory": 81559, "mig": mode, **fields}


def instance(number, profile, start, whole=True):
    return {"number": number, "profile": profile, "start": start, "size": PLACES[profile][0], "whole": whole}


def spec(id="r-1", profile="1g.10gb", devices=(0,), slices=(0,)):
    fields = {"gpu_profile": profile, "slices": slices} if profile else {}
    return ReplicaSpec(id=id, function="a/F", version="1", cpu=1, memory=1, image="x", devices=devices, **fields)


class QuickHost(SimulatedHost):
    """The same driver without a process for each of its commands; what our scripts do around them stands here once more."""

    def run(self, command, *, input=b"", root=False, deadline=None):
        if command[0] == "nvidia-smi":
            return self._said(*command[1:])
        script, *arguments = command[2:] if command[0] == "sh" else command
        if script == mig._LOOK:
            parts = [Path(arguments[0]).read_bytes(), self._said("--query-gpu=index,uuid,mig.mode.current")]
            parts += [self._said("mig", "-lgi", ends=True), self._said("-L"), self._said("-q", "-x")]
            return b"=====\n".join(parts)
        if script == mig._DELETE:
            self._said("mig", "-i", arguments[0], "-gi", arguments[1], "-dci", ends=True)
            return self._said("mig", "-i", arguments[0], "-gi", arguments[1], "-dgi")
        return super().run(command)

    def _said(self, *arguments, ends=False):
        state, said = self.read(), io.StringIO()
        with redirect_stdout(said):
            try:
                simulated_driver.nvidia_smi(state, list(arguments))
            except SystemExit as error:
                if not ends:
                    raise EngineError(f"nvidia-smi failed: {error}") from None
        self.write(state)
        return said.getvalue().encode()


@pytest.fixture
def host(tmp_path):
    return QuickHost(tmp_path)


@pytest.fixture
def two(host):
    host.change(gpus=[gpu(0), gpu(1)])
    return host


def slices(host, tmp_path, *, ours=True):
    return Slices(host, tmp_path / "mig", lambda doing: None, ours=ours)


def there(host):
    """Each instance as (device, profile, start)."""
    found = host.read()["gpus"]
    return {(each["uuid"], one["profile"], one["start"]) for each in found for one in each.get("instances", ())}


def test_the_drivers_places_are_those_that_the_scheduler_plans_with():
    known = geometry.geometry("NVIDIA H100 80GB HBM3", 80 * GIB)
    for profile, (_, starts) in PLACES.items():
        assert {geometry.start(place) for place in known.places[profile]} == set(starts)


def test_the_scripts_of_ours_make_one_look_at_it_and_remove_it(tmp_path):
    host = SimulatedHost(tmp_path)
    host.change(gpus=[gpu(0, OFF), gpu(1)])
    mine = slices(host, tmp_path)
    assert mine.ensure(spec(devices=(0, 1), slices=(1, 3)), None) == ("MIG-GPU-0-1", "MIG-GPU-1-1")
    assert there(host) == {("GPU-0", "1g.10gb", 1), ("GPU-1", "1g.10gb", 3)}
    mine.release("r-1", None)
    assert there(host) == set()


def test_an_instance_lies_where_it_was_planned_and_is_known_by_its_uuid(two, tmp_path):
    mine = slices(two, tmp_path)
    uuids = mine.ensure(spec(devices=(0, 1), slices=(2, 5)), None)
    assert there(two) == {("GPU-0", "1g.10gb", 2), ("GPU-1", "1g.10gb", 5)}
    assert uuids == ("MIG-GPU-0-1", "MIG-GPU-1-1")


def test_asking_twice_makes_one_and_release_removes_it(two, tmp_path):
    mine = slices(two, tmp_path)
    first = mine.ensure(spec(), None)
    assert slices(two, tmp_path).ensure(spec(), None) == first
    assert len(there(two)) == 1
    mine.release("r-1", None)
    mine.release("r-1", None)
    assert there(two) == set()


def test_neighbours_stay_when_one_goes(two, tmp_path):
    mine = slices(two, tmp_path)
    mine.ensure(spec("r-1", "3g.40gb", slices=(4,)), None)
    kept = mine.ensure(spec("r-2", "2g.20gb", slices=(0,)), None)
    mine.release("r-1", None)
    assert there(two) == {("GPU-0", "2g.20gb", 0)}
    assert mine.ensure(spec("r-2", "2g.20gb", slices=(0,)), None) == kept


@pytest.mark.parametrize("start", [0, 1])
def test_what_others_made_is_left_alone(host, tmp_path, start):
    host.change(gpus=[gpu(0, instances=[instance(7, "2g.20gb", 0)])])
    mine = slices(host, tmp_path)
    with pytest.raises(EngineError, match="made by others: remove it, or cordon"):
        mine.ensure(spec(slices=(start,)), None)
    mine.release("r-1", None)
    assert there(host) == {("GPU-0", "2g.20gb", 0)}


def test_a_place_of_a_replica_that_is_not_gone_is_not_taken(two, tmp_path):
    mine = slices(two, tmp_path)
    mine.ensure(spec("r-1", "2g.20gb", slices=(0,)), None)
    with pytest.raises(EngineError, match="of replica r-1, which is not gone yet"):
        mine.ensure(spec("r-2", slices=(1,)), None)


def test_one_that_was_made_at_that_place_after_a_restart_is_not_ours(two, tmp_path, monkeypatch):
    mine = slices(two, tmp_path)
    mine.ensure(spec(), None)
    (tmp_path / "boot").write_text("another start")
    monkeypatch.setattr(mig, "BOOT_ID", str(tmp_path / "boot"))
    mine.release("r-1", None)
    assert there(two) == {("GPU-0", "1g.10gb", 0)}
    with pytest.raises(EngineError, match="made by others"):
        mine.ensure(spec(), None)


def test_a_place_where_nothing_could_be_made_is_not_ours_whoever_makes_something_there(two, tmp_path):
    mine = slices(two, tmp_path)
    with pytest.raises(EngineError, match="Insufficient Resources"):
        mine.ensure(spec(profile="3g.40gb", slices=(1,)), None)
    two.change(gpus=[gpu(0, instances=[instance(7, "3g.40gb", 1)]), gpu(1)])
    mine.release("r-1", None)
    assert there(two) == {("GPU-0", "3g.40gb", 1)}


def given_back(host, tmp_path):
    """Run what gives a machine back, its folders being those of the test."""
    for program, text in {"docker": "", "iptables": "", "mountpoint": "exit 1"}.items():
        (tmp_path / "bin" / program).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / program).chmod(0o755)
    folder = tmp_path / "var"
    folder.mkdir(exist_ok=True)
    (folder / "claim.json").write_text('{"id": "a-1"}')
    script = scripts.RELEASE.replace("/var/lib/cloudlayer", str(folder)).replace("/run/cloudlayer", str(tmp_path / "run"))
    SimulatedHost.run(host, ["sh", "-s", "--", "a-1", "me"], input=script.encode())


def test_an_inventory_s_machine_is_given_back_without_instances_of_ours_and_with_those_of_others(host, tmp_path, monkeypatch):
    host.is_here = False
    monkeypatch.setattr(mig, "NOTES", str(tmp_path / "var" / "mig"))
    others = instance(1, "2g.20gb", 4)
    host.change(gpus=[gpu(0, instances=[others]), gpu(1)])
    mine = slices(host, tmp_path, ours=False)
    mine.ensure(spec("r-1", "1g.10gb", devices=(0, 1), slices=(0, 6)), None)
    mine.ensure(spec("r-2", "1g.20gb", devices=(0,), slices=(2,)), None)
    mine.release("r-2", None)
    (tmp_path / "var" / "models").mkdir()
    (tmp_path / "var" / "models" / "weights").write_text("secret")
    given_back(host, tmp_path)
    assert there(host) == {("GPU-0", "2g.20gb", 4)}
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["lock"]


def test_instances_of_before_a_machine_s_last_start_are_not_removed_when_it_is_given_back(host, tmp_path, monkeypatch):
    host.is_here = False
    monkeypatch.setattr(mig, "NOTES", str(tmp_path / "var" / "mig"))
    host.change(gpus=[gpu(0)])
    slices(host, tmp_path, ours=False).ensure(spec(), None)
    note = tmp_path / "var" / "mig" / "GPU-0.0"
    note.write_text(note.read_text().replace(Path(mig.BOOT_ID).read_text().strip(), "another-start"))
    given_back(host, tmp_path)
    assert there(host) == {("GPU-0", "1g.10gb", 0)}
    assert not note.exists()


class Died(BaseException):
    """The controller's process ended here."""


@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_controller_dies_the_next_one_finds_one_instance_and_leaves_none(two, tmp_path, monkeypatch, at, after):
    plain, calls = two.run, []

    def dying(command, **options):
        calls.append(command)
        if len(calls) == at and not after:
            raise Died
        said = plain(command, **options)
        if len(calls) == at:
            raise Died
        return said

    with monkeypatch.context() as patch, suppress(Died):
        patch.setattr(two, "run", dying)
        slices(two, tmp_path).ensure(spec(devices=(0, 1), slices=(0, 3)), None)
    found = slices(two, tmp_path).ensure(spec(devices=(0, 1), slices=(0, 3)), None)
    assert there(two) == {("GPU-0", "1g.10gb", 0), ("GPU-1", "1g.10gb", 3)}
    assert all(found)
    slices(two, tmp_path).release("r-1", None)
    assert there(two) == set()


def test_an_instance_that_a_crash_left_without_its_compute_instance_is_completed(two, tmp_path):
    mine = slices(two, tmp_path)
    mine.ensure(spec(), None)
    file = tmp_path / "mig" / "GPU-0.0"
    file.write_text(json.dumps({**json.loads(file.read_text()), "uuid": ""}))
    two.change(gpus=[gpu(0, instances=[instance(1, "1g.10gb", 0, whole=False)]), gpu(1)])
    assert mine.ensure(spec(), None) == ("MIG-GPU-0-1",)


def test_mig_mode_is_switched_on_where_the_machine_is_ours_and_the_gpu_idle(host, tmp_path):
    host.change(gpus=[gpu(0, OFF)])
    assert slices(host, tmp_path).ensure(spec(), None) == ("MIG-GPU-0-1",)
    assert host.read()["gpus"][0]["mig"] == ON


@pytest.mark.parametrize(
    ("fields", "ours", "message"),
    [
        ({}, False, "not ours to set up"),
        ({"reset": True}, True, "takes a reset of the GPU, which is yours"),
        ({"busy": True}, True, "while something runs on it"),
        ({"mig": "[N/A]"}, True, "has no MIG mode"),
    ],
)
def test_mig_mode_stays_off_where_it_is_not_for_us_to_switch(host, tmp_path, fields, ours, message):
    busy = [{"pid": 1, "uuid": "GPU-0", "used": 9, "state": "running"}] if fields.pop("busy", False) else []
    host.change(gpus=[{**gpu(0, OFF), **fields}], processes=busy)
    with pytest.raises(EngineError, match=message):
        slices(host, tmp_path, ours=ours).ensure(spec(), None)
    assert host.read()["gpus"][0]["mig"] != ON
    assert there(host) == set()


def test_who_takes_the_device_whole_gets_it_back_from_mig_mode_that_we_switched_on(host, tmp_path):
    host.change(gpus=[gpu(0, OFF), gpu(1)])
    mine = slices(host, tmp_path)
    mine.ensure(spec("r-1"), None)
    with pytest.raises(EngineError, match="cannot be had whole"):
        mine.ensure(spec("r-2", None), None)
    mine.release("r-1", None)
    assert mine.ensure(spec("r-2", None, devices=(0, 1)), None) == ()
    assert [each["mig"] for each in host.read()["gpus"]] == [OFF, ON]


def test_a_profile_that_the_device_has_not_is_told_with_those_that_it_has(two, tmp_path):
    with pytest.raises(EngineError, match=r"no MIG profile 1g.5gb: it offers 1g.10gb, 1g.20gb"):
        slices(two, tmp_path).ensure(spec(profile="1g.5gb"), None)
    with pytest.raises(EngineError, match="Insufficient Resources"):
        slices(two, tmp_path).ensure(spec(profile="3g.40gb", slices=(1,)), None)


NO_MODES = "boot\n=====\nx\n=====\n\n=====\n\n=====\n<a/>"
NO_TABLE = "boot\n=====\n0, GPU-0, Enabled\n=====\n?\n=====\n\n=====\n<a/>"
NO_DOCUMENT = "boot\n=====\n0, GPU-0, Enabled\n=====\nNot Found\n=====\n\n=====\nx"


@pytest.mark.parametrize("text", ["", NO_MODES, NO_TABLE, NO_DOCUMENT])
def test_what_is_not_understood_is_quoted(text):
    with pytest.raises(EngineError, match="nvidia-smi"):
        mig.parse(text)


STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([*PLACES, None]), st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=6
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_in_any_order_what_is_there_is_what_replicas_have_and_what_others_made(host, tmp_path_factory, steps):
    foreign = instance(9, "1g.10gb", 6)
    host.change(gpus=[gpu(0), gpu(1, instances=[foreign])])
    mine, have = slices(host, tmp_path_factory.mktemp("mig")), {}
    for number, profile, device, start in steps:
        name = f"r-{number}"
        if profile is None:
            mine.release(name, None)
            have.pop(name, None)
        elif name not in have:
            try:
                mine.ensure(spec(name, profile, (device,), (start,)), None)
            except EngineError:
                mine.release(name, None)
            else:
                have[name] = (f"GPU-{device}", profile, start)
        assert there(host) == {*have.values(), ("GPU-1", "1g.10gb", 6)}
