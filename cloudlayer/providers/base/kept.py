"""What is asked for once in a while and kept meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cloudlayer.interfaces import Clock, Deadline

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A value that is loaded when it is older than `seconds`. Thread-safe."""

    def __init__(self, load: Callable[[Deadline | None], Value], seconds: float, clock: Clock) -> None:
        self._load, self._seconds, self._clock = load, seconds, clock
        self._value: tuple[float, Value] | None = None
        self._lock = threading.Lock()

    def get(self, deadline: Deadline | None) -> Value:
        """The value, at most `seconds` old."""
        with self._lock:
            if self._value is None or self._clock.monotonic() - self._value[0] > self._seconds:
                self._value = (self._clock.monotonic(), self._load(deadline))
            return self._value[1]
