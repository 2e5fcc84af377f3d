"""What the function writes, each line marked with the id of the call that wrote it.

A line of a call begins with a mark, `\\x1ecall=ID\\x1f`; `cloudlayer.runtime.lines` takes the marks out again. Whose a line is
says the context in which it is written, so that calls at work at once in threads or tasks are told apart, and so are processes
that are forked. Lines are put together for each call on its own, so that none breaks into another's.

What is written past Python, by other programs for one, bears no mark. Where a worker serves one call at a time, a call that
starts a program is announced, `\\x1ecall+ID\\x1f` until `\\x1ecall-\\x1f`, and what comes unmarked in between is the call's;
threads that know of no call count as the call's there too. Nothing is written for a call that writes and starts nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import threading
from typing import Any

from . import client

LINE, BEGIN, END, CLOSE = b"\x1ecall=", b"\x1ecall+", b"\x1ecall-", b"\x1f"
LONGEST_PART = 64 * 1024
"""Bytes of a line that has no end yet; more of it is written in pieces."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_PROGRAMS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.system"})


class _Line:
    """The line that one call writes to one descriptor: what there is of it. Made once for a call that writes."""

    __slots__ = ("descriptor", "mark", "parts", "size")

    def __init__(self, descriptor: int, call: client.Call) -> None:
        self.descriptor = descriptor
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
    """Standard output and error of this process. Thread-safe."""

    def __init__(self) -> None:
        self._alone = False
        self._sole = client.NO_CALL
        self._lock = threading.RLock()
        self._lines: dict[tuple[int, client.Call], _Line] = {}
        self._open: _Line | None = None
        self._announced = False
        os.register_at_fork(after_in_child=self._forked)

    def alone(self) -> None:
        """This process serves one call at a time, from now on."""
        self._alone = True
        sys.addaudithook(self._audit)

    def began(self, call: client.Call) -> None:
        """What this thread (or task) writes from here on is the call's."""
        client.current.set(call)
        if self._alone:
            self._sole = call

    def ended(self, call: client.Call) -> None:
        """The call writes no more: a line that it left open is ended."""
        self._sole = client.NO_CALL
        if self._lines or self._announced:
            with self._lock:
                self._end(call)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write whole lines, and keep what begins another."""
        with self._lock:
            line = self._line(descriptor)
            if b"\n" not in data and line.size + len(data) <= LONGEST_PART:
                line.parts.append(data)
                line.size += len(data)
                return
            whole = line.taken(data)
            end = whole.rfind(b"\n") + 1
            if len(whole) - end > LONGEST_PART:
                end = len(whole)
            self._put(line, whole[:end])
            if end < len(whole):
                line.parts.append(whole[end:])
                line.size = len(whole) - end

    def flush(self, descriptor: int) -> None:
        """Write what this call has of a line, though it has no end yet."""
        with self._lock:
            self._put(line := self._line(descriptor), line.taken())

    def drain(self) -> None:
        """Write all that there is of any line, before the process ends."""
        with self._lock:
            for line in self._lines.values():
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
        if not data:
            return
        if self._open is not None and self._open is not line:
            _write(self._open.descriptor, b"\n")
        ended = data.endswith(b"\n")
        if line.mark:
            body = data[:-1].replace(b"\n", b"\n" + line.mark) + data[-1:]
            data = body if self._open is line else line.mark + body
        self._open = None if ended else line
        _write(line.descriptor, data)

    def _end(self, call: client.Call) -> None:
        for descriptor in (1, 2):
            line = self._lines.pop((descriptor, call), None)
            if line is not None and (line.parts or self._open is line):
                self._put(line, line.taken(b"\n"))
        if self._announced:
            self._announced = False
            self._announce(END + CLOSE + b"\n")

    def _audit(self, event: str, _: Any) -> None:
        if event in _PROGRAMS and not self._announced and _ID.fullmatch(self._sole.request_id):
            with self._lock:
                self._announced = True
                self._announce(BEGIN + self._sole.request_id.encode() + CLOSE + b"\n")

    def _announce(self, text: bytes) -> None:
        if self._open is not None:
            _write(self._open.descriptor, b"\n")
            self._open = None
        # Where standard output is closed, what programs write comes to no log.
        with contextlib.suppress(OSError):
            _write(1, text)

    def _forked(self) -> None:
        """A copy of this process begins with no lines of its own, and no lock that a thread holds which it has not."""
        self._lock = threading.RLock()
        self._lines.clear()
        self._open, self._announced = None, False


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
    """Put marked streams in the place of this process's own."""
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout = _text(Marked(output, 1, "<stdout>"))
    sys.stderr = _text(Marked(output, 2, "<stderr>"))


def _text(stream: Marked) -> io.TextIOWrapper:
    # Each write goes through at once: what a text stream holds back would be of several calls.
    return io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
