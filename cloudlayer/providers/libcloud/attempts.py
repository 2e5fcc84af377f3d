"""How a volume, snapshot or balancer is made so that a token makes it but once: look for it, make it, look again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cloudlayer import labels as labelled
from cloudlayer.errors import Conflict, UnknownCloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.libcloud import names
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.calls import Calls, Held

Make = Callable[[Held, str, Mapping[str, Any]], Any]
"""Makes the thing of a driver under a name, with arguments that put its labels on it."""

_LONGEST: Final = 63


class Reads(Protocol):
    """Reads the labels of things of a kind."""

    @property
    def adapter(self) -> Adapter:
        """What is known of the driver."""
        ...

    def labels(self, extra: Mapping[str, Any] | None) -> dict[str, str]:
        """The labels that a thing's `extra` tells."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is to be made once: the token, the spec's fingerprint, and the name and labels that were asked for."""

    token: str
    digest: str
    name: str | None
    labels: Mapping[str, str]

    @property
    def marks(self) -> dict[str, str]:
        """All labels of the thing."""
        return {**self.labels, labelled.TOKEN: self.token, labelled.SPEC: self.digest}


class Making:
    """Makes things of one kind, one create of a token at a time. `longest` is how long a name may be."""

    def __init__(self, calls: Calls, reader: Reads, *, longest: int = _LONGEST) -> None:
        self._calls = calls
        self._reader = reader
        self._longest = longest
        self._turns = Turns()

    def make(self, attempt: Attempt, listed: Callable[[Deadline], Sequence[Any]], make: Make, deadline: Deadline) -> Any:
        """Libcloud's thing: what an earlier call with the token made, else a new one. Conflict for another spec."""
        name, arguments = self._native_name(attempt), self._arguments(attempt)

        def call(held: Held) -> Any:
            if held.wire is None:
                return make(held, name, arguments)
            with held.wire.put({"Name": name, **attempt.marks}, attempt.token):
                return make(held, name, {})

        def once() -> Any:
            found = self._found(attempt, listed(deadline))
            return found or self._calls.once(call, doing=f"making {name}", deadline=deadline)

        with self._turns.take(attempt.token, deadline):
            made = self._calls.retries.run(once, doing=f"making {name}", deadline=deadline)
            # What a create answers may lack labels that are there; and some drivers answer with a truth value alone.
            found = made if self._is_whole(made, attempt) else self._found(attempt, listed(deadline))
        if found is None:
            message = f"the driver said that it made {name}, and it is not listed"
            raise UnknownCloudError(message, provider=self._calls.where.provider, code="NotListed")
        return found

    def _found(self, attempt: Attempt, things: Sequence[Any]) -> Any:
        provider = self._calls.where.provider
        if self._reader.adapter.volumes is None:
            return next(
                (one for one in things if names.is_of(one.name, attempt.token, attempt.digest, provider=provider)), None
            )
        for one in sorted(things, key=lambda one: str(one.id)):
            labels = self._reader.labels(one.extra)
            if labels.get(labelled.TOKEN) != attempt.token:
                continue
            if labels.get(labelled.SPEC) != attempt.digest:
                message = f"this token was used for another spec, that of {one.id}: a changed spec is a new attempt"
                raise Conflict(message, provider=provider, code="TokenReused")
            return one
        return None

    def _is_whole(self, made: Any, attempt: Attempt) -> bool:
        if not hasattr(made, "extra"):
            return False
        kept = self._reader.adapter.volumes
        return kept is None or attempt.marks.items() <= self._reader.labels(made.extra).items()

    def _native_name(self, attempt: Attempt) -> str:
        adapter = self._reader.adapter
        if attempt.name is None or adapter.volumes is None or adapter.unique_names:
            return names.carrying(attempt.name, attempt.token, attempt.digest, self._longest)
        return attempt.name

    def _arguments(self, attempt: Attempt) -> dict[str, Any]:
        kept = self._reader.adapter.volumes
        return kept.asked(attempt.marks) if kept is not None and kept.argument else {}
