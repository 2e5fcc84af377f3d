"""What is known of a token besides its machines: which places of its batch were launched, and as part of which batch.

Azure forgets a machine when it is deleted, and a token must not launch twice. So each attempt has a record that outlives its
machines by an hour: an SSH public key resource without a key, since that is free and has tags. It carries no labels of the
user's. The deletion of a machine deletes the records whose hour is over. A machine that lives needs none: its name follows
from its token.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CloudError, QuotaError
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.marks import tags_of
from cloudlayer.providers.base.turns import Turns

PREFIX: Final = "cloudlayer-attempt-"
_PLACES: Final = "cloudlayer-places"
_UNTIL: Final = "cloudlayer-until"
_KEPT: Final = 3600.0
_PRUNED_EVERY: Final = 600.0
_PRUNED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Record:
    """An attempt: its batch's fingerprint, and the places that were launched."""

    token: str
    batch: str
    places: frozenset[int] = frozenset()


class Records:
    """Reads and writes records in one resource group."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._turns = Turns()
        self._pruned: float | None = None
        self._lock = threading.Lock()

    def turn(self, token: str, deadline: Deadline) -> AbstractContextManager[None]:
        """The token's turn among the creates and deletes of this process."""
        return self._turns.take(token, deadline)

    def find(self, token: str, deadline: Deadline) -> Record | None:
        """The record of a token; None if there is none."""
        found = self._client.find("compute", "ssh_public_keys.get", self._client.group, PREFIX + token, deadline=deadline)
        if found is None:
            return None
        tags = tags_of(found)
        return Record(token, tags.get(names.SPEC, ""), _read(tags.get(_PLACES, "")))

    def write(self, record: Record, deadline: Deadline) -> None:
        """Take note of an attempt as it is now; where the resource group has no room for it, machines alone tell."""
        tags = {
            names.TOKEN: record.token,
            names.SPEC: record.batch,
            _PLACES: _written(record.places),
            _UNTIL: str(int(self._clock.now() + _KEPT)),
        }
        body = {"location": self._client.region, "tags": tags, "properties": {}}
        name = PREFIX + record.token
        with suppress(QuotaError):
            self._client.call("compute", "ssh_public_keys.create", self._client.group, name, body, deadline=deadline)

    def mark(self, record: Record, deadline: Deadline) -> None:
        """Take note that these places were launched; what was noted before stays."""
        with self.turn(record.token, deadline):
            found = self.find(record.token, deadline)
            known = found.places if found else frozenset()
            self.write(replace(record, places=known | record.places), deadline)

    def drop(self, token: str, deadline: Deadline) -> None:
        """Forget a token under which nothing was launched."""
        self._client.call("compute", "ssh_public_keys.delete", self._client.group, PREFIX + token, deadline=deadline)

    def prune(self, deadline: Deadline) -> None:
        """Delete records whose hour is over, every ten minutes at the most; a fault of it is left to the next time."""
        with self._lock:
            if self._pruned is not None and self._clock.monotonic() - self._pruned < _PRUNED_EVERY:
                return
            self._pruned = self._clock.monotonic()
        group, now = self._client.group, self._clock.now()
        with suppress(CloudError):
            listed = self._client.pages("compute", "ssh_public_keys.list_by_resource_group", group, deadline=deadline)
            old = [str(found["name"]) for found in listed if _is_over(found, now)]
            for name in old[:_PRUNED_AT_ONCE]:
                self._client.call("compute", "ssh_public_keys.delete", group, name, deadline=deadline)


def _is_over(found: Any, now: float) -> bool:
    until = tags_of(found).get(_UNTIL, "")
    return str(found.get("name", "")).startswith(PREFIX) and until.isdigit() and float(until) < now


def _written(places: Iterable[int]) -> str:
    """Places as ranges, "0-57 60": a tag holds 256 characters."""
    ranges: list[list[int]] = []
    for place in sorted(places):
        if ranges and place == ranges[-1][1] + 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


def _read(text: str) -> frozenset[int]:
    places: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        places.update(range(int(first), int(last or first) + 1))
    return frozenset(places)
