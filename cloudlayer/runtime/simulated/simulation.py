"""A simulated world: its store, its clock, its faults, and the one way in which a call passes through them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from cloudlayer.errors import CloudError, InvalidSpec, Throttled, TransientError
from cloudlayer.interfaces import Clock, Deadline, SystemClock
from cloudlayer.runtime.simulated import faults
from cloudlayer.runtime.simulated.records import Document, Settings, empty, settings_of
from cloudlayer.runtime.simulated.store import FileStore, MemoryStore, Store
from cloudlayer.specs import checked

Result = TypeVar("Result")
PROVIDER: Final = "simulated"
_SYSTEM: Final = SystemClock()


class VirtualClock:
    """The clock of a world, shared by all who use it; `sleep` lets the time of the whole world pass at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> float:
        """Seconds since 1970, in the world."""
        return self._store.read()["now"]

    def monotonic(self) -> float:
        """The same as `now`: a world's time never runs backwards."""
        return self.now()

    def sleep(self, seconds: float) -> None:
        """Move the world on. Of several that sleep at once the longest counts, not their sum."""
        self.sleep_until(self.now() + seconds)

    def sleep_until(self, moment: float) -> None:
        """Move the world on to `moment`, if it is not there yet."""
        with self._store.transaction() as document:
            document["now"] = max(document["now"], moment)


class Simulation:
    """A world, in memory or in a file. All who open the same file share it."""

    def __init__(self, file: Path | str | None = None, **settings: Any) -> None:
        """`settings` are those of `Settings`; given for a world that exists, they change it, the clock excepted."""
        given = checked(Settings, settings, PROVIDER)

        def new() -> Document:
            return empty(given)

        self.store: Store = MemoryStore(new) if file is None else FileStore(Path(file), new)
        self.set(**settings)
        kind = self.settings.clock
        self.clock: Clock = VirtualClock(self.store) if kind == "virtual" else _SYSTEM

    @property
    def settings(self) -> Settings:
        """How this world behaves now."""
        return settings_of(self.store.read())

    def set(self, **settings: Any) -> None:
        """Change some of the settings, the clock excepted."""
        given = checked(Settings, settings, PROVIDER)
        with self.transaction() as (document, _now):
            kind = document["settings"]["clock"]
            if settings.get("clock", kind) != kind:
                raise InvalidSpec(f"simulated.clock: this world has a {kind} clock: leave it out, or use another file")
            document["settings"] |= {key: getattr(given, key) for key in settings}

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.clock.sleep(seconds)

    def inject(self, *given: faults.Fault) -> None:
        """Let these faults hold from now on."""
        with self.transaction() as (document, _now):
            for fault in given:
                faults.add(document, fault)

    def cut_off(self, machine: str) -> None:
        """From now on the machine does not answer, though it runs, and its replicas with it; its cloud sees nothing of that."""
        with self.transaction() as (document, _now):
            document["cut_off"] = sorted({*document["cut_off"], machine})

    def reconnect(self, machine: str) -> None:
        """The machine answers again, with all that runs on it."""
        with self.transaction() as (document, _now):
            document["cut_off"] = [other for other in document["cut_off"] if other != machine]

    def heal(self) -> None:
        """Let no injected fault hold any more, and every machine answer."""
        with self.transaction() as (document, _now):
            document["faults"], document["cut_off"] = [], []

    def journal(self, call: str | None = None) -> list[dict[str, Any]]:
        """Every call so far, or those of one name, as {"at", "call", "about", "outcome"}: "ok", "lost" or the error's name."""
        return [entry for entry in self.store.entries() if call in (None, entry["call"])]

    def counts(self) -> Counter[str]:
        """How often each call was made, whatever came of it."""
        return Counter(entry["call"] for entry in self.store.entries())

    def now(self, document: Document) -> float:
        """The world's time, inside a transaction."""
        return document["now"] if settings_of(document).clock == "virtual" else _SYSTEM.now()

    @contextmanager
    def transaction(self) -> Iterator[tuple[Document, float]]:
        """The world as it has become by now, alone, and the time; what it is changed into is kept."""
        with self.store.transaction() as document:
            now = self.now(document)
            self.pass_time(document, now)
            yield document, now

    def look(self) -> tuple[Document, float]:
        """The world as it has become by now, and the time; changes to it are lost."""
        document = self.store.read()
        now = self.now(document)
        self.pass_time(document, now)
        return document, now

    def pass_time(self, document: Document, now: float) -> None:
        """Let what acts of itself do what it did until `now`; machines and replicas alone do nothing that was not planned."""

    def perform(
        self, call: str, about: str, operation: Callable[[Document, float], Result], deadline: Deadline | None = None
    ) -> Result:
        """Make one call: refuse it, or carry it out and then answer, late, or never. `operation` checks before it changes."""
        if deadline is not None:
            deadline.check(f"calling {call}")
        with self.transaction() as (document, now):
            slow = faults.due(document, ("slow",), call=call)
            answer, lost = self._attempt(document, now, call, operation)
            outcome = type(answer).__name__ if isinstance(answer, CloudError) else "lost" if lost else "ok"
            self.store.record({"at": now, "call": call, "about": about, "outcome": outcome})
        if slow is not None:
            self._take(slow.seconds, call, deadline)
        if isinstance(answer, CloudError):
            raise answer
        if lost:
            raise TransientError(f"the connection broke before {call} answered", provider=PROVIDER, code="AnswerLost")
        return answer

    def _attempt(
        self, document: Document, now: float, call: str, operation: Callable[[Document, float], Result]
    ) -> tuple[Result | CloudError, bool]:
        throttled = _throttle(document, now)
        if throttled is not None:
            return throttled, False
        refused = faults.due(document, ("refused",), call=call)
        if refused is not None:
            return faults.refusal(refused, PROVIDER), False
        try:
            answer = operation(document, now)
        except CloudError as error:
            return error, False
        return answer, faults.due(document, ("lost",), call=call) is not None

    def _take(self, seconds: float, call: str, deadline: Deadline | None) -> None:
        self.clock.sleep(seconds if deadline is None else min(seconds, deadline.remaining()))
        if deadline is not None:
            deadline.check(f"waiting for the answer of {call}")


def _throttle(document: Document, now: float) -> Throttled | None:
    settings = settings_of(document)
    if settings.rate is None:
        return None
    level, since = document["bucket"]
    level = min(float(settings.burst), level + (now - since) * settings.rate)
    allowed = level >= 1
    document["bucket"] = [level - 1 if allowed else level, now]
    if allowed:
        return None
    wait = (1 - level) / settings.rate
    return Throttled("asked too often", retry_after=wait, provider=PROVIDER, code="Throttled")
