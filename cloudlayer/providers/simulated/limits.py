"""What keeps the simulated cloud from selling: the account's quotas, and what its zones have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from cloudlayer.errors import Avoid, AvoidScope, CapacityError, CloudError, InvalidSpec, QuotaError
from cloudlayer.providers.simulated import views
from cloudlayer.providers.simulated.catalogue import PROVIDER, REGIONS, from_record, standard
from cloudlayer.resources import InstanceSpec, MachineType, Offer, Quota
from cloudlayer.runtime.simulated import faults
from cloudlayer.runtime.simulated.records import Document, InstanceRecord, settings_of, state_of
from cloudlayer.runtime.simulated.things import ThingRecord

Counted = Literal["groups", "balancers", "volumes", "snapshots", "shares"]
COUNTED: Final[tuple[Counted, ...]] = ("groups", "balancers", "volumes", "snapshots", "shares")
QUOTAS: Final = ("instances", "vcpus", "gpus", *COUNTED)
AVOID_SECONDS: Final = 300.0


def on_sale(document: Document, region: str) -> list[Offer]:
    """The region's offers as they stand in the catalogue, with no regard to what is sold already."""
    base = standard(region) if settings_of(document).default_catalogue else ()
    return [*base, *(from_record(sale) for sale in document["sales"] if sale["region"] == region)]


def live(document: Document, now: float) -> Iterator[InstanceRecord]:
    """The instances that are not gone."""
    return (record for record in document["instances"].values() if not state_of(record, now).gone)


def used(document: Document, now: float) -> dict[str, float]:
    """How much of each quota is used, over all regions."""
    types = _types(document)
    held = [types[record["machine_type"]] for record in live(document, now)]
    counts = {name: float(_count(document, now, name)) for name in COUNTED}
    return {name: sum(amount(type_, name) for type_ in held) for name in QUOTAS} | counts


def amount(type_: MachineType, quota: str) -> float:
    """What one machine takes of a quota."""
    return {"instances": 1.0, "vcpus": type_.cpu, "gpus": float(len(type_.accelerators))}.get(quota, 0.0)


def check_count(document: Document, now: float, quota: Counted) -> None:
    """Raise QuotaError if one more of these is more than the account may have."""
    limit, count = document["quotas"].get(quota), _count(document, now, quota)
    if limit is not None and count + 1 > limit:
        raise _exceeded(quota, limit, 1, count)


def quotas(document: Document, now: float) -> list[Quota]:
    """The account's limits, with how much of each is used."""
    usage = used(document, now)
    mend = "give the world a higher one: world.set_quota(name, limit)"
    return [Quota(name, limit, usage[name], mend) for name, limit in sorted(document["quotas"].items())]


def checked_quota(name: str) -> str:
    """The quota's name; InvalidSpec if there is none of that name."""
    if name not in QUOTAS:
        raise InvalidSpec(f'simulated: "{name}" is no quota: there are {", ".join(QUOTAS)}')
    return name


def with_available(offers: Sequence[Offer], document: Document, now: float) -> list[Offer]:
    """The offers with how many of each can be had, where a quota or a reservation tells."""
    usage = used(document, now)
    return [replace(offer, available=_available(offer, document, now, usage)) for offer in offers]


def sell(offers: Sequence[Offer], spec: InstanceSpec, document: Document, now: float) -> Offer | CloudError:
    """The first of the offers that can be sold, or why none can. The quota comes first, as in the clouds."""
    quota = _quota_error(offers[0].machine_type, document, now)
    if quota is not None:
        return quota
    for offer in offers:
        struck = faults.due(document, ("no_capacity",), zone=offer.zone, machine_type=offer.machine_type.name)
        if struck is None and _left(offer, document, now) != 0:
            return offer
    return _capacity_error(offers[0], spec)


def key(zone: str, machine_type: str, purchase: str) -> str:
    """The name under which the world knows a zone's capacity for a machine type."""
    return f"{zone}/{machine_type}/{purchase}"


def _types(document: Document) -> Mapping[str, MachineType]:
    offers = [offer for region in REGIONS for offer in standard(region)]
    return {offer.machine_type.name: offer.machine_type for offer in [*offers, *map(from_record, document["sales"])]}


def _left(offer: Offer, document: Document, now: float) -> int | None:
    """How many the zone has left of it, None for no end."""
    limits = [offer.available if offer.reservation else None]
    limits.append(document["capacity"].get(key(offer.zone, offer.machine_type.name, offer.purchase)))
    sold = sum(
        (record["zone"], record["machine_type"], record["purchase"], record["reservation"])
        == (offer.zone, offer.machine_type.name, offer.purchase, offer.reservation)
        for record in live(document, now)
    )
    return min((max(0, limit - sold) for limit in limits if limit is not None), default=None)


def _available(offer: Offer, document: Document, now: float, usage: Mapping[str, float]) -> int | None:
    limits = [_left(offer, document, now)] if offer.reservation else []
    for name, limit in document["quotas"].items():
        each = amount(offer.machine_type, name)
        limits.append(max(0, int((limit - usage[name]) / each)) if each else None)
    return min((limit for limit in limits if limit is not None), default=None)


def _quota_error(type_: MachineType, document: Document, now: float) -> QuotaError | None:
    usage = used(document, now) if document["quotas"] else {}
    for name, limit in document["quotas"].items():
        each = amount(type_, name)
        if each and usage[name] + each > limit:
            return _exceeded(name, limit, each, usage[name])
    return None


def _exceeded(name: str, limit: float, more: float, used: float) -> QuotaError:
    return QuotaError(
        f"the quota of {limit:g} {name} does not hold {more:g} more: {used:g} are used; ask for a higher one",
        name=name,
        limit=limit,
        used=used,
        provider=PROVIDER,
        code="QuotaExceeded",
        avoid=Avoid(seconds=AVOID_SECONDS, provider=PROVIDER),
    )


def _count(document: Document, now: float, quota: Counted) -> int:
    tables: dict[Counted, Iterable[ThingRecord]] = {
        "groups": document["groups"].values(),
        "balancers": document["balancers"].values(),
        "volumes": document["volumes"].values(),
        "snapshots": document["snapshots"].values(),
        "shares": document["shares"].values(),
    }
    return sum(not views.gone(record, now) for record in tables[quota])


def _capacity_error(offer: Offer, spec: InstanceSpec) -> CapacityError:
    zone = spec.zone
    return CapacityError(
        f"no {offer.machine_type.name} is left in {zone or offer.region} ({offer.purchase.replace('_', ' ')})",
        scope=AvoidScope.ZONE if zone else AvoidScope.REGION,
        provider=PROVIDER,
        code="NoCapacity",
        avoid=Avoid(
            seconds=AVOID_SECONDS,
            provider=PROVIDER,
            region=offer.region,
            zone=zone,
            machine_type=offer.machine_type.name,
            purchase=offer.purchase,
        ),
    )
