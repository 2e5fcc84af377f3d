"""What a router's calls use at this moment, in a file that outlives it: if it is killed, replicas still work on those calls.

The file is written by memory alone, so that a call costs no system call. It is of use only while the machine is up.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_SLOT: Final = struct.Struct("<d56s")
_SLOTS: Final = 4096


class Journal:
    """Leases in use, by id (56 bytes at most), with when their calls are over at the latest.

    `before` is the instance that wrote the file before, "" if none did. What it left behind stays there until it is `told`.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, _SLOT.size * _SLOTS)
            self._memory = mmap.mmap(descriptor, _SLOT.size * _SLOTS)
        finally:
            os.close(descriptor)
        (_, name), *entries = _SLOT.iter_unpack(self._memory)
        self.before = _text(name)
        now = self._clock()
        self._left = {_text(name): (slot, until) for slot, (until, name) in enumerate(entries, 1) if until > now}
        inherited = {slot for slot, _ in self._left.values()}
        self._free = [slot for slot in range(1, _SLOTS) if slot not in inherited]
        self._slots: dict[str, int] = {}

    def begin(self, lease: str, seconds: float) -> None:
        """A call uses the lease, for `seconds` at most."""
        if self._free:
            slot = self._slots[lease] = self._free.pop()
            _SLOT.pack_into(self._memory, slot * _SLOT.size, self._clock() + seconds, lease.encode())

    def end(self, lease: str) -> None:
        """The call has ended."""
        slot = self._slots.pop(lease, None)
        if slot is not None:
            self._clear(slot)

    @property
    def left(self) -> dict[str, float]:
        """What the instance before left behind: the seconds that calls have at most, by lease."""
        now = self._clock()
        return {lease: max(0.0, until - now) for lease, (_, until) in self._left.items()}

    def told(self, instance: str) -> None:
        """The gateway knows what was left behind: from now on the file is this instance's."""
        if self.before != instance:
            self.before = instance
            _SLOT.pack_into(self._memory, 0, 0.0, instance.encode())
            for slot, _ in self._left.values():
                self._clear(slot)
            self._left.clear()

    def close(self) -> None:
        """Nothing is left behind."""
        _SLOT.pack_into(self._memory, 0, 0.0, b"")
        self._memory.close()

    def _clear(self, slot: int) -> None:
        _SLOT.pack_into(self._memory, slot * _SLOT.size, 0.0, b"")
        self._free.append(slot)


def _text(name: bytes) -> str:
    return name.rstrip(b"\0").decode("ascii", "replace")
