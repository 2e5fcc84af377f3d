"""How large demands and machines are, as one number; and demands grouped and ordered by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloudlayer.scheduler.types import Demand, Machine


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
        free = sum(device.free for device in machine.devices)
        return machine.cpu / self.cpu + machine.memory / self.memory + free / self.devices

    def demand(self, demand: Demand) -> tuple[float, float]:
        """What demands are ordered by: bytes of GPUs, then the larger of the shares of CPU and memory."""
        each = self.device if demand.gpu_memory is None else demand.gpu_memory
        return demand.gpu_count * each, max(demand.cpu / self.cpu, demand.memory / self.memory)


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
    """Whole devices by their number; shares of devices by how many of them one device of the machine can hold."""
    if demand.gpu_memory is None:
        return demand.gpu_count / len(machine.devices)
    slots = sum(device.memory // demand.gpu_memory for device in machine.devices)
    return demand.gpu_count / max(slots, 1)


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
