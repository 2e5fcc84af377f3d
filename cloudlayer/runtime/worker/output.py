"""What the function writes, each line marked with the id of the call that wrote it.

A line of a call begins with a mark, `\\x1ecall=ID\\x1f`; `cloudlayer.runtime.lines` takes the marks out again. Whose a line is
says the context in which it is written, so that calls at work at once in threads or tasks are told apart, and so are processes
that are forked. Lines are put together for each call on its own, so that none breaks into another's.

What is written past Python, by other programs for one, bears no mark. Where a worker serves one call at a time, a call that
starts a program is announced, `\\x1ecall+ID\\x1f` until `\\x1ecall-\\x1f`, and what comes unmarked in between is the call's;
threads that know of no call count as the call's there too. Nothing is written for a call that writes and starts nothing.

Text that a function prints cannot pass for a mark: a mark's first byte is shown as "␞" in it. What is written past Python
can, so whoever lets other programs print what callers send lets callers write lines under any id in this replica's log.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from . import client

LINE, BEGIN, END, CLOSE = b"\x1ecall=", b"\x1ecall+", b"\x1ecall-", b"\x1f"
LONGEST_PART = 64 * 1024
"""Bytes of a line that has no end yet; more of it is written in pieces."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_FIRST, _SHOWN = b"\x1e", "␞".encode()
_STARTERS: Final = ((subprocess.Popen, "__init__"), (os, "posix_spawn"), (os, "posix_spawnp"), (os, "system"))
"""What starts programs. Each is wrapped: a hook for audit events would cost every `id()`, and much else, microseconds."""

P = ParamSpec("P")
R = TypeVar("R")


class _Line:
    """The line that one call writes to one descriptor: what there is of it. Made once for a call that writes."""

    __slots__ = ("call", "descriptor", "mark", "parts", "size")

    def __init__(self, descriptor: int, call: client.Call) -> None:
        self.descriptor = descriptor
        self.call = call
        self.mark = LINE + call.request_id.encode() + CLOSE if _ID.fullmatch(call.request_id) else b""
        self.parts: list[bytes] = []
        self.size = 0

    def taken(self, data: bytes = b"") -> bytes:
        """What there is of it, and `data` behind that; nothing is left."""
        whole = b"".join((*self.parts, data))
        self.parts.clear()
        self.size = 0
        return whole


class Output:
    """Standard output and error of this process. Thread-safe.

    What a function writes may raise OSError, as to a disk that is full. What is written without its doing does not: a call is
    answered, and a process ends, whatever becomes of the log.
    """

    def __init__(self) -> None:
        self._alone = False
        self._sole = client.NO_CALL
        self._announced = client.NO_CALL
        self._served = {client.NO_CALL}
        self._lock = threading.RLock()
        self._lines: dict[tuple[int, client.Call], _Line] = {}
        self._open: _Line | None = None
        os.register_at_fork(after_in_child=self._forked)

    def alone(self) -> None:
        """This process serves one call at a time, from now on."""
        self._alone = True

    def began(self, call: client.Call) -> None:
        """What this thread (or task) writes from here on is the call's."""
        client.current.set(call)
        self._served.add(call)
        if self._alone:
            self._sole = call

    def ended(self, call: client.Call) -> None:
        """The call writes no more: a line that it left open is ended."""
        self._sole = client.NO_CALL
        self._served.discard(call)
        if self._lines or self._announced is not client.NO_CALL:
            with self._lock:
                self._end(call)

    def starts(self) -> None:
        """A program is about to be started: announce the call that it is of."""
        with self._lock:
            call = self._sole
            if call is not self._announced and _ID.fullmatch(call.request_id):
                self._announced = call
                self._announce(BEGIN + call.request_id.encode() + CLOSE + b"\n")

    def write(self, descriptor: int, data: bytes) -> None:
        """Write whole lines, and keep what begins another."""
        with self._lock:
            line = self._line(descriptor)
            if b"\n" not in data and line.size + len(data) <= LONGEST_PART:
                if data:
                    line.parts.append(data)
                    line.size += len(data)
                return
            whole = line.taken(data)
            end = whole.rfind(b"\n") + 1
            if len(whole) - end > LONGEST_PART:
                end = len(whole)
            if end < len(whole):
                line.parts.append(whole[end:])
                line.size = len(whole) - end
            self._put(line, whole[:end])

    def flush(self, descriptor: int) -> None:
        """Write what this call has of a line, though it has no end yet."""
        with self._lock:
            self._put(line := self._line(descriptor), line.taken())

    def drain(self) -> None:
        """Write all that there is of any line, before the process ends."""
        with self._lock:
            for line in list(self._lines.values()):
                with contextlib.suppress(OSError):
                    self._put(line, line.taken())

    def _line(self, descriptor: int) -> _Line:
        call = client.current.get()
        key = (descriptor, self._sole if call is client.NO_CALL else call)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(*key)
        return line

    def _put(self, line: _Line, data: bytes) -> None:
        """Write `data` in one piece, so that nothing of other processes comes between. A line that is open goes on."""
        try:
            if data:
                self._write(line, data.replace(_FIRST, _SHOWN))
        finally:
            self._forget(line)

    def _write(self, line: _Line, data: bytes) -> None:
        if self._open is not line:
            self._close()
        ended = data.endswith(b"\n")
        if line.mark:
            body = data[:-1].replace(b"\n", b"\n" + line.mark) + data[-1:]
            data = body if self._open is line else line.mark + body
        self._open = None if ended else line
        _write(line.descriptor, data)

    def _close(self) -> None:
        """End the line that is open, if there is one: another comes."""
        if (line := self._open) is not None:
            self._open = None
            self._forget(line)
            with contextlib.suppress(OSError):
                _write(line.descriptor, b"\n")

    def _forget(self, line: _Line) -> None:
        """Keep nothing for a call that has ended but what there is of a line: a task that outlives its call may write on."""
        if line.call not in self._served and not line.parts and line is not self._open:
            self._lines.pop((line.descriptor, line.call), None)

    def _end(self, call: client.Call) -> None:
        for descriptor in (1, 2):
            line = self._lines.get((descriptor, call))
            if line is not None:
                begun = line.parts or self._open is line
                with contextlib.suppress(OSError):
                    self._put(line, line.taken(b"\n" if begun else b""))
        # If this cannot be written it is tried again: what programs write would be the call's for ever.
        if self._announced is not client.NO_CALL and self._announce(END + CLOSE + b"\n"):
            self._announced = client.NO_CALL

    def _announce(self, text: bytes) -> bool:
        """Whether it could be written."""
        self._close()
        try:
            _write(1, text)
        except OSError:
            return False
        return True

    def _forked(self) -> None:
        """A copy of this process begins with no lines of its own, and no lock that a thread holds which it has not."""
        self._lock = threading.RLock()
        self._lines.clear()
        self._open, self._announced = None, client.NO_CALL


class Marked(io.BufferedIOBase):
    """The binary side of a standard stream."""

    def __init__(self, output: Output, descriptor: int, name: str) -> None:
        self._output = output
        self._descriptor = descriptor
        self.name = name
        self.mode = "wb"

    def write(self, data: Any) -> int:
        """Take all of `data`."""
        content = data if type(data) is bytes else bytes(data)
        self._output.write(self._descriptor, content)
        return len(content)

    def flush(self) -> None:
        """Write what there is of a line."""
        if not self.closed:
            self._output.flush(self._descriptor)

    def writable(self) -> bool:
        """It is written to."""
        return True

    def fileno(self) -> int:
        """The descriptor, for programs that are started. What is written to it bears no mark."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether somebody looks on."""
        return os.isatty(self._descriptor)


def install(output: Output) -> None:
    """Put marked streams in the place of this process's own, and be told of each program that is started."""
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout = _text(Marked(output, 1, "<stdout>"))
    sys.stderr = _text(Marked(output, 2, "<stderr>"))
    for owner, name in _STARTERS:
        if hasattr(owner, name):
            setattr(owner, name, _after(output.starts, getattr(owner, name)))


def _after(first: Callable[[], None], start: Callable[P, R]) -> Callable[P, R]:
    @wraps(start)
    def starting(*arguments: P.args, **options: P.kwargs) -> R:
        first()
        return start(*arguments, **options)

    return starting


def _text(stream: Marked) -> io.TextIOWrapper:
    # Each write goes through at once: what a text stream holds back would be of several calls.
    return io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
