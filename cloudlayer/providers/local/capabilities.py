"""What this host can do as a provider, and why it cannot do the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.providers.local.launch import PROVIDER
from cloudlayer.runtime.registry import engine_names

_DOCKER_SOCKET: Final = "/var/run/docker.sock"
_COMPUTE: Final = ("on_demand", "idempotent_create", "batch_create", "stop_start", "reboot", "resize", "labels", "prices")
_GROUPS: Final = ("autoscaling", "group_machine_types", "group_step", "group_balancer", "group_replace")
_BALANCERS: Final = (
    *("load_balancing", "balancer_tcp", "balancer_http", "balancer_instances", "balancer_addresses", "balancer_groups"),
    *("balancer_health", "balancer_http_check"),
)
_STORAGE: Final = (
    "volumes",
    "volume_types",
    "volume_grow",
    "volume_grow_attached",
    "volume_snapshots",
    "snapshots_outlive_volumes",
)
_UNWATCHED: Final = "no process of this host watches a group: set its size, or execute a step policy"
_ONE_DISK: Final = "this host has one file system for all of its machines already: use a folder of it"
_MISSING: Final[Mapping[str, str]] = {
    "spot": "this host's machines are not sold by the spot: use on_demand",
    "reserved": "this host's machines are not reserved ahead: use on_demand",
    "user_data": "a machine of this host boots no system of its own that could run it",
    "disks": "a machine of this host has its share of the host's disk: attach a volume",
    "public_address": "a machine of this host has the host's addresses",
    "open_ports": "this host's firewall is its owner's: open the port there",
    "images": "a machine of this host runs the host's own system",
    "console_log": "a machine of this host has no console: see the logs of its replicas",
    "group_zones": "this host is one zone: leave the zones out",
    "group_target_tracking": _UNWATCHED,
    "group_step_metric": _UNWATCHED,
    "group_scheduled": _UNWATCHED,
    "balancer_https": "this host keeps no certificates: use a tcp listener, and let the targets speak TLS",
    "balancer_public": "a balancer of this host is reached from this host alone: use a cloud, or forward a port to it",
    "volume_speeds": "a volume of this host is as fast as the host's disk",
    "expiry": "machines of this host are processes of this host, and cost nothing: none has to end itself",
    "shares": _ONE_DISK,
    "share_nfs": _ONE_DISK,
    "share_smb": _ONE_DISK,
}


def capabilities() -> Capabilities:
    """What this host can do now."""
    found = {name: Capability(True) for name in (*_COMPUTE, *_GROUPS, *_BALANCERS, *_STORAGE)}
    found |= {name: Capability(False, reason) for name, reason in _MISSING.items()}
    found |= {f"engine:{name}": Capability(True) for name in engine_names()}
    if docker_socket() is None:
        reason = f"no Docker Engine listens at {_named()}: install and start one, or set DOCKER_HOST to its unix:// socket"
        found["engine:docker"] = Capability(False, reason)
    return Capabilities(PROVIDER, found)


def docker_socket() -> Path | None:
    """The socket of a Docker Engine of this host, if DOCKER_HOST or the usual place names one that exists."""
    named = _named()
    path = Path(named.removeprefix("unix://"))
    return path if named.startswith("unix://") and path.is_socket() else None


def _named() -> str:
    return os.environ.get("DOCKER_HOST") or f"unix://{_DOCKER_SOCKET}"
