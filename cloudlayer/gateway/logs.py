"""Log lines: one JSON object each, on stderr. Never a body, never a key."""

from __future__ import annotations

import contextlib
import json
import sys
import time


def log(event: str, **fields: str | float | bool | list[str] | None) -> None:
    """Write one line; `time` is in seconds since 1970."""
    line = {"time": round(time.time(), 3), "event": event, **fields}
    # Nobody may be left who reads them: calls go on.
    with contextlib.suppress(OSError):
        print(json.dumps(line), file=sys.stderr, flush=True)
