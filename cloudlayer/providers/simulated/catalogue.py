"""What the simulated cloud has on sale: two regions, machines with and without GPUs, images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from functools import cache
from typing import Any, Final

from cloudlayer.errors import RejectedSpec
from cloudlayer.resources import Accelerator, Image, InstanceSpec, MachineType, Offer, Price
from cloudlayer.units import GIB

PROVIDER: Final = "simulated"
REGIONS: Final = {
    "sim-east": ("sim-east-a", "sim-east-b", "sim-east-c"),
    "sim-west": ("sim-west-a", "sim-west-b"),
}
AS_OF: Final = date(2026, 1, 1)
SPOT_SHARE: Final = 0.3
RESERVED_SHARE: Final = 0.6
DEARER: Final = {"sim-east": 1.0, "sim-west": 1.1}
UNPRICED: Final = ("sim-east-c", "h100-8", "spot")
RESERVATIONS: Final = (("sim-east-a", "l4-1", "sim-reservation-1", 2), ("sim-east-b", "cpu-8", "sim-reservation-2", 3))


def machine_type(
    name: str, cpu: float, memory: int, gpus: Sequence[Accelerator] = (), *, arm: bool = False, disk: int | None = None
) -> MachineType:
    """A machine type whose system keeps a tenth of a core and a sixteenth of the memory for itself. Sizes in bytes."""
    return MachineType(
        name=name,
        cpu=cpu,
        memory=memory,
        architecture="arm64" if arm else "x86_64",
        accelerators=tuple(gpus),
        disk=disk,
        allocatable_cpu=cpu - 0.1,
        allocatable_memory=memory - memory // 16,
    )


def _gpus(model: str, gib: int, count: int) -> list[Accelerator]:
    return [Accelerator(model, gib * GIB)] * count


PRICES: Final = (
    (machine_type("cpu-2", 2, 4 * GIB), 0.08),
    (machine_type("cpu-4", 4, 16 * GIB), 0.19),
    (machine_type("cpu-8", 8, 32 * GIB), 0.38),
    (machine_type("cpu-32", 32, 128 * GIB), 1.52),
    (machine_type("memory-8", 8, 128 * GIB), 0.76),
    (machine_type("arm-4", 4, 16 * GIB, arm=True), 0.15),
    (machine_type("t4-1", 4, 16 * GIB, _gpus("T4", 16, 1), disk=125 * GIB), 0.53),
    (machine_type("l4-1", 8, 32 * GIB, _gpus("L4", 24, 1), disk=250 * GIB), 0.98),
    (machine_type("l4-4", 48, 192 * GIB, _gpus("L4", 24, 4), disk=3750 * GIB), 4.90),
    (machine_type("a10g-1", 8, 32 * GIB, _gpus("A10G", 24, 1), disk=450 * GIB), 1.21),
    (machine_type("a100-8", 96, 1152 * GIB, _gpus("A100", 40, 8), disk=8000 * GIB), 32.77),
    (machine_type("h100-8", 192, 2048 * GIB, _gpus("H100", 80, 8), disk=30000 * GIB), 55.04),
)
IMAGES: Final = tuple(
    Image(id=f"sim-image-{name}-{architecture}", name=name, architecture=architecture)
    for name in ("ubuntu-24.04", "ubuntu-22.04", "debian-12")
    for architecture in ("x86_64", "arm64")
)


def priced(amount: float) -> Price:
    """A price of this cloud, in USD an hour."""
    return Price(round(amount, 4), "USD", source=PROVIDER, as_of=AS_OF)


@cache
def standard(region: str) -> tuple[Offer, ...]:
    """The standing offers of a region: every type in every zone on demand and spot, and the reservations."""
    return (*_standard(region), *_reserved(region))


def _standard(region: str) -> Iterator[Offer]:
    for zone in REGIONS[region]:
        for type_, amount in PRICES:
            local = amount * DEARER[region]
            spot = None if (zone, type_.name, "spot") == UNPRICED else priced(local * SPOT_SHARE)
            yield Offer(PROVIDER, region, zone, type_, "on_demand", priced(local))
            yield Offer(PROVIDER, region, zone, type_, "spot", spot)


def _reserved(region: str) -> Iterator[Offer]:
    amounts = {type_.name: (type_, amount) for type_, amount in PRICES}
    for zone, name, reservation, count in RESERVATIONS:
        if zone in REGIONS[region]:
            type_, amount = amounts[name]
            yield Offer(PROVIDER, region, zone, type_, "reserved", priced(amount * RESERVED_SHARE), count, reservation)


def to_record(offer: Offer) -> dict[str, Any]:
    """An offer as JSON."""
    record = asdict(offer)
    if offer.price is not None:
        record["price"]["as_of"] = offer.price.as_of.isoformat()
    return record


def from_record(record: dict[str, Any]) -> Offer:
    """The offer that `to_record` wrote."""
    type_, price = dict(record["machine_type"]), record["price"]
    type_["accelerators"] = tuple(Accelerator(**accelerator) for accelerator in type_["accelerators"])
    if price is not None:
        price = Price(**price | {"as_of": date.fromisoformat(price["as_of"])})
    return Offer(**record | {"machine_type": MachineType(**type_), "price": price})


def candidates(offers: Iterable[Offer], spec: InstanceSpec) -> list[Offer]:
    """The offers of the cheapest machine type that the spec allows, cheapest zone first. RejectedSpec if there are none."""
    fitting = [offer for offer in offers if _fits(offer, spec)]
    if not fitting:
        raise RejectedSpec(
            f"nothing on sale here fits {_wish(spec)}: see the offers for what there is", provider=PROVIDER, code="NoSuchOffer"
        )
    fitting.sort(key=lambda offer: (offer.price.amount if offer.price else float("inf"), offer.machine_type.name, offer.zone))
    return [offer for offer in fitting if offer.machine_type.name == fitting[0].machine_type.name]


def _fits(offer: Offer, spec: InstanceSpec) -> bool:
    type_ = offer.machine_type
    gpus = [gpu for gpu in type_.accelerators if _gpu_fits(gpu, spec)]
    wants_gpu = spec.gpu is not None or spec.gpu_memory is not None
    return (
        spec.machine_type in (None, type_.name)
        and spec.zone in (None, offer.zone)
        and spec.purchase == offer.purchase
        and spec.reservation in (None, offer.reservation)
        and type_.cpu >= (spec.cpu or 0)
        and type_.memory >= (spec.memory or 0)
        and spec.architecture in (None, type_.architecture)
        and len(gpus) >= (spec.gpu_count if wants_gpu else 0)
    )


def _gpu_fits(gpu: Accelerator, spec: InstanceSpec) -> bool:
    return spec.gpu in (None, gpu.model) and gpu.memory >= (spec.gpu_memory or 0)


def _wish(spec: InstanceSpec) -> str:
    wish = spec.model_dump(
        include={"machine_type", "zone", "purchase", "reservation", "cpu", "memory", "architecture", "gpu", "gpu_memory"},
        exclude_none=True,
    )
    return ", ".join(f"{name} = {value}" for name, value in wish.items())
