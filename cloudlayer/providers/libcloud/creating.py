"""How instances are made so that a token makes each but once: look for what is there, make what is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cloudlayer import labels as labelled
from cloudlayer.errors import TOKEN_SPENT, CapacityError, CloudError, Conflict, QuotaError, RejectedSpec, UnknownCloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.libcloud import names
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.calls import Calls, Held
from cloudlayer.providers.libcloud.catalogue import Catalogue
from cloudlayer.providers.libcloud.launches import Launch
from cloudlayer.providers.libcloud.nodes import PLACE, Reader, state_of
from cloudlayer.resources import Instance

_ANSWERS: Final = (CapacityError, QuotaError, RejectedSpec)
"""Errors that hit one spec; any other is one of the whole call."""


@dataclass
class Earlier:
    """What earlier calls with a token made: the nodes that live, by place, and the places whose node is gone."""

    nodes: dict[int, Any] = field(default_factory=dict)
    used_up: set[int] = field(default_factory=set)


class Creating:
    """Makes the nodes of batches, one batch of a token at a time."""

    def __init__(self, calls: Calls, adapter: Adapter, reader: Reader, catalogue: Catalogue) -> None:
        self._calls = calls
        self._adapter = adapter
        self._reader = reader
        self._catalogue = catalogue
        self._turns = Turns()
        self._gone: set[str] = set()
        self._lock = threading.Lock()

    def create(self, launches: Sequence[Launch], token: str, deadline: Deadline) -> list[Instance | CloudError]:
        """An answer for each launch."""
        with self._turns.take(token, deadline):
            earlier = self._earlier(launches, token, deadline)
            if earlier.used_up and not earlier.nodes:
                raise self._used_up(f"all instances of token {token} are deleted; make a new one")
            return [self._answer(launch, earlier, deadline) for launch in launches]

    def forget(self, node: Any) -> None:
        """Keep in mind that an attempt's node was deleted: not every cloud does."""
        labels, carried = self._reader.labels(node.extra), names.read(node.name)
        with self._lock:
            if labels.get(labelled.TOKEN):
                self._gone.add(names.short(derive(labels[labelled.TOKEN], labels.get(PLACE, 0))))
            elif carried is not None:
                self._gone.add(carried.token)

    def _answer(self, launch: Launch, earlier: Earlier, deadline: Deadline) -> Instance | CloudError:
        sold = self._catalogue.sold(deadline)
        if launch.place in earlier.nodes:
            return self._reader.instance(earlier.nodes[launch.place], sold)
        if launch.place in earlier.used_up:
            return self._used_up(f"the instance of place {launch.place} under this token is deleted; make a new token")
        try:
            return self._reader.instance(self._made(launch, deadline), sold)
        except _ANSWERS as error:
            return error

    def _made(self, launch: Launch, deadline: Deadline) -> Any:
        """The node. A driver without tokens is asked once, and again only after a look."""
        asked = False

        def attempt() -> Any:
            nonlocal asked
            if asked and not self._adapter.token:
                found = self._found(launch, deadline)
                if found is not None:
                    return found
            asked = True
            return self._calls.once(self._call(launch), doing="creating an instance", where=launch.where, deadline=deadline)

        made = self._calls.retries.run(attempt, doing=f"creating {launch.name}", deadline=deadline)
        if not hasattr(made, "extra"):  # some drivers answer with a truth value alone
            made = self._found(launch, deadline)
        if made is None:
            message = f"the driver said that it made {launch.name}, and it is not listed"
            raise UnknownCloudError(message, provider=self._calls.where.provider, code="NotListed")
        return made

    def _call(self, launch: Launch) -> Callable[[Held], Any]:
        def call(held: Held) -> Any:
            arguments = {**launch.arguments}
            if held.wire is not None:
                with held.wire.put({"Name": launch.name, **launch.labels}):
                    return held.driver.create_node(**arguments)
            made = held.driver.create_node(**arguments)
            if self._adapter.alone:
                _keep(made, launch)
            return made

        return call

    def _found(self, launch: Launch, deadline: Deadline) -> Any:
        return next((node for node in self._nodes(deadline) if self._is_of(node, launch)), None)

    def _earlier(self, launches: Sequence[Launch], token: str, deadline: Deadline) -> Earlier:
        """What there is of a batch; Conflict if its token was used for another."""
        with self._lock:
            found = Earlier(used_up={one.place for one in launches if names.short(one.token) in self._gone})
        for node in sorted(self._nodes(deadline), key=_age):
            place = self._place(node, launches, token)
            if place is None:
                continue
            if state_of(node).gone:
                found.used_up.add(place)
            else:
                found.nodes.setdefault(place, node)
        found.used_up -= found.nodes.keys()
        return found

    def _place(self, node: Any, launches: Sequence[Launch], token: str) -> int | None:
        if self._adapter.kept is None:
            return next((launch.place for launch in launches if self._is_of(node, launch)), None)
        labels = self._reader.labels(node.extra)
        if labels.get(labelled.TOKEN) != token:
            return None
        if labels.get(labelled.SPEC) != launches[0].digest:
            message = f"token {token} was used for other specs; make a new one"
            raise Conflict(message, provider=self._calls.where.provider, code="TokenReused")
        return int(labels.get(PLACE, 0))

    def _is_of(self, node: Any, launch: Launch) -> bool:
        if self._adapter.kept is None:
            return names.is_of(node.name, launch.token, launch.digest, provider=self._calls.where.provider)
        labels = self._reader.labels(node.extra)
        same = (labelled.TOKEN, labelled.SPEC, PLACE)
        return not state_of(node).gone and all(labels.get(name) == launch.labels[name] for name in same)

    def _nodes(self, deadline: Deadline) -> Sequence[Any]:
        return self._calls.run(lambda held: list(held.driver.list_nodes()), doing="listing instances", deadline=deadline)

    def _used_up(self, message: str) -> Conflict:
        return Conflict(message, provider=self._calls.where.provider, code=TOKEN_SPENT)


def _age(node: Any) -> tuple[str, str]:
    """The oldest first, so that all who look choose the same of what two made at once."""
    return str(node.created_at or ""), str(node.id)


def _keep(node: Any, launch: Launch) -> None:
    """Give a node of the dummy driver, whose list of objects is the whole cloud, what it was asked for and takes no note of.

    It numbers its nodes by how many there are, so that a number comes back: the attempt's own is taken instead.
    """
    node.id = f"node-{launch.token[:13]}"
    node.name = launch.name
    node.size = launch.size
    node.image = launch.arguments["image"]
    node.extra = {"labels": dict(launch.labels), "zone": launch.zone}
