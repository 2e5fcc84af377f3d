"""Keeps a connection: makes it, watches it, makes it again. One thread a machine, so that none waits for another."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from typing import Final

from cloudlayer.errors import CloudLayerError, EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.files import replace
from cloudlayer.runtime.hosts.client import Client
from cloudlayer.runtime.hosts.forwards import Forwards
from cloudlayer.runtime.hosts.master import Master
from cloudlayer.runtime.hosts.refusals import HostKeyRefused, KeyRefused

_FIRST_PAUSE: Final = 0.2
_LAST_PAUSE: Final = 2.0
_REFUSED_PAUSE: Final = 5.0
_FIRST_ATTEMPT: Final = 10.0
_EXPOSE_AGAIN: Final = 5.0
CLOSE_SECONDS: Final = 1.0

# The server's process of a connection that was cut off lives on and holds what was exposed: end it, and name the new one. Asked
# twice, it leaves the new one alone.
_SUCCEED: Final = """
began() { s=$(cat "/proc/$1/stat" 2>/dev/null) && set -- ${s##*) } && echo "${20}"; }
p=$PPID
until grep -q ^sshd "/proc/$p/comm"; do p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status") && [ "$p" -gt 1 ] || exit 0; done
if [ -n "OLD" ] && [ "$p" != "OLD" ] && [ "$(began OLD)" = "BEGAN" ]; then
  kill OLD
  for _ in 1 2 3 4 5 6 7 8 9; do [ "$(began OLD)" = "BEGAN" ] || break; sleep 0.1; done
fi
echo "$p $(began "$p")"
"""

_log = logging.getLogger(__name__)


class Kept:
    """One machine's connection, kept until `close`. `changed` is called after `connected` changed, by the thread of this."""

    def __init__(self, name: str, client: Client, master: Master, forwards: Forwards, changed: Callable[[], None]) -> None:
        self._name, self._client, self._master, self._forwards, self._changed = name, client, master, forwards, changed
        self.connected = False
        self.connections = 0
        self.error: CloudLayerError = TransientError(f"{name} is being connected to", code="unreachable")
        self._up = threading.Event()
        self._tried = threading.Event()
        self._again = threading.Event()
        self._closing = False
        self._ending = False
        self._alone = True  # whether nothing is left of the last connection
        self._watched: socket.socket | None = None
        self._thread = threading.Thread(target=self._keep, name=f"connection to {name}", daemon=True)

    @property
    def tried(self) -> bool:
        """Whether the first attempt has ended."""
        return self._tried.is_set()

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def demand(self, deadline: Deadline | None) -> None:
        """Raise why the machine is not connected, if it is not. Waits for the first attempt alone."""
        if not self._tried.is_set():
            self._tried.wait(_FIRST_ATTEMPT if deadline is None else min(_FIRST_ATTEMPT, deadline.remaining()))
        if not self.connected:
            raise copy(self.error)

    def wait(self, deadline: Deadline) -> bool:
        """Whether the machine is connected before the deadline comes."""
        while not self._up.wait(min(0.2, deadline.remaining())):
            if deadline.remaining() <= 0 or deadline.cancelled.is_set():
                return False
        return True

    def retry(self) -> None:
        """Try at once, also after a host key was refused."""
        self._again.set()

    def close(self, *, end: bool = False, wait: float = CLOSE_SECONDS) -> None:
        """Stop watching; the connection itself stays, unless it is to `end`, with its files. What is under way ends first, and
        is waited for for `wait` seconds at most."""
        self._ending = self._ending or end
        self._closing = True
        self._again.set()
        watched = self._watched
        if watched is not None:
            with suppress(OSError):
                watched.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(wait)
        elif end:
            self._remove()

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while not self._closing:
            self._again.clear()
            try:
                self._connect()
            except (CloudLayerError, OSError) as error:
                self._failed(error)
                self._again.wait(self._pause(pause))
                pause = min(pause * 2, _LAST_PAUSE)
            else:
                pause = _FIRST_PAUSE
                self._watch()
        if self._ending:
            self._remove()

    def _remove(self) -> None:
        self._master.end()
        shutil.rmtree(self._client.folder, ignore_errors=True)

    def _pause(self, pause: float) -> float | None:
        if isinstance(self.error, HostKeyRefused):
            return None  # until a person pinned another
        return _REFUSED_PAUSE if isinstance(self.error, KeyRefused) else pause

    def _connect(self) -> None:
        self._watched, was_there = self._master.open()
        self._alone = self._alone and was_there
        if not self._alone:
            self._succeed()
            self._alone = True
        # Also where another process was the first to connect again: the forwards that it knows of may be others.
        self._forwards.restore()
        self._set(True)

    def _succeed(self) -> None:
        """Take over from the last connection, which the machine may not have given up yet."""
        path = self._client.folder / "session"
        old, _, began = path.read_text().strip().partition(" ") if path.exists() else ("", "", "")
        if not (old.isdecimal() and began.isdecimal()):
            old = began = ""
        script = _SUCCEED.replace("OLD", old).replace("BEGAN", began).encode()
        ended = self._master.run("exec sh -s", input=script, doing="taking over a connection")
        replace(path, ended.output.decode("ascii", "replace"))

    def _watch(self) -> None:
        """Return once the master ended, or `close` was called."""
        watched = self._watched
        if watched is None:
            return
        with watched, suppress(OSError):
            while not self._closing and self._lives(watched):
                pass
        if not self._closing:
            self.error = TransientError(f"{self._name}: the connection broke", code="unreachable")
            self._set(False)

    def _lives(self, watched: socket.socket) -> bool:
        """Wait until something happens; whether the master is still there then."""
        watched.settimeout(_EXPOSE_AGAIN if self._forwards.hidden else None)
        try:
            return bool(watched.recv(4096))
        except TimeoutError:
            with suppress(TransientError):
                self._forwards.expose_hidden()
            return True

    def _failed(self, error: CloudLayerError | OSError) -> None:
        if isinstance(error, OSError):
            error = EngineError(f"{self._name}: the connection's files in {self._client.folder} cannot be used: {error}")
        if type(error) is not type(self.error):
            _log.warning("%s", error)
        self.error = error
        self._tried.set()

    def _set(self, connected: bool) -> None:
        self.connections += connected
        self.connected = connected
        (self._up.set if connected else self._up.clear)()
        self._tried.set()
        try:
            self._changed()
        except Exception:
            _log.exception("what was to be done about the connection to %s failed", self._name)
