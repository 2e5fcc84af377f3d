"""How the drivers of the simulated cloud call it: tries, pages, and creates that happen once for a token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from cloudlayer.errors import CloudError, Conflict, Throttled, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import SPEC, TOKEN
from cloudlayer.providers.base.attempts import adopted, native_name
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.simulated import pieces, tokens
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.records import Document

Result = TypeVar("Result")
Operation = Callable[[Document, float], Result]
NAME_LENGTH: Final = 40


class _Thing(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def state(self) -> Any: ...


Thing = TypeVar("Thing", bound=_Thing)
Listed_co = TypeVar("Listed_co", bound=_Thing, covariant=True)


class Found(Protocol[Listed_co]):
    """A driver's `list`."""

    def __call__(self, labels: Mapping[str, str], *, deadline: Deadline | None) -> Sequence[Listed_co]:
        """Every thing that carries all of `labels`."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One create: the name and token, the fingerprint of the spec, and the labels of all that is made for it."""

    name: str | None
    token: str
    digest: str
    labels: Mapping[str, str]
    deadline: Deadline | None

    @property
    def marked(self) -> dict[str, str]:
        """The labels with token and fingerprint, for what the cloud does not bind to the token itself."""
        return {**self.labels, TOKEN: self.token, SPEC: self.digest}


@dataclass(frozen=True, slots=True)
class Made:
    """What a thing is made with: its labels, those of cloudlayer included, and the ids of its pieces."""

    labels: Mapping[str, str]
    pieces: Sequence[str]


@dataclass(frozen=True)
class Calls:
    """Calls to one region of a world."""

    simulation: Simulation
    region: str
    _creating: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settle(self) -> float:
        """For how many seconds a new thing may not be seen yet, when one looks every two seconds."""
        settings = self.simulation.settings
        return settings.lag_seconds + 2.0 * settings.lag_reads

    def run(self, name: str, about: str, operation: Operation[Result], deadline: Deadline | None) -> Result:
        """Make a call, and again when it is throttled or fails in passing."""
        return self.tried(lambda: self.once(name, about, operation, deadline), name, deadline)

    def once(self, name: str, about: str, operation: Operation[Result], deadline: Deadline | None) -> Result:
        """Make a call a single time."""
        return self.simulation.perform(name, about, operation, deadline)

    def tried(self, attempt: Callable[[], Result], name: str, deadline: Deadline | None) -> Result:
        """What `attempt` returns, tried again as a whole when it is throttled or fails in passing."""
        retries = Retries(attempts=self.simulation.settings.attempts, clock=self.simulation.clock)
        return retries.run(attempt, doing=f"calling {name}", deadline=deadline)

    def pages(
        self,
        name: str,
        page: Callable[[Document, float, str | None], tuple[Sequence[Result], str | None]],
        deadline: Deadline | None,
    ) -> list[Result]:
        """The items of all pages, each page a call."""

        def fetch(after: str | None) -> tuple[Sequence[Result], str | None]:
            return self.run(name, self.region, lambda document, now: page(document, now, after), deadline)

        return list(flatten(fetch, provider=PROVIDER))

    def create(
        self,
        name: str,
        attempt: Attempt,
        *,
        kinds: Iterable[pieces.Kind] = (),
        found: Found[Thing],
        make: Callable[[Document, float, Made], Thing],
    ) -> Thing:
        """The thing of this attempt: the one that an earlier try made, or a new one, with the pieces of these kinds.

        `found` lists what carries labels; it is asked for the token where the cloud binds none itself.
        """

        def once(native: bool) -> Thing:
            if not native:
                known = _adopted(found({TOKEN: attempt.token}, deadline=attempt.deadline), attempt.digest)
                if known is not None:
                    return known
            labels = {**attempt.labels, TOKEN: attempt.token} if native else attempt.marked
            made = Made(labels, [self.piece(kind, attempt) for kind in kinds])
            with self.discarded(made.pieces, attempt.deadline):
                return self.once(name, attempt.token, lambda document, now: make(document, now, made), attempt.deadline)

        with self.creating() as native:
            return self.tried(lambda: once(native), name, attempt.deadline)

    @contextmanager
    def creating(self) -> Iterator[bool]:
        """Whether the cloud binds tokens itself; where it does not, creates go one by one, since each looks before it makes."""
        native = self.simulation.settings.native_tokens
        with nullcontext() if native else self._creating:
            yield native

    def piece(self, kind: pieces.Kind, attempt: Attempt, part: str | None = None) -> str:
        """The id of this attempt's piece of a kind, made if it is not there; `part` is the UUID of its name, else the token."""
        name = native_name(attempt.name, part or attempt.token, NAME_LENGTH)

        def operation(document: Document, now: float) -> str:
            return pieces.make(document, now, self.region, kind, name=name, labels=attempt.marked)

        return self.once(f"{kind}.create", name, operation, attempt.deadline)

    @contextmanager
    def discarded(self, ids: Iterable[str], deadline: Deadline | None) -> Iterator[None]:
        """Delete these pieces if it turns out that what they are for will not be; a fault that passes tells nothing yet."""
        try:
            yield
        except (Throttled, TransientError):
            raise
        except CloudError:
            with suppress(CloudError):  # what went wrong first is what counts; the pieces are leftovers now
                self.discard(ids, deadline)
            raise

    def discard(self, ids: Iterable[str], deadline: Deadline | None) -> None:
        """Delete these pieces; those that are in use stay."""
        for piece in ids:
            with suppress(Conflict):
                self.run(f"{pieces.kind_of(piece)}.delete", piece, _removal(piece), deadline)


def _removal(id: str) -> Operation[None]:
    return lambda document, now: pieces.remove(document, now, id)


def _adopted(found: Sequence[Thing], digest: str) -> Thing | None:
    alive = [thing for thing in found if thing.state not in ("deleting", "deleted")]
    thing = adopted(alive or found, digest, provider=PROVIDER)
    if thing is not None and not alive:
        raise tokens.spent()
    return thing
