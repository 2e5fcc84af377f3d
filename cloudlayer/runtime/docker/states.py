"""A replica's state, read from its container."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.interfaces import ReplicaExit, ReplicaState, ReplicaStatus
from cloudlayer.runtime.docker.build import REPOSITORY
from cloudlayer.runtime.docker.containers import GPU_MEMORY, PORT, REPLICA
from cloudlayer.runtime.docker.records import EXCEEDED, STOPPED
from cloudlayer.runtime.worker.server import EXIT_LOAD_FAILED
from cloudlayer.units import MIB

_SIGNALLED: Final = 128
_RUNNING: Final = ("running", "paused")


def was_started(container: dict[str, Any]) -> bool:
    """Whether an inspected container ever ran."""
    return not str(container["State"]["StartedAt"]).startswith("0001-")


def is_running(container: dict[str, Any]) -> bool:
    """Whether an inspected container runs now."""
    return container["State"]["Status"] in _RUNNING


def serving_at(networks: dict[str, Any]) -> str | None:
    """Where a container serves, as its machine sees it; None if it is on no network."""
    host = next((network["IPAddress"] for network in networks.values() if network.get("IPAddress")), None)
    return f"http://{host}:{PORT}" if host else None


def waiting(id: str, container: str, labels: dict[str, str]) -> ReplicaStatus:
    """A replica whose container is made and was not started yet."""
    return ReplicaStatus(id, ReplicaState.STARTING, handle=container, labels=labels)


def ended(container: dict[str, Any], *, out_of_memory: bool, last_line: str, mark: str) -> ReplicaStatus:
    """A replica whose inspected container ended, with the reason. `mark` is its record's."""
    code, labels = container["State"]["ExitCode"], container["Config"]["Labels"]
    reason, message = _reason(container, out_of_memory), _how(code)
    if reason is ReplicaExit.OUT_OF_MEMORY:
        message = f"more memory was wanted than its {container['HostConfig']['Memory']} bytes ({message})"
    elif mark == STOPPED:
        reason = ReplicaExit.STOPPED
    elif mark == EXCEEDED:
        reason = ReplicaExit.OUT_OF_GPU_MEMORY
        message = f"it held more than its share of a GPU's memory, {int(labels[GPU_MEMORY]) // MIB} MiB of each of its devices"
    elif last_line:
        message = f"{message}: {last_line}" if reason is ReplicaExit.CRASHED else last_line
    return ReplicaStatus(labels[REPLICA], ReplicaState.EXITED, None, container["Id"], reason, message, labels)


def gone(id: str, *, stopped: bool, labels: dict[str, str] | None = None) -> ReplicaStatus:
    """A replica that ran and whose container is not there any more."""
    reason, message = (ReplicaExit.STOPPED, "it was stopped") if stopped else (ReplicaExit.CRASHED, "its container was removed")
    return ReplicaStatus(id, ReplicaState.EXITED, exit=reason, message=message, labels=labels or {})


def _reason(container: dict[str, Any], out_of_memory: bool) -> ReplicaExit:
    if out_of_memory:
        return ReplicaExit.OUT_OF_MEMORY
    of_ours = str(container["Config"]["Image"]).startswith(f"{REPOSITORY}:")
    if of_ours and container["State"]["ExitCode"] == EXIT_LOAD_FAILED:
        return ReplicaExit.FAILED_TO_LOAD
    return ReplicaExit.CRASHED


def _how(code: int) -> str:
    return f"it was ended by signal {code - _SIGNALLED}" if code > _SIGNALLED else f"it ended with code {code}"
