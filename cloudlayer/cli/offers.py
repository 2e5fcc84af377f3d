"""`cloudlayer offers`: what providers sell, filtered, cheapest first. A price that is not known comes last, never as 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final

import typer

from cloudlayer.cli import options
from cloudlayer.cli.connections import ask_all, chosen
from cloudlayer.cli.forms import price_text
from cloudlayer.cli.output import UNKNOWN, note, plain, print_json, print_table
from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Provider
from cloudlayer.resources import Accelerator, Offer, Price
from cloudlayer.units import format_size, parse_size

app = options.application()

COLUMNS: Final = (
    *(">PRICE/H", ">PRICE AGE", "MACHINE TYPE", "GPUS", "WHERE", "BOUGHT", ">LEFT"),
    *("~>CPU", "~>MEMORY", "~RESERVATION", "~PRICE FROM"),
)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@dataclass(frozen=True)
class Filter:
    """Which offers to show; `cpu` in cores, sizes in bytes, `gpu` a shell pattern over models without regard to case."""

    cpu: float = 0.0
    memory: int = 0
    gpu: str | None = None
    gpu_memory: int | None = None
    purchases: frozenset[str] = frozenset()

    def admits(self, offer: Offer) -> bool:
        """Whether the offer is large enough and of the kind that was asked for."""
        kind = offer.machine_type
        large = kind.cpu >= self.cpu and kind.memory >= self.memory
        return large and (not self.purchases or offer.purchase in self.purchases) and self._admits_devices(kind.accelerators)

    def _admits_devices(self, devices: tuple[Accelerator, ...]) -> bool:
        if self.gpu is None and self.gpu_memory is None:
            return True
        pattern, memory = (self.gpu or "*").lower(), self.gpu_memory or 0
        return any(fnmatchcase(device.model.lower(), pattern) and device.memory >= memory for device in devices)


@app.command()
def offers(
    *,
    gpu: Annotated[str | None, typer.Option(metavar="MODEL", help='A GPU model or pattern, such as L4 or "A10*".')] = None,
    gpu_memory: Annotated[
        int | None, typer.Option(parser=_size, metavar="SIZE", help="Memory of each GPU, at least; such as 16GiB.")
    ] = None,
    cpu: Annotated[float, typer.Option(min=0, help="Cores, at least.")] = 0.0,
    memory: Annotated[int | None, typer.Option(parser=_size, metavar="SIZE", help="Memory, at least; such as 8GiB.")] = None,
    provider: options.Providers = None,
    spot: Annotated[bool, typer.Option("--spot", help="Spot offers.")] = False,
    on_demand: Annotated[bool, typer.Option("--on-demand", help="On-demand offers.")] = False,
    reserved: Annotated[bool, typer.Option("--reserved", help="Offers that are paid for already: your reservations.")] = False,
    json: options.Json = False,
) -> None:
    """List what providers sell, cheapest first: all that can be connected, or those named.

    Prices in several currencies are not compared: each currency's offers stand together. What has no price comes last. The
    simulated provider is asked only where it is named.
    """
    asked = {"spot": spot, "on_demand": on_demand, "reserved": reserved}
    purchases = frozenset(name for name, wanted in asked.items() if wanted)
    wanted = Filter(cpu, memory or 0, gpu, gpu_memory, purchases)
    found = sorted((offer for offer in _ask(chosen(provider)) if wanted.admits(offer)), key=_by_price)
    if json:
        print_json([{"id": offer.id, **plain(offer)} for offer in found])
        return
    today = datetime.now(UTC).date()
    print_table(COLUMNS, [_row(offer, today) for offer in found], empty="no offer is like that")
    _tell_currencies(found)


def _ask(names: list[str]) -> list[Offer]:
    """All offers; a provider that fails is named on standard error, and if all fail the first one's error is raised."""
    answers = ask_all(names, _offers_of)
    failures = {name: answer for name, answer in answers.items() if isinstance(answer, CloudLayerError)}
    if failures and len(failures) == len(answers):
        raise next(iter(failures.values()))
    for name, error in failures.items():
        note(f"{name} is left out: {str(error).removeprefix(name + ': ')}")
    return [offer for answer in answers.values() if not isinstance(answer, CloudLayerError) for offer in answer]


def _offers_of(provider: Provider) -> list[Offer]:
    return provider.compute.offers()


def _by_price(offer: Offer) -> tuple[Any, ...]:
    price = offer.price
    return (price is None, price.currency if price else "", price.amount if price else 0.0, offer.id)


def _row(offer: Offer, today: date) -> tuple[object, ...]:
    kind = offer.machine_type
    return (
        price_text(offer.price),
        "" if offer.price is None else _age(offer.price, today),
        kind.name,
        describe_devices(kind.accelerators),
        f"{offer.provider} {_place(offer)}",
        offer.purchase,
        UNKNOWN if offer.available is None else offer.available,
        f"{kind.cpu:g}",
        format_size(kind.memory),
        offer.reservation,
        "" if offer.price is None else offer.price.source,
    )


def _place(offer: Offer) -> str:
    """The zone, after its region where it does not tell that itself."""
    return offer.zone if offer.zone.startswith(offer.region) else f"{offer.region} {offer.zone}"


def _tell_currencies(offers: Iterable[Offer]) -> None:
    currencies = sorted({offer.price.currency for offer in offers if offer.price})
    if len(currencies) > 1:
        note(f"prices in {' and '.join(currencies)} are not compared: each currency's offers stand together")


def describe_devices(devices: tuple[Accelerator, ...]) -> str:
    """Devices in few words, as in "4 x A10G 24GiB"."""
    counted = Counter(devices)
    return ", ".join(f"{number} x {device.model} {format_size(device.memory)}" for device, number in counted.items())


def _age(price: Price, today: date) -> str:
    days = (today - price.as_of).days
    return "today" if days <= 0 else f"{days} d"
