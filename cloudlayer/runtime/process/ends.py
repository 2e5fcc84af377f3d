"""How a replica ended, told from what it left behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import ReplicaExit
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
    return ReplicaExit.CRASHED, f"{how}; its last words: {last[0]}" if last else how


def _failed(text: str) -> tuple[ReplicaExit, str]:
    error = json.loads(text)
    out_of_memory = error["error_type"] == "OutOfMemoryError"
    reason = ReplicaExit.OUT_OF_MEMORY if out_of_memory else ReplicaExit.FAILED_TO_LOAD
    return reason, f"could not be loaded: {error['message']}"


def last_lines(log: Path, count: int) -> list[str]:
    """The last `count` lines of a replica's log, the part that was put aside included."""
    lines: list[str] = []
    for path in (log.with_suffix(".old"), log):
        if path.exists():
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - max(_TAIL, count * 512)))
                lines += file.read().decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()][-count:] if count > 0 else []


def bound(log: Path, largest: int) -> None:
    """Keep a log small: above `largest` bytes its end is put aside and it starts anew."""
    if log.stat().st_size <= largest:
        return
    with log.open("r+b") as file:
        file.seek(-largest // 4, 2)
        log.with_suffix(".old").write_bytes(file.read())
        file.truncate(0)
