"""Groups, balancers, volumes, snapshots and shares made by hand: one of each name, found again, gone with all of theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloudlayer.errors import (
    Conflict,
    InvalidSpec,
    LeaseLost,
    NotFound,
    PermissionDenied,
    QuotaError,
    TransientError,
    Unsupported,
)
from cloudlayer.fleet import ends, instances, things
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.kinds import BALANCER, GROUP, KINDS, VOLUME
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import Lease, ThingState
from cloudlayer.interfaces import Capability
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, VolumeSpec
from cloudlayer.units import GIB
from tests.fleet.hands import EVERY, SPECS, WHERE, held, spec_of, truth


@pytest.fixture
def world() -> World:
    return World(attempts=1, boot_seconds=1.0, delete_seconds=1.0)


@pytest.fixture
def fleets(tmp_path: Path, world: World) -> Iterator[Fleets]:
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: world.connect(), world.clock), clock=world.clock) as fleets:
        yield fleets


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_made_by_hand_is_owned_listed_found_and_deleted(fleets: Fleets, world: World, kind: str) -> None:
    of, spec = KINDS[kind], spec_of(fleets, kind)
    before = held(fleets, world)
    made = things.create(fleets, of, WHERE, spec)
    assert {OWNER: fleets.store.owner, FLEET: BY_HAND}.items() <= truth(world, kind)[-1].labels.items()
    assert made.id in {one.id for one in things.listed(fleets, of, WHERE)}
    assert things.show(fleets, of, spec.name).id == things.show(fleets, of, made.id).id == made.id
    ends.delete(fleets, of, [things.found(fleets, of, spec.name).row])
    assert held(fleets, world) == before
    with pytest.raises(NotFound, match="that was made here is called"):
        things.show(fleets, of, spec.name)


@pytest.mark.parametrize("kind", EVERY)
def test_a_name_is_used_once_and_again_when_it_is_free(fleets: Fleets, world: World, kind: str) -> None:
    of, spec = KINDS[kind], spec_of(fleets, kind)
    first = things.create(fleets, of, WHERE, spec)
    with pytest.raises(Conflict, match=f"is there already.*{first.id}"):
        things.create(fleets, of, WHERE, spec)
    ends.delete(fleets, of, [things.found(fleets, of, spec.name).row])
    second = things.create(fleets, of, WHERE, spec)
    assert second.id != first.id
    rows = [row for row in fleets.store.things(BY_HAND, kind, ended=True) if row.id == spec.name]
    assert [(row.generation, row.state) for row in rows] == [(1, ThingState.GONE), (2, ThingState.MADE)]


@pytest.mark.parametrize("kind", EVERY)
def test_a_create_whose_answer_was_lost_is_gone_on_with(fleets: Fleets, world: World, kind: str) -> None:
    of, spec = KINDS[kind], spec_of(fleets, kind)
    number = len(truth(world, kind))
    call = "snapshot.create" if kind == "snapshot" else f"{kind}.create"
    world.inject(Fault("lost", call))
    with pytest.raises(TransientError):
        things.create(fleets, of, WHERE, spec)
    assert len(truth(world, kind)) == number + 1
    made = things.create(fleets, of, WHERE, spec)
    assert [one.id for one in truth(world, kind)][number:] == [made.id]


def test_a_create_that_was_broken_off_is_not_gone_on_with_otherwise(fleets: Fleets, world: World) -> None:
    world.inject(Fault("lost", "volume.create"))
    with pytest.raises(TransientError):
        things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    with pytest.raises(Conflict, match="repeat that create as it was, or let cloudlayer sweep"):
        things.create(fleets, VOLUME, WHERE, VolumeSpec(name="data", size=11 * GIB))
    with pytest.raises(NotFound, match="was broken off: repeat it"):
        things.show(fleets, VOLUME, "data")


@pytest.mark.parametrize("kind", EVERY)
def test_a_refused_create_leaves_the_name_free(fleets: Fleets, world: World, kind: str) -> None:
    of, spec = KINDS[kind], spec_of(fleets, kind)
    number = len(truth(world, kind))
    world.inject(Fault("refused", f"{kind}.create", error="quota"))
    with pytest.raises(QuotaError):
        things.create(fleets, of, WHERE, spec)
    assert len(truth(world, kind)) == number
    assert things.create(fleets, of, WHERE, spec.model_copy(update={"labels": {"changed": "yes"}})).id


def test_a_delete_that_is_refused_leaves_the_thing_as_it_was(fleets: Fleets, world: World) -> None:
    made = things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    world.inject(Fault("refused", "volume.delete", error="denied"))
    with pytest.raises(PermissionDenied):
        ends.delete(fleets, VOLUME, [things.found(fleets, VOLUME, "data").row])
    assert things.show(fleets, VOLUME, "data").id == made.id
    ends.delete(fleets, VOLUME, [things.found(fleets, VOLUME, "data").row])
    assert truth(world, "volume") == []


def test_one_that_its_cloud_has_lost_does_not_keep_its_name(fleets: Fleets, world: World) -> None:
    made = things.create(fleets, BALANCER, WHERE, SPECS["balancer"])
    world.advance(60)
    world.connect().load_balancing.delete(made.id)
    world.advance(60)
    assert things.create(fleets, BALANCER, WHERE, SPECS["balancer"]).id != made.id


def test_volumes_without_a_name_are_each_another_one(fleets: Fleets, world: World) -> None:
    first, second = (things.create(fleets, VOLUME, WHERE, VolumeSpec(size=GIB)) for _ in range(2))
    assert first.id != second.id
    assert things.found(fleets, VOLUME, "2").id == second.id


def test_secrets_of_a_group_are_in_no_store(fleets: Fleets, tmp_path: Path) -> None:
    things.create(fleets, GROUP, WHERE, SPECS["group"])
    asked, withheld = things.asked(things.found(fleets, GROUP, "web").row)
    assert withheld == ["template.user_data"]
    assert "user_data" not in asked["template"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"hush" in path.read_bytes()]


def test_a_group_is_updated_and_what_is_asked_for_now_is_kept(fleets: Fleets, world: World) -> None:
    made = things.create(fleets, GROUP, WHERE, SPECS["group"])
    world.advance(60)
    wanted = SPECS["group"].model_copy(update={"max": 6, "labels": {"team": "food"}})
    things.update(fleets, GROUP, "web", wanted)
    world.advance(60)
    (group,) = truth(world, "group")
    assert (group.id, group.max) == (made.id, 6)
    assert {OWNER: fleets.store.owner, "team": "food"}.items() <= group.labels.items()
    assert things.asked(things.found(fleets, GROUP, "web").row)[0]["max"] == 6


def test_the_members_of_a_group_are_no_instances_made_by_hand(fleets: Fleets, world: World) -> None:
    alone = instances.create(fleets, WHERE, InstanceSpec(machine_type="cpu-2"))
    things.create(fleets, GROUP, WHERE, SPECS["group"])
    world.advance(60)
    assert len(world.instances(live=True)) == 3
    assert [one.id for one in instances.listed(fleets, None)] == [alone[0].id]


def test_a_name_that_two_regions_have_is_asked_about(fleets: Fleets, world: World) -> None:
    fleets.clouds = Clouds(lambda key: world.connect(key.partition(":")[2] or None), world.clock)
    first = things.create(fleets, VOLUME, "simulated:sim-east", SPECS["volume"])
    things.create(fleets, VOLUME, "simulated:sim-west", SPECS["volume"])
    with pytest.raises(InvalidSpec, match="2 volumes are called data: give the id of one"):
        things.show(fleets, VOLUME, "data")
    assert things.show(fleets, VOLUME, first.id).region == "sim-east"


def test_where_a_kind_is_not_to_be_had_nothing_is_written_down(fleets: Fleets) -> None:
    provider = fleets.clouds.provider(WHERE)
    items = {**provider.capabilities.items, "volumes": Capability(False, "this cloud sells none")}
    object.__setattr__(provider.capabilities, "items", items)
    with pytest.raises(Unsupported, match="volumes: this cloud sells none"):
        things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    assert fleets.store.things(BY_HAND, ended=True) == []


def test_a_command_waits_for_another_one_that_is_at_work_and_gives_up_in_time(fleets: Fleets) -> None:
    other = Lease(fleets.store.database, BY_HAND, fleets.home.locks, fleets.clock)
    other.acquire("another command")
    with pytest.raises(LeaseLost, match="another command is at work on what was made by hand; try again"):
        things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    begun = fleets.clock.now()
    with ThreadPoolExecutor(1) as executor:
        made = executor.submit(things.create, fleets, VOLUME, WHERE, SPECS["volume"])
        while fleets.clock.now() == begun:
            time.sleep(0.001)
        other.release()
        assert made.result().id
