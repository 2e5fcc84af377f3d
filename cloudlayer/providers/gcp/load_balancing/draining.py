"""Targets on their way out: when each began to drain stands in the description of the balancer's first backend service.

Google ends a target's connections by the service's own draining time, and says nowhere that it has. Who takes a target out
waits for that time; one that was broken off finds here since when.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.codes import STALE
from cloudlayer.providers.gcp.facts import describe, marks_of
from cloudlayer.providers.gcp.load_balancing.pieces import SERVICE, Pieces
from cloudlayer.providers.gcp.load_balancing.plans import Form, part, service_of

_LOOK: Final = 0.5

Drains = dict[str, float]
"""Since when targets drain, in seconds since 1970, by their ids."""


class Draining:
    """Drains of balancers in one region."""

    def __init__(self, pieces: Pieces, clock: Clock) -> None:
        self._pieces = pieces
        self._clock = clock

    def of(self, id: str, form: Form, deadline: Deadline) -> Drains:
        """What drains of a balancer now."""
        service = service_of(self._pieces, id, form, form.listeners[0][0], deadline)
        return self._current(marks_of(service.description)[1].get("drains", {}), form)

    def begin(self, id: str, form: Form, targets: Collection[str], deadline: Deadline) -> None:
        """Write down that targets begin to drain now."""
        now = self._clock.now()
        self._write(id, form, lambda drains: {**drains, **dict.fromkeys(targets, round(now, 1))}, deadline)

    def finish(self, id: str, form: Form, targets: Collection[str], deadline: Deadline) -> None:
        """Return when none of the targets drains any more."""
        drains = self.of(id, form, deadline)
        latest = max((since for target, since in drains.items() if target in targets), default=0.0)
        while (left := latest + form.drain - self._clock.now()) > 0:
            deadline.check(f"draining targets of {id}; the same call goes on with it")
            self._clock.sleep(min(left, deadline.remaining(), _LOOK))

    def forget(self, id: str, form: Form, targets: Collection[str], deadline: Deadline) -> None:
        """Targets are in again: they drain no more."""
        if self.of(id, form, deadline).keys() & set(targets):
            keep: Callable[[Drains], Drains] = lambda drains: {  # noqa: E731
                target: since for target, since in drains.items() if target not in targets
            }
            self._write(id, form, keep, deadline)

    def _write(self, id: str, form: Form, change: Callable[[Drains], Drains], deadline: Deadline) -> None:
        piece = form.piece(SERVICE, part(id, form.listeners[0][0]))

        def attempt() -> None:
            service = service_of(self._pieces, id, form, form.listeners[0][0], deadline)
            marks, facts = marks_of(service.description)
            drains = change(self._current(facts.get("drains", {}), form))
            with suppress(InvalidSpec):  # so many that they do not fit: who takes them out knows for himself
                service.description = describe(marks, {**facts, "drains": drains})
                self._pieces.change(piece, "update", deadline, backend_service_resource=service)

        insist(attempt, STALE, self._clock, deadline, f"changing {piece.name}")

    def _current(self, drains: Drains, form: Form) -> Drains:
        """Those that are not over."""
        return {target: since for target, since in drains.items() if since + form.drain > self._clock.now()}
