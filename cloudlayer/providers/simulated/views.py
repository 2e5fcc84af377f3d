"""What a reader of the simulated cloud sees: things as they were a while ago, and lists in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from cloudlayer.errors import NotFound
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.runtime.simulated import faults
from cloudlayer.runtime.simulated.records import Document, at, course, settings_of
from cloudlayer.runtime.simulated.things import Change, ThingRecord

Record = TypeVar("Record", bound=ThingRecord)
_GONE: Final = frozenset({"deleting", "deleted"})
_DELETED: Final = "deleted"
FAILED: Final = "the cloud could not make it: delete it and make another"


def describe(
    document: Document, now: float, table: Mapping[str, Record], id: str, kind: str, *, region: str | None = None
) -> tuple[Record, Change]:
    """The record and the change that a reader sees, lag included; NotFound if it is not there, not seen yet or long gone.

    With `region`, what is in another one is not there.
    """
    moment, reads = horizon(document, now)
    record = _of(table, id, region)
    change = visible(document, record, moment, reads) if record is not None else None
    if record is None or change is None:
        raise not_found(kind, id)
    return record, change


def page(
    document: Document, now: float, table: Mapping[str, Record], *, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[tuple[Record, Change]], str | None]:
    """One page of the region's things in the order of their ids, and where the next one starts."""
    moment, reads = horizon(document, now)
    size = settings_of(document).page_size
    found: list[tuple[Record, Change]] = []
    for key, record in sorted(table.items()):
        if key <= (after or "") or record["region"] != region or not labels.items() <= record["labels"].items():
            continue
        change = visible(document, record, moment, reads)
        if change is None:
            continue
        if len(found) == size:
            return found, found[-1][0]["id"]
        found.append((record, change))
    return found, None


def horizon(document: Document, now: float) -> tuple[float, int | None]:
    """Up to which moment, and to which read, things are seen by the reader who looks now; it counts as one."""
    settings = settings_of(document)
    if not settings.lag_reads:
        return now - settings.lag_seconds, None
    document["reads"] += 1
    return now - settings.lag_seconds, document["reads"] - settings.lag_reads - 1


def visible(document: Document, record: ThingRecord, moment: float, reads: int | None) -> Change | None:
    """What is seen of the thing up to that moment and read; None before it was made, and when it is long gone."""
    change = at(record["timeline"], moment, reads)
    if change is None or change["state"] != _DELETED:
        return change
    return change if moment < change["at"] + settings_of(document).listed_seconds else None


def current(record: ThingRecord, now: float) -> Change:
    """How the thing truly is."""
    return at(record["timeline"], now) or record["timeline"][0]


def begin(record: ThingRecord, document: Document, now: float, call: str, *, seconds: float, ready: str) -> None:
    """Let a new thing be creating for so long, and then be ready, unless a fault fails it."""
    failed = faults.due(document, ("failed",), call=call)
    end = (seconds, ready, None) if failed is None else (seconds, "failed", FAILED)
    course(record, document, now, (0.0, "creating", None), end)


def gone(record: ThingRecord, now: float) -> bool:
    """Whether the thing is deleted, or on its way there."""
    return current(record, now)["state"] in _GONE


def there(table: Mapping[str, Record], id: str, kind: str, now: float, region: str | None = None) -> Record:
    """The record of a thing that is not gone; NotFound for any other. With `region`, what is in another one is not there."""
    record = _of(table, id, region)
    if record is None or gone(record, now):
        raise not_found(kind, id)
    return record


def not_found(kind: str, id: str) -> NotFound:
    """The error for a thing that is not there."""
    return NotFound(f"there is no {kind} {id}", provider=PROVIDER, code=f"NoSuch{kind.title().replace(' ', '')}")


def _of(table: Mapping[str, Record], id: str, region: str | None) -> Record | None:
    record = table.get(id)
    return record if record is not None and region in (None, record["region"]) else None
