"""A replica that takes more of a GPU than its share is ended and told why; its neighbour lives on."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline, ReplicaExit, ReplicaState
from cloudlayer.runtime.gpu import multi_process
from tests.runtime.gpu.conftest import SimulatedHost

MIB = 1024**2


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """The simulated driver, in the place of this host's."""
    made = SimulatedHost(tmp_path)
    made.change(gpus=[{"uuid": "GPU-0", "model": "L4", "memory": 23034}])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return made


def process_of(engine, id):
    """A process of the replica's container, as this host counts: the engine may stand in a namespace of its own."""
    container = engine._replicas.inspect(id)["Id"]
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if container in (folder / "cgroup").read_text():
                return int(folder.name)
    raise AssertionError(f"{container} has no process")


def test_the_one_that_exceeds_its_share_is_ended_and_its_neighbour_lives_on(fleet, engine, gpus):
    greedy, modest = fleet.spec(gpu_memory=1000 * MIB), fleet.spec(gpu_memory=1000 * MIB)
    for spec in (greedy, modest):
        engine.start(spec)
        assert engine.wait(spec.id, deadline=Deadline.after(20)).state is ReplicaState.READY
    # Devices are not handed in, since there are none: whatever is held of one is more than the share.
    gpus.change(processes=[{"pid": process_of(engine, greedy.id), "uuid": "GPU-0", "used": 1500, "state": "running"}])
    ended = fleet.until_ended(engine, greedy.id)
    assert ended.exit is ReplicaExit.OUT_OF_GPU_MEMORY
    assert ended.message == "it held more than its share of a GPU's memory, 1000 MiB of each of its devices"
    assert engine.get(modest.id).state is ReplicaState.READY


def test_another_controller_goes_on_watching(fleet, engine, gpus):
    status = fleet.ready(engine, gpu_memory=1000 * MIB)
    engine.close()
    other = fleet.engine()
    assert [one.id for one in other.list()] == [status.id]
    gpus.change(processes=[{"pid": process_of(other, status.id), "uuid": "GPU-0", "used": 1500, "state": "running"}])
    assert fleet.until_ended(other, status.id).exit is ReplicaExit.OUT_OF_GPU_MEMORY


def test_the_reason_that_a_full_disk_refuses_spares_nobody(fleet, engine, gpus, monkeypatch):
    status = fleet.ready(engine, gpu_memory=1000 * MIB)

    def full(record, mark):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cloudlayer.runtime.docker.records.Record.write", full)
    gpus.change(processes=[{"pid": process_of(engine, status.id), "uuid": "GPU-0", "used": 1500, "state": "running"}])
    fleet.until_ended(engine, status.id)
    monkeypatch.undo()


def limits(engine, id):
    form = engine._replicas.inspect(id)["HostConfig"]
    return form["Memory"], form["MemorySwap"]


def test_what_is_moved_off_has_room_in_memory_until_it_is_back(fleet, engine, gpus):
    status = fleet.ready(engine)  # whole devices: nobody watches what it holds
    own, _ = limits(engine, status.id)
    (inside, *_) = engine._gpus._processes(engine._replicas.inspect(status.id)["Id"])
    pid = process_of(engine, status.id)
    gpus.change(processes=[{"pid": each, "uuid": "GPU-0", "used": 700, "state": "running"} for each in {pid, inside}])
    held = 700 * MIB
    engine.move_off(status.id)
    assert limits(engine, status.id) == (own + held, own + held)
    engine.move_off(status.id)
    assert limits(engine, status.id) == (own + held, own + held)
    engine.bring_back(status.id)
    assert limits(engine, status.id) == (own, own)


def test_a_replica_that_cannot_start_on_its_mig_instance_leaves_none_once_it_is_stopped(fleet, engine, gpus):
    device = {"uuid": "GPU-0", "model": "NVIDIA H100 80GB HBM3", "memory": 81559, "mig": "Enabled"}
    gpus.change(gpus=[device])
    spec = fleet.spec(devices=(0,), gpu_profile="1g.10gb", slices=(2,))
    # No GPUs can be handed to containers here: the instance is made, and the start fails.
    with pytest.raises(EngineError, match="GPUs cannot be handed to containers here"):
        engine.start(spec)
    (made,) = gpus.read()["gpus"][0]["instances"]
    assert (made["profile"], made["start"]) == ("1g.10gb", 2)
    fleet.engine().stop(spec.id)
    assert gpus.read()["gpus"][0]["instances"] == []


def test_who_shares_a_gpus_compute_shares_memory_in_a_folder_of_its_own(fleet, engine, tmp_path, monkeypatch):
    for name in ("FOLDER", "SHARED"):
        place = tmp_path / name.lower()
        place.mkdir()
        place.chmod(0o777)
        monkeypatch.setattr(multi_process, name, str(place))
    monkeypatch.setattr(multi_process, "ensure", lambda *_, **__: None)
    one, other = fleet.ready(engine, gpu_compute=250), fleet.ready(engine, gpu_compute=250)
    fleet.look(one, "open('/dev/shm/shared', 'w').write('seen')")
    assert fleet.look(other, "result = open('/dev/shm/shared').read()") == "seen"
    assert (tmp_path / "shared" / "shared").read_text() == "seen"
    apart = fleet.ready(engine)
    assert fleet.look(apart, "import os; result = os.path.exists('/dev/shm/shared')") is False
