"""Putting the expiry of a fleet's machines off, for as long as somebody looks after the fleet."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Final

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.booting import expiry_of
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.store import MachineRow, MachineState
from cloudlayer.interfaces import Host
from cloudlayer.runtime.bootstrap import STAY

OFTEN: Final = 8
"""How often a machine is asked for within its expiry: some of that may fail, and it lives on."""
TOUCH_SECONDS: Final = 20.0


class Refresher:
    """Asks for the machines of a fleet, from one thread; the asking itself is done on `executor`."""

    def __init__(self, clouds: Clouds, executor: Executor) -> None:
        self._clouds = clouds
        self._executor = executor
        self._asked: dict[str, float] = {}

    def refresh(self, machines: Iterable[MachineRow], now: float) -> None:
        """Ask for those whose time it is; one that does not answer is asked for by a later call."""
        for row in machines:
            expiry = expiry_of(row)
            if expiry is None or row.state not in (MachineState.PENDING, MachineState.RUNNING) or not row.address:
                continue
            if now - self._asked.get(row.id, float("-inf")) < expiry / OFTEN:
                continue
            host = None
            # Whatever is wrong with one is told by who looks whether it is ready, and at what runs on it.
            with suppress(Exception):
                host = self._clouds.host(row)
            if host is not None and host.connected:
                self._asked[row.id] = now
                self._executor.submit(self._ask, host)

    def _ask(self, host: Host) -> None:
        with suppress(CloudLayerError):
            host.run(STAY, root=True, deadline=self._clouds.deadline(TOUCH_SECONDS))
