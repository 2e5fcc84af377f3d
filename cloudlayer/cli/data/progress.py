"""How a transfer goes, in one line that is written anew; on a terminal alone."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from cloudlayer.cli.output import complain, counted
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from cloudlayer.storage.bulk import Failure, Report

_SECONDS: Final = 0.2


class Line:
    """The line, gone at the end. Called by many threads."""

    def __init__(self, size: int | None = None) -> None:
        self._size = size
        self._bytes = 0
        self._begun = self._shown = time.monotonic()
        self._width = 0
        self._lock = threading.Lock()
        self._shows = sys.stderr.isatty()

    def arrived(self, size: int) -> None:
        """So many bytes more of one object."""
        with self._lock:
            self._bytes += size
            of = f" of {format_size(self._size)}" if self._size else ""
            self._show(f"{format_size(self._bytes)}{of}", self._bytes)

    def report(self, report: Report) -> None:
        """How it goes with many."""
        with self._lock:
            done = report.copied + report.kept + report.deleted
            failed = f", {report.failed} failed" if report.failed else ""
            self._show(f"{done:,} objects{failed}, {format_size(report.bytes)}", report.bytes)

    def failure(self, failure: Failure) -> None:
        """One that failed stays to be read."""
        with self._lock:
            self.clear()
            complain(str(failure))

    def _show(self, text: str, size: int) -> None:
        now = time.monotonic()
        if not self._shows or now - self._shown < _SECONDS:
            return
        self.clear()
        line = f"{text}, {format_size(round(size / (now - self._begun)))}/s"
        print(line, end="", file=sys.stderr, flush=True)
        self._width, self._shown = len(line), now

    def clear(self) -> None:
        """Make room for something else."""
        if self._width:
            print(f"\r{' ' * self._width}\r", end="", file=sys.stderr, flush=True)
            self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.clear()


def told(report: Report) -> str:
    """A report in one line."""
    counts = {
        "copied": report.copied,
        "the same": report.kept,
        "deleted": report.deleted,
        "markers of folders left out": report.markers,
        "failed": report.failed,
    }
    parts = [f"{number:,} {what}" for what, number in counts.items() if number or what == "copied"]
    return f"{', '.join(parts)}; {counted(report.bytes, 'byte') if report.bytes < 1024 else format_size(report.bytes)} moved"
