"""Updates of whole fleets on a simulated cloud: where there is room for both versions, and where there is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cloudlayer.fleet import rollouts
from cloudlayer.fleet.desired import Desired
from cloudlayer.functions.manifest import Manifest
from cloudlayer.resources import MachineType
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET
from tests.fleet.test_turns import Fleet, deploy, new

BOX = MachineType("box", 8.0, 32 * GIB, "x86_64", (), disk=500 * GIB)
LARGE = MachineType("large", 64.0, 256 * GIB, "x86_64", (), disk=500 * GIB)


def function(version: str = "1.0.0", cpu: float = 1.0, replicas: int = 2, name: str = "a/One", **fields: Any) -> dict[str, Any]:
    needs = {"cpu": cpu, "memory": "1GiB"}
    scale = {"min": replicas, "max": 2 * replicas}
    return {"name": name, "version": version, "image": "x:1", "resources": needs, "scale": scale, **fields}


def manifest(*functions: dict[str, Any]) -> Manifest:
    return checked(Manifest, {"fleet": {"name": FLEET, "providers": ["simulated"]}, "function": list(functions)}, "")


class Watched(Fleet):
    """Any number of replicas may be there at once."""

    @staticmethod
    def check(rows: Any) -> None:
        pass


def started(folder: Any, kind: MachineType, *functions: dict[str, Any]) -> Fleet:
    made = new(folder, kind, manifest(*functions))
    fleet = Watched(made.place, made.world)
    fleet.step(15)
    return fleet


def update(fleet: Fleet, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    old, wanted = Desired(manifest(*before)), Desired(manifest(*after))
    deploy(fleet, rollouts.begun(old, wanted, fleet.world.clock.now()))


def versions(fleet: Fleet) -> Counter[str]:
    return Counter(row.version for row in fleet.rows() if row.function == "a/One" and row.state == "ready")


@pytest.mark.parametrize("form", [{"version": "1.1.0"}, {"env": {"A": "b"}}])
def test_a_full_fleet_is_updated_one_by_one_and_comes_to_rest(tmp_path: Any, form: dict[str, Any]) -> None:
    before = function(cpu=3.5)
    fleet = started(tmp_path, BOX, before)
    update(fleet, [before], [before | form])
    least = 2
    for _ in range(12):
        fleet.step(3)
        least = min(least, sum(versions(fleet).values()))
    assert least == 1
    new_form = Desired(manifest(before | form)).digest(manifest(before | form).function[0])
    assert [row.digest for row in fleet.rows()] == [new_form] * 2
    count = len(fleet.rows(ended=True))
    fleet.step(20)
    assert len(fleet.rows(ended=True)) == count, "it is at rest"


def test_an_update_that_no_machine_could_hold_costs_no_replica(tmp_path: Any) -> None:
    fleet = started(tmp_path, BOX, function())
    update(fleet, [function()], [function("1.1.0", cpu=100.0)])
    for _ in range(10):
        fleet.step(3)
        assert versions(fleet) == {"1.0.0": 2}


def test_what_has_no_place_elsewhere_is_no_reason_to_end_an_old_form(tmp_path: Any) -> None:
    huge = function(name="a/Huge", cpu=100.0, replicas=1)
    changed = function(env={"A": "b"}, health={"stable": "60s"})
    fleet = started(tmp_path, BOX, function(), huge)
    update(fleet, [function(), huge], [changed, huge])
    fleet.step(20)
    assert versions(fleet) == {"1.0.0": 4}


def test_a_version_with_many_replicas_is_proven_as_well(tmp_path: Any) -> None:
    fleet = started(tmp_path, LARGE, function(replicas=12))
    update(fleet, [function(replicas=12)], [function("1.1.0", replicas=12)])
    fleet.step(30)
    assert versions(fleet) == {"1.1.0": 12}


def test_a_lost_replica_of_a_version_that_is_only_kept_is_replaced(tmp_path: Any) -> None:
    slow = function("1.1.0", health={"stable": "1h"})
    fleet = started(tmp_path, LARGE, function())
    update(fleet, [function()], [slow])
    fleet.step(5)
    lost = next(row for row in fleet.rows() if row.version == "1.0.0")
    fleet.world.end_replica(lost.id)
    fleet.step(15)
    assert versions(fleet) == {"1.0.0": 2, "1.1.0": 2}
