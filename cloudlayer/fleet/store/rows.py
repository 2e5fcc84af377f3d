"""The store's rows as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from cloudlayer.resources import Accelerator, MachineType, Offer, Price

LOST: Final = "lost"
"""How a replica ended whose machine is gone, or that its engine does not know any more."""
STUCK: Final = "stuck"
"""How one is ended that overran the time of a call and is still at work on it."""


class MachineState(StrEnum):
    """Where a machine is, as the store knows it. BUYING is an intent: the call may or may not have been made."""

    BUYING = "buying"
    PENDING = "pending"
    RUNNING = "running"
    DELETING = "deleting"
    DELETED = "deleted"
    FAILED = "failed"

    @property
    def live(self) -> bool:
        """Whether the machine exists, or may."""
        return self not in (MachineState.DELETED, MachineState.FAILED)


class ThingState(StrEnum):
    """Where a thing made by hand is, as the store knows it. MAKING and DELETING are intents: their calls may have been made."""

    MAKING = "making"
    MADE = "made"
    DELETING = "deleting"
    GONE = "gone"

    @property
    def live(self) -> bool:
        """Whether the thing exists, or may."""
        return self is not ThingState.GONE


class ReplicaRowState(StrEnum):
    """Where a replica is, as the store knows it. STARTING and STOPPING are intents, and so are PARKING, off its GPUs, and
    RETURNING to them."""

    STARTING = "starting"
    READY = "ready"
    PARKING = "parking"
    PARKED = "parked"
    RETURNING = "returning"
    DRAINING = "draining"
    STOPPING = "stopping"
    ENDED = "ended"

    @property
    def live(self) -> bool:
        """Whether the replica runs, or may."""
        return self is not ReplicaRowState.ENDED

    @property
    def serving(self) -> bool:
        """Whether the replica takes calls, or soon will."""
        return self in (ReplicaRowState.STARTING, ReplicaRowState.READY, ReplicaRowState.RETURNING)

    @property
    def at_rest(self) -> bool:
        """Whether the replica is there, and not on its way to another state."""
        return self in (ReplicaRowState.READY, ReplicaRowState.PARKED)


@dataclass(frozen=True, slots=True)
class MachineRow:
    """One machine: what was bought, under which attempt (`batch` and `position` in it), and what became of it.

    `emptying` is since when its replicas are moved elsewhere, after which it is deleted; None if they are not. One that is
    `cordoned` takes no more replicas; if it is emptied as well, that is for good. `unreachable` is since when it has not
    answered, None while it does, and `ends_at` when its cloud takes it back, where that is known.
    """

    fleet: str
    id: str
    batch: str
    position: int
    provider: str
    offer: Offer
    spec: Mapping[str, Any]
    state: MachineState
    instance: str | None = None
    address: str | None = None
    reason: str = ""
    created_at: float = 0.0
    changed_at: float = 0.0
    idle_since: float | None = None
    emptying: float | None = None
    unreachable: float | None = None
    cordoned: bool = False
    ends_at: float | None = None

    @property
    def goes(self) -> bool:
        """Whether the machine is emptied for good: not to save money, but since it has to go."""
        return self.cordoned and self.emptying is not None

    @property
    def lost(self) -> bool:
        """Whether the machine was given up because it did not answer: what may still run on it counts for nothing."""
        return self.state is MachineState.DELETING and self.unreachable is not None


@dataclass(frozen=True, slots=True)
class ThingRow:
    """One group, balancer, volume or snapshot: what was asked for, under which attempt (`token`), and what became of it.

    `id` is its name, or a number where it has none; each new one of that name has the next generation. `native` is the
    provider's own id. `spec` is without what may be secret; `withheld` in it names what was left out.
    """

    fleet: str
    kind: str
    provider: str
    id: str
    generation: int
    token: str
    spec: Mapping[str, Any]
    state: ThingState
    native: str | None = None
    reason: str = ""
    created_at: float = 0.0
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ReplicaRow:
    """One replica: its function version, the digest of what it runs, its machine, and what became of it.

    `slices` are the first memory slices of its MIG instances, one for each of `devices`; empty where it has none. Replicas that
    come and go together have one `gang`, and each its `rank` in it. `inner_address` is where it serves as its own machine sees
    it, where that is not this host.
    """

    fleet: str
    id: str
    function: str
    version: str
    digest: str
    machine: str
    engine: str
    devices: tuple[int, ...]
    spec: Mapping[str, Any]
    state: ReplicaRowState
    address: str | None = None
    handle: str | None = None
    exit: str | None = None
    reason: str = ""
    created_at: float = 0.0
    changed_at: float = 0.0
    slices: tuple[int, ...] = ()
    gang: str | None = None
    rank: int = 0
    inner_address: str | None = None

    @property
    def key(self) -> str:
        """namespace/Name/version."""
        return f"{self.function}/{self.version}"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one machine costs: the price at its launch, from when to when."""

    fleet: str
    machine: str
    instance: str
    provider: str
    machine_type: str
    purchase: str
    price: float | None
    currency: str | None
    source: str
    as_of: str | None
    started_at: float
    ended_at: float | None = None

    def cost(self, now: float) -> float | None:
        """The amount until `now`, None where the price is unknown."""
        if self.price is None:
            return None
        return self.price * max(0.0, (now if self.ended_at is None else self.ended_at) - self.started_at) / 3600


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done or seen, and why."""

    number: int
    fleet: str
    at: float
    kind: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class AvoidRow:
    """An `Avoid` with the moment when it ends."""

    provider: str
    until: float
    reason: str
    region: str | None = None
    zone: str | None = None
    machine_type: str | None = None
    purchase: str | None = None


@dataclass(frozen=True, slots=True)
class DesiredRow:
    """What the user wants of a fleet: a document, or None for nothing at all. Each change has the next generation."""

    name: str
    generation: int
    document: Mapping[str, Any] | None
    updated_at: float = field(default=0.0)


def offer_document(offer: Offer) -> dict[str, Any]:
    """An offer as JSON; `offer_from` is its inverse."""
    kind, price = offer.machine_type, offer.price
    return {
        "provider": offer.provider,
        "region": offer.region,
        "zone": offer.zone,
        "purchase": offer.purchase,
        "reservation": offer.reservation,
        "machine_type": {
            "name": kind.name,
            "cpu": kind.cpu,
            "memory": kind.memory,
            "architecture": kind.architecture,
            "accelerators": [[device.model, device.memory] for device in kind.accelerators],
            "disk": kind.disk,
            "allocatable_cpu": kind.allocatable_cpu,
            "allocatable_memory": kind.allocatable_memory,
        },
        "price": price and [price.amount, price.currency, price.source, price.as_of.isoformat()],
    }


def offer_from(document: Mapping[str, Any]) -> Offer:
    """The offer that `offer_document` wrote down."""
    kind, price = dict(document["machine_type"]), document["price"]
    devices = tuple(Accelerator(model, memory) for model, memory in kind.pop("accelerators"))
    return Offer(
        provider=document["provider"],
        region=document["region"],
        zone=document["zone"],
        machine_type=MachineType(accelerators=devices, **kind),
        purchase=document["purchase"],
        reservation=document["reservation"],
        price=price and Price(price[0], price[1], price[2], date.fromisoformat(price[3])),
    )
