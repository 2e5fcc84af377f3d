"""What a picture of a plan shows: its machines as boxes, with what each replica takes of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Preview
    from cloudlayer.resources import Offer, Price
    from cloudlayer.scheduler import Demand, Device

Action = Literal["buy", "keep", "delete"]

_COMPUTE_SLICES: Final = 7
"""The parts into which MIG divides the compute of a device: a "1g" profile takes one of them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A replica's part of one thing: `share` of it, 0 to 1. `ends` if a replica of a higher priority takes its place."""

    group: str
    share: float
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Gauge:
    """One thing of a machine, how much there is of it in words, and who has how much of it."""

    label: str
    size: str
    pieces: tuple[Piece, ...]

    @property
    def used(self) -> float:
        """The part that is taken, 0 to 1."""
        return min(1.0, sum(piece.share for piece in self.pieces if not piece.ends))


@dataclass(frozen=True, slots=True)
class Box:
    """One machine, or `count` that are alike, of which `id` is the first.

    `devices` tell of their memory, `compute` of the same devices' compute; the latter is empty where nobody asks for a share
    of it. `replicas` is how many each group has on one machine.
    """

    id: str
    action: Action
    machine_type: str
    place: str
    purchase: str
    price: Price | None
    bars: tuple[Gauge, ...]
    devices: tuple[Gauge, ...]
    compute: tuple[Gauge, ...]
    replicas: tuple[tuple[str, int], ...]
    count: int = 1

    @property
    def idle(self) -> float:
        """The part that nobody uses, 0 to 1: of its GPUs where it has some, else of processors or memory, the fuller of both.

        A device's is that of its memory or of its compute, again of the fuller.
        """
        if not self.devices:
            return 1.0 - max(bar.used for bar in self.bars)
        compute = self.compute or self.devices
        used = [max(one.used, other.used) for one, other in zip(self.devices, compute, strict=True)]
        return 1.0 - sum(used) / len(used)

    @property
    def waste(self) -> float | None:
        """The idle part of the price of one machine's hour; None where the price is unknown."""
        return None if self.price is None else self.price.amount * self.idle


Taken = Sequence[tuple["Demand", tuple[int, ...], bool]]
"""What is on a machine: each replica, its devices, and whether it is to end."""
Share = Callable[["Demand", "Device"], float]


def boxes(preview: Preview) -> list[Box]:
    """All machines of the plan: those to buy, to keep and to delete; those alike in all but their ids are one box."""
    found_on = contents(preview)
    bought = {machine.id: machine.offer for machine in preview.plan.purchases}
    actions: tuple[tuple[Action, Mapping[str, Offer]], ...] = (
        ("buy", bought),
        ("keep", preview.kept),
        ("delete", {name: machine.offer for name, machine in preview.emptying.items() if machine.offer is not None}),
        ("delete", preview.deleted),
    )
    found: dict[Box, tuple[str, int]] = {}
    for action, offers in actions:
        for name, offer in offers.items():
            form = _box(action, offer, found_on.get(name, ()))
            first, count = found.get(form, (name, 0))
            found[form] = first, count + 1
    return [replace(form, id=first, count=count) for form, (first, count) in found.items()]


def contents(preview: Preview) -> dict[str, Taken]:
    """What is on each machine once the plan is carried out, and until then what has to end."""
    demands = {demand.id: demand for demand in preview.demands}
    ends = {eviction.replica for eviction in preview.plan.evictions}
    found: dict[str, list[tuple[Demand, tuple[int, ...], bool]]] = defaultdict(list)
    for machine in (*preview.machines, *preview.emptying.values()):
        for resident in machine.residents:
            found[machine.id].append((resident.demand, resident.devices, resident.demand.id in ends))
    for placement in preview.plan.placements:
        found[placement.machine].append((demands[placement.demand], placement.devices, False))
    return {name: sorted(taken, key=lambda each: (each[0].group, each[1], each[2])) for name, taken in found.items()}


def _box(action: Action, offer: Offer, taken: Taken) -> Box:
    from cloudlayer.scheduler.fit import empty_machine

    whole = empty_machine(offer, ())
    kind = offer.machine_type
    bars = (
        Gauge("CPU", f"{whole.cpu:g}", _merged((one, one.cpu / (whole.cpu or 1.0), ends) for one, _, ends in taken)),
        Gauge(
            "RAM", format_size(whole.memory), _merged((one, one.memory / (whole.memory or 1), ends) for one, _, ends in taken)
        ),
    )
    shared = any(demand.gpu_compute is not None for demand, _, _ in taken)
    return Box(
        id="",
        action=action,
        machine_type=kind.name,
        place=f"{offer.provider} {offer.zone}",
        purchase=offer.purchase.replace("_", "-"),
        price=offer.price,
        bars=bars,
        devices=tuple(_device(index, device, taken, _memory_share) for index, device in enumerate(whole.devices)),
        compute=tuple(_device(index, device, taken, _compute_share) for index, device in enumerate(whole.devices) if shared),
        replicas=tuple(sorted(Counter(demand.group for demand, _, _ in taken).items())),
    )


def _merged(taken: Iterable[tuple[Demand, float, bool]]) -> tuple[Piece, ...]:
    """One piece for all replicas of a group: single ones are too small to be told apart."""
    sums: dict[tuple[str, bool], float] = {}
    for demand, share, ends in taken:
        sums[demand.group, ends] = sums.get((demand.group, ends), 0.0) + share
    return tuple(Piece(group, share, ends) for (group, ends), share in sums.items())


def _device(index: int, device: Device, taken: Taken, share: Share) -> Gauge:
    pieces = tuple(Piece(demand.group, share(demand, device), ends) for demand, devices, ends in taken if index in devices)
    return Gauge(f"{index} {device.model}", format_size(device.memory), pieces)


def _memory_share(demand: Demand, device: Device) -> float:
    from cloudlayer.scheduler import mig

    if demand.gpu_profile is not None:
        known, places = mig.geometry(device.model, device.memory), mig.places(device.model, device.memory, demand.gpu_profile)
        return places[0].bit_count() / known.slices if known and places else 0.0
    if demand.gpu_memory is not None:
        return demand.gpu_memory / device.memory
    return 1.0 if demand.gpu_compute is None else 0.0


def _compute_share(demand: Demand, device: Device) -> float:
    """A MIG profile says itself how much it takes: "2g" is two of the seven parts of the compute."""
    from cloudlayer.scheduler.devices import COMPUTE

    if demand.gpu_profile is not None:
        return min(1.0, int(demand.gpu_profile[0]) / _COMPUTE_SLICES)
    if demand.gpu_compute is not None:
        return demand.gpu_compute / COMPUTE
    return 1.0 if demand.gpu_memory is None else 0.0
