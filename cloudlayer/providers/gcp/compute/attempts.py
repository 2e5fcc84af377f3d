"""What earlier calls with a token have left: instances that live, inserts under way, and places that are used up.

An instance that is deleted is not told any more, but the operations on it are, for two weeks at the least: a token whose insert
once went well, and whose instance is not there, has been used.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.cloud import compute_v1

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.instances import instance_id
from cloudlayer.providers.gcp.compute.launches import Launch
from cloudlayer.providers.gcp.marks import PLACE, label_filter

_ASKED_AT_ONCE: Final = 60
_DONE: Final = compute_v1.Operation.Status.DONE
_TARGET: Final = re.compile(r".*/zones/(?P<zone>[^/]+)/instances/(?P<name>[^/]+)")


@dataclass
class Place:
    """What is known of one place of a batch: its living instances, the oldest first, and the inserts that were asked for.

    `failed` counts, by zone, the inserts that came to nothing.
    """

    instances: list[Any] = field(default_factory=list)
    pending: list[Any] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    made: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


class Attempts:
    """Looks up what there is under a token."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def alive(self, token: str, deadline: Deadline) -> list[Any]:
        """The instances of a token, those that are being deleted among them; the oldest first."""
        found = self._client.everywhere("instances", filter=label_filter({names.TOKEN: token}), deadline=deadline)
        return sorted(found, key=lambda one: (one.creation_timestamp, one.name, one.zone))

    def earlier(self, launches: Sequence[Launch], deadline: Deadline) -> dict[int, Place]:
        """What there is, by place. Conflict if the token was used for another batch."""
        places = {launch.place: Place() for launch in launches}
        found = self.alive(launches[0].token, deadline)
        self._check(launches[0], found)
        for operation in self._operations(launches, deadline):
            self._note(operation, launches, places)
        for one in found:
            place = places[int(one.labels[PLACE])]
            if instance_id(one.zone, one.name) not in place.deleted:
                place.instances.append(one)
        return places

    def used_up(self, place: Place, deadline: Deadline) -> bool:
        """Whether an insert of this place went well and its instance is gone."""
        if place.instances or place.pending:
            return False
        return any(not self._shows(zone, name, place, deadline) for zone, name in sorted(place.made))

    def _shows(self, zone: str, name: str, place: Place, deadline: Deadline) -> bool:
        """Whether an instance is there after all: a list may be a moment behind. It is noted if so."""
        if instance_id(zone, name) in place.deleted:
            return False
        try:
            place.instances.append(self._client.call("instances", "get", zone=zone, instance=name, deadline=deadline))
        except NotFound:
            return False
        return True

    def _check(self, launch: Launch, found: Iterable[Any]) -> None:
        for one in found:
            if one.labels.get(names.SPEC) != launch.batch or PLACE not in one.labels:
                raise _reused(launch.token)

    def _operations(self, launches: Sequence[Launch], deadline: Deadline) -> Iterator[Any]:
        """All that was asked for of instances whose names follow from the token, whatever else is in their names."""
        for start in range(0, len(launches), _ASKED_AT_ONCE):
            chunk = launches[start : start + _ASKED_AT_ONCE]
            tails = "|".join(launch.tail for launch in chunk)
            wanted = f'targetLink eq ".*/instances/.*-({tails})"'
            yield from self._client.everywhere("global_operations", key="operations", filter=wanted, deadline=deadline)

    def _note(self, operation: Any, launches: Sequence[Launch], places: dict[int, Place]) -> None:
        target = _TARGET.fullmatch(operation.target_link)
        launch = next((one for one in launches if target and target["name"].endswith(one.tail)), None)
        if target is None or launch is None:
            return
        if target["name"] != launch.name:
            raise _reused(launch.token)
        place, failed = places[launch.place], bool(operation.error.errors)
        if operation.operation_type == "delete" and not failed:
            place.deleted.add(instance_id(target["zone"], target["name"]))
        if operation.operation_type != "insert":
            return
        if operation.status != _DONE:
            place.pending.append(operation)
        elif failed:
            place.failed[target["zone"]] += 1
        else:
            place.made.add((target["zone"], target["name"]))


def by_place(found: Iterable[Any], doomed: Iterable[str] = ()) -> dict[int, list[Any]]:
    """Instances of one batch by their places, without those that are being deleted."""
    gone, places = set(doomed), defaultdict(list)
    for one in found:
        if instance_id(one.zone, one.name) not in gone and PLACE in one.labels:
            places[int(one.labels[PLACE])].append(one)
    return places


def request_id(launch: Launch, zone: str, body: str, failed: int) -> str:
    """The UUID under which the cloud inserts an instance once. An insert that failed is answered so again: each has its own."""
    return derive(launch.token, launch.place, zone, body, failed)


def _reused(token: str) -> Conflict:
    message = f"token {token} was used for other specs; make a new one"
    return Conflict(message, provider="gcp", code="TokenReused")


def token_used_up(token: str) -> Conflict:
    """The error for a place whose instance was made and deleted."""
    message = f"this instance of token {token} is deleted: a token never launches twice; make a new one"
    return Conflict(message, provider="gcp", code=TOKEN_SPENT)
