"""Calls to a driver, which is not thread-safe: each has one to itself, is one try, and is retried by what all drivers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.libcloud import errors
from cloudlayer.providers.libcloud.errors import Answer
from cloudlayer.providers.libcloud.wire import Ec2Wire, tap

_SECONDS: Final = 30.0
"""For so long one request may go without an answer."""
_GRACE: Final = 1.0
"""A request that began before the deadline has so long at the least: one that is cut off may have taken effect."""
_LOOK: Final = 0.25

Result = TypeVar("Result")


@dataclass(frozen=True)
class Held:
    """A driver that one call has to itself; `last` gives the answer that its connection had last, `wire` completes EC2's."""

    driver: Any
    last: Callable[[], Answer]
    wire: Ec2Wire | None = None


class Calls:
    """At most `most` drivers of one kind, made when they are needed. Thread-safe."""

    def __init__(
        self,
        make: Callable[[], Any],
        retries: Retries,
        where: Where,
        *,
        secrets: tuple[str, ...] = (),
        most: int = 4,
        completed: bool = False,
    ) -> None:
        self.retries = retries
        self.where = where
        self._make = make
        self._secrets = secrets
        self._completed = completed
        self._free = threading.Condition()
        self._idle: list[Held] = []
        self._left = most
        self._single = most == 1

    def run(
        self,
        call: Callable[[Held], Result],
        *,
        doing: str,
        where: Where | None = None,
        deadline: Deadline | None = None,
    ) -> Result:
        """What `call` makes of a driver; throttling and broken connections are tried again."""
        bound = self.retries.deadline(deadline)
        return self.retries.run(lambda: self.once(call, doing=doing, where=where, deadline=bound), doing=doing, deadline=bound)

    def once(self, call: Callable[[Held], Result], *, doing: str, where: Where | None = None, deadline: Deadline) -> Result:
        """The same, one try: what the driver raises is translated."""
        deadline.check(doing)
        with self._taken(doing, deadline) as held:
            _limit(held.driver, min(_SECONDS, deadline.remaining() + _GRACE))
            held.last()
            try:
                return call(held)
            except Exception as error:
                raise errors.from_driver(error, held.last(), where or self.where, self._secrets) from None

    def native(self) -> Any:
        """Libcloud's own object for the caller's use: one more driver, or where the driver is the cloud, that one."""
        if not self._single:
            return self._made().driver
        return self.run(lambda held: held.driver, doing="looking for the driver")

    @contextmanager
    def _taken(self, doing: str, deadline: Deadline) -> Iterator[Held]:
        with self._free:
            while not self._idle and not self._left:
                deadline.check(doing)
                self._free.wait(_LOOK)
            held = self._idle.pop() if self._idle else None
            if held is None:
                self._left -= 1
        try:
            held = held or self._made()
            yield held
        finally:
            with self._free:
                if held is None:
                    self._left += 1
                else:
                    self._idle.append(held)
                self._free.notify()

    def _made(self) -> Held:
        try:
            driver = self._make()
        except CloudLayerError:
            raise
        except Exception as error:
            raise errors.from_driver(error, Answer(), self.where, self._secrets) from None
        connection = getattr(driver, "connection", None)
        last = tap(connection) if hasattr(connection, "responseCls") else Answer
        return Held(driver, last, Ec2Wire(connection) if self._completed else None)


def _limit(driver: Any, seconds: float) -> None:
    """How long the driver's connection waits for an answer, where it is one of Libcloud's own."""
    connection = getattr(getattr(driver, "connection", None), "connection", None)
    session = getattr(connection, "session", None)
    if session is not None:
        session.timeout = seconds
