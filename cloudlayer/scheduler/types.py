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

    `gpu_count` whole devices, or shares of them: each needs `gpu_memory` bytes free on one device; None takes the device whole.
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


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU: its model, memory in bytes, and what of it is free."""

    model: str
    memory: int
    free: int


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that exists (or is being made), with what of it is free."""

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


@dataclass(frozen=True, slots=True)
class Placement:
    """A replica on a machine: one that exists, or a `Purchased` one by its id. `devices` are indices of its GPUs."""

    demand: str
    machine: str
    devices: tuple[int, ...] = ()


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
class Rules:
    """What may be bought. `engines` gives the engines of each provider:region's instances; `max_price` is of the whole fleet.

    `spent` is what the machines that exist cost per hour in the limit's currency.
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


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each demand goes, what is bought for that, and what finds no place.

    `lower_bound` is what no purchases at known prices that hold the same can cost less than, per hour; None where nothing is
    proven.
    """

    placements: tuple[Placement, ...] = ()
    purchases: tuple[Purchased, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    lower_bound: float | None = None

    @property
    def gap(self) -> float | None:
        """The part by which the purchases may cost more than the cheapest possible ones; None where nothing is proven."""
        prices = [purchase.offer.price for purchase in self.purchases]
        if self.lower_bound is None or any(price is None for price in prices):
            return None
        cost = sum(price.amount for price in prices if price is not None)
        if cost <= self.lower_bound + 1e-9:
            return 0.0
        return cost / self.lower_bound - 1 if self.lower_bound else None
