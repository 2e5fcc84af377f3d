"""What functions ask of machines, from the manifest to what runs: MIG instances, shares, taints, spot, reservations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.fleet import demands
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import ReplicaState
from cloudlayer.providers.simulated import World
from cloudlayer.scheduler import Rules
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET, Place, manifest, reconcile, want
from tests.scheduler.build import offer


@pytest.fixture
def world() -> World:
    return World(boot_seconds=1.0, delete_seconds=1.0)


@pytest.fixture
def fleets(tmp_path: Path, world: World) -> Iterator[Fleets]:
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: world.connect(), world.clock), clock=world.clock) as fleets:
        yield fleets


def wishing(fleet: dict[str, Any], **function: Any) -> Manifest:
    written = manifest(replicas=function.pop("replicas", 2)).model_dump(mode="json", exclude_unset=True)
    one = written["function"][0] | function
    return checked(Manifest, {"fleet": written["fleet"] | fleet, "function": [one]}, "")


def on_gpu(**gpu: Any) -> dict[str, Any]:
    return {"cpu": 1.0, "memory": "1GiB", "gpu": gpu}


def settle(fleets: Fleets, wanted: Manifest) -> None:
    fleets.deploy(wanted)
    fleets.settle(FLEET, progress=lambda _event: None)
    assert fleets.status(FLEET).settled


def machine_row(sold=None, **rest) -> MachineRow:
    sold = sold or offer("t", cpu=8.0, memory=32, gpus=[("A100", 40)] * 2)
    return MachineRow(FLEET, "m1", "b", 0, "cloud:east", sold, {"disk": 100 * GIB}, MachineState.RUNNING, **rest)


def replica_row(wanted: Manifest, **rest) -> ReplicaRow:
    (spec,) = wanted.function
    row = ReplicaRow(
        FLEET, "r1", spec.name, spec.version, Desired(wanted).digest(spec), "m1", "docker", (), spec.model_dump(mode="json"),
        ReplicaRowState.READY, created_at=10.0, changed_at=14.0,
    )  # fmt: skip
    return replace(row, **rest)


def test_mig_instances_come_up_each_at_its_own_slices_and_new_ones_beside_them(fleets: Fleets) -> None:
    settle(fleets, manifest(replicas=3, resources=on_gpu(profile="2g.10gb")))
    first = {row.id: (row.devices, row.slices) for row in fleets.replicas(FLEET)}
    assert sorted(first.values()) == [((0,), (0,)), ((0,), (2,)), ((0,), (4,))]
    settle(fleets, manifest(replicas=5, resources=on_gpu(profile="2g.10gb")))
    later = {row.id: (row.devices, row.slices) for row in fleets.replicas(FLEET)}
    assert first.items() <= later.items()
    assert len(set(later.values())) == 5
    (machine,) = fleets.machines(FLEET)
    assert [device.model for device in machine.offer.machine_type.accelerators] == ["A100"] * 8


def test_the_simulated_engine_is_told_which_instance_a_replica_gets(fleets: Fleets, world: World) -> None:
    settle(fleets, manifest(replicas=1, resources=on_gpu(count=2, profile="3g.20gb")))
    (row,) = fleets.replicas(FLEET)
    assert len(row.devices) == len(row.slices) == 2
    document, _ = world.look()
    (told,) = [replica for machine in document["replicas"].values() for replica in machine.values()]
    assert (told["gpu_profile"], told["slices"]) == ("3g.20gb", list(row.slices))


def test_a_mig_profile_is_refused_where_the_functions_engine_makes_no_instances(
    fleets: Fleets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "see.py").write_text("def apply(input): ...")
    wanted = manifest(resources=on_gpu(profile="2g.10gb"), image=None, source=str(tmp_path))
    market = fleets.clouds.market(["simulated"], lambda *_: None)
    real = replace(market, engines={"simulated:sim-east": ("docker", "process")})
    monkeypatch.setattr(fleets.clouds, "market", lambda *_: real)
    with pytest.raises(InvalidSpec, match=r"food/See/1.0.0: resources.gpu.profile: the process engine makes no MIG instances"):
        fleets.preview(wanted)
    (spec,) = manifest(resources=on_gpu(profile="2g.10gb")).function
    assert demands.unhonoured(spec, ("docker", "process")) is None


def test_a_half_of_the_compute_is_shared_by_two_and_no_more(fleets: Fleets) -> None:
    settle(fleets, manifest(replicas=3, resources=on_gpu(compute=0.5)))
    devices = [(row.machine, row.devices) for row in fleets.replicas(FLEET)]
    assert sorted(devices.count(each) for each in set(devices)) == [1, 2]


def test_a_tainted_machine_type_takes_only_those_that_tolerate_it(fleets: Fleets) -> None:
    some = {"allow": {"machine_types": ["cpu-2", "cpu-4"]}, "taints": {"small": ["cpu-2", "t*"]}}
    preview = fleets.preview(wishing(some, replicas=1, tolerates=["small"]))
    assert [bought.offer.machine_type.name for bought in preview.plan.purchases] == ["cpu-2"]
    settle(fleets, wishing(some, replicas=1))
    assert [row.offer.machine_type.name for row in fleets.machines(FLEET)] == ["cpu-4"]
    (unplaced,) = fleets.preview(wishing(some | {"taints": {"all": ["*"]}}, replicas=1, scale={"min": 1})).plan.unplaced
    assert unplaced.reason.endswith("add all to tolerates")


def test_a_function_that_may_not_be_on_spot_is_moved_off_and_another_stays(fleets: Fleets) -> None:
    some = {"allow": {"machine_types": ["cpu-2", "cpu-4"]}}
    settle(fleets, wishing(some, replicas=1))
    (before,) = fleets.replicas(FLEET)
    assert [row.offer.purchase for row in fleets.machines(FLEET)] == ["spot"]
    settle(fleets, wishing(some, replicas=1, priority=3))
    assert [row.id for row in fleets.replicas(FLEET)] == [before.id]
    settle(fleets, wishing(some, replicas=1, spot=False))
    (after,) = fleets.replicas(FLEET)
    assert after.id != before.id
    home = next(row for row in fleets.machines(FLEET) if row.id == after.machine)
    assert home.offer.purchase != "spot"


def test_a_replica_that_may_be_nowhere_any_more_stays_where_it_is(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.home.prepare()
    want(place, manifest(replicas=1))
    assert reconcile(place)
    (before,) = place.world().replicas()
    want(place, wishing({"taints": {"all": ["*"]}}, replicas=1))
    assert not reconcile(place, rounds=20)
    (after,) = place.world().replicas()
    assert (after.id, after.state) == (before.id, ReplicaState.READY)


def test_what_is_reserved_is_used_first_and_its_price_is_told(fleets: Fleets) -> None:
    preview = fleets.preview(manifest(replicas=2, resources=on_gpu(model=["L4"])))
    bought = [machine.offer for machine in preview.plan.purchases]
    assert [(one.purchase, one.machine_type.name) for one in bought] == [("reserved", "l4-1")] * 2
    assert all(one.price is not None and one.price.amount > 0 for one in bought)
    more = fleets.preview(manifest(replicas=3, resources=on_gpu(model=["L4"])))
    assert sorted(machine.offer.purchase for machine in more.plan.purchases) == ["reserved", "reserved", "spot"]


def test_a_machine_is_told_with_its_residents_and_how_it_was_bought() -> None:
    wanted = wishing({"taints": {"gpu": ["t"]}}, tolerates=["gpu"], priority=1, resources=on_gpu(profile="2g.10gb"))
    rules = demands.rules(wanted, (), (), 0.0)
    row = replica_row(wanted, devices=(1,), slices=(2,))
    later = wishing({"taints": {"gpu": ["t"]}}, tolerates=["gpu"], priority=5, resources=on_gpu(profile="2g.10gb"))
    told = demands.machine(machine_row(), [row], ("docker",), rules=rules, manifest=later, now=70.0)
    assert (told.region, told.purchase, told.taints) == ("cloud:east", "on_demand", {"gpu"})
    assert [device.slices for device in told.devices] == [0, 0b1100]
    (resident,) = told.residents
    assert (resident.demand.id, resident.demand.priority, resident.devices, resident.slices) == ("r1", 5, (1,), (2,))
    assert (resident.age, resident.start, resident.leaving) == (60.0, 4.0, False)


def test_reserved_machines_do_not_count_against_the_limit() -> None:
    bought = machine_row(offer("t", 3.0)), machine_row(offer("t", 2.0, purchase="reserved"))
    assert demands.rules(wishing({"max_price": "5 USD/h"}), (), bought, 0.0).spent == 3.0


def test_what_a_user_wishes_of_machines_changes_no_form_of_a_version() -> None:
    def digest(**function: Any) -> str:
        wanted = wishing({"taints": {"gpu": ["t"]}}, **function)
        return Desired(wanted).digest(wanted.function[0])

    assert digest() == digest(spot=False, priority=3, tolerates=["gpu"])
    assert digest() != digest(resources=on_gpu(compute=0.5))
    assert digest(resources=on_gpu(compute=0.5)) != digest(resources=on_gpu(compute=0.25))


@pytest.mark.parametrize(
    ("function", "bears", "purchase", "expected"),
    [
        ({}, {}, "spot", True),
        ({"spot": False}, {}, "spot", False),
        ({"spot": False}, {}, "reserved", True),
        ({}, {"gpu": ("t",)}, "on_demand", False),
        ({"tolerates": ["gpu"]}, {"gpu": ("t*",)}, "on_demand", True),
    ],
)
def test_where_a_replica_may_be_is_for_its_wishes_to_say(function, bears, purchase, expected) -> None:
    (spec,) = wishing({"taints": {"gpu": ["t"]}}, **function).function
    assert demands.may_be_on(spec, machine_row(offer("t", purchase=purchase)), Rules(taints=bears)) is expected
