"""What this host has: processors, memory and disk, the limits of the container around us included; and its GPUs."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudlayer.providers.base.devices import model_name, sold_as
from cloudlayer.units import GIB, KIB, MIB

SYSTEM_SHARE: Final = 0.05
SYSTEM_MEMORY: Final = 256 * MIB
_ROOT: Final = Path("/")
_ARCHITECTURES: Final = {"amd64": "x86_64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """One GPU. `index` is its place in NVML's order, `memory` in bytes; `uuid` is the same whatever the order."""

    index: int
    uuid: str
    model: str
    memory: int


@dataclass(frozen=True, slots=True)
class HostFigures:
    """What the host has, nominally: thousandths of a core, bytes of memory, bytes of disk that are free, GPUs."""

    millicores: int
    memory: int
    disk: int
    architecture: str = "x86_64"
    devices: tuple[GpuDevice, ...] = ()

    @property
    def usable_millicores(self) -> int:
        """What machines may use: the system keeps a twentieth."""
        return self.millicores - round(self.millicores * SYSTEM_SHARE)

    @property
    def usable_memory(self) -> int:
        """What machines may use: the system keeps a twentieth, or 256 MiB, or of a tiny host a quarter."""
        return self.memory - max(round(self.memory * SYSTEM_SHARE), min(SYSTEM_MEMORY, self.memory // 4))


def measure(folder: Path, root: Path = _ROOT) -> HostFigures:
    """This host's figures; the disk is the one that `folder` is on, and /proc and /sys are below `root`.

    Free disk is rounded down to a power of two, so that machine types do not change with every file that is written.
    """
    free_gib = shutil.disk_usage(_existing(folder)).free // GIB
    machine = platform.machine().lower()
    return HostFigures(
        millicores=_millicores(root),
        memory=_memory(root),
        disk=(1 << free_gib.bit_length() - 1) * GIB if free_gib else 0,
        architecture=_ARCHITECTURES.get(machine, machine),
        devices=gpu_devices(),
    )


def gpu_devices() -> tuple[GpuDevice, ...]:
    """The GPUs that NVML finds; none where there is no NVIDIA driver, or no nvidia-ml-py to ask it with."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # NVML's own errors are classes made at run time; whatever it is, no GPU can be used
        return ()
    try:
        return tuple(_device(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _device(nvml: Any, index: int) -> GpuDevice:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name, uuid = (_text(read(handle)) for read in (nvml.nvmlDeviceGetName, nvml.nvmlDeviceGetUUID))
    memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
    return GpuDevice(index, uuid, sold_as(model_name(name), memory), memory)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _millicores(root: Path) -> int:
    limits = [len(os.sched_getaffinity(0)) * 1000]
    for folder in cgroup_folders("cpu", root):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        quota, period = quota or _read(folder / "cpu.cfs_quota_us"), period or _read(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():
            limits.append(int(quota) * 1000 // int(period))
    return min(limits)


def _memory(root: Path) -> int:
    limits = [int((root / "proc/meminfo").read_text().split()[1]) * KIB]
    for folder in cgroup_folders("memory", root):
        found = _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")
        if found.isdigit():
            limits.append(int(found))
    return min(limits)


def cgroup_folders(controller: str, root: Path = _ROOT) -> Iterator[Path]:
    """Our control group and those around it, innermost first, whose limits all hold for us; of version 1 and of 2."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / controller if controllers else root / "sys/fs/cgroup"
        inner = mount / path.lstrip("/")
        while inner != mount:
            yield inner
            inner = inner.parent
        yield mount


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
