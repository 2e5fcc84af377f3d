"""A controller that dies at any instruction leaves nothing that the next one cannot see, adopt or end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import pytest

from cloudlayer.interfaces import Deadline, ReplicaExit, ReplicaState
from cloudlayer.runtime import process
from cloudlayer.runtime.process.record import Records
from tests.runtime.functions import post, until

pytestmark = pytest.mark.crashes
OURS = str(Path(process.__file__).parent)


def _die_at(point: int, log: int | None) -> Callable[[FrameType, str, Any], None]:
    """A profiler that ends the process at the `point`th new place: a call or return of one of the engine's functions."""
    seen: set[tuple[str, str]] = set()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event not in ("call", "return") or not frame.f_code.co_filename.startswith(OURS):
            return
        place = (frame.f_code.co_qualname, event)
        if place in seen:
            return
        seen.add(place)
        if log is not None:
            os.write(log, b".")
        if len(seen) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return profile


def _controller(act: Callable[[], None], point: int) -> int:
    """Run `act` in a process that is killed at that place; how many places it passed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            sys.setprofile(_die_at(point, writing))
            act()
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    passed = 0
    while piece := os.read(reading, 65536):
        passed += len(piece)
    os.close(reading)
    return passed


def _only_replicas_are_left(host, records: Records) -> None:
    """Warm parents and children that waited end by themselves once their engine is gone."""
    until(
        lambda: (
            {one.pid for one in host.processes()} <= {life.holder for one in records.all() if (life := records.life(one.id))}
        )
    )


@pytest.mark.parametrize(("fork", "first"), [("1", 1), ("1", 7), ("0", 1)])
def test_killed_anywhere_in_a_start_the_next_start_gets_one_process_and_stop_leaves_none(
    host, monkeypatch, fork, first
) -> None:
    monkeypatch.setenv("CLOUDLAYER_FORK", fork)
    records, killed = Records(host.context.folder), 0
    point, passed = first, first
    while point == passed:
        spec = host.spec()

        def act(spec=spec) -> None:
            engine = host.engine()
            engine.start(spec)
            engine.wait(spec.id, deadline=Deadline.after(10))

        if (passed := _controller(act, point)) == point:
            killed += 1
        _only_replicas_are_left(host, records)
        assert len(host.processes()) <= 1
        engine = host.engine()
        status = host.run(engine, spec)
        assert status.state is ReplicaState.READY
        assert post(status.address, 1) == (200, 1)
        engine.stop(spec.id)
        engine.close()
        assert [one for one in host.processes() if one.pid == int(status.handle)] == []
        assert list(records.all()) == []
        point, passed = point + 13, passed + 13
    assert killed > 5


def test_killed_anywhere_in_a_stop_the_next_stop_leaves_nothing(host) -> None:
    records, killed = Records(host.context.folder), 0
    point, passed = 1, 1
    while point == passed:
        spec = host.spec()
        engine = host.engine()
        host.run(engine, spec)
        engine.close()
        if (passed := _controller(lambda spec=spec: host.engine().stop(spec.id), point)) == point:
            killed += 1
        last = host.engine()
        if last._records.ended(spec.id):
            assert last.start(spec).exit is ReplicaExit.STOPPED or last.get(spec.id)
        last.stop(spec.id)
        assert list(records.all()) == []
        until(lambda: host.processes() == [])
        assert last.start(spec).exit is ReplicaExit.STOPPED
        last.close()
        point, passed = point + 3, passed + 3
    assert killed > 10


def test_a_controller_killed_by_force_leaves_replicas_alone_which_the_next_adopts_and_stops(host) -> None:
    specs = [host.spec(), host.spec("import os\ndef apply(input):\n    os._exit(4)\n")]
    pid = os.fork()
    if pid == 0:
        engine = host.engine()
        for spec in specs:
            host.run(engine, spec)
        signal.pause()
    records = Records(host.context.folder)
    until(lambda: [life for spec in specs if (life := records.life(spec.id)) and "ready" in life.events][1:])
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    _only_replicas_are_left(host, records)
    engine = host.engine()
    statuses = engine.list()
    assert sorted(one.id for one in statuses) == sorted(spec.id for spec in specs)
    assert {one.state for one in statuses} == {ReplicaState.READY}
    adopted = engine.wait(specs[0].id, deadline=Deadline.after(5))
    assert post(adopted.address, 7) == (200, 7)
    assert engine.start(specs[0]).handle == adopted.handle
    with pytest.raises(OSError):
        post(engine.get(specs[1].id).address)
    assert host.until_ended(engine, specs[1].id).exit is ReplicaExit.CRASHED
    for spec in specs:
        engine.stop(spec.id)
    assert host.processes() == []


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_replica(host, engine) -> None:
    spec = host.spec()
    status = host.run(engine, spec)
    os.kill(int(status.handle), signal.SIGKILL)
    host.until_ended(engine, spec.id)
    state = host.context.folder / spec.id / "state"
    state.write_text(state.read_text().replace(status.handle, str(os.getpid())))
    (state.parent / "end.json").unlink()
    assert host.engine().get(spec.id).state is ReplicaState.EXITED
    host.engine().stop(spec.id)
    assert psutil.pid_exists(os.getpid())
