"""What a provider sells: machine types, and the offers they are bought by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Purchase = Literal["on_demand", "spot", "reserved"]


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One GPU device of a machine. `memory` is in bytes, nominal; devices are never summed."""

    model: str
    memory: int


@dataclass(frozen=True, slots=True)
class MachineType:
    """The form of a machine. Nominal figures; `allocatable_*` are what replicas may use of them.

    `cpu` is in cores, `memory` and `disk` in bytes. `disk` is None where the disk is bought apart, at the size asked for.
    `architecture` is the machine's own word: "x86_64" or "arm64".
    """

    name: str
    cpu: float
    memory: int
    architecture: str = "x86_64"
    accelerators: tuple[Accelerator, ...] = ()
    disk: int | None = None
    allocatable_cpu: float | None = None
    allocatable_memory: int | None = None

    @property
    def usable_cpu(self) -> float:
        """Cores that replicas may use."""
        return self.cpu if self.allocatable_cpu is None else self.allocatable_cpu

    @property
    def usable_memory(self) -> int:
        """Bytes that replicas may use."""
        return self.memory if self.allocatable_memory is None else self.allocatable_memory


@dataclass(frozen=True, slots=True)
class Price:
    """An amount for one hour, with where it was read and when it held."""

    amount: float
    currency: str
    source: str
    as_of: date

    def __str__(self) -> str:
        return f"{self.amount:.4f} {self.currency}/h"


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine type in a zone, at a price, by one way of buying. `price` is None where it is unknown, never 0.

    `available` is how many can be had now where the provider tells (a quota, a reservation, this host's rest), else None.
    """

    provider: str
    region: str
    zone: str
    machine_type: MachineType
    purchase: Purchase
    price: Price | None
    available: int | None = None
    reservation: str | None = None

    @property
    def id(self) -> str:
        """A readable name that is the same for the same thing on sale, whatever its price of the day."""
        parts = [self.provider, self.region, self.zone, self.machine_type.name, self.purchase]
        return "/".join([*parts, self.reservation] if self.reservation else parts)
