"""What the scheduler is told and what it answers. Memory and disk in bytes, processors in cores, prices per hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cloudlayer.errors import Avoid
from cloudlayer.resources import Offer


@dataclass(frozen=True, slots=True)
class Demand:
    """One replica that wants a place. `group` is its function version; `function` the name that `apart` speaks of.

    `gpu_count` whole devices, or shares of them: each needs `gpu_memory` bytes free on one device and `gpu_compute`
    thousandths of its compute; or a MIG instance of `gpu_profile` on each; with none of the three, the device is taken whole.

    `tolerates` are the taints of machines that it may be on all the same, `spot` whether it may be on a spot machine.
    Those of a higher `priority` come first where there is not enough for all. Demands of one `gang` are placed all or none,
    each with its `rank`; `together` puts a gang on one machine or in one zone.
    """

    id: str
    group: str
    function: str
    cpu: float
    memory: int
    disk: int = 0
    engine: str = "process"
    architecture: str | None = None
    gpu_count: int = 0
    gpu_memory: int | None = None
    gpu_models: tuple[str, ...] = ()
    spread: Literal["machine", "zone"] | None = None
    apart: frozenset[str] = frozenset()
    gpu_compute: int | None = None
    gpu_profile: str | None = None
    tolerates: frozenset[str] = frozenset()
    spot: bool = True
    priority: int = 0
    gang: str | None = None
    rank: int = 0
    together: Literal["machine", "zone"] | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU: its model, memory in bytes, and what of it is free; `compute` is what is free of it, in thousandths.

    `slices` are the bits of its memory slices that MIG instances take.
    """

    model: str
    memory: int
    free: int
    compute: int = 1000
    slices: int = 0


@dataclass(frozen=True, slots=True)
class Resident:
    """A replica that runs on a machine: what it takes there, and on which devices. `age` is in seconds.

    `slices` are the first memory slices of its MIG instances, one for each of `devices`; empty where it has none. Its
    `start` took that many seconds; moving it costs `move` in the rules' currency beside that, None if it says nothing. One
    that is `leaving` is ending already.
    """

    demand: Demand
    devices: tuple[int, ...] = ()
    age: float = 0.0
    slices: tuple[int, ...] = ()
    start: float = 0.0
    move: float | None = None
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that exists (or is being made), with what of it is free.

    `taints` keep away whoever does not tolerate them. `residents` are the replicas that run there already, whose part is
    not free; `offer` is what it was bought by.
    """

    id: str
    zone: str
    engines: tuple[str, ...]
    architecture: str
    cpu: float
    memory: int
    disk: int
    devices: tuple[Device, ...] = ()
    functions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()
    region: str = ""
    purchase: str = "on_demand"
    taints: frozenset[str] = frozenset()
    residents: tuple[Resident, ...] = ()
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A replica on a machine: one that exists, or a `Purchased` one by its id. `devices` are indices of its GPUs.

    `slices` are the first memory slices of its MIG instances, one for each of `devices`; empty where it has none.
    """

    demand: str
    machine: str
    devices: tuple[int, ...] = ()
    slices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Purchased:
    """One machine to buy. `id` is unique in its plan; `disk` is the bytes to order where the disk is bought apart."""

    id: str
    offer: Offer
    disk: int


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A replica that has no place, with the reason in words: what excludes how many offers, and what would mend it."""

    demand: str
    reason: str


@dataclass(frozen=True, slots=True)
class Eviction:
    """A replica that must end so that one of a higher priority has a place: its id, its machine, and why."""

    replica: str
    machine: str
    reason: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """How often one function calls another: calls a second of one replica of the caller, and bytes both ways of each call."""

    caller: str
    callee: str
    calls: float
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class CallPrices:
    """What a call between two machines costs: its bytes, by how far they go, per GiB; and its latency, as its user prices it.

    `zone` holds between machines of one zone, `region` between zones, `world` between regions. Latencies are in seconds; a
    second of waiting by a call costs `second`. A call on one machine costs nothing.
    """

    egress_zone: float = 0.0
    egress_region: float = 0.01
    egress_world: float = 0.08
    latency_zone: float = 0.0005
    latency_region: float = 0.0015
    latency_world: float = 0.06
    second: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be bought. `engines` gives the engines of each provider:region's instances; `max_price` is of the whole fleet.

    `spent` is what the machines that exist cost per hour in the limit's currency. `taints` gives each taint the shell
    patterns of the machine types that bear it. `traffic` is who calls whom, at `call_prices`.
    """

    spot: bool = True
    machine_types: tuple[str, ...] = ("*",)
    regions: tuple[str, ...] = ("*",)
    denied_machine_types: tuple[str, ...] = ()
    denied_regions: tuple[str, ...] = ()
    max_price: float | None = None
    currency: str = "USD"
    spent: float = 0.0
    engines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    avoid: tuple[Avoid, ...] = ()
    taints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    traffic: tuple[Traffic, ...] = ()
    call_prices: CallPrices = field(default_factory=CallPrices)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each demand goes, what is bought for that, and what finds no place.

    `lower_bound` is what no purchases at known prices that hold the same can cost less than, per hour; None where nothing is
    proven. `evictions` end first; a placement that needs the room of one waits for that.
    """

    placements: tuple[Placement, ...] = ()
    purchases: tuple[Purchased, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    evictions: tuple[Eviction, ...] = ()
    lower_bound: float | None = None

    @property
    def gap(self) -> float | None:
        """The part by which the purchases may cost more than the cheapest possible ones; None where nothing is proven.

        What is reserved costs nothing more here.
        """
        prices = [purchase.offer.price for purchase in self.purchases if purchase.offer.purchase != "reserved"]
        if self.lower_bound is None or any(price is None for price in prices):
            return None
        cost = sum(price.amount for price in prices if price is not None)
        if cost <= self.lower_bound + 1e-9:
            return 0.0
        return cost / self.lower_bound - 1 if self.lower_bound else None
