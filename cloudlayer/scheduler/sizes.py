"""How large demands and machines are, as one number; and demands grouped and ordered by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloudlayer.scheduler.devices import COMPUTE, is_whole, left
from cloudlayer.scheduler.mig import memory_of, places
from cloudlayer.scheduler.types import Demand, Device, Machine


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The largest machine in each dimension: cores, bytes, bytes of one device and of all devices. 1 where there is none."""

    cpu: float
    memory: int
    device: int
    devices: int

    @classmethod
    def of(cls, machines: Iterable[Machine]) -> Yardstick:
        """The yardstick of these machines."""
        known = list(machines)
        return cls(
            cpu=max((machine.cpu for machine in known), default=1.0) or 1.0,
            memory=max((machine.memory for machine in known), default=1) or 1,
            device=max((device.memory for machine in known for device in machine.devices), default=1) or 1,
            devices=max((device_memory(machine) for machine in known), default=1) or 1,
        )

    def machine(self, machine: Machine) -> float:
        """How large what is free of `machine` is, 3 being the largest in every dimension."""
        free = sum(left(device) for device in machine.devices)
        return machine.cpu / self.cpu + machine.memory / self.memory + free / self.devices

    def demand(self, demand: Demand) -> tuple[float, float]:
        """What demands are ordered by: bytes of GPUs, then the larger of the shares of CPU and memory."""
        return demand.gpu_count * self._device(demand), max(demand.cpu / self.cpu, demand.memory / self.memory)

    def _device(self, demand: Demand) -> int:
        """The bytes that the demand takes of one of its devices, its compute counted as so much of the largest one."""
        if demand.gpu_profile is not None:
            return memory_of(demand.gpu_profile)
        if is_whole(demand):
            return self.device
        return max(demand.gpu_memory or 0, (demand.gpu_compute or 0) * self.device // COMPUTE)


def device_memory(machine: Machine) -> int:
    """The nominal bytes of all its devices together."""
    return sum(device.memory for device in machine.devices)


def dominant_share(demand: Demand, machine: Machine) -> float:
    """The largest part, 0 to 1, that `demand` takes of any dimension of an empty `machine` that it fits."""
    shares = [demand.cpu / (machine.cpu or 1.0), demand.memory / (machine.memory or 1)]
    if demand.gpu_count:
        shares.append(_gpu_share(demand, machine))
    return max(shares)


def _gpu_share(demand: Demand, machine: Machine) -> float:
    """By how many such devices, or such parts of them, the machine can hold."""
    return demand.gpu_count / max(sum(_slots(demand, device) for device in machine.devices), 1)


def _slots(demand: Demand, device: Device) -> int:
    """How many replicas can be on the device, untouched, as far as each takes but a part of it."""
    if demand.gpu_profile is not None:
        return len(places(device.model, device.memory, demand.gpu_profile))
    by_memory = device.memory // demand.gpu_memory if demand.gpu_memory else None
    by_compute = COMPUTE // demand.gpu_compute if demand.gpu_compute else None
    return min((slots for slots in (by_memory, by_compute) if slots is not None), default=1)


@dataclass(frozen=True, slots=True)
class DemandClass:
    """Demands that are the same but for their ids. `demand` stands for all; `ids` are sorted."""

    demand: Demand
    ids: tuple[str, ...]


def classes(demands: Sequence[Demand], yardstick: Yardstick) -> list[DemandClass]:
    """The demands by class, the largest first; ties go by the smallest id, so that the order of `demands` decides nothing."""
    ids: dict[Demand, list[str]] = {}
    for demand in demands:
        ids.setdefault(replace(demand, id=""), []).append(demand.id)
    found = [DemandClass(demand, tuple(sorted(members))) for demand, members in ids.items()]
    return sorted(found, key=lambda each: (*[-size for size in yardstick.demand(each.demand)], each.ids[0]))
