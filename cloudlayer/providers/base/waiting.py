"""Waiting is polling described as data: for each state, those that end the wait well, those that end it badly, and a delay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from cloudlayer.errors import CloudError, Conflict, InvalidSpec, NotFound, Throttled, TransientError
from cloudlayer.interfaces import Clock, Deadline

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Waiter(Generic[State]):
    """How a wait for a state goes: states that end it well, states that end it badly, and seconds between two looks."""

    accept: frozenset[State]
    fail: frozenset[State]
    delay: float = 2.0


class Thing(Protocol):
    """What is waited for: a noun with an id, a state and a reason."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it is as it is."""
        ...


Awaited = TypeVar("Awaited", bound=Thing)


@dataclass(frozen=True)
class Waits(Generic[Awaited, State]):
    """The waits for things of one kind.

    `kind` is the kind's word, for messages. `absent` makes the thing that stands for one that is not there any more. `settle`
    is for how many seconds a new thing may not be found yet; `poll` overrides the waiters' delays.
    """

    kind: str
    states: type[State]
    waiters: Mapping[State, Waiter[State]]
    get: Callable[[str, Deadline], Awaited]
    absent: Callable[[str], Awaited]
    failure: Callable[[Awaited, State], CloudError]
    clock: Clock
    settle: float = 0.0
    poll: float | None = None

    def run(self, thing: Awaited | str, state: State | str, timeout: float, deadline: Deadline | None = None) -> Awaited:
        """The thing once it is in `state`; a state that cannot lead there any more ends the wait at once, with its reason.

        Raises what `failure` makes of such a state, NotFound if the thing is not there, and TransientError with the code
        "deadline" after `timeout` seconds or at the deadline, "cancelled" if that was cancelled. Passing faults of the cloud
        are waited out.
        """
        wanted = self._state(state)
        waiter, started = self.waiters[wanted], self.clock.monotonic()
        bound = self._bound(timeout, deadline)
        name = thing if isinstance(thing, str) else thing.id
        seen = None if isinstance(thing, str) else thing
        while True:
            bound.check(f"waiting for {name} to be {wanted}" + (f", it is {_state_of(seen)}" if seen else ""))
            try:
                seen = self.get(name, bound)
            except NotFound:
                if self._gone(wanted):
                    return self._ended(name, seen)
                if self.clock.monotonic() - started >= self.settle:
                    raise
            except (Throttled, TransientError):
                pass  # its retries are used up, the wait's time is not
            else:
                if _state_of(seen) in waiter.accept:
                    return seen
                if _state_of(seen) in waiter.fail:
                    raise self.failure(seen, wanted)
            self.clock.sleep(min(waiter.delay if self.poll is None else self.poll, bound.remaining()))

    def _bound(self, timeout: float, deadline: Deadline | None) -> Deadline:
        if deadline is None:
            return Deadline.after(timeout, self.clock)
        seconds = min(timeout, deadline.remaining())
        return Deadline(self.clock.monotonic() + seconds, self.clock, deadline.cancelled)

    def _gone(self, wanted: State) -> bool:
        return "deleted" in {state.value for state in self.waiters[wanted].accept}

    def _ended(self, name: str, seen: Awaited | None) -> Awaited:
        if seen is None:
            return self.absent(name)
        latest: Any = seen
        ended: Awaited = replace(latest, state=self.states("deleted"))
        return ended

    def _state(self, state: State | str) -> State:
        try:
            return self.states(state)
        except ValueError:
            known = ", ".join(self.states)
            raise InvalidSpec(f'"{state}" is no state of {self.kind}: wait for one of {known}') from None


def will_not_be(thing: Thing, wanted: StrEnum, provider: str) -> CloudError:
    """The error for a thing that will never be `wanted`, where its driver knows no better one."""
    reason = f": {thing.reason}" if thing.reason else ""
    state = _state_of(thing)
    return Conflict(f"{thing.id} is {state} and will not be {wanted}{reason}", provider=provider, code=state)


def _state_of(thing: Any) -> Any:
    return thing.state
