"""Which machine type a spec without one gets: the cheapest that has the figures."""

from __future__ import annotations

from collections.abc import Iterable

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import InstanceSpec, MachineType, Offer


def cheapest(spec: InstanceSpec, offers: Iterable[Offer]) -> Offer:
    """The cheapest offer whose nominal figures are at least the spec's; offers without a price come last, the smallest first.

    A spec that names no architecture means x86_64. Raises InvalidSpec if it gives no figures, or nothing has them.
    """
    if spec.cpu is None and spec.memory is None and spec.gpu is None and spec.gpu_memory is None:
        raise InvalidSpec("machine_type: missing: name one, or give at least one of cpu, memory, gpu and gpu_memory")
    fitting = [offer for offer in offers if _bought_so(spec, offer) and fits(spec, offer.machine_type)]
    if not fitting:
        raise InvalidSpec(f"no machine type on offer here has {_figures(spec)}; ask for less, or see `cloudlayer offers`")
    return min(fitting, key=_rank)


def fits(spec: InstanceSpec, kind: MachineType) -> bool:
    """Whether the type's nominal figures are at least the spec's, those of GPUs device by device."""
    devices = [
        device
        for device in kind.accelerators
        if (spec.gpu is None or device.model.lower() == spec.gpu.lower()) and device.memory >= (spec.gpu_memory or 0)
    ]
    wants_gpu = spec.gpu is not None or spec.gpu_memory is not None
    return (
        kind.cpu >= (spec.cpu or 0)
        and kind.memory >= (spec.memory or 0)
        and kind.architecture == (spec.architecture or "x86_64")
        and (not wants_gpu or len(devices) >= spec.gpu_count)
    )


def _bought_so(spec: InstanceSpec, offer: Offer) -> bool:
    return (
        offer.purchase == spec.purchase
        and spec.zone in (None, offer.zone)
        and spec.reservation in (None, offer.reservation)
        and offer.available != 0
    )


def _rank(offer: Offer) -> tuple[bool, float, int, float, int, str, str]:
    kind, price = offer.machine_type, offer.price
    figures = (len(kind.accelerators), kind.cpu, kind.memory, kind.name, offer.zone)
    return (price is None, price.amount if price else 0.0, *figures)


def _figures(spec: InstanceSpec) -> str:
    figures = spec.model_dump(include={"cpu", "memory", "gpu", "gpu_memory", "architecture", "zone", "purchase", "reservation"})
    return ", ".join(f"{name} {value}" for name, value in figures.items() if value is not None)
