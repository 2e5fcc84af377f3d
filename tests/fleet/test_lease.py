"""One controller at a time: one that slept past its lease writes nothing, one that died is replaced at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cloudlayer.errors import LeaseLost
from cloudlayer.fleet.store import Database, Event, Lease, Store, writes
from cloudlayer.interfaces import SystemClock
from tests.fleet.controllers import FLEET, Place, manifest, reconcile, want


def _lease(place: Place, ttl: float = 60.0) -> Lease:
    return Lease(Database(place.home.store_url), FLEET, place.home.locks, SystemClock(), ttl)


def _note(lease: Lease, message: str) -> None:
    with lease.write() as connection:
        writes.add_event(connection, Event(0, FLEET, 0.0, "note", "test", message))


def _notes(place: Place) -> list[str]:
    store = Store(Database(place.home.store_url))
    found = [event.message for event in store.events(FLEET) if event.kind == "note"]
    store.close()
    return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.home.prepare()
    Store(Database(place.home.store_url)).close()
    return place


def test_a_second_controller_is_told_who_has_the_lease(place: Place) -> None:
    first = _lease(place)
    first.acquire("controller 7")
    with pytest.raises(LeaseLost, match="controller 7 acts for fleet"):
        _lease(place).acquire("controller 8")
    _note(first, "still mine")
    assert _notes(place) == ["still mine"]


def test_a_killed_controller_is_replaced_at_once(place: Place) -> None:
    held, hold = os.pipe()
    child = os.fork()
    if child == 0:
        lease = _lease(place)
        lease.acquire("child")
        os.write(hold, b"held")
        signal.pause()
        os._exit(int(lease.epoch))
    assert os.read(held, 10) == b"held"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    successor = _lease(place)
    successor.acquire("successor")
    assert successor.epoch == 2


def test_a_stopped_controller_that_is_thawed_past_its_lease_writes_nothing(place: Place) -> None:
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        lease = _lease(place, ttl=0.5)
        lease.acquire("frozen")
        _note(lease, "before the frost")
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            _note(lease, "after the frost")
            os.write(tell, b"wrote")
        except LeaseLost:
            os.write(tell, b"lost")
        os._exit(0)
    _, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    successor = _lease(place)
    _acquire_when_free(successor)
    _note(successor, "the successor's")
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)
    assert os.read(told, 10) == b"lost"
    assert _notes(place) == ["before the frost", "the successor's"]
    # The frozen one still held the lock of its own epoch, and never that of its successor.
    with pytest.raises(LeaseLost):
        _lease(place).acquire("third")


def test_a_lease_that_ran_out_is_lost_even_if_nobody_took_it(place: Place) -> None:
    lease = _lease(place, ttl=0.0)
    lease.acquire("late")
    with pytest.raises(LeaseLost, match="ran out"):
        _note(lease, "too late")
    assert not _notes(place)


def test_of_many_that_want_a_lease_at_once_one_gets_it(place: Place) -> None:
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            lease = _lease(place)
            try:
                lease.acquire(f"{os.getpid()}")
            except LeaseLost:
                os._exit(1)
            signal.pause()
            os._exit(int(lease.epoch))
        children.append(child)
    losers = [child for child in children if _exits(child, within=200)]
    for child in set(children) - set(losers):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert len(losers) == 5


def test_two_homes_with_one_fleet_name_on_one_cloud_never_touch_each_others_things(tmp_path: Path) -> None:
    ours, theirs = Place(tmp_path / "ours"), Place(tmp_path / "theirs")
    ours.folder.mkdir()
    world = ours.world()
    for place in (ours, theirs):
        place.home.prepare()
        want(place, manifest())
        assert reconcile(place, world=world)
    assert len(world.instances(live=True)) == 2
    mine = {one.id for one in world.instances(live=True)} - _machines(theirs)
    want(theirs, None)
    assert reconcile(theirs, world=world)
    assert {one.id for one in world.instances(live=True)} == mine == _machines(ours)
    assert len(world.replicas()) == 2


def _machines(place: Place) -> set[str | None]:
    store = Store(Database(place.home.store_url))
    found = {row.instance for row in store.read(FLEET).machines}
    store.close()
    return found


def _acquire_when_free(lease: Lease) -> None:
    for _ in range(500):
        try:
            return lease.acquire("successor")
        except LeaseLost:
            SystemClock().sleep(0.01)
    pytest.fail("the lease never ran out")


def _exits(child: int, within: int) -> bool:
    for _ in range(within):
        if os.waitpid(child, os.WNOHANG)[0] == child:
            return True
        SystemClock().sleep(0.01)
    return False
