"""Who holds more of a GPU's memory than its share: the one that is to be stopped, so that its neighbours live on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cloudlayer.runtime.gpu.reading import Reading
from cloudlayer.units import MIB

ROUNDING: Final = MIB
"""The driver tells whole MiB, so a share may look exceeded by less than one for each process."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a replica may hold of each of its devices, in bytes. `devices` are the machine's indices."""

    replica: str
    container: str
    devices: tuple[int, ...]
    memory: int


@dataclass(frozen=True, slots=True)
class Excess:
    """A replica that holds more than its share of a device; bytes."""

    replica: str
    container: str
    device: int
    used: int
    memory: int

    @property
    def message(self) -> str:
        """A line for whoever called it."""
        return f"it held {self.used // MIB} MiB of GPU {self.device} and its share is {self.memory // MIB} MiB"


def exceeding(reading: Reading, shares: Iterable[Share]) -> Iterator[Excess]:
    """Each replica that holds more than its share on one of its devices, or anything on a device that it has not."""
    counts: dict[tuple[str, int], int] = {}
    for process in reading.processes:
        counts[process.container, process.device] = counts.get((process.container, process.device), 0) + 1
    for share in shares:
        for device, used in sorted(reading.used_by(share.container).items()):
            allowed = share.memory if device in share.devices else 0
            if used >= allowed + ROUNDING * counts[share.container, device]:
                yield Excess(share.replica, share.container, device, used, allowed)
                break
