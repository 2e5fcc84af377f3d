"""What controller and gateway tell each other, as lines of JSON over a unix socket.

The controller listens on `Home.controller_socket`; the gateway connects, and connects again when the line
breaks. The controller sends `Routes` (whole snapshots, numbered) and `Exit`s; the gateway sends `Load`s and `Lost`s.
Each line is `{"kind": "routes"|"exit"|"load"|"lost", ...fields}`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ReplicaRoute:
    """A ready replica: its id and where it serves ("unix:/path" or "http://host:port")."""

    id: str
    address: str


@dataclass(frozen=True, slots=True)
class VersionRoute:
    """One version of a function. `failure` tells why it cannot be brought up, as (error_type, message), if it cannot.

    `maximum` is the most replicas that there may be; `timeout` is in seconds.
    """

    function: str
    version: str
    timeout: float
    concurrency: int
    maximum: int
    idempotent: bool
    replicas: tuple[ReplicaRoute, ...] = ()
    failure: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """A key or token, by its hash: `callable` lists the functions that it may call, None for all."""

    hash: str
    name: str
    callable: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Routes:
    """A whole snapshot. `pepper` (hex) keys the HMAC-SHA256 that hashes credentials."""

    number: int
    pepper: str = field(repr=False)
    credentials: tuple[Credential, ...] = ()
    versions: tuple[VersionRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """How a replica ended: `reason` is a ReplicaExit's value."""

    replica: str
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class VersionLoad:
    """Calls of one version: in flight now, waiting now, and seconds since the last one ended or waited."""

    key: str
    in_flight: int
    waiting: int
    idle: float


@dataclass(frozen=True, slots=True)
class CallCount:
    """Answered calls of a function by replicas of a version, and their bytes both ways, since the gateway started."""

    caller: str
    callee: str
    calls: int
    size: int


@dataclass(frozen=True, slots=True)
class Load:
    """What the gateway carries, of every version that was called since it started; `snapshot` is the newest one it has.

    `draining` are replicas that are no longer in that snapshot and still have calls in flight. `calls` are told every few
    seconds; in between there are none.
    """

    snapshot: int
    versions: tuple[VersionLoad, ...] = ()
    draining: tuple[str, ...] = ()
    calls: tuple[CallCount, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """A replica that broke off a call, or (`stuck`) overran a call's time and still works on it."""

    replica: str
    stuck: bool = False


Message = Routes | Exit | Load | Lost

_KINDS: dict[str, type[Message]] = {"routes": Routes, "exit": Exit, "load": Load, "lost": Lost}


def encode(message: Message) -> bytes:
    """One line."""
    kind = type(message).__name__.lower()
    return json.dumps({"kind": kind, **asdict(message)}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line; ValueError if it is none."""
    document = json.loads(line)
    kind = document.pop("kind", None) if isinstance(document, dict) else None
    if kind not in _KINDS:
        raise ValueError(f"not a message: {line[:80]!r}")
    if kind == "routes":
        return _routes(document)
    if kind == "load":
        loads = tuple(VersionLoad(**item) for item in document["versions"])
        calls = tuple(CallCount(**item) for item in document.get("calls", ()))
        return Load(document["snapshot"], loads, tuple(document["draining"]), calls)
    return _KINDS[kind](**document)


def _routes(document: dict[str, Any]) -> Routes:
    def credential(item: dict[str, Any]) -> Credential:
        allowed = item["callable"]
        return Credential(item["hash"], item["name"], None if allowed is None else tuple(allowed))

    def version(item: dict[str, Any]) -> VersionRoute:
        replicas = tuple(ReplicaRoute(**replica) for replica in item.pop("replicas"))
        failure = item.pop("failure")
        return VersionRoute(**item, replicas=replicas, failure=tuple(failure) if failure else None)

    return Routes(
        document["number"],
        document["pepper"],
        tuple(credential(item) for item in document["credentials"]),
        tuple(version(item) for item in document["versions"]),
    )
