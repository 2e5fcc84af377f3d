"""What `cloudlayer up` is while it serves: it starts the controller and the gateway, and starts either again if it dies.

It does nothing else, so that it has no reason to die itself. Its children get SIGTERM when it goes, however it goes.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudLayerError, Conflict
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import Event

Progress = Callable[[Event], None]
Ready = Callable[[str], None]

READY_SECONDS: Final = 900.0
"""How long `detach` waits for the fleet to be settled."""
STOP_SECONDS: Final = 45.0
_POLL: Final = 0.1
_DEATH_SIGNAL: Final = 1
_HIDDEN: Final = ("CLOUDLAYER_API_KEY",)
"""Variables that no child needs."""
_PULUMI: Final = "PULUMI_"
"""How those begin that Pulumi gives a program, its secrets among them: what outlives the program is not to have them."""


def serve(home: Home, fleet: str, *, host: str, port: int, progress: Progress, ready: Ready) -> int:
    """Serve until SIGTERM or SIGINT; 0 then, 1 if the gateway cannot serve. `ready` hears the gateway's URL."""
    with _alone(home, fleet), Fleets(home) as fleets:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stop.set())
        return _Serving(fleets, fleet, host, port).run(stop, progress, ready)


def detach(home: Home, fleet: str, *, host: str, port: int) -> int:
    """Serve in a process of its own; its pid, once the fleet is settled. CloudLayerError with the last log lines if it ends."""
    process = started(home, fleet, host=host, port=port)
    until = time.monotonic() + READY_SECONDS
    with Fleets(home) as fleets:
        while not (fleets.running(fleet) == process.pid and answers(host, port) and fleets.status(fleet).settled):
            if process.poll() is not None or time.monotonic() > until:
                raise CloudLayerError(f"fleet {fleet} does not come up; {last_words(home, fleet)}")
            time.sleep(_POLL)
    return process.pid


def started(home: Home, fleet: str, *, host: str, port: int) -> subprocess.Popen[bytes]:
    """A process of its own that serves the fleet, just begun."""
    with _log(home, fleet).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "cloudlayer.fleet.daemon", "--fleet", fleet, "--host", host, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**_without(_PULUMI), "CLOUDLAYER_HOME": str(home.path)},
        )


def last_words(home: Home, fleet: str) -> str:
    """The last lines that a process wrote which served the fleet without a terminal."""
    log = _log(home, fleet)
    lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return f"the end of {log}:\n" + "\n".join(lines)


def _log(home: Home, fleet: str) -> Path:
    return home.folder(fleet) / "up.log"


def _without(prefix: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(prefix)}


@contextmanager
def _alone(home: Home, fleet: str) -> Iterator[None]:
    """Be the only one that serves the fleet, and let others find out who does."""
    path = home.folder(fleet) / "up.pid"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Conflict(f"fleet {fleet} is served already, by process {file.read().strip()}") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


class _Serving:
    def __init__(self, fleets: Fleets, fleet: str, host: str, port: int) -> None:
        self._fleets = fleets
        self._fleet = fleet
        self._host = host
        self._port = port
        self._folder = fleets.home.folder(fleet)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}

    @property
    def _url(self) -> str:
        return f"http://{self._host}:{self._port}"

    def run(self, stop: threading.Event, progress: Progress, ready: Ready) -> int:
        seen = self._fleets.store.last_event()
        is_ready = False
        try:
            while not stop.is_set():
                if not self._keep():
                    return 1
                seen = self._tell(seen, progress)
                if not is_ready and self._gateway_answers() and self._fleets.status(self._fleet).settled:
                    is_ready = True
                    ready(self._url)
                stop.wait(_POLL)
        finally:
            self._stop()
            self._tell(seen, progress)
        return 0

    def _gateway_answers(self) -> bool:
        """Whether ours does: what answers at the address while ours is not there is somebody else's."""
        child = self._children["gateway"]
        return answers(self._host, self._port) and child.poll() is None

    def _tell(self, seen: int, progress: Progress) -> int:
        for event in self._fleets.events(self._fleet, after=seen):
            progress(event)
            seen = event.number
        return seen

    def _keep(self) -> bool:
        """Start what does not run. False if the gateway cannot have its address: starting it again would not help."""
        for name in ("controller", "gateway"):
            child = self._children.get(name)
            if child is not None and child.poll() is None:
                continue
            if name == "gateway" and child is not None and child.returncode == 1:
                sys.stderr.write(_last_line(self._folder / "gateway.log") + "\n")
                return False
            # One that dies at once is not started again in a tight loop.
            if child is None or time.monotonic() - self._started[name] > 1.0:
                self._children[name] = self._spawn(name)
                self._started[name] = time.monotonic()
        return True

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        home = self._fleets.home
        if name == "controller":
            arguments = ["cloudlayer.fleet.controller", "--fleet", self._fleet, "--url", self._url]
        else:
            sockets = ["--controller", str(home.controller_socket(self._fleet))]
            sockets += ["--socket", str(home.gateway_socket(self._fleet)), "--routers", str(home.routers_socket(self._fleet))]
            arguments = ["cloudlayer.gateway", "--host", self._host, "--port", str(self._port), *sockets]
        environment = {key: value for key, value in os.environ.items() if key not in _HIDDEN}
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us alone: we stop them in their order
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (this process has one thread)
                env={**environment, "CLOUDLAYER_HOME": str(home.path)},
            )

    def _stop(self) -> None:
        """The gateway first, so that calls under way still find their replicas."""
        for name in ("gateway", "controller"):
            child = self._children.get(name)
            if child is None or child.poll() is not None:
                continue
            child.terminate()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)


def answers(host: str, port: int) -> bool:
    """Whether a gateway serves there."""
    url = f"http://{host}:{port}/healthz"
    with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _last_line(log: Path) -> str:
    line = log.read_text(errors="replace").strip().splitlines()[-1]
    with contextlib.suppress(ValueError):
        told = json.loads(line)
        return f"the gateway cannot serve: {told.get('error', line)}; {told.get('mend', '')}"
    return line
