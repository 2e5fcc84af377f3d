"""`cloudlayer explain`: why a replica is where it is, what was decided then and how it stands now."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cloudlayer.cli import options
from cloudlayer.cli.accounts import lacking_lines, lines, missing_document
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import moment, replica_document, short
from cloudlayer.cli.output import counted, note, plain, print_json
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.fleet.standing import Report, Standing
    from cloudlayer.resources import Offer
    from cloudlayer.scheduler import Demand
    from cloudlayer.scheduler.account import Missing
    from cloudlayer.scheduler.choices import Choice

app = options.application()

_DECIDED: Final = {"buy machine": "bought", "start replica": "started"}
"""The events that say why, and the words that they are told under."""
_LABEL: Final = 17
"""The width of the words that begin a paragraph."""

Subject = Annotated[str, typer.Argument(metavar="REPLICA", help="A replica by its id or the start of it; or a function.")]


@app.command()
def explain(replica: Subject, fleet: options.Fleet = None, json: options.Json = False) -> None:
    """Say why a replica is on its machine: what was decided then, and what speaks for it and against it now.

    A function's name stands for all its replicas, and for those of it that have no place.
    """
    with opened() as fleets:
        from cloudlayer.fleet.standing import report

        found = report(fleets, fleets.named(fleet), replica)
    if json:
        print_json(_document(found))
    else:
        _print(found)
    for line in found.notes:
        note(line)


def _document(report: Report) -> dict[str, Any]:
    return {
        "replicas": [_standing_document(standing) for standing in report.standings],
        "unplaced": [missing_document(missing) for missing in report.missing],
        "notes": list(report.notes),
    }


def _standing_document(standing: Standing) -> dict[str, Any]:
    return {
        "replica": replica_document(standing.replica, time.time()),
        "machine": None if standing.machine is None else {"id": standing.machine.id, "offer": plain(standing.machine.offer)},
        "why": [{"about": label, "text": text} for label, text in _paragraphs(standing)],
        **{
            name: plain(getattr(standing, name))
            for name in ("decided", "choice", "elsewhere", "alone", "instead", "consolidation")
        },
    }


def _print(report: Report) -> None:
    blocks = [*map(_standing, report.standings), *map(_missing, _distinct(report.missing))]
    print("\n\n".join("\n".join(block) for block in blocks) or "it has no replica, and none is wanted", flush=True)


def _standing(standing: Standing) -> Iterator[str]:
    row = standing.replica
    yield f"{row.key} {short(row.id)}: {row.state} on {row.machine}"
    for label, text in _paragraphs(standing):
        first, *rest = lines([text], " " * _LABEL)
        yield f"  {label}".ljust(_LABEL) + first.strip()
        yield from rest


def _paragraphs(standing: Standing) -> Iterator[tuple[str, str]]:
    """What is told of a replica, each under its heading: how it came to be, then how it stands."""
    row = standing.machine
    if row is not None:
        yield "machine", f"{_machine(row.offer)}, {row.state} since {moment(row.created_at)}"
    for event in standing.decided:
        if event.kind in _DECIDED:
            yield _DECIDED[event.kind], f"{moment(event.at)}: {event.message}"
    if standing.demand is not None and row is not None:
        yield "takes", ", ".join(_shares(standing.demand, standing.replica.devices, row.offer))
    if standing.choice is not None:
        yield from _comparison(standing.choice)
    if standing.elsewhere is not None:
        yield "offers", _offers(standing)
    if standing.consolidation:
        yield "consolidation", standing.consolidation
    if not standing.replica.state.serving and standing.replica.reason:
        yield "ends", standing.replica.reason


def _comparison(choice: Choice) -> Iterator[tuple[str, str]]:
    from cloudlayer.scheduler import telling

    yield "beside it", telling.crowd(choice.beside) or "nothing"
    yield "machines", f"{telling.ground(choice)}."
    if choice.gang is not None:
        yield "gang", f"{choice.gang}, which is placed all or none"
    if calls := list(telling.calls(choice)):
        yield "calls", " ".join(calls)


def _machine(offer: Offer) -> str:
    from cloudlayer.scheduler import telling

    kind, how = offer.machine_type.name, offer.purchase.replace("_", "-")
    return f"{kind} in {offer.zone} of {offer.provider}, {how}, for {telling.price(offer.price)}"


def _shares(demand: Demand, devices: Sequence[int], offer: Offer) -> Iterator[str]:
    """What part of its machine it takes."""
    kind = offer.machine_type
    yield f"{demand.cpu:g} of {kind.usable_cpu:g} cores ({_percent(demand.cpu, kind.usable_cpu)})"
    memory = f"{format_size(demand.memory)} of {format_size(kind.usable_memory)}"
    yield f"{memory} memory ({_percent(demand.memory, kind.usable_memory)})"
    for index in devices:
        device = kind.accelerators[index]
        yield f"of GPU {index} ({device.model}) {_share(demand, device.memory)}"


def _share(demand: Demand, memory: int) -> str:
    if demand.gpu_profile is not None:
        return f"a MIG instance of {demand.gpu_profile}"
    parts = []
    if demand.gpu_memory is not None:
        parts.append(f"{format_size(demand.gpu_memory)} of {format_size(memory)} ({_percent(demand.gpu_memory, memory)})")
    if demand.gpu_compute is not None:
        parts.append(f"{demand.gpu_compute / 10:g} % of its compute")
    return " and ".join(parts) or "all"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "all"


def _offers(standing: Standing) -> str:
    """What is on sale for it, and for all that its machine holds."""
    from cloudlayer.scheduler import telling

    elsewhere = standing.elsewhere
    if elsewhere is None or not elsewhere.offers:
        return "nothing is on sale"
    kept = ", ".join(map(str, elsewhere.by_offer)) or "all would hold it"
    said = [f"Of {counted(elsewhere.offers, 'offer')}: {kept}."]
    if standing.alone is not None:
        said.append(f"The cheapest for it alone is {telling.alternative(standing.alone)}.")
    if standing.instead is not None:
        said.append(f"The cheapest other for all on its machine is {telling.alternative(standing.instead)}.")
    return " ".join(said)


def _distinct(missing: Sequence[Missing]) -> list[tuple[Missing, int]]:
    """One for each version and reason, with how many replicas it hits."""
    found: dict[tuple[str, str], list[Missing]] = {}
    for lack in missing:
        found.setdefault((lack.group, lack.reason), []).append(lack)
    return [(alike[0], len(alike)) for alike in found.values()]


def _missing(lack: tuple[Missing, int]) -> Iterator[str]:
    first, number = lack
    yield f"{first.group}: {counted(number, 'replica')} without a place"
    yield from lacking_lines(first, "  ")
