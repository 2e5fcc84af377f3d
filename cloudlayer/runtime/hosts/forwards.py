"""What leads from this machine to the other and back, and is set up again after each loss of the connection."""

from __future__ import annotations

import hashlib
import logging
import re
import shlex
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.runtime.hosts.master import Master
from cloudlayer.runtime.hosts.remote import host_port

_BATCH: Final = 50
_PLAIN_PATH: Final = re.compile(r"/[^\x00-\x1f\":\\]*")

_log = logging.getLogger(__name__)


class Forwards:
    """The forwards over one master. Thread-safe.

    A local end is a socket in `folder` that is named by what it leads to: it is the same one after a reconnect, and for the
    next controller.
    """

    def __init__(self, master: Master, folder: Path, user: str) -> None:
        self._master = master
        self._folder = folder
        self._user = user
        self._lock = threading.Lock()
        self._there: set[str] = set()
        self._exposed: dict[str, str] = {}
        self._hidden: set[str] = set()

    @property
    def hidden(self) -> bool:
        """Whether something is to be exposed, and is not since the last loss."""
        return bool(self._hidden)

    def knows(self, address: str) -> bool:
        """Whether `address` is led to, or will be once the machine is connected."""
        return address in self._there

    def local(self, address: str) -> str:
        """The address here that leads to `address` there."""
        return f"unix:{self._socket(address)}"

    def add(self, address: str) -> None:
        """Lead to `address` of the machine."""
        with self._lock:
            if address not in self._there:
                self._master.ask("forward", "-L", self._way(address))
                self._there.add(address)

    def remove(self, address: str) -> None:
        """Lead there no more."""
        with self._lock:
            self._there.discard(address)
            if self._socket(address).exists():
                with suppress(EngineError):  # the master is gone, or never led there
                    self._master.ask("cancel", "-L", self._way(address))
                self._socket(address).unlink(missing_ok=True)

    def expose(self, address: str, there: str) -> None:
        """Let `there`, of the machine, lead to `address` here."""
        with self._lock:
            self._expose(address, there)
            self._exposed[there] = address
            self._hidden.discard(there)

    def restore(self) -> None:
        """Set all up again, on a new connection. What cannot be exposed hinders nothing else, and is `hidden`."""
        with self._lock:
            ways = [self._way(address) for address in sorted(self._there)]
            for start in range(0, len(ways), _BATCH):
                self._master.ask("forward", *(part for way in ways[start : start + _BATCH] for part in ("-L", way)))
            self._hidden = set(self._exposed)
        self.expose_hidden()

    def expose_hidden(self) -> None:
        """Try to expose what could not be: it is told in the log, and may be tried again."""
        with self._lock:
            for there in sorted(self._hidden):
                try:
                    self._expose(self._exposed[there], there)
                    self._hidden.discard(there)
                except EngineError as error:
                    _log.warning("%s is not to be had on the machine yet: %s", there, error)

    def _expose(self, address: str, there: str) -> None:
        way = f"{end_of(there)}:{end_of(address)}"
        with suppress(EngineError):  # what an earlier controller exposed may lead elsewhere
            self._master.ask("cancel", "-R", way)
        if not there.startswith("unix:"):
            self._master.ask("forward", "-R", way)
            return
        # Its server removes no socket that is in the way, and makes new ones for its own user alone. After a start of the
        # machine, the folder is gone too.
        path, folder = shlex.quote(there.removeprefix("unix:")), shlex.quote(str(Path(there.removeprefix("unix:")).parent))
        sudo = "" if self._user == "root" else "sudo -n "
        make = f"{sudo}install -d -m 0755 -o {shlex.quote(self._user)} -- {folder}"
        self._on_machine(f"[ -d {folder} ] || {make}; rm -f -- {path}")
        self._master.ask("forward", "-R", way)
        self._on_machine(f"chmod 0666 -- {path}")

    def _on_machine(self, text: str) -> None:
        ended = self._master.run(text, doing="exposing a socket")
        if ended.code != 0:
            raise EngineError(f"a socket cannot be exposed: {ended.last_lines}")

    def _socket(self, address: str) -> Path:
        return self._folder / f"{hashlib.sha256(address.encode()).hexdigest()[:12]}.sock"

    def _way(self, address: str) -> str:
        return f"{self._socket(address)}:{end_of(address)}"


def end_of(address: str) -> str:
    """One end of a forward, as the SSH client names it. EngineError for an address that cannot be one."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if _PLAIN_PATH.fullmatch(path):
            return path
        raise EngineError(f"{path!r} cannot be forwarded: use an absolute name without colons")
    host, port = host_port(address)
    return f"[{host}]:{port}"
