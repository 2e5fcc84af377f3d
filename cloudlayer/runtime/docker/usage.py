"""What a machine's replicas use, as its Docker Engine and the driver of its GPUs count it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, NotFound
from cloudlayer.interfaces import ReplicaUsage
from cloudlayer.labels import MACHINE
from cloudlayer.runtime.docker.containers import GPU_DEVICES, REPLICA
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.gpu.reading import Reading, read

_NANOSECONDS: Final = 1e9
# What the kernel holds of files and would give back: the engine's own command line counts without it too.
_CACHES: Final = ("total_inactive_file", "inactive_file")


def usage(daemon: Daemon, machine: str) -> dict[str, ReplicaUsage]:
    """By the ids of the replicas that run; one that ends meanwhile is left out."""
    filters = {"label": [f"{MACHINE}={machine}", REPLICA], "status": ["running"]}
    found = daemon.call("listing containers", daemon.client.containers, filters=filters)
    reading = _reading(daemon) if any(GPU_DEVICES in each["Labels"] for each in found) else Reading()
    measured = {each["Labels"][REPLICA]: _measured(daemon, each["Id"], reading) for each in found}
    return {replica: one for replica, one in measured.items() if one is not None}


def _reading(daemon: Daemon) -> Reading:
    """The GPUs, or none where the driver does not answer: processors and memory are told all the same."""
    try:
        return read(daemon.host)
    except CloudLayerError:
        return Reading()


def _measured(daemon: Daemon, container: str, reading: Reading) -> ReplicaUsage | None:
    try:
        told = daemon.call("measuring a container", daemon.client.stats, container, stream=False, one_shot=True)
    except NotFound:
        return None
    memory: Mapping[str, Any] = told.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    cached = next((details[name] for name in _CACHES if name in details), 0)
    seconds = told["cpu_stats"]["cpu_usage"]["total_usage"] / _NANOSECONDS
    return ReplicaUsage(seconds, max(0, memory["usage"] - cached), reading.used_by(container))
