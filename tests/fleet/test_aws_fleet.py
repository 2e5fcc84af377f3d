"""A fleet on EC2: machines are planned, bought, watched and deleted; that replicas cannot run there yet is said, not hidden."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.functions.manifest import Manifest
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.aws.provider import AwsProvider
from cloudlayer.specs import checked
from cloudlayer.testing import SteppedClock
from tests.fakes.aws.server import FakeAws

TYPES = "m7i.large,m7i.xlarge,g5.xlarge"


@pytest.fixture
def server() -> Iterator[FakeAws]:
    aws = FakeAws()
    yield aws
    aws.close()


@pytest.fixture
def fleets(server: FakeAws, tmp_path: Path) -> Iterator[Fleets]:
    options = Options(endpoint_url=server.url, machine_types=TYPES, access_key_id="AKIATEST", secret_access_key="hidden")
    clock = SteppedClock()
    cloud = AwsProvider("us-east-1", options, clock=clock)
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: cloud, clock), clock=clock) as fleets:
        yield fleets


def _manifest(**fleet: Any) -> Manifest:
    needs = {"cpu": 1.5, "memory": "5GiB", "disk": "10GiB"}
    function = {"name": "food/See", "version": "1.0.0", "image": "see:1", "resources": needs, "scale": {"min": 2}}
    section = {"name": "seefood", "providers": ["aws:us-east-1"], "allow": {"spot": False}} | fleet
    return checked(Manifest, {"fleet": section, "function": [function]}, "")


def test_machines_are_planned_bought_watched_and_deleted_and_replicas_are_unsupported(fleets: Fleets, server: FakeAws) -> None:
    preview = fleets.preview(_manifest())
    assert [bought.offer.machine_type.name for bought in preview.plan.purchases] == ["m7i.large", "m7i.large"]
    assert any("running replicas on EC2 machines is not supported yet" in warning for warning in preview.warnings)
    fleets.deploy(_manifest())
    fleets.settle("seefood", progress=lambda _event: None)
    machines = fleets.machines("seefood")
    assert [row.state for row in machines] == ["running", "running"]
    assert not fleets.replicas("seefood")
    assert server.count("RunInstances") == 1
    assert all(entry.price == pytest.approx(0.1008) for entry in fleets.ledger("seefood"))
    fleets.down("seefood", progress=lambda _event: None)
    assert not fleets.machines("seefood")
    assert all(entry.ended_at is not None for entry in fleets.ledger("seefood"))


def test_a_fleet_that_would_cost_more_than_its_limit_buys_nothing(fleets: Fleets) -> None:
    preview = fleets.preview(_manifest(max_price="0.15 USD/h"))
    assert len(preview.plan.purchases) < 2
    assert preview.plan.unplaced
    assert any("max_price" in missing.reason for missing in preview.plan.unplaced)


def test_where_a_zone_has_no_capacity_the_fleet_goes_to_another(fleets: Fleets, server: FakeAws) -> None:
    server.fault(action="RunInstances", code="InsufficientInstanceCapacity", times=1)
    fleets.deploy(_manifest())
    fleets.settle("seefood", progress=lambda _event: None)
    told = [event for event in fleets.events("seefood") if event.kind == "machine not bought"]
    assert told
    zones = {row.offer.zone for row in fleets.machines("seefood")}
    assert len(fleets.machines("seefood")) == 2
    assert zones.isdisjoint({word for event in told for word in event.message.split()})
