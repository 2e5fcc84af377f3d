"""The balancer at work: it listens, chooses a target for each connection, and lets go of targets that are taken out."""

from __future__ import annotations

import asyncio
import errno
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Final

from cloudlayer.providers.local.proxy.checks import Checked
from cloudlayer.providers.local.proxy.relay import Half
from cloudlayer.providers.local.proxy.settings import (
    SETTINGS,
    Listener,
    Seen,
    Settings,
    Status,
    Target,
    read_settings,
    write_status,
)

_LOOK_SECONDS: Final = 0.1
_PORT_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 5.0
_WAITING: Final = 512
_WORST: Final = ("unhealthy", "initial", "healthy")


class Server:
    """One balancer. Each connection goes to the healthy target that has the fewest; with none healthy it is closed."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._checked: dict[tuple[str, str, int], Checked] = {}
        self._connections: dict[str, set[Half]] = defaultdict(set)
        self._turn = 0
        self._told: Status | None = None
        self._stamp = (0, 0)
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Accept from now on; OSError if a port cannot be had."""
        for listener in self._settings.listeners:
            await self._listen(listener, time.monotonic() + _PORT_SECONDS)
        self._follow(self._settings)

    async def _listen(self, listener: Listener, until: float) -> None:
        accept = partial(Half, partial(self._accepted, listener))
        while True:
            try:
                loop = asyncio.get_running_loop()
                await loop.create_server(accept, self._settings.address, listener.port, backlog=_WAITING)
            except OSError as error:
                # The process before this one may have been killed, and its ports are freed a moment after its lock.
                if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                    raise
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                return

    async def run(self) -> None:
        """Follow the settings until there are none."""
        while self._look():
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self) -> bool:
        try:
            found = (self._folder / SETTINGS).stat()
        except FileNotFoundError:
            return False
        if self._stamp != (found.st_mtime_ns, found.st_ino):
            settings = read_settings(self._folder)
            if settings is None:
                return False
            self._stamp = (found.st_mtime_ns, found.st_ino)
            self._follow(settings)
        self._end_late_ones()
        self._tell()
        return True

    def _follow(self, settings: Settings) -> None:
        self._settings = settings
        wanted = {
            (name, target.address, settings.check.port or listener.target_port)
            for name, target in settings.targets.items()
            for listener in settings.listeners
            if target.until is None
        }
        for key in self._checked.keys() - wanted:
            self._checked.pop(key).close()
        for key in wanted - self._checked.keys():
            self._checked[key] = Checked(key[1], key[2], settings.check, self._tell)
        self._tell()

    def _accepted(self, listener: Listener, client: Half) -> None:
        task = asyncio.ensure_future(self._serve(listener, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, listener: Listener, client: Half) -> None:
        loop = asyncio.get_running_loop()
        targets = self._settings.targets
        for name in self._order(listener):
            target = Half()
            # Counted from now on: of many that come at once not all must see the same target as the idlest.
            self._connections[name].add(target)
            address = targets[name].address
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await loop.create_connection(lambda half=target: half, address, listener.target_port)  # type: ignore[misc]
            except (OSError, TimeoutError):
                self._connections[name].discard(target)
                continue
            target.ended = partial(self._ended, name)
            client.join(target)
            return
        client.abort()

    def _order(self, listener: Listener) -> list[str]:
        """The healthy targets, those with the fewest connections first, and of equals another one each time."""
        settings, self._turn = self._settings, self._turn + 1
        port = settings.check.port or listener.target_port
        well = [name for name, target in settings.targets.items() if self._is_well(name, target, port)]
        turn = self._turn % len(well) if well else 0
        return sorted(well[turn:] + well[:turn], key=lambda name: len(self._connections[name]))

    def _is_well(self, name: str, target: Target, port: int) -> bool:
        checked = self._checked.get((name, target.address, port))
        return target.until is None and checked is not None and checked.state == "healthy"

    def _ended(self, name: str, half: Half) -> None:
        self._connections[name].discard(half)
        if not self._connections[name]:
            del self._connections[name]

    def _end_late_ones(self) -> None:
        now = time.time()
        for name, target in self._settings.targets.items():
            if target.until is not None and now >= target.until:
                for half in list(self._connections.get(name, ())):
                    half.abort()

    def _tell(self) -> None:
        status = Status(self._settings.version, {name: self._seen(name) for name in self._settings.targets})
        if status != self._told:
            write_status(self._folder, status)
            self._told = status

    def _seen(self, name: str) -> Seen:
        if self._settings.targets[name].until is not None:
            return Seen("draining", "it is being taken out", busy=bool(self._connections.get(name)))
        found = [checked for key, checked in self._checked.items() if key[0] == name]
        worst = min(found, key=lambda checked: _WORST.index(checked.state))
        return Seen(worst.state, worst.reason)
