"""Does a demand fit a machine as it is now, on which devices, and what is left of the machine then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import zip_longest
from typing import Final

from cloudlayer.resources import Offer
from cloudlayer.scheduler.devices import accepts_model, choose_devices, has_memory, has_room, occupied, released
from cloudlayer.scheduler.types import Demand, Device, Machine, Resident
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
    GPU_COMPUTE = "gpu.compute"
    GPU_PROFILE = "gpu.profile"
    TAINT = "taint"
    SPOT = "spot"


def misfits(demand: Demand, machine: Machine) -> tuple[Constraint, ...]:
    """Every constraint that keeps `demand` off `machine`; empty if it fits."""
    return tuple(_misfits(demand, machine))


def fit(demand: Demand, machine: Machine) -> tuple[int, ...] | None:
    """The indices of the devices that `demand` gets on `machine` (none for a demand without GPUs); None if it does not fit."""
    if next(_misfits(demand, machine), None) is not None:
        return None
    return choose_devices(demand, machine.devices)


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
        devices = occupied(devices, demand, chosen)
    return found


def occupy(
    machine: Machine, demand: Demand, devices: Sequence[tuple[int, ...]], slices: Sequence[tuple[int, ...]] = ()
) -> Machine:
    """What is free of `machine` with one replica of `demand` more on it for each entry of `devices`.

    `slices` are the first slices of their MIG instances, where those lie already; else they are chosen.
    """
    count = len(devices)
    after = machine.devices
    for chosen, starts in zip_longest(devices, slices, fillvalue=()):
        after = occupied(after, demand, chosen, starts)
    return replace(
        machine,
        cpu=machine.cpu - count * demand.cpu,
        memory=machine.memory - count * demand.memory,
        disk=machine.disk - count * demand.disk,
        devices=after,
        functions=(*machine.functions, *[demand.function] * count),
        groups=(*machine.groups, *[demand.group] * count),
        apart=machine.apart | demand.apart,
    )


def seats(demands: Iterable[Demand], machine: Machine) -> list[tuple[int, ...]] | None:
    """The devices of each on that one machine, None if it does not hold them all."""
    found = []
    for demand in demands:
        devices = fit(demand, machine)
        if devices is None:
            return None
        machine = occupy(machine, demand, [devices])
        found.append(devices)
    return found


def release(machine: Machine, resident: Resident) -> Machine:
    """What is free of `machine` once a resident of it has ended."""
    demand, others = resident.demand, tuple(each for each in machine.residents if each is not resident)
    return replace(
        machine,
        cpu=machine.cpu + demand.cpu,
        memory=machine.memory + demand.memory,
        disk=machine.disk + demand.disk,
        devices=released(machine.devices, demand, resident.devices, resident.slices),
        functions=_without(machine.functions, demand.function),
        groups=_without(machine.groups, demand.group),
        apart=(machine.apart - demand.apart).union(*(each.demand.apart for each in others)),
        residents=others,
    )


def empty_machine(offer: Offer, engines: Sequence[str], taints: frozenset[str] = frozenset()) -> Machine:
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
        region=region_of(offer),
        purchase=offer.purchase,
        taints=taints,
        offer=offer,
    )


def region_of(offer: Offer) -> str:
    """The region's name as machines have it, "provider:region": regions of two clouds may be called alike, and zones are."""
    return f"{offer.provider}:{offer.region}"


def disk_to_buy(offer: Offer, placed: int) -> int:
    """Bytes to order with `offer` for replicas whose disks sum to `placed`; 0 where the disk comes with the machine."""
    return 0 if offer.machine_type.disk is not None else placed + SYSTEM_DISK + SPARE_DISK


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The names but for one occurrence of `name`."""
    place = names.index(name)
    return names[:place] + names[place + 1 :]


def _most(demand: Demand, machine: Machine, limit: int) -> int:
    bounds = [limit]
    if demand.cpu:
        bounds.append(int((machine.cpu + CPU_TOLERANCE) / demand.cpu))
    if demand.memory:
        bounds.append(machine.memory // demand.memory)
    if demand.disk:
        bounds.append(machine.disk // demand.disk)
    return min(bounds)


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
    if not demand.tolerates.issuperset(machine.taints):
        yield Constraint.TAINT
    if machine.purchase == "spot" and not demand.spot:
        yield Constraint.SPOT


def _device_misfit(demand: Demand, devices: Sequence[Device]) -> Constraint | None:
    if len(devices) < demand.gpu_count:
        return Constraint.GPU_COUNT
    wanted = [device for device in devices if accepts_model(demand, device)]
    if len(wanted) < demand.gpu_count:
        return Constraint.GPU_MODEL
    if sum(has_room(demand, device) for device in wanted) >= demand.gpu_count:
        return None
    if demand.gpu_profile is not None:
        return Constraint.GPU_PROFILE
    lacks_memory = sum(has_memory(demand, device) for device in wanted) < demand.gpu_count
    return Constraint.GPU_MEMORY if lacks_memory else Constraint.GPU_COMPUTE
