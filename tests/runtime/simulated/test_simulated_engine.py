"""Simulated replicas start once, end for good, and vanish with their machine."""

from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer.errors import InvalidSpec, TransientError
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaExit, ReplicaSpec, ReplicaState
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec
from cloudlayer.runtime.registry import connect_engine
from cloudlayer.units import GIB


@pytest.fixture
def world():
    return World()


@pytest.fixture
def provider(world):
    return world.connect()


@pytest.fixture
def machine(provider):
    spec = InstanceSpec(machine_type="cpu-8", purchase="spot")
    return provider.compute.wait(provider.compute.create(spec, token=str(uuid4())), "running")


@pytest.fixture
def engine(provider, machine):
    return provider.engine("simulated", machine)


def replica(function="nlp/Words", **fields):
    return ReplicaSpec(id=str(uuid4()), function=function, version="1.0.0", cpu=1, memory=GIB, **fields)


def test_a_replica_starts_and_is_ready(world, engine, machine):
    spec = replica(labels={"fleet": "f"}, devices=(0,))
    engine.prepare(spec)
    started = engine.start(spec)
    assert (started.id, started.state, started.address, started.labels) == (spec.id, ReplicaState.READY, None, {"fleet": "f"})
    (found,) = world.replicas()
    assert (found.id, found.machine, found.function, found.devices) == (spec.id, machine.id, "nlp/Words", (0,))


def test_an_id_runs_once_however_often_it_is_started(world, engine):
    spec = replica()
    assert engine.start(spec) == engine.start(spec) == engine.get(spec.id)
    assert len(world.replicas()) == 1


def test_what_was_stopped_never_runs_again(world, engine):
    spec = replica()
    engine.start(spec)
    engine.stop(spec.id)
    assert engine.get(spec.id) is None
    again = engine.start(spec)
    assert (again.state, again.exit) == (ReplicaState.EXITED, ReplicaExit.STOPPED)
    assert world.replicas() == []


def test_a_stop_that_comes_before_the_start_holds(world, engine):
    spec = replica()
    engine.stop(spec.id)
    assert engine.start(spec).state is ReplicaState.EXITED
    assert world.replicas() == []


def test_what_ended_by_itself_never_runs_again(world, engine):
    spec = replica()
    engine.start(spec)
    world.end_replica(spec.id, ReplicaExit.OUT_OF_MEMORY)
    again = engine.start(spec)
    assert (again.state, again.exit) == (ReplicaState.EXITED, ReplicaExit.OUT_OF_MEMORY)
    assert [found.id for found in engine.list()] == [spec.id]


def test_being_ready_takes_the_worlds_time(world, engine):
    world.set(replica_seconds=3.0)
    spec = replica()
    assert engine.start(spec).state is ReplicaState.STARTING
    world.advance(2)
    assert engine.get(spec.id).state is ReplicaState.STARTING
    assert engine.wait(spec.id, deadline=Deadline.after(60, world.clock)).state is ReplicaState.READY


def test_waiting_with_this_machines_clock_passes_the_worlds_time(world, engine):
    world.set(replica_seconds=3600.0)
    spec = replica()
    engine.start(spec)
    assert engine.wait(spec.id, deadline=Deadline.after(5000)).state is ReplicaState.READY


def test_waiting_ends_with_the_deadline(world, engine):
    world.inject(Fault("hangs"))
    spec = replica()
    engine.start(spec)
    assert engine.wait(spec.id, deadline=Deadline.after(5, world.clock)).state is ReplicaState.STARTING
    assert engine.wait(spec.id, deadline=Deadline.after(0.05)).state is ReplicaState.STARTING


def test_waiting_for_what_is_not_there_ends_at_once(world, engine):
    assert engine.wait("none", deadline=Deadline.after(1000)).state is ReplicaState.EXITED


@pytest.mark.parametrize(
    ("effect", "seconds", "ready_first"),
    [("crashed", 5, True), ("out_of_memory", 5, True), ("failed_to_load", 5, False), ("failed_to_load", 0, False)],
)
def test_a_replica_ends_as_it_is_told_to(world, engine, effect, seconds, ready_first):
    world.inject(Fault(effect, function="nlp/Words", seconds=seconds))
    other, spec = replica("nlp/Other"), replica()
    engine.start(other)
    started = engine.start(spec)
    assert (started.state is ReplicaState.READY) == ready_first
    world.advance(seconds)
    ended = engine.get(spec.id)
    assert (ended.state, ended.exit) == (ReplicaState.EXITED, ReplicaExit(effect))
    assert engine.get(other.id).state is ReplicaState.READY
    assert any(effect in line.text for line in engine.logs(spec.id))


def test_lists_are_by_labels(engine):
    one, two = replica(labels={"a": "1", "b": "2"}), replica(labels={"a": "1"})
    engine.start(one)
    engine.start(two)
    assert [found.id for found in engine.list({"a": "1", "b": "2"})] == [one.id]
    assert len(engine.list({"a": "1"})) == len(engine.list()) == 2


def test_replicas_of_one_machine_are_not_those_of_another(provider, engine):
    other = provider.compute.create(InstanceSpec(machine_type="cpu-2"), token=str(uuid4()))
    provider.compute.wait(other, "running")
    engine.start(replica())
    assert provider.engine("simulated", other).list() == []


def test_a_machine_that_boots_cannot_be_reached(provider):
    made = provider.compute.create(InstanceSpec(machine_type="cpu-2"), token=str(uuid4()))
    booting = provider.engine("simulated", made)
    for call in (lambda: booting.start(replica()), booting.list, lambda: booting.get("x"), lambda: booting.stop("x")):
        with pytest.raises(TransientError, match="not running"):
            call()


@pytest.mark.parametrize("end", ["delete", "interrupt"])
def test_replicas_vanish_with_their_machine(world, provider, engine, machine, end):
    spec = replica()
    engine.start(spec)
    if end == "delete":
        provider.compute.delete([machine.id])
    else:
        world.interrupt(machine.id, after=60)
        assert len(world.replicas()) == 1
        world.advance(60)
    assert world.replicas() == engine.list() == []
    assert engine.get(spec.id) is None
    engine.stop(spec.id)
    with pytest.raises(TransientError):
        engine.start(spec)


@pytest.mark.parametrize("restart", ["reboot", "stop and start"])
def test_a_restart_of_the_machine_ends_its_replicas(world, provider, engine, machine, restart):
    spec = replica()
    engine.start(spec)
    world.advance(1)
    if restart == "reboot":
        provider.compute.reboot(machine.id)
    else:
        provider.compute.stop(machine.id)
        assert world.replicas() == []
        provider.compute.wait(machine, "stopped")
        provider.compute.start(machine.id)
        provider.compute.wait(machine, "running")
    assert engine.get(spec.id).exit is ReplicaExit.CRASHED
    assert engine.start(spec).state is ReplicaState.EXITED
    assert engine.start(replica()).state is ReplicaState.READY


def test_calls_of_the_engine_fail_as_told_and_are_in_the_journal(world, engine):
    world.inject(Fault("lost", call="engine.start"), Fault("refused", call="engine.stop"))
    spec = replica()
    with pytest.raises(TransientError):
        engine.start(spec)
    assert [found.id for found in world.replicas()] == [spec.id]
    with pytest.raises(TransientError):
        engine.stop(spec.id)
    engine.stop(spec.id)
    assert [entry["outcome"] for entry in world.journal("engine.stop")] == ["TransientError", "ok"]


def test_a_call_whose_time_is_up_does_nothing(world, engine):
    with pytest.raises(TransientError):
        engine.start(replica(), deadline=Deadline.after(0))
    assert world.replicas() == []


def test_the_environment_is_kept_nowhere(tmp_path):
    engine = connect_engine("simulated", MachineContext("m", tmp_path / "m", tmp_path / "cache"))
    engine.start(replica(environment={"TOKEN": "hunter2"}))
    assert not [path for path in (tmp_path / "m").iterdir() if "hunter2" in path.read_text()]


def test_as_a_plug_in_it_needs_no_cloud(tmp_path):
    context = MachineContext("m", tmp_path / "m", tmp_path / "cache")
    spec = replica()
    assert connect_engine("simulated", context).start(spec).state is ReplicaState.READY
    assert [found.id for found in connect_engine("simulated", context).list()] == [spec.id]


def test_as_a_plug_in_it_finds_the_world_that_its_machine_was_bought_in(tmp_path):
    file = tmp_path / "world.json"
    provider = World(file, boot_seconds=0).connect()
    made = provider.compute.create(InstanceSpec(machine_type="cpu-2"), token=str(uuid4()))
    spec = replica()
    connect_engine("simulated", MachineContext(made.id, Path(file), tmp_path / "cache")).start(spec)
    assert [found.id for found in World(file).replicas()] == [spec.id]


def test_ending_a_replica_that_is_not_there_is_refused(world):
    with pytest.raises(InvalidSpec, match="no replica"):
        world.end_replica("none")
