"""What processes use, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import ReplicaUsage

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# After the name, which may hold anything: state is field 3 of proc(5), then come these.
_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM, _RESIDENT = 11, 12, 13, 14, 21


def measured(pids: Iterable[int]) -> ReplicaUsage | None:
    """The sum over the processes; memory that several share counts for each of them. None if none of them is there."""
    ticks, pages, there = 0, 0, False
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        there = True
        ticks += sum(int(fields[place]) for place in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))
        pages += int(fields[_RESIDENT])
    return ReplicaUsage(ticks / _TICKS, pages * _PAGE) if there else None
