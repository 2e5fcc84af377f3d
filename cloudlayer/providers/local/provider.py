"""The local provider: this host, and what it can and cannot do."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Capabilities, Capability, Engine
from cloudlayer.interfaces.clock import Clock
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.local import engines
from cloudlayer.providers.local.compute import LocalCompute
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.launch import PROVIDER, REGION
from cloudlayer.resources import Instance
from cloudlayer.runtime.process import cgroups
from cloudlayer.runtime.registry import engine_names

_DOCKER_SOCKET: Final = "/var/run/docker.sock"
_NVIDIA_DEVICE: Final = Path("/dev/nvidia0")
_SUPPORTED: Final = (*("on_demand", "idempotent_create", "batch_create", "stop_start", "reboot", "resize", "labels", "prices"),)
_CLOUD_ONLY: Final = "this host has none: use a cloud"
_MISSING: Final[Mapping[str, str]] = {
    "spot": "this host's machines are not sold by the spot: use on_demand",
    "reserved": "this host's machines are not reserved ahead: use on_demand",
    "user_data": "a machine of this host boots no system of its own that could run it",
    "disks": "a machine of this host has its share of the host's disk and no other",
    "public_address": "a machine of this host has the host's addresses",
    "open_ports": "this host's firewall is its owner's: open the port there",
    "images": "a machine of this host runs the host's own system",
    "console_log": "a machine of this host has no console: see the logs of its replicas",
    "autoscaling": _CLOUD_ONLY,
    "load_balancing": _CLOUD_ONLY,
    "volumes": _CLOUD_ONLY,
    "shares": _CLOUD_ONLY,
}


class LocalProvider(BaseProvider):
    """This host, cut into machines."""

    def __init__(self, state: Path, measure: Callable[[], HostFigures], *, clock: Clock | None = None) -> None:
        """`state` is the folder of the machines' records, `measure` tells what the host has."""
        super().__init__(REGION, Capabilities(PROVIDER, _capabilities()))
        self._state = state
        self._measure = measure
        self._compute = LocalCompute(self.capabilities, state, measure, clock=clock)

    @property
    def compute(self) -> LocalCompute:
        """Machines of this host."""
        return self._compute

    @property
    def keeps_machines(self) -> bool:
        """False: a machine of this host is of no use without a controller, and costs nothing to make again."""
        return False

    def engine(self, name: str, instance: Instance) -> Engine:
        """The engine of that name on one of this host's machines."""
        if not self.capabilities[f"engine:{name}"]:
            return super().engine(name, instance)
        record = self._compute.running(instance.id)
        engine = engines.connect(self._compute.records, name, record.id)
        if not record.devices:
            return engine
        index_of = {device.uuid: device.index for device in self._measure().devices}
        return engines.EngineWithDevices(engine, [index_of[uuid] for uuid in record.devices])

    def check(self) -> list[str]:
        """What of this host cannot be used, and how to mend it."""
        return [line for line in (self._state_line(), _cgroup_line(), self._gpu_line(), _docker_line()) if line]

    def _state_line(self) -> str:
        folder = next(path for path in (self._state, *self._state.parents) if path.exists())
        if os.access(folder, os.W_OK | os.X_OK):
            return ""
        return f"local: {self._state} cannot be written: set CLOUDLAYER_LOCAL_STATE to a folder of yours"

    def _gpu_line(self) -> str:
        if not _NVIDIA_DEVICE.exists() or self._measure().devices:
            return ""
        return (
            "local: this host has NVIDIA GPUs that NVML does not show: pip install nvidia-ml-py, and see that nvidia-smi works"
        )


def docker_socket() -> Path | None:
    """The socket of a local Docker Engine, if DOCKER_HOST or the usual place names one that exists."""
    named = os.environ.get("DOCKER_HOST") or f"unix://{_DOCKER_SOCKET}"
    path = Path(named.removeprefix("unix://"))
    return path if named.startswith("unix://") and path.is_socket() else None


def _capabilities() -> dict[str, Capability]:
    found = {name: Capability(True) for name in _SUPPORTED}
    found |= {name: Capability(False, reason) for name, reason in _MISSING.items()}
    found |= {f"engine:{name}": Capability(True) for name in engine_names()}
    if docker_socket() is None and not os.environ.get("DOCKER_HOST", "").startswith(("tcp://", "ssh://")):
        reason = f"no Docker Engine listens at {_DOCKER_SOCKET}: install and start one, or set DOCKER_HOST"
        found["engine:docker"] = Capability(False, reason)
    return found


def _cgroup_line() -> str:
    if cgroups.detect():
        return ""
    return (
        "local: control groups cannot be made, so the limits of replicas hold in part: run as root, or delegate a group to us"
    )


def _docker_line() -> str:
    path = docker_socket()
    if path is None:
        return ""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(path))
        except OSError as error:
            return f"local: Docker Engine at {path} cannot be reached ({error.strerror}): start it, or join its group"
    return ""
