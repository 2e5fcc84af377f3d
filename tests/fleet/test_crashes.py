"""A controller may die at any instruction, and again while it recovers: nothing is bought twice, nothing is left behind.

Counted at the simulated cloud, not in our store. Every place is tried for the first death. Places that leave store and cloud
in the same state lead to the same recovery, since that is all a recovery can see; so each state is recovered from once, with a
second death at each place of that recovery.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cloudlayer.fleet.store import Database, Store
from cloudlayer.functions.manifest import Manifest
from tests.fleet.controllers import FLEET, Crash, Place, crashed, manifest, reconcile, two_functions, want

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
    once = Deaths(start, tmp_path / "once")
    assert len(once.states) > 1, "no death left anything behind: nothing was tested"
    recovered: set[str] = set()
    second = 0
    for place in once.states.values():
        twice = Deaths(place, tmp_path / "twice")
        second += len(twice.left)
        for state, left in twice.states.items():
            if state not in recovered:
                recovered.add(state)
                assert reconcile(left), f"{step}: no end was reached"
                _check(left, before[-1] if before else None, after)
                assert step != "empty" or len(left.world().instances(live=True)) == 1
    first = len(once.left)
    print(f"\n{step}: {first} first deaths, {len(once.states)} states, {second} second deaths, {len(recovered)} states")


@pytest.mark.parametrize("step", STEPS)
def test_what_a_process_that_died_leaves_is_what_was_copied(start: Place, tmp_path: Path, step: str) -> None:
    prepare(start, step)
    deaths = Deaths(start, tmp_path / "copied").left
    for number in range(0, len(deaths), 5):
        place = start.copy(tmp_path / "died")
        assert crashed(place, number)
        assert place.state() == deaths[number]


class Deaths:
    """Every death that a run from `start` can die: how many, and the different states that they leave (the end included).

    What a process that dies leaves is what lies on the disk then: one run is enough, of which a copy is made at each place.
    """

    def __init__(self, start: Place, folder: Path) -> None:
        self.states: dict[str, Place] = {}
        self.left: list[str] = []
        self._folder = folder
        self._alive = start.copy(folder / "alive")
        assert reconcile(self._alive, Crash(passing=self._copy)), "no end was reached"
        self.states.setdefault(self._alive.state(), self._alive)

    def _copy(self) -> None:
        place = self._alive.copy(self._folder / str(len(self.left)))
        state = place.state()
        self.left.append(state)
        if self.states.setdefault(state, place) is not place:
            shutil.rmtree(place.folder)


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
