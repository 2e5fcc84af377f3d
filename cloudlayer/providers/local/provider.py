"""The local provider: this host, and what it can and cannot do."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Clock, Deadline, Engine
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.local import engines
from cloudlayer.providers.local.autoscaling import LocalAutoscaling
from cloudlayer.providers.local.capabilities import capabilities, docker_socket
from cloudlayer.providers.local.compute import LocalCompute
from cloudlayer.providers.local.groups import group_shelf
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.launch import REGION
from cloudlayer.providers.local.leftovers import delete_leftover, leftovers
from cloudlayer.providers.local.load_balancing import LocalLoadBalancing
from cloudlayer.providers.local.storage import LocalStorage
from cloudlayer.resources import Instance, Leftover
from cloudlayer.runtime.process import cgroups

_NVIDIA_DEVICE: Final = Path("/dev/nvidia0")


class LocalProvider(BaseProvider):
    """This host, cut into machines."""

    def __init__(self, state: Path, measure: Callable[[], HostFigures], *, clock: Clock | None = None) -> None:
        """`state` is the folder of the machines' records, `measure` tells what the host has."""
        can = capabilities()
        super().__init__(REGION, can)
        self._state = state
        self._measure = measure
        self._compute = LocalCompute(can, state, measure, clock=clock)
        self._storage = LocalStorage(can, self._compute.records, clock=clock)
        groups = group_shelf(state)
        self._load_balancing = LocalLoadBalancing(can, self._compute.records, groups, clock=clock)
        balancers = self._load_balancing.kept
        self._autoscaling = LocalAutoscaling(can, groups, self._compute, balancers, measure, clock=clock)
        self._shelves = (groups, balancers.shelf, self._storage.kept.volumes, self._storage.kept.snapshots)

    @property
    def compute(self) -> LocalCompute:
        """Machines of this host."""
        return self._compute

    @property
    def autoscaling(self) -> LocalAutoscaling:
        """Groups of machines."""
        return self._autoscaling

    @property
    def load_balancing(self) -> LocalLoadBalancing:
        """Balancers, each a process of this host."""
        return self._load_balancing

    @property
    def storage(self) -> LocalStorage:
        """Volumes, each a file on this host's disk."""
        return self._storage

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

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """What a killed process left half made or half removed."""
        return list(leftovers(self._shelves, labels))

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Remove one of them."""
        delete_leftover(self._shelves, leftover)

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
