"""How the host is cut: machine types that are fractions of it, and what of it is left. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.providers.local.host import GpuDevice, HostFigures
from cloudlayer.resources import Accelerator, InstanceSpec, MachineType
from cloudlayer.units import MIB, format_size

FRACTIONS: Final[dict[str, int]] = {
    "whole": 1,
    "half": 2,
    "quarter": 4,
    "eighth": 8,
    "sixteenth": 16,
    "thirty-second": 32,
}
LEAST_MILLICORES: Final = 100
LEAST_MEMORY: Final = 128 * MIB


@dataclass(frozen=True, slots=True)
class Size:
    """What a machine takes of the host: thousandths of a core and bytes that replicas may use, and whole devices."""

    millicores: int
    memory: int
    disk: int
    model: str | None = None
    device_memory: int = 0
    device_count: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What one machine has taken of the host; devices by their UUIDs."""

    millicores: int
    memory: int
    disk: int
    devices: tuple[str, ...] = ()


def machine_types(host: HostFigures) -> dict[MachineType, Size]:
    """Every machine type of the host with its size, smallest first."""
    found: dict[MachineType, Size] = {}
    for name, parts in reversed(FRACTIONS.items()):
        size = Size(host.usable_millicores // parts, host.usable_memory // parts, host.disk // parts)
        if parts > 1 and (size.millicores < LEAST_MILLICORES or size.memory < LEAST_MEMORY):
            continue
        found[_machine_type(host, name, parts, size)] = size
        for label, model, memory, count in _device_sets(host.devices):
            with_devices = Size(size.millicores, size.memory, size.disk, model, memory, count)
            found[_machine_type(host, f"{name}-{label}", parts, with_devices)] = with_devices
    return found


def choose(types: Mapping[MachineType, Size], spec: InstanceSpec) -> MachineType | None:
    """The smallest machine type that the spec allows, None if there is none."""
    return min(
        (type_ for type_ in types if _fits(type_, spec)),
        key=lambda type_: (len(type_.accelerators), type_.cpu, type_.memory),
        default=None,
    )


def how_many(host: HostFigures, taken: Sequence[Taken], size: Size) -> int:
    """How many more machines of this size the host holds."""
    rest = [
        (host.usable_millicores - sum(one.millicores for one in taken), size.millicores),
        (host.usable_memory - sum(one.memory for one in taken), size.memory),
        (host.disk - sum(one.disk for one in taken), size.disk),
        (len(free_devices(host, taken, size)), size.device_count),
    ]
    return max(0, min(left // each for left, each in rest if each))


def free_devices(host: HostFigures, taken: Iterable[Taken], size: Size) -> list[GpuDevice]:
    """The devices that such a machine may get and that belong to no other."""
    held = {uuid for one in taken for uuid in one.devices}
    return [
        device
        for device in host.devices
        if device.uuid not in held and (device.model, device.memory) == (size.model, size.device_memory)
    ]


def _device_sets(devices: Sequence[GpuDevice]) -> list[tuple[str, str, int, int]]:
    """(label, model, memory, count) of the numbers of like devices that a machine may have; never unlike ones together."""
    kinds = Counter((device.model, device.memory) for device in devices)
    models = Counter(model for model, _ in kinds)
    return [
        (f"{count}x{model}" + (f"-{format_size(memory)}" if models[model] > 1 else ""), model, memory, count)
        for (model, memory), most in kinds.items()
        for count in sorted({most, *(1 << power for power in range(most.bit_length()))})
    ]


def _machine_type(host: HostFigures, name: str, parts: int, size: Size) -> MachineType:
    return MachineType(
        name=name,
        cpu=host.millicores / parts / 1000,
        memory=host.memory // parts,
        architecture=host.architecture,
        accelerators=(Accelerator(size.model, size.device_memory),) * size.device_count if size.model else (),
        disk=size.disk,
        allocatable_cpu=size.millicores / 1000,
        allocatable_memory=size.memory,
    )


def _fits(type_: MachineType, spec: InstanceSpec) -> bool:
    wants_gpu = spec.gpu is not None or spec.gpu_memory is not None
    gpus = [gpu for gpu in type_.accelerators if spec.gpu in (None, gpu.model) and gpu.memory >= (spec.gpu_memory or 0)]
    return (
        spec.machine_type in (None, type_.name)
        and type_.cpu >= (spec.cpu or 0)
        and type_.memory >= (spec.memory or 0)
        and spec.architecture in (None, type_.architecture)
        and len(gpus) >= (spec.gpu_count if wants_gpu else 0)
    )
