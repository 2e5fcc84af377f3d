"""What an engine owes: it starts, watches and stops the replicas of one machine.

The engine's own record of its replicas is the truth, lives on the machine, and survives whoever started them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cloudlayer.interfaces.clock import Deadline
from cloudlayer.interfaces.host import Host


class ReplicaState(StrEnum):
    """Where a replica is in its life. READY means that its port (or socket) accepts."""

    STARTING = "starting"
    READY = "ready"
    EXITED = "exited"


class ReplicaExit(StrEnum):
    """Why a replica ended."""

    STOPPED = "stopped"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_GPU_MEMORY = "out_of_gpu_memory"
    FAILED_TO_LOAD = "failed_to_load"


@dataclass(frozen=True, slots=True)
class RouterSpec:
    """The router of a machine that is not this host: whose it is, what it says to be believed, and where its sockets are.

    In `folder`, on the machine, "u/g.sock" leads to the gateway and "l/line.sock" to where it listens for routers; the router
    serves at "g/g.sock", which replicas see as their gateway, and keeps its journal in "j".
    """

    machine: str
    token: str = field(repr=False)
    folder: Path
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """An object that replicas read: found as `name` below the folder that their CLOUDLAYER_MODELS names.

    `etag`, `size` (bytes) and `crc32c` say which object it has to be; None where that is not known.
    """

    uri: str
    name: str
    etag: str | None = None
    size: int | None = None
    crc32c: int | None = None


@dataclass(frozen=True, slots=True)
class ReplicaSpec:
    """All that an engine needs to start one replica.

    `id` is the attempt: a UUID, in the store before the call. Exactly one of `source` (a folder with apply(input)) and
    `image` is given. `cpu` is in cores, `memory` and `disk` in bytes, `devices` are indices of the machine's GPUs.
    `environment` is the function's whole environment, secrets resolved: it never reaches a log, a label, a process list or
    the store. `labels` are on whatever is started. `gateway_socket` is where a function that may call others finds the
    gateway, on its own machine; a `router` is to be there first. With a `gpu_profile` it gets a MIG instance of that on each of
    its devices, which starts at the memory slice that `slices` says; an engine that makes none raises Unsupported. `gpu_memory`
    (bytes) and `gpu_compute` (thousandths) are its share of each of its devices; None for all of it. `models` lie on its
    machine once, for all that read them, and cannot be written.
    """

    id: str
    function: str
    version: str
    cpu: float
    memory: int
    disk: int | None = None
    source: Path | None = None
    source_digest: str = ""
    image: str | None = None
    devices: tuple[int, ...] = ()
    concurrency: int = 1
    internet: bool = True
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    gateway_socket: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    gpu_profile: str | None = None
    slices: tuple[int, ...] = ()
    gpu_memory: int | None = None
    gpu_compute: int | None = None
    router: RouterSpec | None = None
    models: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """A replica as its engine sees it.

    `address` is where it serves: "unix:/path/to/socket" or "http://host:port"; `inner_address` the same as its own machine sees
    it, where that is not this host. `handle` is what the machine's own tools call it: a pid or a container id. `exit` and
    `message` tell how it ended.
    """

    id: str
    state: ReplicaState
    address: str | None = None
    handle: str | None = None
    exit: ReplicaExit | None = None
    message: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    inner_address: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a replica wrote; `call` is the request id of the call that wrote it, "" where that is not known."""

    text: str
    call: str = ""


@dataclass(frozen=True, slots=True)
class ReplicaUsage:
    """What a replica uses: `cpu` in seconds of a core since its start, `memory` in bytes, `gpu` in bytes by device."""

    cpu: float
    memory: int
    gpu: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MachineContext:
    """The machine that an engine works on.

    `folder` is where the engine keeps its record of this machine's replicas, `cache` what machines of one host share (images,
    requirements, sources); both on the controller's own disk, made by the engine when it needs them. None of it is in a fleet's
    store. `host` is how the machine is reached; None where it is this host. One that is `bought` was made for the fleet
    and ends with it: its devices may be set up as the fleet needs them.
    """

    id: str
    folder: Path
    cache: Path
    host: Host | None = None
    bought: bool = False


class Engine(Protocol):
    """Replicas on one machine. Thread-safe. Raises EngineError, or TransientError when the machine cannot be reached."""

    @property
    def name(self) -> str:
        """Its name among the plug-ins, such as "docker"."""
        ...

    def prepare(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> None:
        """Fetch or build what the replica needs (image, requirements), so that `start` is quick. Idempotent."""
        ...

    def start(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> ReplicaStatus:
        """Start the replica, or adopt the one that has this id: an id never runs twice, and never again once it ended."""
        ...

    def wait(self, id: str, *, deadline: Deadline) -> ReplicaStatus:
        """The replica once it is no longer starting, or as it is when the deadline comes."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> ReplicaStatus | None:
        """The replica as it is now; None if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ReplicaStatus]:
        """Every replica of this machine that carries all of `labels`, ended ones that were not removed included."""
        ...

    def stop(self, id: str, *, grace: float = 5.0, deadline: Deadline | None = None) -> None:
        """End the replica: ask, wait `grace` seconds, kill; then remove all trace. When this returns, nothing of it runs,
        and a `start` under way for this id elsewhere comes to nothing. One that is not there is no error."""
        ...

    def move_off(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Move what the replica has on its GPUs to its machine's memory, where it stands still and takes no calls. Nothing is
        done to one that is there. Unsupported or EngineError, with the reason, where that cannot be."""
        ...

    def bring_back(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Bring it back to its GPUs, and let it go on; nothing if it is there. EngineError where there is no room for it."""
        ...

    def logs(self, id: str, *, tail: int = 100, call: str | None = None) -> Sequence[LogLine]:
        """The last `tail` lines that the replica wrote, in the call of that request id if one is named; those of one that ended
        are kept until `stop`."""
        ...

    def usage(self, *, deadline: Deadline | None = None) -> Mapping[str, ReplicaUsage]:
        """What each replica of this machine that runs uses now, by its id; one that is not measured is left out."""
        ...

    def close(self) -> None:
        """Let go of what this process holds (warm parents, connections). Replicas run on."""
        ...
