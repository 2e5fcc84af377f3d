"""What a router and the gateway tell each other, as lines of JSON over a unix socket: `{"kind": ..., ...fields}`.

The router connects, says `Hello`, and is sent a `Table` whenever it changes. For each call that needs a place it sends a
`Want`, which is answered by a `Grant` (a place here, leased), by `Elsewhere` (one on another machine, kept for a moment), or by
a `Refusal`. It gives leases back by `Return`; the gateway asks for them by `Recall`. `Report`s go out every second and whenever
something has changed; each is `Heard`.

A lease may be used for new calls for `TERM_SECONDS` from when the newest report that was heard was sent. The gateway counts the
same from when it heard it, which is later, so that no place is ever given twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

TERM_SECONDS: Final = 4.0
REPORT_SECONDS: Final = 1.0
LINE_LIMIT: Final = 16 * 1024**2
PLACE_HEADER: Final = "x-cloudlayer-place"
"""The request header by which a call claims the place that `Elsewhere` told."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that a call uses: its id, the version's key, and the replica."""

    lease: str
    key: str
    replica: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What happened to the replica of a lease: "unreachable", "broken" (answered by a `Reason`) or "stuck"."""

    lease: str
    key: str
    replica: str
    how: str
    why: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the router is, and the leases that its calls use; it holds no others. `instance` is new with each start.

    `faults` are those that could not be told while there was no line. The instance `before` was killed: `left` are its leases
    that replicas may still work on, by id, with the seconds that these calls have. It is "" if there was none, or ended well.
    """

    machine: str
    token: str = field(repr=False)
    instance: str
    held: tuple[Held, ...] = ()
    faults: tuple[Fault, ...] = ()
    before: str = ""
    left: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Want:
    """A place for a call of the version `key`, within `seconds`. `again`: the call had one before.

    If that version is gone, or goes while the call waits, it is one of the version that the `reference` names then.
    """

    number: int
    key: str
    reference: str
    seconds: float
    again: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The caller has gone: the place is not wanted any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Return:
    """Leases that end."""

    leases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A call that ended; `caller` is the version that called, `size` its bytes both ways."""

    key: str
    caller: str
    outcome: str
    seconds: float
    size: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Report:
    """How many calls of each version run, and those that have ended since the report before."""

    number: int
    busy: dict[str, int]
    done: tuple[Done, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A version whose places a router may ask for; `timeout` is in seconds."""

    timeout: float
    idempotent: bool


@dataclass(frozen=True, slots=True)
class Table:
    """What the router knows: versions by key, keys by reference, and by their token's digest who calls, and what they may."""

    versions: dict[str, Entry]
    references: dict[str, str]
    callers: dict[str, tuple[str, tuple[str, ...]]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease of one place on a replica of the version `key`, which serves at `address`, for the `Want` of that number.

    `entry` is the version's, as the gateway goes by it for this lease.
    """

    number: int
    lease: str
    key: str
    replica: str
    address: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """There is a place on another machine: send the call to the gateway, with `place` in the header."""

    number: int
    place: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """There will be no place: what to tell the caller, as the fields of a CallError."""

    number: int
    error_type: str
    message: str
    status: int = 200
    code: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """Leases to be given back: at once if no call uses them, else when it has ended."""

    leases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """The report of that number has come."""

    number: int


@dataclass(frozen=True, slots=True)
class Reason:
    """What to tell the caller whose call was broken off on the replica of a lease."""

    lease: str
    error_type: str
    message: str


FromRouter = Hello | Want | Leave | Return | Fault | Report
FromGateway = Table | Grant | Elsewhere | Refusal | Recall | Heard | Reason
Message = FromRouter | FromGateway

_KINDS: dict[str, type[Message]] = {
    kind.__name__.lower(): kind
    for kind in (Hello, Want, Leave, Return, Fault, Report, Table, Grant, Elsewhere, Refusal, Recall, Heard, Reason)
}


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps({"kind": type(message).__name__.lower(), **asdict(message)}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line; ValueError if it is none."""
    document = json.loads(line)
    kind = document.pop("kind", None) if isinstance(document, dict) else None
    if kind not in _KINDS:
        raise ValueError(f"not a message: {line[:80]!r}")
    try:
        return _KINDS[kind](**{name: _FIELDS.get(name, _as_it_is)(value) for name, value in document.items()})
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a message of its kind: {kind}: {error}") from None


def _as_it_is(value: Any) -> Any:
    return value


def _callers(value: Any) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {digest: (caller, tuple(allowed)) for digest, (caller, allowed) in value.items()}


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "held": lambda value: tuple(Held(**item) for item in value),
    "faults": lambda value: tuple(Fault(**item) for item in value),
    "done": lambda value: tuple(Done(**item) for item in value),
    "leases": tuple,
    "entry": lambda value: Entry(**value),
    "versions": lambda value: {key: Entry(**item) for key, item in value.items()},
    "callers": _callers,
}
