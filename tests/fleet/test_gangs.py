"""Replicas of a gang start together, end together, and know their rank; calls go to the first of those that are whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.fleet import gangs
from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.needs import Needs
from cloudlayer.fleet.pauses import pause
from cloudlayer.fleet.routes import VersionLoad
from cloudlayer.fleet.routing import routes
from cloudlayer.fleet.store import Database, FleetRows, ReplicaRow, ReplicaRowState, Store
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import ReplicaExit
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.specs import checked
from tests.fleet.controllers import FLEET, Crash, Place, crashed, manifest, reconcile, want
from tests.fleet.test_evictions import SIZE, cloud, prepared

KEY = "food/See/1.0.0"


def banded(replicas: int = 4, gang: int = 4, **function) -> Manifest:
    return manifest(replicas=replicas, gang=gang, **{"scale": {"min": replicas, "max": 2 * gang}} | function)


def rows(place: Place, *, ended: bool = False) -> list[ReplicaRow]:
    store = Store(Database(place.home.store_url))
    found = store.read(FLEET, ended=ended).replicas
    store.close()
    return list(found)


def bands(place: Place) -> dict[str | None, list[int]]:
    """The ranks of those that are ready, by gang."""
    found: dict[str | None, list[int]] = {}
    for row in rows(place):
        if row.state is ReplicaRowState.READY:
            found.setdefault(row.gang, []).append(row.rank)
    return {gang: sorted(ranks) for gang, ranks in found.items()}


def test_replicas_come_a_gang_at_a_time_each_with_its_rank(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    want(place, banded(8))
    assert reconcile(place, world=world)
    assert [*bands(place).values()] == [[0, 1, 2, 3]] * 2
    assert None not in bands(place)


def test_a_gang_for_half_of_which_there_is_room_starts_nobody_and_its_machines_are_given_back(tmp_path):
    place, world = prepared(tmp_path), cloud(1)
    want(place, banded(4))
    reconcile(place, world=world, rounds=80)
    assert not rows(place, ended=True)
    assert world.instances()
    assert not world.instances(live=True)


def test_no_member_starts_before_all_of_them_have_a_machine_that_runs(tmp_path):
    place, world = prepared(tmp_path), cloud(1)
    want(place, manifest(replicas=3))
    reconcile(place, world=world)
    want(place, banded(4))
    world.set_capacity("sim-east-a", "size", 2)
    seen = Counter()
    for _ in range(30):
        reconcile(place, world=world, rounds=1)
        seen[len([row for row in rows(place) if row.gang])] += 1
    assert set(seen) <= {0, 4}
    assert seen[4]


@pytest.mark.parametrize("rank", [0, 2])
def test_when_one_dies_the_whole_gang_ends_and_another_starts(tmp_path, rank):
    place, world = prepared(tmp_path), cloud(9)
    want(place, banded(8))
    reconcile(place, world=world)
    doomed, spared = sorted(bands(place))
    world.end_replica(next(row.id for row in rows(place) if (row.gang, row.rank) == (doomed, rank)))
    assert reconcile(place, world=world)
    assert [*bands(place).values()] == [[0, 1, 2, 3]] * 2
    assert spared in bands(place)
    assert doomed not in bands(place)
    others = [row for row in rows(place, ended=True) if row.gang == doomed and row.rank != rank]
    assert {row.reason for row in others} == {"a member of its gang has ended"}


def test_when_a_machine_is_lost_the_gangs_on_it_end_and_others_start(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    want(place, banded(8))
    reconcile(place, world=world)
    before = bands(place)
    machine = rows(place)[0].machine
    hit = {row.gang for row in rows(place) if row.machine == machine}
    store = Store(Database(place.home.store_url))
    instance = next(row.instance for row in store.read(FLEET).machines if row.id == machine)
    store.close()
    world.connect().compute.delete([instance])
    assert reconcile(place, world=world)
    assert [*bands(place).values()] == [[0, 1, 2, 3]] * 2
    assert set(bands(place)) & set(before) == set(before) - hit


def test_a_fleet_shrinks_by_whole_gangs(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    want(place, banded(8))
    reconcile(place, world=world)
    want(place, banded(4))
    assert reconcile(place, world=world, rounds=100)
    assert [*bands(place).values()] == [[0, 1, 2, 3]]


def test_a_gang_that_fails_to_start_is_not_tried_again_and_again(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    world.inject(Fault("failed_to_load", times=None))
    want(place, banded(4))
    reconcile(place, world=world, rounds=30)
    assert len({row.gang for row in rows(place, ended=True)}) <= 6


def test_a_gang_is_evicted_as_a_whole_for_a_higher_priority(tmp_path):
    place, world = prepared(tmp_path), cloud(2)
    want(place, banded(4))
    reconcile(place, world=world)
    high = manifest("2.0.0", replicas=1, priority=3, resources={"cpu": 3.0, "memory": "1GiB"}).function
    want(place, Manifest(fleet=manifest().fleet, function=(*banded(4).function, *high)))
    reconcile(place, world=world, rounds=40)
    ready = Counter(row.version for row in rows(place) if row.state is ReplicaRowState.READY)
    assert ready == {"2.0.0": 1}


def test_a_death_at_any_place_leaves_no_gang_in_part(tmp_path):
    start = prepared(tmp_path / "start")
    world = World(start.folder / "world.json", attempts=1, default_catalogue=False, boot_seconds=0.0, delete_seconds=0.0)
    world.sell(SIZE, price=1.0)
    want(start, banded(4))
    assert reconcile(start)
    world.end_replica(rows(start)[0].id)
    whole = start.copy(tmp_path / "whole")
    reconcile(whole, count := Crash())
    for at in range(0, count.passed, 5):
        place = start.copy(tmp_path / "place")
        crashed(place, at)
        assert reconcile(place)
        assert [*bands(place).values()] == [[0, 1, 2, 3]], at


def test_calls_go_to_the_first_of_whole_gangs_alone(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    want(place, banded(8))
    reconcile(place, world=world)
    found = [replace(row, address=f"unix:{row.id}") for row in rows(place)]
    (version,) = routes(1, place.home, {}, desired=Desired(banded(8)), replicas=found, failing={}).versions
    assert {each.id for each in version.replicas} == {row.id for row in found if row.rank == 0}
    assert version.maximum == 2
    broken = [replace(row, state=ReplicaRowState.STARTING) if row is found[3] else row for row in found]
    (version,) = routes(1, place.home, {}, desired=Desired(banded(8)), replicas=broken, failing={}).versions
    assert {each.id for each in version.replicas} == {row.id for row in found if row.rank == 0 and row.gang != found[3].gang}


def test_members_know_their_gang_its_size_and_their_rank(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    want(place, banded(4))
    reconcile(place, world=world)
    row = next(row for row in rows(place) if row.rank == 2)
    actor = Actor(None, None, Surroundings(place.home, "owner", FLEET), world.clock)
    environment = actor._replica_spec(row, None, Desired(banded(4))).environment
    assert environment["CLOUDLAYER_RANK"] == "2"
    assert environment["CLOUDLAYER_GANG_SIZE"] == "4"
    assert environment["CLOUDLAYER_GANG"] == row.gang


def test_load_is_counted_in_gangs(tmp_path):
    place, world = prepared(tmp_path), cloud(9)
    store = Store(Database(place.home.store_url))
    seen: FleetRows = store.read(FLEET)
    store.close()
    wanted = banded(0, scale={"min": 0, "max": 8})
    needs = Needs(world.clock)
    assert needs.wanted(Desired(wanted), seen, {})[KEY] == 0
    assert needs.wanted(Desired(wanted), seen, {KEY: VersionLoad(KEY, 0, 1, 0.0)})[KEY] == 4
    assert needs.wanted(Desired(wanted), seen, {KEY: VersionLoad(KEY, 0, 9, 0.0)})[KEY] == 8


def test_a_member_that_ended_with_its_gang_hides_no_failure():
    def row(rank: int, exit, at: float) -> ReplicaRow:
        return ReplicaRow(
            fleet=FLEET, id=str(rank), function="food/See", version="1.0.0", digest="d", machine="m1", engine="simulated",
            devices=(), spec={"gang": 2}, state=ReplicaRowState.ENDED, exit=exit, changed_at=at, gang="g", rank=rank,
        )  # fmt: skip

    found = pause([row(0, ReplicaExit.STOPPED, 6.0), row(1, ReplicaExit.CRASHED, 5.0)])
    assert found is not None
    assert found.until == 6.0


def test_a_gang_that_fails_is_one_failure_however_many_members_it_has():
    def row(gang: str, rank: int, at: float) -> ReplicaRow:
        return ReplicaRow(
            fleet=FLEET, id=f"{gang}{rank}", function="food/See", version="1.0.0", digest="d", machine="m1", engine="simulated",
            devices=(), spec={"gang": 4}, state=ReplicaRowState.ENDED, exit=ReplicaExit.CRASHED, changed_at=at, gang=gang,
            rank=rank,
        )  # fmt: skip

    first = [row("a", rank, 5.0) for rank in range(4)]
    once, twice = pause(first), pause([*[row("b", rank, 9.0) for rank in range(4)], *first])
    assert once is not None
    assert twice is not None
    assert (once.until, twice.until) == (6.0, 11.0)


def test_a_gang_that_drains_is_idle_when_its_first_member_is():
    rows = [
        ReplicaRow(
            fleet=FLEET, id=f"r{rank}", function="food/See", version="1.0.0", digest="d", machine="m1", engine="simulated",
            devices=(), spec={"gang": 2}, state=ReplicaRowState.DRAINING, gang="g", rank=rank,
        )
        for rank in range(2)
    ]  # fmt: skip
    assert gangs.idle(rows, lambda replica: replica != "r0") == frozenset()
    assert gangs.idle(rows, lambda _replica: True) == {"r0", "r1"}


def test_the_newest_gangs_go_first_and_only_whole():
    def row(gang: str | None, rank: int, at: float) -> ReplicaRow:
        return ReplicaRow(
            fleet=FLEET, id=f"{gang}{rank}", function="food/See", version="1.0.0", digest="d", machine="m1", engine="simulated",
            devices=(), spec={"gang": 2}, state=ReplicaRowState.READY, created_at=at, gang=gang, rank=rank,
        )  # fmt: skip

    old, new = [row("old", rank, 1.0) for rank in range(2)], [row("new", rank, 2.0) for rank in range(2)]
    assert gangs.newest([*old, *new], 2) == new
    assert gangs.newest([*old, *new], 3) == new
    assert gangs.newest([*old, new[0]], 4) == old
    assert gangs.newest([*old, *new], -1) == []


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        ({"gang": 4, "scale": {"min": 3, "max": 8}}, "scale.min is 3, which is no multiple of gang = 4; write 4, say"),
        ({"gang": 4, "scale": {"min": 4, "max": 10}}, "scale.max is 10, which is no multiple of gang = 4; write 12, say"),
        ({"gang": 1}, "greater than or equal to 2"),
        ({"together": "zone"}, "together says where a gang is: give the function a gang, or take it out"),
    ],
)
def test_a_manifest_asks_for_whole_gangs(function, fault):
    one = {"name": "food/See", "version": "1.0.0", "image": "see:1"}
    with pytest.raises(InvalidSpec) as error:
        checked(Manifest, {"fleet": {"name": FLEET, "providers": ["simulated"]}, "function": [one | function]}, "")
    assert fault in str(error.value)


def test_what_a_function_without_a_gang_runs_is_the_same_as_before_there_were_any():
    form = Desired(manifest())
    (spec,) = form.manifest.function
    assert form.digest(spec) == form.digest(spec.model_copy(update={"together": None}))
    assert form.digest(spec) != form.digest(spec.model_copy(update={"gang": 2}))
