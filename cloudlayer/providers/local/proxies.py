"""The processes of balancers, seen from outside: started, told what to do, asked how it goes, and ended."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import cloudlayer
from cloudlayer.errors import CloudError, Conflict, PermissionDenied, TransientError
from cloudlayer.providers.local.files import faults_told, load, save
from cloudlayer.providers.local.proxy.settings import LOCK, LOG, SETTINGS, STATUS, Settings, Status
from cloudlayer.runtime.process.record import lock_holder

_START_WITHIN: Final = 30.0
_END_WITHIN: Final = 2.0
_POLL: Final = 0.01


def tell(folder: Path, settings: Settings) -> None:
    """Let the process follow these settings; their version is the one that follows what it was told before."""
    version = told(folder)
    if load(folder / SETTINGS) != json.loads(json.dumps(asdict(replace(settings, version=version)))):
        save(folder / SETTINGS, asdict(replace(settings, version=version + 1)))


def status(folder: Path) -> Status | None:
    """What the process sees; None if it does not live, or has not looked yet."""
    seen = load(folder / STATUS)
    return None if seen is None or holder(folder) is None else Status.parse(seen)


def told(folder: Path) -> int:
    """The version of the settings that the process was told last."""
    settings = load(folder / SETTINGS)
    return settings["version"] if settings else 0


def holder(folder: Path) -> int | None:
    """The process's pid; None if none lives."""
    with faults_told():
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            return lock_holder(descriptor)
        finally:
            os.close(descriptor)


def start(folder: Path) -> CloudError | None:
    """Have a process listen, apart from this one; why it cannot, None if it does."""
    command = [sys.executable, "-P", "-m", "cloudlayer.providers.local.proxy", str(folder)]
    # Its environment is its own: no credential of whoever starts it outlives that one in there.
    environment = {"PYTHONPATH": str(Path(cloudlayer.__file__).parents[1]), "PATH": os.defpath}
    try:
        ended = subprocess.run(
            command, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return TransientError(
            f"a balancer's process did not start in {_START_WITHIN:.0f} seconds", provider="local", code="Slow"
        )
    if ended.returncode == 0:
        return None
    return _refusal(ended.stdout.decode(), folder)


def end(folder: Path) -> None:
    """Wait for the process to see that its settings are gone, and kill it if it does not."""
    until = time.monotonic() + _END_WITHIN
    while (pid := holder(folder)) is not None:
        if time.monotonic() > until:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)


def taken(port: str) -> Conflict:
    """The error when a port of the balancer's address is in use; `port` is "port 80" or the like."""
    message = f"something on this host listens on {port} of all addresses: stop it, or take another port"
    return Conflict(message, provider="local", code="PortInUse")


def forbidden(port: str) -> PermissionDenied:
    """The error when a port is for the system's own users alone."""
    return PermissionDenied(f"{port} is for root here: take one from 1024 on", provider="local", code="EACCES")


def _refusal(word: str, folder: Path) -> CloudError:
    if word == str(errno.EADDRINUSE):
        return taken("a listener's port")
    if word == str(errno.EACCES):
        return forbidden("a listener's port")
    try:
        last = (folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    except FileNotFoundError:
        last = []
    reason = last[0] if last else os.strerror(int(word)) if word.isdigit() else "it gave no word"
    return TransientError(f"a balancer's process did not start: {reason}", provider="local", code="NotStarted")
