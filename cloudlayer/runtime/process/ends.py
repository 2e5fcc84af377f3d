"""How a replica ended, told from what it left behind."""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import LogLine, ReplicaExit
from cloudlayer.runtime import lines
from cloudlayer.runtime.process.record import Life

_TAIL: Final = 64 * 1024


def ending(life: Life, out_of_memory: bool, log: Path) -> tuple[ReplicaExit, str]:
    """The reason, and a sentence for whoever asks why. `out_of_memory` is what the control group says."""
    events = life.events
    if "failed" in events:
        return _failed(events["failed"])
    if "stopped" in events:
        return ReplicaExit.STOPPED, "stopped"
    status = int(events["exit"]) if "exit" in events else None
    if out_of_memory and status in (None, -signal.SIGKILL):
        return ReplicaExit.OUT_OF_MEMORY, "used more memory than its function's resources allow"
    if status is None:
        how = "ended while nobody watched"
    elif status < 0:
        how = f"was killed by {signal.Signals(-status).name}"
    else:
        how = f"ended by itself with exit code {status}"
    if "ready" not in events:
        how += " before it was ready"
    last = last_lines(log, 1)
    return ReplicaExit.CRASHED, f"{how}; its last words: {last[0].text}" if last else how


def _failed(text: str) -> tuple[ReplicaExit, str]:
    error = json.loads(text)
    out_of_memory = error["error_type"] == "OutOfMemoryError"
    reason = ReplicaExit.OUT_OF_MEMORY if out_of_memory else ReplicaExit.FAILED_TO_LOAD
    return reason, f"could not be loaded: {error['message']}"


def last_lines(log: Path, count: int, call: str | None = None) -> list[LogLine]:
    """The last `count` lines of a replica's log, the part that was put aside included; those of one call if it is named."""
    parts = [path for path in (log.with_suffix(".old"), log) if path.exists()]
    size = max(_TAIL, count * 512) if call is None else None
    written = (line for path in parts for line in lines.parsed(_end_of(path, size)))
    mine = (line for line in written if line.text.strip() and call in (None, line.call))
    return list(deque(mine, maxlen=max(count, 0)))


def _end_of(path: Path, size: int | None) -> Iterator[bytes]:
    with path.open("rb") as file:
        if size is not None:
            file.seek(max(0, file.seek(0, 2) - size))
        yield from file


def bound(log: Path, largest: int) -> None:
    """Keep a log small: above `largest` bytes its end is put aside and it starts anew."""
    if log.stat().st_size <= largest:
        return
    with log.open("r+b") as file:
        file.seek(-largest // 4, 2)
        log.with_suffix(".old").write_bytes(file.read())
        file.truncate(0)
