"""The simulated cloud: a provider to rehearse and to test with, whose truth can be looked at.

    world = World(seed=7, boot_seconds=30)                # in memory; World("world.json") lives in a file
    cloud = world.connect("sim-east")                     # a Provider
    vm = cloud.compute.create(InstanceSpec(machine_type="l4-1"), token=str(uuid4()))
    world.advance(30)                                     # virtual time: the instance runs now
    world.inject(Fault("lost", call="create"))            # the next create takes effect, and its answer is lost
    world.instances(live=True), world.groups(), world.holdings(labels), world.replicas(), world.journal("create"), world.clock

A call's name in the journal and in faults: an instance's are "create", "get" and so on, those of other things "group.create",
"balancer.health", "volume.attach", "snapshot.list", "share.get". What is made beside a thing has its own: "template.create"
before a group, "listener_set.create" before a balancer, "share_account.create" before a share, "firewall.create" before what
opens ports, and "firewall.delete" after it.

The plug-in: `cloudlayer.connect("simulated", region="sim-east", file="world.json", clock="real", seed=7)`. Without `file`
the environment's CLOUDLAYER_SIMULATED names it; without either the world is in memory and this connection's alone.
The other options are those of `Settings`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.providers.simulated.provider import SimulatedProvider
    from cloudlayer.providers.simulated.world import Replica, World
    from cloudlayer.runtime.simulated import Fault, Settings

_LEADS_TO = {
    "Fault": "cloudlayer.runtime.simulated",
    "Settings": "cloudlayer.runtime.simulated",
    "Replica": "cloudlayer.providers.simulated.world",
    "World": "cloudlayer.providers.simulated.world",
}
__all__ = ["Fault", "Replica", "Settings", "World", "connect"]


def __getattr__(name: str) -> Any:
    if name in _LEADS_TO:
        return getattr(import_module(_LEADS_TO[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def connect(region: str | None, options: Mapping[str, Any]) -> SimulatedProvider:
    """Connect a region of the world in `file`, or of a new one."""
    from cloudlayer.providers.simulated.world import World

    settings = dict(options)
    file = settings.pop("file", None) or os.environ.get("CLOUDLAYER_SIMULATED") or None
    if file is not None and not isinstance(file, str | Path):
        raise InvalidSpec(f"simulated.file: give a path, not {file!r}")
    return World(file, **settings).connect(region)
