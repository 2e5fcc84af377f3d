"""Sweep acts on what is ours and belongs to nothing, of every kind; on what is somebody else's, or being made, never."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, TransientError
from cloudlayer.fleet import ends, findings, instances, things
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.findings import GRACE, Finding
from cloudlayer.fleet.hands import acting
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.kinds import GROUP, KINDS, VOLUME, SnapshotSpec
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import ThingState, writes
from cloudlayer.fleet.sweep import sweep
from cloudlayer.interfaces import Capability
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, VolumeSpec
from cloudlayer.units import GIB
from tests.fleet.hands import EVERY, SPECS, WHERE, held, spec_of, truth

LONG = 700.0


@pytest.fixture
def world() -> World:
    return World(attempts=1, boot_seconds=1.0, delete_seconds=1.0)


@pytest.fixture
def fleets(tmp_path: Path, world: World) -> Iterator[Fleets]:
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: world.connect(), world.clock), clock=world.clock) as fleets:
        yield fleets


def plant(world: World, kind: str, labels: dict[str, str]) -> Any:
    """Make a thing at the cloud that no store knows."""
    spec = SPECS[kind].model_copy(update={"labels": labels})
    if kind == "snapshot":
        volume = world.connect().storage.create(VolumeSpec(size=GIB, labels={"of": "nobody"}), token=str(uuid4()))
        world.advance(60)
        spec = SnapshotSpec(name="copy", volume=volume.id, labels=labels)
    return KINDS[kind].verbs(world.connect()).create(spec, token=str(uuid4()))


def look(fleets: Fleets) -> list[Finding]:
    return findings.find(fleets, [WHERE])


@pytest.mark.parametrize("kind", EVERY)
def test_an_orphan_of_ours_is_deleted_with_all_that_was_made_for_it_and_anothers_stays(
    fleets: Fleets, world: World, kind: str
) -> None:
    ours = plant(world, kind, {OWNER: fleets.store.owner, FLEET: BY_HAND})
    another, nobodys = plant(world, kind, {OWNER: str(uuid4())}), plant(world, kind, {"team": "food"})
    world.advance(LONG)
    found = look(fleets)
    assert [(one.kind, one.thing, one.subject) for one in found] == [("unknown", kind, ours.id)]
    assert sweep(fleets, found) == []
    assert held(fleets, world) == {}
    assert {another.id, nobodys.id} <= {one.id for one in truth(world, kind)}
    assert look(fleets) == []


def test_pieces_of_things_that_are_not_there_are_deleted_and_anothers_stay(fleets: Fleets, world: World) -> None:
    number = world.leave_pieces({OWNER: fleets.store.owner})
    world.leave_pieces({OWNER: "another"})
    found = look(fleets)
    assert {one.thing for one in found} == {"leftover"}
    assert len(found) == number
    assert sweep(fleets, found) == []
    assert held(fleets, world) == {}
    assert sum(world.holdings({OWNER: "another"}).values()) == number


@pytest.mark.parametrize("kind", EVERY)
def test_what_was_made_here_is_let_be_with_its_members_disks_and_pieces(fleets: Fleets, world: World, kind: str) -> None:
    instances.create(fleets, WHERE, InstanceSpec(machine_type="cpu-2", open_ports=[{"port": 80, "source": "0.0.0.0/0"}]))
    things.create(fleets, KINDS[kind], WHERE, spec_of(fleets, kind))
    assert look(fleets) == []
    world.advance(LONG)
    assert look(fleets) == []


def test_the_disks_of_our_machines_are_no_orphans_and_go_when_these_have_gone(fleets: Fleets, world: World) -> None:
    (machine,) = instances.create(fleets, WHERE, InstanceSpec(machine_type="cpu-2"))
    world.advance(60)
    marks = dict(world.instances()[0].labels)
    token = marks.pop("cloudlayer-token")
    marks = {name: value for name, value in marks.items() if name in (OWNER, FLEET)}
    disk = world.connect().storage.create(VolumeSpec(size=GIB, labels=marks), token=token)
    world.advance(LONG)
    assert look(fleets) == []
    instances.delete(fleets, [machine.id])
    world.advance(LONG)
    assert [(one.thing, one.subject) for one in look(fleets)] == [("volume", disk.id)]


def test_a_volume_of_ours_on_a_machine_of_ours_is_no_orphan(fleets: Fleets, world: World) -> None:
    (machine,) = instances.create(fleets, WHERE, InstanceSpec(machine_type="cpu-2", zone="sim-east-a"))
    world.advance(60)
    orphan = plant(world, "volume", {OWNER: fleets.store.owner})
    world.advance(60)
    storage = world.connect().storage
    storage.attach(orphan.id, machine.id)
    world.advance(LONG)
    assert look(fleets) == []
    storage.detach(orphan.id)
    world.advance(LONG)
    assert [one.subject for one in look(fleets)] == [orphan.id]


@pytest.mark.parametrize("kind", EVERY)
def test_what_the_cloud_has_lost_is_forgotten(fleets: Fleets, world: World, kind: str) -> None:
    made = things.create(fleets, KINDS[kind], WHERE, spec_of(fleets, kind))
    world.advance(LONG)
    KINDS[kind].verbs(world.connect()).delete(made.id)
    world.advance(LONG)
    found = look(fleets)
    assert [(one.kind, one.thing, one.subject) for one in found] == [("lost", kind, SPECS[kind].name)]
    assert sweep(fleets, found) == []
    assert [row.id for row in fleets.store.things(BY_HAND, kind)] == []
    assert look(fleets) == []


@pytest.mark.parametrize("kind", EVERY)
def test_a_create_that_was_broken_off_has_its_time_and_is_then_taken_away(fleets: Fleets, world: World, kind: str) -> None:
    spec, before = spec_of(fleets, kind), held(fleets, world)
    world.inject(Fault("lost", f"{kind}.create"))
    with pytest.raises(TransientError):
        things.create(fleets, KINDS[kind], WHERE, spec)
    world.advance(GRACE - 60)
    assert look(fleets) == []
    world.advance(61)
    found = look(fleets)
    assert [(one.kind, one.thing, one.subject) for one in found] == [("unfinished", kind, spec.name)]
    assert sweep(fleets, found) == []
    assert held(fleets, world) == before


@pytest.mark.parametrize(("kind", "piece"), [("group", "template"), ("balancer", "listener_set"), ("share", "share_account")])
def test_the_pieces_of_a_create_that_came_no_further_go_with_it(fleets: Fleets, world: World, kind: str, piece: str) -> None:
    world.inject(Fault("refused", f"{kind}.create"))
    with pytest.raises(TransientError):
        things.create(fleets, KINDS[kind], WHERE, SPECS[kind])
    assert held(fleets, world)[piece] == 1
    world.advance(LONG)
    found = look(fleets)
    assert [(one.kind, one.thing) for one in found] == [("unfinished", kind)]
    assert sweep(fleets, found) == []
    assert held(fleets, world) == {}


def test_where_there_are_no_volumes_neither_snapshots_nor_shares_are_asked_for(fleets: Fleets, world: World) -> None:
    provider = fleets.clouds.provider(WHERE)
    items = {**provider.capabilities.items, "volumes": Capability(False, "this cloud sells none")}
    object.__setattr__(provider.capabilities, "items", items)
    assert look(fleets) == []
    assert set(world.counts()) == {"leftovers", "list", "group.list", "balancer.list"}


def test_a_list_that_leaves_a_group_out_makes_no_orphans_of_its_members(
    fleets: Fleets, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    things.create(fleets, GROUP, WHERE, SPECS["group"])
    world.advance(LONG)
    groups = fleets.clouds.provider(WHERE).autoscaling
    monkeypatch.setattr(groups, "list", lambda *_, **__: [])
    assert look(fleets) == []


def test_other_providers_than_those_that_are_asked_for_can_be_let_be(fleets: Fleets, world: World) -> None:
    world.inject(Fault("lost", "volume.create"))
    with pytest.raises(TransientError):
        things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    world.advance(LONG)
    assert len(findings.find(fleets, [])) == 1
    assert findings.find(fleets, [], others=False) == []


def test_what_is_too_young_to_judge_is_counted_until_it_is_judged(fleets: Fleets, world: World) -> None:
    assert findings.spared(fleets, [WHERE]) == 0
    world.inject(Fault("lost", "volume.create"))
    world.inject(Fault("lost", "create"))
    with pytest.raises(TransientError):
        things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    with pytest.raises(TransientError):
        instances.create(fleets, WHERE, InstanceSpec(machine_type="cpu-2"))
    assert (look(fleets), findings.spared(fleets, []), findings.spared(fleets, [], others=False)) == ([], 2, 0)
    world.advance(LONG)
    assert (len(look(fleets)), findings.spared(fleets, [WHERE])) == (3, 0)


def test_a_create_that_was_gone_on_with_since_the_look_is_let_be(fleets: Fleets, world: World) -> None:
    world.inject(Fault("lost", "volume.create"))
    with pytest.raises(TransientError):
        things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    world.advance(LONG)
    found = look(fleets)
    made = things.create(fleets, VOLUME, WHERE, SPECS["volume"])
    assert sweep(fleets, found) == []
    assert [one.id for one in truth(world, "volume")] == [made.id]


def test_a_delete_that_was_broken_off_is_finished(fleets: Fleets, world: World) -> None:
    things.create(fleets, GROUP, WHERE, SPECS["group"])
    (machine,) = instances.create(fleets, WHERE, InstanceSpec(machine_type="cpu-2"))
    world.advance(60)
    with acting(fleets) as lease:
        ends.change(lease, things.found(fleets, GROUP, "web").row, world.clock.now(), "", state=ThingState.DELETING)
        (row,) = fleets.machines(BY_HAND)
        with lease.write() as connection:
            writes.change_machine(connection, row, world.clock.now(), state="deleting")
    assert look(fleets) == []
    world.advance(LONG)
    found = look(fleets)
    assert [(one.kind, one.subject) for one in found] == [("unfinished", "m1"), ("unfinished", "web")]
    assert sweep(fleets, found) == []
    assert held(fleets, world) == {}
    assert machine.id not in {one.id for one in world.instances(live=True)}


def test_one_that_cannot_be_mended_hinders_none_of_the_others(fleets: Fleets, world: World) -> None:
    first, _ = (plant(world, "volume", {OWNER: fleets.store.owner}) for _ in range(2))
    stranger = world.connect().compute.create(InstanceSpec(machine_type="cpu-2", zone="sim-east-a"), token=str(uuid4()))
    world.advance(60)
    world.connect().storage.attach(first.id, stranger.id)
    world.advance(LONG)
    failures = sweep(fleets, look(fleets))
    assert [(one.subject, type(error)) for one, error in failures] == [(first.id, Conflict)]
    assert [one.id for one in truth(world, "volume")] == [first.id]
    assert [one.subject for one in look(fleets)] == [first.id]
