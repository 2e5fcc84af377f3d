"""What is made by hand on AWS's stand-in: made once, no orphan to a sweep, and gone without a trace; orphans are swept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer.fleet import ends, findings, instances, things
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.kinds import BALANCER, GROUP, KINDS, SNAPSHOT, VOLUME, SnapshotSpec
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.sweep import sweep
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.aws.provider import AwsProvider
from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec, VolumeSpec
from cloudlayer.specs import Spec, checked
from cloudlayer.testing import SteppedClock
from cloudlayer.units import GIB
from tests.fakes.aws.server import FakeAws

WHERE = "aws:us-east-1"
SPECS: dict[str, Spec] = {
    GROUP.name: checked(
        ScalingGroupSpec,
        {"name": "web", "min": 1, "max": 2, "template": {"machine_type": "m7i.large", "user_data": "#!/bin/sh"}},
        "",
    ),
    BALANCER.name: checked(
        LoadBalancerSpec, {"name": "door", "listeners": [{"port": 80, "protocol": "tcp", "target_port": 80}]}, ""
    ),
    VOLUME.name: VolumeSpec(name="data", size=GIB),
}


@pytest.fixture
def server() -> Iterator[FakeAws]:
    aws = FakeAws()
    aws.reset()
    yield aws
    aws.close()


@pytest.fixture
def fleets(server: FakeAws, tmp_path: Path) -> Iterator[Fleets]:
    options = Options(endpoint_url=server.url, machine_types="m7i.large", access_key_id="AKIATEST", secret_access_key="hidden")
    clock = SteppedClock()
    server.follow(clock)
    cloud = AwsProvider("us-east-1", options, clock=clock)
    with Fleets(Home(tmp_path), clouds=Clouds(lambda _: cloud, clock), clock=clock) as fleets:
        yield fleets


def _look(fleets: Fleets) -> list[tuple[str, str]]:
    return [(one.kind, one.thing) for one in findings.find(fleets, [WHERE])]


@pytest.mark.timeout(300)
def test_things_of_every_kind_come_and_go_and_no_sweep_takes_them_for_orphans(fleets: Fleets) -> None:
    (machine,) = instances.create(fleets, WHERE, InstanceSpec(machine_type="m7i.large"))
    for kind, spec in SPECS.items():
        things.create(fleets, KINDS[kind], WHERE, spec)
    volume = things.show(fleets, VOLUME, "data")
    things.create(fleets, SNAPSHOT, WHERE, SnapshotSpec(name="copy", volume=volume.id))
    fleets.clock.sleep(700)
    assert [one.id for one in instances.listed(fleets, None)] == [machine.id]
    assert _look(fleets) == []
    for kind in KINDS.values():
        ends.delete(fleets, kind, [things.found(fleets, kind, row.id).row for row in fleets.store.things("-", kind.name)])
    instances.delete(fleets, [machine.id])
    fleets.clock.sleep(700)
    assert _look(fleets) == []


@pytest.mark.timeout(300)
def test_orphans_of_every_kind_are_swept_and_anothers_stay(fleets: Fleets) -> None:
    provider = fleets.clouds.provider(WHERE)
    for owner in (fleets.store.owner, "another"):
        for kind, spec in SPECS.items():
            marked = spec.model_copy(update={"name": f"{kind}-{owner[:4]}", "labels": {OWNER: owner, FLEET: "-"}})
            KINDS[kind].verbs(provider).create(marked, token=str(uuid4()))
    fleets.clock.sleep(700)
    found = findings.find(fleets, [WHERE])
    assert sorted(one.thing for one in found) == ["balancer", "group", "volume"]
    assert sweep(fleets, found) == []
    fleets.clock.sleep(700)
    assert _look(fleets) == []
    for kind in SPECS:
        assert len(KINDS[kind].verbs(provider).list({OWNER: "another"})) == 1
