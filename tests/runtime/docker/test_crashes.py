"""A controller that dies at any of its calls leaves nothing that the next one does not take over."""

import pytest

from cloudlayer.interfaces import Deadline, ReplicaExit, ReplicaState
from cloudlayer.runtime.docker.daemon import Daemon


class Killed(BaseException):
    """The controller dies here; being no Exception, it meets no handler."""


@pytest.fixture
def kill_at(monkeypatch):
    """Let the controller die before or after its call number N; counts the calls when N is never reached."""
    original, state = Daemon.call, {}

    def counted(self, doing, method, *arguments, **options):
        state["calls"] += 1
        if state["calls"] == state["at"] and not state["after"]:
            raise Killed
        answer = original(self, doing, method, *arguments, **options)
        if state["calls"] == state["at"]:
            raise Killed
        return answer

    def arm(at, after=False):
        state.update(calls=0, at=at, after=after)
        return state

    arm(0)
    monkeypatch.setattr(Daemon, "call", counted)
    return arm


def test_a_start_that_is_killed_at_any_call_is_taken_over(fleet, engine, kill_at):
    engine.prepare(fleet.spec())
    counter = kill_at(0)
    engine.start(fleet.spec())
    last = counter["calls"]
    # Before a call is after the one before it, with the mark that announces it.
    for number, after in [*((number, False) for number in range(1, last + 1)), (last, True)]:
        spec = fleet.spec()
        kill_at(number, after)
        with pytest.raises(Killed):
            engine.start(spec)
        kill_at(0)
        heir = fleet.engine()
        started = heir.start(spec)
        assert started.state in (ReplicaState.STARTING, ReplicaState.READY)
        assert heir.start(spec).handle == started.handle
        heir.stop(spec.id, grace=0)


def test_a_stop_that_is_killed_at_any_call_is_finished_by_the_next(fleet, engine, kill_at):
    for number, after in ((1, False), (2, False), (3, False), (3, True)):
        spec = fleet.spec()
        engine.start(spec)
        kill_at(number, after)
        with pytest.raises(Killed):
            engine.stop(spec.id, grace=0)
        kill_at(0)
        heir = fleet.engine()
        assert heir.start(spec).exit is ReplicaExit.STOPPED
        heir.stop(spec.id, grace=0)
        assert heir.get(spec.id) is None


def test_a_container_that_was_made_and_never_started_is_started_by_the_next(fleet, engine, monkeypatch):
    spec = fleet.spec()
    monkeypatch.setattr(type(engine), "_run", dies)
    with pytest.raises(Killed):
        engine.start(spec)
    monkeypatch.undo()
    assert engine.get(spec.id).state is ReplicaState.STARTING
    monkeypatch.setenv("CLOUDLAYER_BASE_IMAGE", "cloudlayer/base:local")
    fleet.engine().start(spec)
    assert engine.wait(spec.id, deadline=Deadline.after(20)).state is ReplicaState.READY


def dies(*_):
    raise Killed


def test_a_network_that_vanishes_under_a_start_is_made_again(fleet, engine, monkeypatch):
    spec, other = fleet.spec(), fleet.engine()
    engine.prepare(spec)
    original = type(engine)._run

    def late(self, spec, container):
        other._networks.remove_unused()
        return original(self, spec, container)

    monkeypatch.setattr(type(engine), "_run", late)
    engine.start(spec)
    assert engine.wait(spec.id, deadline=Deadline.after(20)).state is ReplicaState.READY
