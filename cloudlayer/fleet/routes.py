"""What controller and gateway tell each other, as lines of JSON over a unix socket.

The controller listens on `Home.controller_socket`; the gateway connects, and connects again when the line
breaks. The controller sends `Routes` (whole snapshots, numbered) and `Exit`s; the gateway sends `Load`s and `Lost`s. When
somebody reads its metrics it sends an `Ask`, and gets `Figures` with the same number.
Each line is `{"kind": "routes"|"exit"|"load"|"lost"|"ask"|"figures", ...fields}`.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ReplicaRoute:
    """A ready replica: its id and where it serves ("unix:/path" or "http://host:port").

    `machine` has a router that calls it too, at `inner_address`; both are "" where there is none.
    """

    id: str
    address: str
    machine: str = ""
    inner_address: str = ""


@dataclass(frozen=True, slots=True)
class VersionRoute:
    """One version of a function. `failure` tells why it cannot be brought up, as (error_type, message), if it cannot.

    `maximum` is the most replicas that there may be; `timeout` is in seconds. A `candidate` has yet to prove itself: who does
    not name it exactly gets another version of the function, if there is one.
    """

    function: str
    version: str
    timeout: float
    concurrency: int
    maximum: int
    idempotent: bool
    replicas: tuple[ReplicaRoute, ...] = ()
    failure: tuple[str, str] | None = None
    candidate: bool = False


@dataclass(frozen=True, slots=True)
class DataAccess:
    """URIs of what the data API serves, each with all below it: `open` to be read, `write` to be read and written."""

    open: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A key or token, by its hash: `callable` lists the functions that it may call, None for all.

    `data` is what a token opens of the stores. A user's key, which may call all, opens the fleet's own.

    A token of a replica on a `machine` with a router has a `digest` too, by which that router knows it: its SHA-256, without
    the pepper, which stays here. A token is 256 bits that nobody can guess, so that its digest opens nothing.
    """

    hash: str
    name: str
    callable: tuple[str, ...] | None = None
    machine: str = ""
    digest: str = ""
    data: DataAccess = DataAccess()


@dataclass(frozen=True, slots=True)
class Routes:
    """A whole snapshot. `pepper` (hex) keys the HMAC-SHA256 that hashes credentials.

    `away` are replicas that no version has for the moment, as the connection to their machine is lost: what is in flight on
    them gets no answer any more.
    """

    number: int
    pepper: str = field(repr=False)
    credentials: tuple[Credential, ...] = ()
    versions: tuple[VersionRoute, ...] = ()
    away: tuple[str, ...] = ()
    data: DataAccess = DataAccess()


@dataclass(frozen=True, slots=True)
class Exit:
    """How a replica ended: `reason` is a ReplicaExit's value, or "lost" where its machine is gone."""

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
    seconds; in between there are none. It is not `whole` as long as routers may have calls of which the gateway has not heard.
    """

    snapshot: int
    versions: tuple[VersionLoad, ...] = ()
    draining: tuple[str, ...] = ()
    calls: tuple[CallCount, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Lost:
    """A replica that broke off a call, or (`stuck`) overran a call's time and still works on it."""

    replica: str
    stuck: bool = False


ASK_SECONDS: Final = 4.0
"""How long whoever reads the metrics waits for the controller's part of them: less than scrapers do."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What do replicas and machines use at this moment?"""

    number: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What they use, in Prometheus' text format, None if it cannot be told: the answer to the Ask of that number."""

    number: int
    text: str | None


Message = Routes | Exit | Load | Lost | Ask | Figures

_KINDS: dict[str, type[Message]] = {
    "routes": Routes,
    "exit": Exit,
    "load": Load,
    "lost": Lost,
    "ask": Ask,
    "figures": Figures,
}


def router_token(pepper: bytes, machine: str) -> str:
    """What the router of a machine says to the gateway to be believed."""
    return hmac.digest(pepper, f"router {machine}".encode(), "sha256").hex()


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
        return Load(document["snapshot"], loads, tuple(document["draining"]), calls, document["whole"])
    return _KINDS[kind](**document)


def _routes(document: dict[str, Any]) -> Routes:
    def credential(item: dict[str, Any]) -> Credential:
        allowed = item["callable"]
        return Credential(
            **{**item, "callable": None if allowed is None else tuple(allowed), "data": access(item.get("data", {}))}
        )

    def access(item: dict[str, Any]) -> DataAccess:
        return DataAccess(**{name: tuple(uris) for name, uris in item.items()})

    def version(item: dict[str, Any]) -> VersionRoute:
        replicas = tuple(ReplicaRoute(**replica) for replica in item.pop("replicas"))
        failure = item.pop("failure")
        return VersionRoute(**item, replicas=replicas, failure=tuple(failure) if failure else None)

    return Routes(
        document["number"],
        document["pepper"],
        tuple(credential(item) for item in document["credentials"]),
        tuple(version(item) for item in document["versions"]),
        tuple(document.get("away", ())),
        access(document.get("data", {})),
    )
