"""What machines that exist already can do as a provider, and why they cannot do the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.providers.ssh.records import PROVIDER
from cloudlayer.runtime.registry import engine_names

_HAS: Final = ("on_demand", "idempotent_create", "batch_create", "labels", "prices", "engine:docker")
_OWNERS: Final = "a machine of an inventory is switched on and off by its owner"
_NO_GROUPS: Final = "nothing makes machines out of an inventory: a fleet scales over those that there are"
_NO_BALANCERS: Final = "an inventory has machines alone: the fleet's gateway balances calls, or use a cloud's balancer"
_NO_STORAGE: Final = "an inventory has machines alone: use a folder or a disk that the machine has already"
_MISSING: Final[Mapping[str, str]] = {
    "spot": "a machine of an inventory is taken back by nobody: use on_demand",
    "reserved": "a machine of an inventory is there already: use on_demand",
    "user_data": "a machine of an inventory has booted already: set it up as its owner does",
    "disks": "a machine of an inventory has the disks that it has",
    "public_address": "a machine of an inventory has the addresses that it has",
    "open_ports": "a machine of an inventory needs no open port but SSH, and its firewall is its owner's",
    "stop_start": _OWNERS,
    "reboot": _OWNERS,
    "resize": "a machine of an inventory is as large as it is: create another one",
    "console_log": "a machine of an inventory has no console that can be read from afar: see its journal by cloudlayer ssh",
    "expiry": "a machine of an inventory is switched off by its owner alone",
    "images": "a machine of an inventory runs the system that its owner installed",
    **dict.fromkeys(
        (
            *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step"),
            *("group_step_metric", "group_scheduled", "group_balancer", "group_replace"),
        ),
        _NO_GROUPS,
    ),
    **dict.fromkeys(
        (
            *("load_balancing", "balancer_tcp", "balancer_http", "balancer_https", "balancer_instances"),
            *("balancer_addresses", "balancer_groups", "balancer_health", "balancer_http_check", "balancer_public"),
        ),
        _NO_BALANCERS,
    ),
    **dict.fromkeys(
        (
            *("volumes", "volume_types", "volume_speeds", "volume_grow", "volume_grow_attached", "volume_snapshots"),
            *("snapshots_outlive_volumes", "shares", "share_nfs", "share_smb"),
        ),
        _NO_STORAGE,
    ),
}


def capabilities() -> Capabilities:
    """What every inventory's machines can do."""
    afar = {f"engine:{name}": Capability(False, _not_here(name)) for name in engine_names()}
    missing = {name: Capability(False, reason) for name, reason in _MISSING.items()}
    return Capabilities(PROVIDER, {**afar, **missing, **{name: Capability(True) for name in _HAS}})


def _not_here(engine: str) -> str:
    return f'the {engine} engine works on the controller\'s own host alone: name engine = "docker"'
