"""What a door asks of fleets: a preview tells the truth about what it costs, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudlayer.errors import InvalidSpec, NotFound, TransientError
from cloudlayer.fleet import findings, instances, sweep
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.stuck import PATIENCE
from cloudlayer.labels import FLEET as FLEET_LABEL
from cloudlayer.labels import OWNER
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec
from cloudlayer.scheduler import Plan
from cloudlayer.testing.evidence import record_promise
from tests.fleet.controllers import FLEET, manifest


@pytest.fixture
def world() -> World:
    return World(boot_seconds=1.0, delete_seconds=1.0)


@pytest.fixture
def fleets(tmp_path: Path, world: World) -> Iterator[Fleets]:
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: world.connect(), world.clock), clock=world.clock) as fleets:
        yield fleets


def test_a_preview_changes_nothing(fleets: Fleets, world: World) -> None:
    before = fleets.preview(manifest())
    assert [bought.offer.provider for bought in before.plan.purchases] == ["simulated"]
    assert fleets.preview(manifest()) == before
    assert not world.instances()
    assert not fleets.names()


def test_what_was_previewed_is_deployed_and_not_looked_at_anew(fleets: Fleets, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = manifest()
    preview = fleets.preview(wanted)
    assert preview.desired is not None

    def never(*_: object) -> None:
        raise AssertionError("sources and models were resolved once more")

    monkeypatch.setattr(Desired, "of", never)
    fleets.deploy(wanted, preview)
    assert fleets.store.desired(FLEET).document == preview.desired.document()


def test_a_preview_names_a_provider_that_cannot_be_asked_once(fleets: Fleets, world: World) -> None:
    world.inject(Fault("refused", "offers", error="auth", times=None))
    (warning,) = fleets.preview(manifest()).warnings
    assert warning.count("simulated: ") == 1


def test_a_preview_tells_what_calls_may_come_to_cost(fleets: Fleets) -> None:
    preview = fleets.preview(manifest(replicas=0, scale={"min": 0, "max": 5}))
    assert not preview.plan.purchases
    assert any(offer.price is None or offer.price.amount > 0 for offer in preview.growth)


def test_what_is_taken_down_leaves_nothing_and_its_cost_is_kept(
    fleets: Fleets, world: World, request: pytest.FixtureRequest
) -> None:
    record_promise(request.node, "simulated", "simulated", ["engine:simulated"])
    fleets.deploy(manifest())
    fleets.settle(FLEET, progress=lambda _event: None)
    assert len(world.instances(live=True)) == 1
    assert fleets.status(FLEET).settled
    world.advance(3600)
    fleets.down(FLEET, progress=lambda _event: None)
    assert not world.instances(live=True)
    (entry,) = fleets.ledger(FLEET)
    assert entry.price is not None
    assert entry.ended_at is not None
    assert entry.cost(entry.ended_at) == pytest.approx(entry.price, rel=0.05)
    with pytest.raises(NotFound, match="no fleet yet"):
        fleets.named(None)


def test_what_cannot_be_deleted_is_told_with_the_mend_and_waited_for_no_longer_than_that(fleets: Fleets, world: World) -> None:
    fleets.deploy(manifest())
    fleets.settle(FLEET, progress=lambda _event: None)
    world.inject(Fault("refused", "delete", times=None))
    began = world.clock.now()
    with pytest.raises(TransientError, match=r"There is left \S+ \(.*\): .*; let it be reached and run this again"):
        fleets.down(FLEET, progress=lambda _event: None)
    assert world.clock.now() - began < PATIENCE + 90
    with world.transaction() as (document, _):
        document["faults"].clear()
    fleets.down(FLEET, progress=lambda _event: None)
    assert not world.instances(live=True)


def test_instances_made_by_hand_are_listed_priced_and_deleted(fleets: Fleets, world: World) -> None:
    made = instances.create(fleets, "simulated", InstanceSpec(cpu=2.0, user_data="#!/bin/sh"), count=3)
    assert {one.id for one in made} == {one.id for one in world.instances(live=True)}
    assert {one.id for one in instances.listed(fleets, None)} == {one.id for one in made}
    assert len(fleets.ledger(BY_HAND)) == 3
    instances.delete(fleets, [one.id for one in made[:2]])
    assert [one.id for one in world.instances(live=True)] == [made[2].id]
    with pytest.raises(NotFound, match="no instance that was made here"):
        instances.show(fleets, made[0].id)


def test_an_instance_that_nobody_sells_is_refused(fleets: Fleets) -> None:
    with pytest.raises(InvalidSpec, match="no machine type is called none-such"):
        instances.create(fleets, "simulated", InstanceSpec(machine_type="none-such"))


def test_sweep_finds_what_the_store_does_not_know_and_what_the_cloud_does_not_have(fleets: Fleets, world: World) -> None:
    kept, gone = instances.create(fleets, "simulated", InstanceSpec(cpu=2.0), count=2)
    world.connect().compute.delete([gone.id])
    ours = {OWNER: fleets.store.owner, FLEET_LABEL: BY_HAND}
    stray = world.connect().compute.create(
        InstanceSpec(machine_type=kept.machine_type, labels=ours), token="7a0a2b44-5a4e-4ae2-9a55-0f2c1f4a9a01"
    )
    other = world.connect().compute.create(
        InstanceSpec(machine_type=kept.machine_type, labels={OWNER: "another"}),
        token="7a0a2b44-5a4e-4ae2-9a55-0f2c1f4a9a02",
    )
    world.advance(300)
    found = findings.find(fleets, ["simulated"])
    assert {(one.kind, one.subject) for one in found} == {("unknown", stray.id), ("lost", "m2")}
    sweep.sweep(fleets, found)
    assert {one.id for one in world.instances(live=True)} == {kept.id, other.id}
    assert not findings.find(fleets, ["simulated"])
    assert [row.ended_at is None for row in fleets.ledger(BY_HAND)] == [True, False]


def test_a_longer_search_never_makes_a_preview_dearer_and_ends_in_time(fleets: Fleets, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = iter(range(1000))
    monkeypatch.setattr(fleets.clock, "monotonic", lambda: float(next(asked)))
    wanted = manifest(replicas=7, resources={"cpu": 1.5, "memory": "3GiB"})
    quick, searched = fleets.preview(wanted).plan, fleets.preview(wanted, search=3.0).plan
    assert _price(searched) <= _price(quick)
    assert searched.gap is not None
    assert quick.gap is not None
    assert searched.gap <= quick.gap


def _price(plan: Plan) -> float:
    return sum(bought.offer.price.amount for bought in plan.purchases if bought.offer.price is not None)
