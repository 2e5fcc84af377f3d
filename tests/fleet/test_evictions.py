"""In a full fleet the replicas of a higher priority run, whoever was there before, and nobody is chased to and fro."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cloudlayer.fleet.store import Database, ReplicaRowState, Store
from cloudlayer.functions.manifest import Manifest
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.providers.simulated.catalogue import machine_type
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET, Crash, Place, crashed, reconcile, want

SIZE = machine_type("size", 4, 16 * GIB)


def cloud(machines: int, **settings) -> World:
    """A cloud that has so many machines, each with room for three replicas of one core."""
    world = World(attempts=1, default_catalogue=False, boot_seconds=1.0, delete_seconds=1.0, **settings)
    world.sell(SIZE, price=1.0)
    world.set_capacity("sim-east-a", "size", machines)
    return world


def functions(**sizes) -> Manifest:
    """Functions by name: how many replicas, their priority, and their cores."""
    document = [
        {
            "name": f"food/{name}",
            "version": "1.0.0",
            "image": f"{name}:1",
            "resources": {"cpu": cores, "memory": "1GiB"},
            "scale": {"min": count},
            "priority": priority,
        }
        for name, (count, priority, cores) in sizes.items()
    ]
    return checked(Manifest, {"fleet": {"name": FLEET, "providers": ["simulated"]}, "function": document}, "")


def ready(place: Place) -> dict[str, int]:
    store = Store(Database(place.home.store_url))
    rows = store.read(FLEET).replicas
    store.close()
    found: dict[str, int] = {}
    for row in rows:
        if row.state is ReplicaRowState.READY:
            found[row.function.removeprefix("food/")] = found.get(row.function.removeprefix("food/"), 0) + 1
    return found


def ended(place: Place) -> list[tuple[str, str]]:
    store = Store(Database(place.home.store_url))
    rows = store.read(FLEET, ended=True).replicas
    store.close()
    return [(row.function, row.reason) for row in rows if row.state is ReplicaRowState.ENDED]


def prepared(folder) -> Place:
    place = Place(Path(folder))
    place.home.prepare()
    return place


def test_a_full_fleet_makes_room_for_the_higher_priority_and_comes_to_rest(tmp_path):
    place, world = prepared(tmp_path), cloud(1)
    want(place, functions(Low=(3, 0, 1.0)))
    assert reconcile(place, world=world)
    want(place, functions(Low=(3, 0, 1.0), High=(1, 5, 2.0)))
    reconcile(place, world=world, rounds=40)
    assert ready(place) == {"Low": 1, "High": 1}
    assert ended(place) == [("food/Low", "room for food/High/1.0.0, whose priority 5 is higher")] * 2


def test_one_that_does_not_come_up_has_others_end_for_it_ever_more_seldom(tmp_path):
    place, world = prepared(tmp_path), cloud(1)
    want(place, functions(Low=(3, 0, 1.0)))
    assert reconcile(place, world=world)
    world.inject(Fault("failed_to_load", times=None, function="food/High*"))
    want(place, functions(Low=(3, 0, 1.0), High=(1, 5, 2.0)))
    reconcile(place, world=world, rounds=150)
    evicted = [reason for _, reason in ended(place) if reason.startswith("room for food/High")]
    assert 2 <= len(evicted) <= 4
    assert ready(place) == {"Low": 3}


def test_who_was_evicted_comes_back_when_there_is_room_again(tmp_path):
    place, world = prepared(tmp_path), cloud(1)
    want(place, functions(Low=(3, 0, 1.0)))
    reconcile(place, world=world)
    want(place, functions(Low=(3, 0, 1.0), High=(1, 5, 2.0)))
    reconcile(place, world=world, rounds=20)
    want(place, functions(Low=(3, 0, 1.0)))
    assert reconcile(place, world=world)
    assert ready(place) == {"Low": 3}


def test_nobody_is_evicted_while_there_is_something_to_buy(tmp_path):
    place, world = prepared(tmp_path), cloud(2)
    want(place, functions(Low=(3, 0, 1.0)))
    reconcile(place, world=world)
    want(place, functions(Low=(3, 0, 1.0), High=(1, 5, 2.0)))
    assert reconcile(place, world=world)
    assert ready(place) == {"Low": 3, "High": 1}
    assert not ended(place)


def test_raising_a_priority_restarts_nobody(tmp_path):
    place, world = prepared(tmp_path), cloud(1)
    want(place, functions(Low=(3, 0, 1.0)))
    reconcile(place, world=world)
    want(place, functions(Low=(3, 7, 1.0), High=(1, 5, 2.0)))
    reconcile(place, world=world, rounds=20)
    assert ready(place) == {"Low": 3}


@settings(max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1.0, 2.0, 3.0])), min_size=2, max_size=3),
    machines=st.integers(1, 2),
)
def test_the_highest_priority_has_what_it_would_have_alone_and_the_fleet_comes_to_rest(sizes, machines):
    with tempfile.TemporaryDirectory() as folder:
        place, world = prepared(folder), cloud(machines)
        for number in range(len(sizes)):  # the lowest priorities come first, and have to give way
            some = {f"F{priority}": (count, priority, cores) for priority, (count, cores) in enumerate(sizes[: number + 1])}
            want(place, functions(**some))
            reconcile(place, world=world, rounds=10)
        before, chased = ready(place), len(ended(place))
        reconcile(place, world=world, rounds=10)
        assert (ready(place), len(ended(place))) == (before, chased)
        assert before[f"F{number}"] == _most(*sizes[-1], machines)


def _most(count: int, cores: float, machines: int) -> int:
    """How many of the highest priority there are, if they alone are asked for."""
    return min(count, machines * int(3.9 / cores))


def test_a_death_at_any_place_of_an_eviction_leads_to_the_same(tmp_path):
    start = prepared(tmp_path / "start")
    world = World(start.folder / "world.json", attempts=1, default_catalogue=False, boot_seconds=0.0, delete_seconds=0.0)
    world.sell(SIZE, price=1.0)
    world.set_capacity("sim-east-a", "size", 1)
    want(start, functions(Low=(3, 0, 1.0)))
    assert reconcile(start)
    want(start, functions(Low=(3, 0, 1.0), High=(1, 5, 2.0)))
    whole = start.copy(tmp_path / "whole")
    reconcile(whole, count := Crash(), rounds=8)
    for at in range(0, count.passed, 7):
        place = start.copy(tmp_path / "place")
        crashed(place, at)
        reconcile(place, rounds=8)
        assert ready(place) == {"Low": 1, "High": 1}, at
        assert len(ended(place)) == 2, at
