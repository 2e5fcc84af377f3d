"""What a replica leaves running when its main process is dead: found and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloudlayer.runtime.process.cgroups import Group

_KILL_WITHIN: Final = 2.0
_POLL: Final = 0.002


def kill_remains(group: Group, id: str, folder: Path, pid: int | None) -> None:
    """End every process that the replica started and that outlived it, and remove its control group.

    Without control groups they are known by session, by working folder and by a variable in their environment; one that left
    all three behind is not found.
    """
    group.remove()
    if group.folders:
        return
    until = time.monotonic() + _KILL_WITHIN
    # Again until none is found: what is killed takes a moment to die, and may have started another meanwhile.
    while (found := list(_marked(id, folder, pid))) and time.monotonic() < until:
        for other in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
        time.sleep(_POLL)


def _marked(id: str, folder: Path, pid: int | None) -> Iterator[int]:
    mark = f"CLOUDLAYER_REPLICA={id}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            other = int(entry.name)
            if (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z":
                continue
            # The session of a dead leader keeps its number reserved, so it can be no other's.
            orphaned = other != pid and os.getsid(other) == pid and not Path(f"/proc/{pid}").exists()
            inside = Path(os.readlink(entry / "cwd")).is_relative_to(folder)  # noqa: PTH115  (what was deleted counts as well)
            if orphaned or inside or mark in (entry / "environ").read_bytes().split(b"\0"):
                yield other
