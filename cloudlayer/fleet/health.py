"""Whether replicas are healthy: they answer GET on their function's path with 2xx."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final
from urllib.parse import urlsplit

from cloudlayer.fleet.demands import checked_spec
from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.interfaces import Clock, Deadline, ReplicaExit, ReplicaState, ReplicaStatus
from cloudlayer.runtime.unix_http import UnixConnection

FAILURES: Final = 3
"""After so many rounds in a row a replica that is not healthy ends, and another takes its place."""
ROUND_EVERY: Final = 5.0
"""Seconds between two rounds."""
ASKERS: Final = 16
"""How many replicas are asked at once."""
_POLL: Final = 0.2
_SAID: Final = 200

_log = logging.getLogger(__name__)


def ailment(address: str, path: str, timeout: float) -> str | None:
    """What is wrong with the replica at "unix:/path" or "http://host:port"; None if it is healthy."""
    try:
        connection = _connection(address, timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            said = answer.read(_SAID)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return f"GET {path} was not answered within {timeout:g} s: {error or type(error).__name__}"
    if 200 <= answer.status < 300:
        return None
    return f"GET {path} answered {answer.status} {' '.join(said.decode('utf-8', 'replace').split())}".rstrip()


def examined(status: ReplicaStatus, function: FunctionSpec, deadline: Deadline, clock: Clock) -> ReplicaStatus:
    """A replica that is ready, once it is healthy too; one that does not become so in time has failed to load."""
    path, timeout = function.health.path, function.health.timeout
    if path is None or status.state is not ReplicaState.READY or not status.address:
        return status
    until = clock.monotonic() + min(function.health.within, deadline.remaining())
    while (wrong := ailment(status.address, path, timeout)) is not None:
        if clock.monotonic() >= until or deadline.cancelled.is_set():
            message = f"it is not healthy: {wrong}"
            return ReplicaStatus(status.id, ReplicaState.EXITED, exit=ReplicaExit.FAILED_TO_LOAD, message=message)
        clock.sleep(_POLL)
    return status


class Patrol:
    """Asks the ready replicas whose function has a path, again and again; one that fails some times in a row is given up."""

    def __init__(self, given_up: Callable[[str, str], None]) -> None:
        """`given_up` hears of a replica, by its id, and what is wrong with it."""
        self._given_up = given_up
        self._failures: dict[str, int] = {}

    def round(self, rows: Sequence[ReplicaRow], executor: Executor) -> None:
        """Ask all of them once, and wait for their answers."""
        # As it is written down, not checked: most functions have no path, and there may be thousands of replicas.
        paths = {row.id: (row.spec.get("health") or {}).get("path") for row in rows}
        asked = [row for row in rows if paths[row.id] and row.state is ReplicaRowState.READY and row.address]
        answers = list(executor.map(_ask, asked))
        failures = {row.id: self._failures.get(row.id, 0) + 1 for row, wrong in zip(asked, answers, strict=True) if wrong}
        for row, wrong in zip(asked, answers, strict=True):
            if wrong and failures[row.id] == FAILURES:
                self._given_up(row.id, f"it is not healthy any more: {wrong}")
        self._failures = failures


def _ask(row: ReplicaRow) -> str | None:
    """What is wrong with the replica; None for one that is well, and for one that cannot even be asked."""
    try:
        health = checked_spec(row).health
        return ailment(row.address or "", health.path or "/", health.timeout)
    except Exception:  # Whatever is wrong with one, the others are asked.
        _log.exception("replica %s cannot be asked for its health", row.id)
        return None


def _connection(address: str, timeout: float) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return UnixConnection(address.removeprefix("unix:"), timeout)
    url = urlsplit(address)
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)
