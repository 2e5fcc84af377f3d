"""Taking turns on GPUs: which idle replicas make room for one that is called, where there is room for it in no other way.

The one that goes first is the one that costs least for the time that it was of no use: the seconds that it takes to bring it
back, over the seconds since its last call. That is least recently used where all cost the same; with costs it is the rule of
GreedyDual (N. Young, "The k-server dual and loose competitiveness for paging", 1994), whose credit is here the time itself. One
that was called less long ago than it takes to bring it back never goes, so that two that are called in turn do not push each
other out without end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloudlayer.scheduler.devices import choose_devices, released
from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.types import Demand, Machine


@dataclass(frozen=True, slots=True)
class Idle:
    """A replica that nobody calls: what it takes on which devices, the seconds to bring it back and since its last call.

    `held` bytes are in its machine's memory once it has left the devices; of one that `ends` in place of that there is nothing.
    """

    id: str
    demand: Demand
    devices: tuple[int, ...]
    back: float
    idle: float
    held: int = 0
    ends: bool = False

    @property
    def loss(self) -> float:
        """Seconds of bringing back for each second of idleness."""
        return self.back / max(self.idle, 1e-9)


def without(machine: Machine, ones: Iterable[Idle]) -> Machine:
    """The machine with these off its devices. What else they take they keep, and what was on a device is in its memory."""
    devices, memory = machine.devices, machine.memory
    for one in ones:
        devices = released(devices, one.demand, one.devices)
        memory += one.demand.memory if one.ends else -one.held
    return replace(machine, devices=devices, memory=memory)


def makers_of_room(demand: Demand, machine: Machine, idle: Sequence[Idle]) -> tuple[Idle, ...] | None:
    """Those of `idle`, which are all on this machine, that are to go so that the demand fits it; None if that is not enough."""
    return _makers(lambda after: fit(demand, after) is not None, machine, idle)


def makers_on(demand: Demand, machine: Machine, devices: Sequence[int], idle: Sequence[Idle]) -> tuple[Idle, ...] | None:
    """Those that are to go so that these very devices have room for the demand; None if that is not enough."""
    near = [one for one in idle if set(one.devices) & set(devices)]
    return _makers(lambda after: room_on(demand, after, devices), machine, near)


def room_on(demand: Demand, machine: Machine, devices: Sequence[int]) -> bool:
    """Whether these very devices have room for the demand: those where its state is to come back to."""
    chosen = [machine.devices[index] for index in devices]
    return choose_devices(replace(demand, gpu_count=len(chosen)), chosen) is not None


def best(demand: Demand, machines: Sequence[Machine], idle: Mapping[str, Sequence[Idle]]) -> tuple[Idle, ...] | None:
    """The cheapest room for a demand on any of the machines, `idle` by machine: who goes; None if there is no room."""
    found = []
    for machine in machines:
        makers = makers_of_room(demand, machine, idle.get(machine.id, ()))
        if makers is not None:
            found.append((sum(one.loss for one in makers), machine.id, makers))
    return min(found, key=lambda each: each[:2])[2] if found else None


def _makers(enough: Callable[[Machine], bool], machine: Machine, idle: Sequence[Idle]) -> tuple[Idle, ...] | None:
    """The cheapest go until there is room; then those stay after all that need not go, the dearest first."""
    going: list[Idle] = []
    for one in sorted((one for one in idle if one.idle >= one.back), key=lambda one: (one.loss, one.id)):
        if enough(without(machine, going)):
            break
        if without(machine, [*going, one]).memory >= 0:
            going.append(one)
    if not enough(without(machine, going)):
        return None
    for one in sorted(going, key=lambda one: (-one.loss, one.id)):
        others = [other for other in going if other is not one]
        if enough(without(machine, others)):
            going = others
    return tuple(going)
