"""Machines of this host: records that survive, replicas that end with them, devices that are shared by nobody."""

import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

import cloudlayer
from cloudlayer.errors import (
    CapacityError,
    Conflict,
    EngineError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    TransientError,
    Unsupported,
)
from cloudlayer.interfaces import ReplicaSpec, ReplicaState
from cloudlayer.providers.local import state_folder
from cloudlayer.providers.local.host import GpuDevice, HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import Instance, InstanceSpec, InstanceState
from cloudlayer.runtime.simulated import SimulatedEngine
from cloudlayer.units import GIB

HOST = HostFigures(
    millicores=8000,
    memory=32 * GIB,
    disk=64 * GIB,
    devices=(GpuDevice(0, "GPU-a", "L4", 24 * GIB), GpuDevice(1, "GPU-b", "L4", 24 * GIB)),
)
QUARTER = InstanceSpec(machine_type="quarter")


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def provider(state):
    return LocalProvider(state, lambda: HOST)


def token():
    return str(uuid4())


def replica(**fields):
    return ReplicaSpec(id=token(), function="a/B", version="1.0.0", cpu=0.5, memory=GIB, **fields)


def offered(provider):
    return {offer.machine_type.name: offer.available for offer in provider.compute.offers()}


def test_what_is_available_is_what_the_others_left(state, provider):
    assert offered(provider)["quarter"] == 4
    LocalProvider(state, lambda: HOST).compute.create(QUARTER, token=token())
    found = offered(provider)
    assert (found["whole"], found["half"], found["quarter"], found["eighth"]) == (0, 1, 3, 6)


def test_a_full_host_is_a_lack_of_capacity_for_those_that_do_not_fit(provider):
    answers = provider.compute.create_batch([QUARTER] * 5, token=token())
    assert [isinstance(answer, Instance) for answer in answers] == [True] * 4 + [False]
    assert isinstance(answers[4], CapacityError)


def test_machines_that_are_made_at_once_never_take_more_than_there_is(state):
    def create(_):
        return LocalProvider(state, lambda: HOST).compute.create_batch([QUARTER, QUARTER], token=token())

    with ThreadPoolExecutor(4) as threads:
        answers = [answer for batch in threads.map(create, range(4)) for answer in batch]
    assert sum(isinstance(answer, Instance) for answer in answers) == 4


def test_a_device_belongs_to_one_machine_at_a_time(provider):
    spec = InstanceSpec(machine_type="eighth-1xL4")
    first, second = (provider.compute.create(spec, token=token()) for _ in range(2))
    with pytest.raises(CapacityError):
        provider.compute.create(spec, token=token())
    held = [provider.compute.records.machine(machine.id).devices for machine in (first, second)]
    assert sorted(held) == [("GPU-a",), ("GPU-b",)]
    provider.compute.delete([first.id])
    assert isinstance(provider.compute.create(spec, token=token()), Instance)


def test_replicas_count_the_devices_of_their_machine_and_engines_those_of_the_host(provider, monkeypatch):
    started = []
    monkeypatch.setattr(SimulatedEngine, "start", lambda self, spec, deadline=None: started.append(spec.devices))
    spec = InstanceSpec(machine_type="eighth-1xL4")
    machines = [provider.compute.create(spec, token=token()) for _ in range(2)]
    for machine in machines:
        provider.engine("simulated", machine).start(replica(devices=(0,)))
    assert sorted(started) == [(0,), (1,)]


def test_gpus_are_asked_for_by_model_and_memory(provider):
    found = provider.compute.create(InstanceSpec(gpu="L4", gpu_memory=20 * GIB), token=token())
    assert found.machine_type == "sixteenth-1xL4" or found.machine_type.endswith("-1xL4")
    with pytest.raises(InvalidSpec):
        provider.compute.create(InstanceSpec(gpu="H100"), token=token())


def test_machines_survive_whoever_made_them(state, provider):
    made = provider.compute.create(InstanceSpec(machine_type="half", name="one", labels={"a": "b"}), token=token())
    assert LocalProvider(state, lambda: HOST).compute.get(made.id) == made


def test_deleting_a_machine_stops_its_replicas_and_leaves_nothing(state, provider):
    made = provider.compute.create(QUARTER, token=token())
    engine = provider.engine("simulated", made)
    engine.start(replica())
    assert [found.state for found in engine.list()] == [ReplicaState.READY]
    provider.compute.delete([made.id])
    assert list((state / "machines").iterdir()) == []
    with pytest.raises(NotFound):
        provider.compute.get(made.id)


def test_deleting_an_empty_machine_is_quick(provider):
    best = 1.0
    for _ in range(5):
        made = provider.compute.create(QUARTER, token=token())
        began = time.perf_counter()
        provider.compute.delete([made.id])
        best = min(best, time.perf_counter() - began)
    assert best < 0.05


def test_a_machine_whose_engine_cannot_be_reached_stays_until_it_can(provider, monkeypatch):
    made = provider.compute.create(QUARTER, token=token())
    provider.engine("simulated", made)

    def unreachable(self, labels=None, *, deadline=None):
        raise EngineError("its daemon does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(SimulatedEngine, "list", unreachable)
        with pytest.raises(TransientError, match="daemon"):
            provider.compute.delete([made.id])
        assert [found.state for found in provider.compute.list()] == [InstanceState.DELETING]
    assert provider.compute.list() == []


def test_stopping_ends_the_replicas_and_keeps_the_share(provider):
    made = provider.compute.create(QUARTER, token=token())
    engine = provider.engine("simulated", made)
    engine.start(replica())
    provider.compute.stop(made.id)
    assert provider.compute.get(made.id).state is InstanceState.STOPPED
    assert engine.list() == []
    assert offered(provider)["quarter"] == 3
    provider.compute.start(made.id)
    assert provider.compute.get(made.id).state is InstanceState.RUNNING


def test_no_engine_runs_on_a_machine_that_is_stopped(provider):
    made = provider.compute.create(QUARTER, token=token())
    provider.compute.stop(made.id)
    with pytest.raises(TransientError):
        provider.engine("simulated", made)


def test_no_engine_runs_on_a_machine_that_is_gone(provider):
    made = provider.compute.create(QUARTER, token=token())
    provider.compute.delete([made.id])
    with pytest.raises(NotFound):
        provider.engine("simulated", made)


def test_a_reboot_ends_the_replicas(provider):
    made = provider.compute.create(QUARTER, token=token())
    engine = provider.engine("simulated", made)
    engine.start(replica())
    provider.compute.reboot(made.id)
    assert engine.list() == []
    assert provider.compute.get(made.id).state is InstanceState.RUNNING


def test_a_machine_grows_only_into_what_is_free(provider):
    grown, other = (provider.compute.create(QUARTER, token=token()) for _ in range(2))
    with pytest.raises(Conflict):
        provider.compute.resize(grown.id, "half")
    provider.compute.stop(grown.id)
    with pytest.raises(CapacityError):
        provider.compute.resize(grown.id, "whole")
    provider.compute.resize(grown.id, "half")
    assert provider.compute.get(grown.id).machine_type == "half"
    assert offered(provider)["quarter"] == 1
    assert provider.compute.get(other.id).machine_type == "quarter"


def test_records_are_not_for_replicas_to_read_but_their_folders_may_be_passed(state, provider):
    made = provider.compute.create(QUARTER, token=token())
    provider.engine("simulated", made)
    folder = state / "machines" / made.id

    def mode(path):
        return stat.S_IMODE(path.stat().st_mode)

    assert {mode(path) for path in (state, state / "machines", folder, folder / "simulated")} == {0o711}
    assert mode(folder / "machine.json") == 0o600


def test_an_engine_that_is_not_there_is_unsupported_with_the_mend(state, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    provider = LocalProvider(state, lambda: HOST)
    made = provider.compute.create(QUARTER, token=token())
    with pytest.raises(Unsupported, match="install and start"):
        provider.engine("docker", made)
    with pytest.raises(Unsupported):
        provider.engine("no-such-engine", made)


def test_an_id_is_no_path(provider):
    with pytest.raises(NotFound):
        provider.compute.get("../machines")
    provider.compute.delete(["../..", "/etc", ""])


def test_a_state_folder_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    provider = LocalProvider(tmp_path / "file" / "state", lambda: HOST)
    with pytest.raises((PermissionDenied, TransientError), match="file"):
        provider.compute.create(QUARTER, token=token())
    assert any("CLOUDLAYER_LOCAL_STATE" in line for line in provider.check())


def test_the_folder_is_an_option_or_an_environment_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDLAYER_LOCAL_STATE", str(tmp_path / "named"))
    assert state_folder() == tmp_path / "named"
    assert state_folder(str(tmp_path / "given")) == tmp_path / "given"
    monkeypatch.delenv("CLOUDLAYER_LOCAL_STATE")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/someone")
    assert str(state_folder()) == "/home/someone/.local/state/cloudlayer"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert str(state_folder()) == "/var/lib/cloudlayer"


@pytest.mark.parametrize(("region", "options"), [("there", {}), ("here", {"stat": "x"}), (None, {"state": 1})])
def test_a_wrong_region_or_option_is_refused(region, options):
    with pytest.raises(InvalidSpec, match="local"):
        cloudlayer.connect("local", region=region, **options)


def test_machines_of_this_host_need_a_controller(provider):
    assert provider.keeps_machines is False


def test_connecting_loads_neither_docker_nor_nvml(state):
    script = f"""
import sys, cloudlayer
cloudlayer.connect("local", state={str(state)!r})
print([name for name in ("docker", "pynvml", "sqlalchemy", "aiohttp", "numpy") if name in sys.modules])
"""
    import subprocess

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
