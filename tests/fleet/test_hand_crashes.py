"""A command may die at any store write and at any call of the cloud: repeated it comes to one thing, swept to one or none.

Counted at the simulated cloud, not in our store. Every place is tried for the first death, and every place of the recovery
for a second one; places that leave store and cloud in the same state are recovered from once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudlayer.errors import NotFound
from cloudlayer.fleet import ends, findings, things
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.kinds import KINDS
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import Store
from cloudlayer.fleet.sweep import sweep
from cloudlayer.providers.simulated import World
from tests.fleet.controllers import CRASHED, Crash, DangerousDatabase, Place, deaths
from tests.fleet.hands import EVERY, WHERE, held, spec_of, truth

Command = Callable[[Fleets, str], object]


def create(fleets: Fleets, kind: str) -> None:
    things.create(fleets, KINDS[kind], WHERE, spec_of(fleets, kind))


def delete(fleets: Fleets, kind: str) -> None:
    name = spec_of(fleets, kind).name
    rows = [row for row in fleets.store.things(BY_HAND, kind) if row.id == name and row.native]
    ends.delete(fleets, KINDS[kind], rows)


def swept(fleets: Fleets, _kind: str) -> None:
    """Sweep until nothing is found, and time enough between two looks for everything to be old."""
    for _ in range(4):
        fleets.clock.sleep(700)
        found = findings.find(fleets, [WHERE])
        if not found:
            return
        assert sweep(fleets, found) == []
    raise AssertionError(f"there is always something to sweep: {found}")


@contextmanager
def at(place: Place, crash: Crash | None = None) -> Iterator[tuple[Fleets, World]]:
    """The fleets of a place, whose process can be ended at any store write and call of the cloud."""
    world = place.world()
    with Fleets(place.home, clouds=Clouds(lambda _: world.connect(), world.clock), clock=world.clock) as fleets:
        if crash is not None:
            fleets.store.close()
            fleets.store = Store(DangerousDatabase(place.home.store_url, crash))
            world.perform = crash.around(world.perform)  # type: ignore[method-assign]
        yield fleets, world


def died(place: Place, command: Command, kind: str, number: int) -> bool:
    """Run a command in a child that dies at place `number`. False if it came to its end before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with at(place, Crash(number)) as (fleets, _):
                command(fleets, kind)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, CRASHED), f"a command that should die at {number} ended with {code}"
    return code == CRASHED


def all_deaths(start: Place, folder: Path, command: Command, kind: str) -> tuple[dict[str, Place], list[str]]:
    """The deaths of a command."""

    def run(place: Place, crash: Crash) -> None:
        with at(place, crash) as (fleets, _):
            command(fleets, kind)

    return deaths(start, folder, run, state)


def state(place: Place) -> str:
    """A hash of all that survives, but for the moments at which it came to be."""
    with at(place) as (fleets, world):
        rows = [(row.kind, row.id, row.generation, row.state, row.native) for row in fleets.store.things(BY_HAND, ended=True)]
        return hashlib.sha256(repr((rows, sorted(held(fleets, world).items()))).encode()).hexdigest()


@pytest.fixture
def start(tmp_path: Path) -> Place:
    """A home and a cloud with nothing in them, but for the volume that a snapshot is of."""
    place = Place(tmp_path / "start")
    place.home.prepare()
    place.world().set(boot_seconds=1.0, delete_seconds=1.0)
    with at(place) as (fleets, _):
        spec_of(fleets, "snapshot")
    return place


def _settled(place: Place) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """What the cloud holds once it has come to rest, and what the store thinks there is."""
    with at(place) as (fleets, world):
        world.advance(60)
        rows = [(row.kind, str(row.native)) for row in fleets.store.things(BY_HAND)]
        assert sorted(rows) == sorted((kind, one.id) for kind in EVERY for one in truth(world, kind))
        return held(fleets, world), rows


@pytest.mark.parametrize("kind", EVERY)
def test_what_a_process_that_died_leaves_is_what_was_copied(start: Place, tmp_path: Path, kind: str) -> None:
    _, copied = all_deaths(start, tmp_path / "copied", create, kind)
    for number in range(0, len(copied), 4):
        place = start.copy(tmp_path / "died")
        assert died(place, create, kind, number)
        assert state(place) == copied[number]


@pytest.mark.parametrize("kind", EVERY)
def test_a_create_that_dies_anywhere_is_completed_by_the_next_or_swept(start: Place, tmp_path: Path, kind: str) -> None:
    nothing, _ = _settled(start.copy(tmp_path / "nothing"))
    clean = start.copy(tmp_path / "clean")
    with at(clean) as (fleets, _):
        create(fleets, kind)
    one, _ = _settled(clean)
    states, _ = all_deaths(start, tmp_path / "once", create, kind)
    assert len(states) > 3, "no death left anything behind: nothing was tested"
    for number, place in enumerate(states.values()):
        for left in all_deaths(place, tmp_path / f"again{number}", _create_unless_made, kind)[0].values():
            with at(left) as (fleets, _):
                _create_unless_made(fleets, kind)
            assert _settled(left)[0] == one
        for left in all_deaths(place, tmp_path / f"swept{number}", swept, kind)[0].values():
            with at(left) as (fleets, _):
                swept(fleets, kind)
            assert _settled(left)[0] in (one, nothing)


def _create_unless_made(fleets: Fleets, kind: str) -> None:
    spec = spec_of(fleets, kind)
    try:
        things.show(fleets, KINDS[kind], spec.name)
    except NotFound:
        things.create(fleets, KINDS[kind], WHERE, spec)


@pytest.mark.parametrize("kind", EVERY)
def test_a_delete_that_dies_anywhere_is_finished_by_the_next_or_swept(start: Place, tmp_path: Path, kind: str) -> None:
    nothing, _ = _settled(start.copy(tmp_path / "nothing"))
    with at(start) as (fleets, world):
        create(fleets, kind)
        world.advance(60)
    one, _ = _settled(start.copy(tmp_path / "one"))
    states, _ = all_deaths(start, tmp_path / "once", delete, kind)
    assert len(states) > 2, "no death left anything behind: nothing was tested"
    for number, place in enumerate(states.values()):
        for left in all_deaths(place, tmp_path / f"again{number}", delete, kind)[0].values():
            with at(left) as (fleets, _):
                delete(fleets, kind)
            assert _settled(left)[0] == nothing
        for left in all_deaths(place, tmp_path / f"swept{number}", swept, kind)[0].values():
            with at(left) as (fleets, _):
                swept(fleets, kind)
            assert _settled(left)[0] in (one, nothing)
