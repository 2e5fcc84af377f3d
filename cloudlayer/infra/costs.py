"""What resources would cost, told at a preview as a message of each; never a reason for a preview to fail."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi import Output
from pulumi.runtime.rpc import UNKNOWN

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.kinds import GROUP
from cloudlayer.infra.connections import connected
from cloudlayer.infra.inputs import OPTIONS, PROVIDER
from cloudlayer.infra.values import is_known, plain
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.resources import InstanceSpec, Offer
from cloudlayer.specs import checked

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Preview
    from cloudlayer.infra.life import Life

Document = Mapping[str, Any]
INSTANCE: Final = "instance"
NOT_KNOWN: Final = "price not known"
_SECONDS: Final = 30.0
"""How long the offers of a provider may take."""
_ONE_BY_ONE: Final = threading.Lock()
"""Many resources of one provider ask for its offers once."""
_FIGURES: Final = ("cpu", "memory", "gpu", "gpu_count", "gpu_memory", "architecture", "purchase", "reservation")


def tell(resource: pulumi.Resource, life: Life, inputs: Mapping[str, Any]) -> None:
    """At a preview, tell what a resource over one of our interfaces would cost."""
    noun = life.shape.noun
    prices: dict[str, Callable[[Document], str]] = {INSTANCE: of_instance, GROUP.noun: of_group}
    _tell(resource, prices.get(noun, lambda document: f"{NOT_KNOWN}: what a {noun} costs is not looked up"), inputs)


def tell_fleet(resource: pulumi.Resource, manifest: Any, home: Any) -> None:
    """At a preview, tell what a fleet would cost beside what it has."""
    _tell(resource, of_fleet, {"manifest": manifest, "home": home})


def of_instance(document: Document) -> str:
    """What a machine costs for an hour."""
    offer = _offer(document, document)
    if isinstance(offer, str):
        return offer
    return f"{NOT_KNOWN}: {_kind(offer)}" if offer.price is None else f"about {_sum([offer])} ({_kind(offer)})"


def of_group(document: Document) -> str:
    """What the least and the most members of a group cost for an hour."""
    template, least, most = document.get("template"), document.get("min", 0), document.get("max", UNKNOWN)
    offer = _offer(document, template if isinstance(template, Mapping) else {"machine_type": UNKNOWN})
    if isinstance(offer, str):
        return offer
    if offer.price is None or UNKNOWN in (least, most):
        return f"{NOT_KNOWN}: {least} to {most} members of {_kind(offer)}"
    lowest, highest = (_sum([offer] * number) if number else f"0 {offer.price.currency}/h" for number in (least, most))
    return f"about {lowest} up to {highest} ({least} to {most} members of {_kind(offer)})"


def of_fleet(document: Document) -> str:
    """What a fleet's machines cost for an hour: those there are and those that it would buy, and under load."""
    from cloudlayer.fleet.home import Home
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.infra.manifests import manifest_of

    if not is_known(document):
        return f"{NOT_KNOWN} before all of its manifest is"
    manifest = manifest_of(document["manifest"])
    with tempfile.TemporaryDirectory() as nowhere:
        home = Path(document["home"])
        with Fleets(Home(home if home.is_dir() else Path(nowhere))) as fleets:
            return _planned(fleets.preview(manifest))


def _planned(preview: Preview) -> str:
    bought = [machine.offer for machine in preview.plan.purchases]
    kept = list(preview.kept.values())
    told = [f"about {_sum([*kept, *bought])} for {_machines([*kept, *bought])}, of which {len(bought)} would be bought"]
    if len(preview.growth) > len(bought):
        told.append(f"under load up to {_machines([*kept, *preview.growth])} for {_sum([*kept, *preview.growth])}")
    groups = {demand.id: demand.group for demand in preview.demands}
    told += sorted({f"no place for {groups[one.demand]}: {one.reason}" for one in preview.plan.unplaced})
    return "; ".join([*told, *preview.warnings])


def _tell(resource: pulumi.Resource, price: Callable[[Document], str], inputs: Mapping[str, Any]) -> Output[str] | None:
    """The message, once it is told."""
    if not pulumi.runtime.is_dry_run():
        return None

    async def told(document: Any) -> str:
        text = await asyncio.to_thread(_safely, price, plain(document))
        await _logged(text, resource)
        return text

    def begun(document: dict[str, Any]) -> Awaitable[str]:
        return told(document)

    given: Output[dict[str, Any]] = Output.from_input(dict(inputs))
    said: Output[str] = given.apply(begun, True)
    return said


async def _logged(text: str, resource: pulumi.Resource) -> None:
    """Log, and wait for it: the SDK itself does not, and a program may end before."""
    before = asyncio.all_tasks()
    pulumi.log.info(text, resource)
    await asyncio.gather(*(asyncio.all_tasks() - before))


def _safely(price: Callable[[Document], str], document: Document) -> str:
    try:
        return price(document)
    except CloudLayerError as error:
        return f"{NOT_KNOWN}: {'; '.join(str(error).splitlines())}"
    except Exception as error:  # whatever an SDK raises, a preview is none the worse for it
        return f"{NOT_KNOWN}: {type(error).__name__}: {error}"


def _offer(document: Document, asked: Document) -> Offer | str:
    """The cheapest offer of what is asked for, or why there is none."""
    name, options = document.get(PROVIDER, UNKNOWN), document.get(OPTIONS)
    kind, figures = asked.get("machine_type"), {each: asked[each] for each in _FIGURES if each in asked}
    if not is_known([name, options, kind, figures]):
        return f"{NOT_KNOWN} before its provider and machine type are"
    zone = asked.get("zone")
    offers = [offer for offer in _offers(name, options) if zone in (None, UNKNOWN, offer.zone)]
    if kind is None:
        return cheapest(checked(InstanceSpec, figures, ""), offers)
    spec = checked(InstanceSpec, {"machine_type": kind, **figures}, "")
    found = [offer for offer in offers if offer.machine_type.name == kind and offer.purchase == spec.purchase]
    if not found:
        return f"{NOT_KNOWN}: {kind}, {_words(spec.purchase)}, is not on offer there"
    return min(found, key=lambda offer: (offer.price is None, offer.price.amount if offer.price else 0.0))


def _offers(name: str, options: Document | None) -> Sequence[Offer]:
    with _ONE_BY_ONE:
        return _offers_once(name, json.dumps(dict(options or {}), sort_keys=True))


@cache
def _offers_once(name: str, options: str) -> Sequence[Offer]:
    return connected(name, json.loads(options)).compute.offers(deadline=Deadline.after(_SECONDS))


def _kind(offer: Offer) -> str:
    return f"{offer.machine_type.name}, {_words(offer.purchase)}"


def _words(purchase: str) -> str:
    return purchase.replace("_", " ")


def _machines(offers: Sequence[Offer]) -> str:
    return f"{len(offers)} machine{'s' * (len(offers) != 1)}"


def _sum(offers: Iterable[Offer]) -> str:
    """What offers cost in all, by currency; of those without a price, how many they are."""
    prices = [offer.price for offer in offers]
    sums: dict[str, float] = {}
    for price in filter(None, prices):
        sums[price.currency] = sums.get(price.currency, 0.0) + price.amount
    unknown = prices.count(None)
    parts = [f"{_figure(amount)} {currency}/h" for currency, amount in sorted(sums.items())]
    parts += [f"what {unknown} of unknown price cost"] if unknown else []
    return " and ".join(parts) or "0/h"


def _figure(amount: float) -> str:
    return f"{amount:.4f}".rstrip("0").rstrip(".")
