"""Does a demand fit a machine as it is now, on which devices, and what is left of the machine then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from cloudlayer.resources import Offer
from cloudlayer.scheduler.types import Demand, Device, Machine
from cloudlayer.units import GIB

SYSTEM_DISK: Final = 16 * GIB
"""Bytes of a disk bought apart that the image, the system and the engine take."""
SPARE_DISK: Final = 16 * GIB
"""Bytes bought beyond that: with a disk that is just full, a machine with cores to spare could take no later replica."""
UNLIMITED_DISK: Final = 1 << 62
"""The free disk of a machine whose disk is yet to be bought, at the size that its replicas need."""
CPU_TOLERANCE: Final = 1e-9
"""Cores by which sums of fractions may miss: ten times 0.1 core fit one core."""


class Constraint(StrEnum):
    """Why a demand does not fit a machine."""

    ENGINE = "engine"
    ARCHITECTURE = "architecture"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    GPU_COUNT = "gpu.count"
    GPU_MODEL = "gpu.model"
    GPU_MEMORY = "gpu.memory"
    APART = "apart"


def misfits(demand: Demand, machine: Machine) -> tuple[Constraint, ...]:
    """Every constraint that keeps `demand` off `machine`; empty if it fits."""
    return tuple(_misfits(demand, machine))


def fit(demand: Demand, machine: Machine) -> tuple[int, ...] | None:
    """The indices of the devices that `demand` gets on `machine` (none for a demand without GPUs); None if it does not fit."""
    if next(_misfits(demand, machine), None) is not None:
        return None
    return choose_devices(demand, machine.devices)


def choose_devices(demand: Demand, devices: Sequence[Device]) -> tuple[int, ...] | None:
    """The devices that suffice and have the least free, ties by index; None if there are too few. Devices are never summed."""
    if not demand.gpu_count:
        return ()
    suitable = [
        (device.free, index)
        for index, device in enumerate(devices)
        if accepts_model(demand, device) and has_memory(demand, device)
    ]
    if len(suitable) < demand.gpu_count:
        return None
    return tuple(sorted(index for _, index in sorted(suitable)[: demand.gpu_count]))


def copies(demand: Demand, machine: Machine, limit: int) -> list[tuple[int, ...]]:
    """As many replicas of `demand` as fit `machine` together, at most `limit`: the devices of each."""
    if fit(demand, machine) is None:
        return []
    most = 1 if demand.function in demand.apart else _most(demand, machine, limit)
    if not demand.gpu_count:
        return [()] * most
    found: list[tuple[int, ...]] = []
    devices = machine.devices
    while len(found) < most and (chosen := choose_devices(demand, devices)) is not None:
        found.append(chosen)
        devices = _occupied(devices, demand, chosen)
    return found


def accepts_model(demand: Demand, device: Device) -> bool:
    """Whether the device is of a model asked for; models are names or shell patterns, in any case of letters."""
    if not demand.gpu_models:
        return True
    return any(fnmatchcase(device.model.lower(), model.lower()) for model in demand.gpu_models)


def has_memory(demand: Demand, device: Device) -> bool:
    """Whether the device has the memory free; a demand that names none takes the device whole."""
    return device.free == device.memory if demand.gpu_memory is None else device.free >= demand.gpu_memory


def occupy(machine: Machine, demand: Demand, devices: Sequence[tuple[int, ...]]) -> Machine:
    """What is free of `machine` with one replica of `demand` more on it for each entry of `devices`."""
    count = len(devices)
    return Machine(
        id=machine.id,
        zone=machine.zone,
        engines=machine.engines,
        architecture=machine.architecture,
        cpu=machine.cpu - count * demand.cpu,
        memory=machine.memory - count * demand.memory,
        disk=machine.disk - count * demand.disk,
        devices=_occupied(machine.devices, demand, [index for chosen in devices for index in chosen]),
        functions=(*machine.functions, *[demand.function] * count),
        groups=(*machine.groups, *[demand.group] * count),
        apart=machine.apart | demand.apart,
    )


def empty_machine(offer: Offer, engines: Sequence[str]) -> Machine:
    """The machine that `offer` sells, before anything runs on it; its id is the offer's."""
    kind = offer.machine_type
    return Machine(
        id=offer.id,
        zone=offer.zone,
        engines=tuple(engines),
        architecture=kind.architecture,
        cpu=kind.usable_cpu,
        memory=kind.usable_memory,
        disk=UNLIMITED_DISK if kind.disk is None else kind.disk,
        devices=tuple(Device(gpu.model, gpu.memory, gpu.memory) for gpu in kind.accelerators),
    )


def disk_to_buy(offer: Offer, placed: int) -> int:
    """Bytes to order with `offer` for replicas whose disks sum to `placed`; 0 where the disk comes with the machine."""
    return 0 if offer.machine_type.disk is not None else placed + SYSTEM_DISK + SPARE_DISK


def _most(demand: Demand, machine: Machine, limit: int) -> int:
    bounds = [limit]
    if demand.cpu:
        bounds.append(int((machine.cpu + CPU_TOLERANCE) / demand.cpu))
    if demand.memory:
        bounds.append(machine.memory // demand.memory)
    if demand.disk:
        bounds.append(machine.disk // demand.disk)
    return min(bounds)


def _occupied(devices: tuple[Device, ...], demand: Demand, indices: Sequence[int]) -> tuple[Device, ...]:
    if not indices:
        return devices
    after = list(devices)
    for index in indices:
        device = after[index]
        after[index] = replace(device, free=0 if demand.gpu_memory is None else device.free - demand.gpu_memory)
    return tuple(after)


def _misfits(demand: Demand, machine: Machine) -> Iterator[Constraint]:
    if demand.engine not in machine.engines:
        yield Constraint.ENGINE
    if demand.architecture is not None and demand.architecture != machine.architecture:
        yield Constraint.ARCHITECTURE
    if demand.cpu > machine.cpu + CPU_TOLERANCE:
        yield Constraint.CPU
    if demand.memory > machine.memory:
        yield Constraint.MEMORY
    if demand.disk > machine.disk:
        yield Constraint.DISK
    if demand.gpu_count and (reason := _device_misfit(demand, machine.devices)):
        yield reason
    if demand.function in machine.apart or not demand.apart.isdisjoint(machine.functions):
        yield Constraint.APART


def _device_misfit(demand: Demand, devices: Sequence[Device]) -> Constraint | None:
    if len(devices) < demand.gpu_count:
        return Constraint.GPU_COUNT
    wanted = [device for device in devices if accepts_model(demand, device)]
    if len(wanted) < demand.gpu_count:
        return Constraint.GPU_MODEL
    if sum(has_memory(demand, device) for device in wanted) < demand.gpu_count:
        return Constraint.GPU_MEMORY
    return None
