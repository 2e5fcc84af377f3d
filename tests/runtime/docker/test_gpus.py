"""A replica that takes more of a GPU than its share is ended and told why; its neighbour lives on."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from cloudlayer.interfaces import Deadline, ReplicaExit, ReplicaState
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
