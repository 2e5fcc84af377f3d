"""The controller's end of the line to the gateway: routes and exits go out, load and losses come in."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from cloudlayer.fleet.routes import (
    ASK_SECONDS,
    Ask,
    CallCount,
    Figures,
    Load,
    Lost,
    Message,
    Routes,
    VersionLoad,
    decode,
    encode,
)

SEND_SECONDS: Final = 5
ABSENT_SECONDS: Final = 5.0
"""How long a gateway has to connect and to tell its load. One that has not by then is not there."""

_log = logging.getLogger(__name__)


class Gateways:
    """Listens on a unix socket. Usually one gateway is connected; while one restarts there may be none, or two.

    `woken` is called when a version's load has changed, `lost` for each replica that a gateway lost, `figures` when one asks
    what replicas and machines use. All on threads of ours.
    """

    def __init__(self, path: Path, woken: Callable[[], None], lost: Callable[[Lost], None], figures: Callable[[], str]) -> None:
        self._woken = woken
        self._lost = lost
        self._figures = figures
        # One thread: whoever asks meanwhile gets what was measured for the one before.
        self._measuring = ThreadPoolExecutor(1, thread_name_prefix="figures")
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._lines: dict[socket.socket, Load | None] = {}
        self._told: dict[socket.socket, dict[tuple[str, str], CallCount]] = {}
        self._calls: dict[tuple[str, str], CallCount] = {}
        self._routes: Routes | None = None
        self._first = float("inf")
        self._left_out: dict[str, int] = {}
        self._alone_since = time.monotonic()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(8)
        threading.Thread(target=self._accept, name="gateways", daemon=True).start()

    def publish(self, routes: Routes) -> None:
        """Send a snapshot to every gateway, and to those that connect later."""
        with self._lock:
            before = {one.id for version in (self._routes.versions if self._routes else ()) for one in version.replicas}
            after = {one.id for version in routes.versions for one in version.replicas}
            self._left_out |= dict.fromkeys(before - after, routes.number)
            self._first = min(self._first, routes.number)
            self._routes = routes
            lines = list(self._lines)
        for line in lines:
            self._send(line, routes)

    def tell(self, message: Message) -> None:
        """Send a message to every gateway."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            self._send(line, message)

    @property
    def heard(self) -> bool:
        """Whether it is known what calls there are: a gateway has told its load, or none is there.

        While one restarts, calls go on that routers carry; and a controller that has just begun has heard nothing yet.
        """
        with self._lock:
            told = any(load is not None for load in self._lines.values())
            return told or time.monotonic() - self._alone_since >= ABSENT_SECONDS

    def loads(self) -> dict[str, VersionLoad]:
        """What the gateways carry, by version; it says nothing until they are `heard`."""
        with self._lock:
            loads = [load for load in self._lines.values() if load is not None]
        found: dict[str, VersionLoad] = {}
        for one in (version for load in loads for version in load.versions):
            known = found.get(one.key, VersionLoad(one.key, 0, 0, one.idle))
            idle = min(known.idle, one.idle)
            found[one.key] = VersionLoad(one.key, known.in_flight + one.in_flight, known.waiting + one.waiting, idle)
        return found

    def calls(self) -> dict[tuple[str, str], CallCount]:
        """What replicas' calls the gateways answered while they were connected here, by version that calls and function."""
        with self._lock:
            return dict(self._calls)

    def drained(self, replica: str) -> bool:
        """Whether no gateway sends calls to a replica any more, and none is under way. Without a gateway there are none."""
        if not self.heard:
            return False
        with self._lock:
            # One that was left out before this controller began is in none of its snapshots.
            loads, since = list(self._lines.values()), self._left_out.get(replica, self._first)
        return all(_is_free(replica, since, load) for load in loads)

    def close(self) -> None:
        """Hang up."""
        self._listener.close()
        self._measuring.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            # Not a timeout of the socket's own, which would end waiting for what the gateway has to say as well.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
            with self._lock:
                self._lines[line] = None
                routes = self._routes
            if routes is not None:
                self._send(line, routes)
            threading.Thread(target=self._listen, args=(line,), name="gateway", daemon=True).start()

    def _listen(self, line: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, ValueError), line.makefile("rb") as reader:
                for text in reader:
                    self._heard(line, decode(text))
        finally:
            with self._lock:
                if self._lines.pop(line, None) is not None and not any(self._lines.values()):
                    self._alone_since = time.monotonic()
                self._told.pop(line, None)
            line.close()
            self._woken()

    def _heard(self, line: socket.socket, message: Message) -> None:
        if isinstance(message, Lost):
            self._lost(message)
        elif isinstance(message, Ask):
            self._measuring.submit(self._answer, line, message, time.monotonic() + ASK_SECONDS)
        elif isinstance(message, Load):
            with self._lock:
                before, self._lines[line] = self._lines[line], message
                self._add(line, message)
            if before is None or (before.versions, before.draining) != (message.versions, message.draining):
                self._woken()

    def _answer(self, line: socket.socket, ask: Ask, until: float) -> None:
        """Measure and tell, unless by then nobody waits for it: the line carries routes as well."""
        if time.monotonic() >= until:
            return
        text = None
        try:
            text = self._figures()
        except Exception:  # Metrics are not worth a line that calls depend on.
            _log.exception("what replicas and machines use cannot be told")
        if time.monotonic() < until:
            self._send(line, Figures(ask.number, text))

    def _add(self, line: socket.socket, load: Load) -> None:
        """Count what came since the line's last telling; the first one may tell of what another line told before."""
        if not load.calls:
            return
        now = {(each.caller, each.callee): each for each in load.calls}
        before = self._told.get(line, now)
        self._told[line] = now
        for pair, each in now.items():
            old, known = before.get(pair, _none(pair)), self._calls.get(pair, _none(pair))
            self._calls[pair] = CallCount(*pair, known.calls + each.calls - old.calls, known.size + each.size - old.size)

    def _send(self, line: socket.socket, message: Message) -> None:
        """Send a whole line. A gateway that does not read is hung up on: it connects again, and gets the newest snapshot."""
        data = encode(message)
        with self._sending:
            try:
                line.sendall(data)
            except OSError:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)


def _is_free(replica: str, since: float, load: Load | None) -> bool:
    return load is not None and load.whole and load.snapshot >= since and replica not in load.draining


def _none(pair: tuple[str, str]) -> CallCount:
    return CallCount(*pair, 0, 0)
