"""An unprivileged user id for each function, so that functions are kept apart by the kernel. Needs root.

The ids come from a range that systemd keeps for such use, and are noted in a file under the machine's cache: a function's
files stay its own over restarts and versions.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.runtime.files import replace

FIRST: Final = 61184
LAST: Final = 65519


def user_of(key: str, cache: Path) -> int:
    """The user (and group) id for `key`, the same each time. Different caches hardly ever give one id to two keys."""
    cache.mkdir(parents=True, exist_ok=True)
    noted = cache / "users.json"
    with (cache / "users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users: dict[str, int] = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
        if key not in users:
            users[key] = _free(key, set(users.values()))
            replace(noted, json.dumps(users, sort_keys=True))
        return users[key]


def _free(key: str, taken: set[int]) -> int:
    count = LAST - FIRST + 1
    start = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    for step in range(count):
        user = FIRST + (start + step) % count
        if user not in taken:
            return user
    raise EngineError(f"all {count} user ids for functions are taken; remove the cache of a fleet that is gone")
