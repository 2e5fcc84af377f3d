"""What the tests of things made by hand share: one spec of each kind, and a home beside a simulated cloud."""

from __future__ import annotations

from typing import Any

from cloudlayer.fleet import things
from cloudlayer.fleet.kinds import BALANCER, GROUP, KINDS, SHARE, SNAPSHOT, VOLUME, SnapshotSpec
from cloudlayer.fleet.service import Fleets
from cloudlayer.labels import OWNER
from cloudlayer.providers.simulated import World
from cloudlayer.resources import LoadBalancerSpec, ScalingGroupSpec, ShareSpec, VolumeSpec
from cloudlayer.specs import Spec, checked
from cloudlayer.units import GIB

WHERE = "simulated:sim-east"
EVERY = tuple(KINDS)
SPECS: dict[str, Spec] = {
    GROUP.name: checked(
        ScalingGroupSpec,
        {"name": "web", "min": 2, "max": 4, "template": {"machine_type": "cpu-2", "user_data": "#!/bin/sh\n# hush"}},
        "",
    ),
    BALANCER.name: checked(
        LoadBalancerSpec, {"name": "door", "listeners": [{"port": 80, "protocol": "http", "target_port": 8080}]}, ""
    ),
    VOLUME.name: VolumeSpec(name="data", size=10 * GIB),
    SHARE.name: ShareSpec(name="common", size=10 * GIB),
    SNAPSHOT.name: SnapshotSpec(name="copy", volume="to be told"),
}


def spec_of(fleets: Fleets, kind: str, name: str | None = None) -> Any:
    """A spec of that kind; a snapshot's volume is made first, if there is none yet."""
    changes: dict[str, Any] = {"name": name} if name else {}
    if kind == SNAPSHOT.name:
        there = things.listed(fleets, VOLUME) or [things.create(fleets, VOLUME, WHERE, VolumeSpec(name="origin", size=GIB))]
        changes["volume"] = there[0].id
    return SPECS[kind].model_copy(update=changes)


def truth(world: World, kind: str) -> list[Any]:
    """What of that kind the cloud truly has."""
    lists = {
        "group": world.groups,
        "balancer": world.balancers,
        "volume": world.volumes,
        "snapshot": world.snapshots,
        "share": world.shares,
    }
    return [one for one in lists[kind]() if one.state.value not in ("deleting", "deleted")]


def held(fleets: Fleets, world: World) -> dict[str, int]:
    """How much of each kind is alive at the cloud with our owner label, pieces included."""
    return {kind: number for kind, number in world.holdings({OWNER: fleets.store.owner}).items() if number}
