"""One process of a registry. It is known by its command line, which names its settings, so whoever started it can be gone."""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.runtime.files import replace
from cloudlayer.runtime.unix_http import UnixConnection

_PROGRAMS: Final = ("docker-registry", "registry")
_SERVE: Final = "serve"
_SECONDS: Final = 15.0
_POLL: Final = 0.02
_GRACE: Final = 2.0
_PATIENCE: Final = (2.0, 4.0, 8.0)
"""Seconds that one that runs has for its answer, try by try, before it counts as hung. A busy host makes it slow."""

_log = logging.getLogger(__name__)


def program() -> str | None:
    """The registry's program on this host, if it is installed."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def environment() -> dict[str, str]:
    """Nothing of ours: variables named REGISTRY_… would change its settings."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


class Process:
    """The writer or the reader of the registry in `folder`. Only who holds the registry's lock may start and stop it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.settings = folder / f"{name}.yml"
        self.socket = _sockets(folder) / f"{name[0]}.sock"
        self._folder = folder
        self._name = name
        self._child: subprocess.Popen[bytes] | None = None

    def answers(self, seconds: float = _PATIENCE[0]) -> bool:
        """Whether it serves; it may be another controller's child."""
        connection = UnixConnection(self.socket, seconds)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ensure(self, settings: dict[str, Any], check: Callable[[str], None]) -> None:
        """It serves when this returns. One that runs is started anew only if it has not answered for several times."""
        for seconds in _PATIENCE:
            check("waiting for the registry to answer")
            if self.answers(seconds):
                return
            if not self.running():
                break
        self._start(settings)

    def running(self) -> list[int]:
        """The ids of the processes that serve these settings: one, unless somebody failed in the middle of a start."""
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if self._is_one(entry)]

    def _is_one(self, process: Path) -> bool:
        line = os.fsencode(f"\0{_SERVE}\0{self.settings}\0")
        try:
            # It is empty for one that has ended and was not waited for.
            return process.stat().st_uid == os.geteuid() and (process / "cmdline").read_bytes().endswith(line)
        except OSError:
            return False

    def stop(self) -> None:
        """End it, if it runs, and leave no socket."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._gone(number):
                break
        else:
            raise TransientError(f"the registry's {self._name} (process {self.running()}) does not end")
        self.socket.unlink(missing_ok=True)
        with suppress(OSError):  # its sibling still has a socket there, or there is none
            self.socket.parent.rmdir()

    def _start(self, settings: dict[str, Any]) -> None:
        """Start it in place of one that may be left, and wait until it answers."""
        self.stop()
        _make(self.socket.parent)
        replace(self.settings, json.dumps(settings))  # JSON is YAML
        log = self._folder / f"{self._name}.log"
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                [str(program()), _SERVE, str(self.settings)],
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
            )
        until = time.monotonic() + _SECONDS
        while not self.answers():
            if self._child.poll() is not None or time.monotonic() > until:
                raise EngineError(f"the registry does not start; see {log}: {_complaint(log)}")
            time.sleep(_POLL)
        _log.info("the registry's %s serves at %s", self._name, self.socket)

    def _gone(self, number: signal.Signals) -> bool:
        until = time.monotonic() + _GRACE
        for pid in self.running():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while self.running():
            if self._child is not None:
                self._child.poll()
            if time.monotonic() > until:
                return False
            time.sleep(_POLL)
        return True


def _sockets(folder: Path) -> Path:
    """The folder for the sockets of what lies in `folder`, with a path that is short enough for a socket."""
    base = Path("/run/cloudlayer") if os.geteuid() == 0 else Path(tempfile.gettempdir()) / f"cloudlayer-run-{os.geteuid()}"
    return base / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}-registry"


def _make(place: Path) -> None:
    """Make a folder of sockets, for our user alone."""
    place.parent.mkdir(exist_ok=True, mode=0o711)
    place.mkdir(exist_ok=True, mode=0o700)
    if any(each.stat().st_uid != os.geteuid() for each in (place, place.parent)):
        raise EngineError(f"{place} belongs to somebody else: remove it")
    place.chmod(0o700)


def _complaint(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return next((line for line in lines if "panic:" in line or "level=fatal" in line), " ".join(lines[-1:]))[:300]
