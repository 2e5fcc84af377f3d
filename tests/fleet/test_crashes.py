"""A controller may die at any instruction, and again while it recovers: nothing is bought twice, nothing is left behind.

Counted at the simulated cloud, not in our store. Every place is tried for the first death. Places that leave store and cloud
in the same state lead to the same recovery, since that is all a recovery can see; so each state is recovered from once, with a
second death at each place of that recovery.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudlayer.fleet.store import Database, Store
from cloudlayer.functions.manifest import Manifest
from tests.fleet.controllers import FLEET, Crash, Place, crashed, deaths, manifest, reconcile, two_functions, want

STEPS: dict[str, tuple[tuple[Manifest, ...], Manifest | None]] = {
    "up": ((), manifest()),
    "scale up": ((manifest(),), manifest(replicas=5)),
    "scale down": ((manifest(replicas=5),), manifest()),
    "replace": ((manifest(),), manifest(env={"FORM": "new"})),
    "empty": (
        (two_functions(2, consolidated=False), two_functions(1, consolidated=False)),
        two_functions(1, consolidated=True),
    ),
    "down": ((manifest(),), None),
}


@pytest.fixture
def start(tmp_path: Path) -> Place:
    """A home and a cloud with nothing in them. Machines boot and go within a second, so that runs are short."""
    place = Place(tmp_path / "start")
    place.home.prepare()
    place.world().set(boot_seconds=1.0, delete_seconds=1.0)
    place.home.pepper()
    Store(Database(place.home.store_url)).close()
    return place


def prepare(start: Place, step: str) -> tuple[tuple[Manifest, ...], Manifest | None]:
    """Bring the fleet to where the step begins."""
    before, after = STEPS[step]
    for earlier in before:
        want(start, earlier)
        assert reconcile(start)
    want(start, after)
    return before, after


@pytest.mark.parametrize("step", STEPS)
def test_a_controller_that_dies_anywhere_twice_leaves_neither_twins_nor_leaks(start: Place, tmp_path: Path, step: str) -> None:
    before, after = prepare(start, step)
    once, first = all_deaths(start, tmp_path / "once")
    assert len(once) > 1, "no death left anything behind: nothing was tested"
    recovered: set[str] = set()
    second = 0
    for place in once.values():
        twice, then = all_deaths(place, tmp_path / "twice")
        second += len(then)
        for state, left in twice.items():
            if state not in recovered:
                recovered.add(state)
                assert reconcile(left), f"{step}: no end was reached"
                _check(left, before[-1] if before else None, after)
                assert step != "empty" or len(left.world().instances(live=True)) == 1
    print(f"\n{step}: {len(first)} first deaths, {len(once)} states, {second} second deaths, {len(recovered)} states")


@pytest.mark.parametrize("step", STEPS)
def test_what_a_process_that_died_leaves_is_what_was_copied(start: Place, tmp_path: Path, step: str) -> None:
    prepare(start, step)
    _, copied = all_deaths(start, tmp_path / "copied")
    for number in range(0, len(copied), 5):
        place = start.copy(tmp_path / "died")
        assert crashed(place, number)
        assert place.state() == copied[number]


def all_deaths(start: Place, folder: Path) -> tuple[dict[str, Place], list[str]]:
    """The deaths of a controller that brings the fleet to what is wanted."""

    def run(place: Place, crash: Crash) -> None:
        assert reconcile(place, crash), "no end was reached"

    return deaths(start, folder, run, Place.state)


def _check(place: Place, before: Manifest | None, wanted: Manifest | None) -> None:
    world = place.world()
    store = Store(Database(place.home.store_url))
    rows, ledger = store.read(FLEET), store.ledger(FLEET)
    store.close()
    machines = {instance.id for instance in world.instances(live=True)}
    replicas = {replica.id for replica in world.replicas()}
    number = _replicas(wanted)
    assert len(replicas) == number
    assert replicas == {row.id for row in rows.replicas}
    assert machines == {row.instance for row in rows.machines}
    assert {replica.machine for replica in world.replicas()} <= machines
    assert not (machines and wanted is None)
    # Two replicas fill a machine: never more machines than hold the old replicas and the new ones beside each other.
    assert len(machines) <= (_replicas(before) + number + 1) // 2
    assert {row.instance for row in ledger if row.ended_at is None} == machines
    assert {instance.id for instance in world.instances()} == {row.instance for row in ledger}


def _replicas(manifest: Manifest | None) -> int:
    return sum(spec.scale.min for spec in manifest.function) if manifest else 0
