"""Which offer is the cheapest, and what an instance costs before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cloudlayer.resources import Accelerator, InstanceSpec, MachineType, Offer


def by_price(offer: Offer) -> tuple[Any, ...]:
    """The order of offers: cheapest first, those without a price last, and never two currencies mixed."""
    price = offer.price
    return (price is None, price.currency if price else "", price.amount if price else 0.0, offer.id)


def cheapest(spec: InstanceSpec, offers: Iterable[Offer]) -> Offer | None:
    """The cheapest offer that a spec can be met by, None if there is none."""
    return min((offer for offer in offers if matches(spec, offer)), key=by_price, default=None)


def matches(spec: InstanceSpec, offer: Offer) -> bool:
    """Whether the offer is bought as the spec says, where it says, and has at least its figures."""
    return (
        offer.purchase == spec.purchase
        and spec.zone in (None, offer.zone)
        and spec.reservation in (None, offer.reservation)
        and offer.available != 0
        and _large_enough(spec, offer.machine_type)
    )


def _large_enough(spec: InstanceSpec, kind: MachineType) -> bool:
    wants_gpu = spec.gpu is not None or spec.gpu_memory is not None
    return (
        spec.machine_type in (None, kind.name)
        and spec.architecture in (None, kind.architecture)
        and kind.cpu >= (spec.cpu or 0)
        and kind.memory >= (spec.memory or 0)
        and sum(_suits(spec, device) for device in kind.accelerators) >= (spec.gpu_count if wants_gpu else 0)
    )


def _suits(spec: InstanceSpec, device: Accelerator) -> bool:
    return (spec.gpu is None or spec.gpu.lower() == device.model.lower()) and device.memory >= (spec.gpu_memory or 0)
