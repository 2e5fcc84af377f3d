"""What a simulated world holds, as JSON, and how its things change with time.

An instance, balancer, volume or replica is a timeline: changes that were, and changes that are yet to come. Its state is a
function of the timeline and of a moment, so nothing has to run for time to take its course. A group acts of itself: what it
did until now is worked out whenever somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from pydantic import Field

from cloudlayer.resources import InstanceState, Purchase
from cloudlayer.runtime.simulated.things import (
    BalancerRecord,
    Change,
    GroupRecord,
    PieceRecord,
    ShareRecord,
    SnapshotRecord,
    ThingRecord,
    VolumeRecord,
)
from cloudlayer.specs import Cores, Spec

Seconds = Annotated[float, Field(ge=0, strict=False, allow_inf_nan=False)]
INTERRUPTED: Final = "the cloud took the spot instance back"


class Settings(Spec):
    """How a world behaves. Times in seconds of the world's own clock.

    `boot_seconds`, `stop_seconds`, `delete_seconds`: how long these take. `balancer_seconds`: how long a balancer is made, and
    `volume_seconds`: a volume, snapshot or share, attached, detached or grown too. `listed_seconds`: how long a deleted thing
    is still listed. `replica_seconds`: from a replica's start until it is ready. `lag_seconds` and `lag_reads`: how long, and
    for how many lists and gets, a change stays unseen. `rate`: calls a second above which calls are throttled, after
    `burst` of them. `interruptions_per_hour`: how often a spot instance is taken back, on average; `notice_seconds`: how long
    before that is told.
    `attempts`: how often the driver tries a call that is throttled or fails in passing. `default_catalogue`: whether the
    standing offers are on sale.
    """

    clock: Literal["virtual", "real"] = "virtual"
    seed: int = 0
    native_tokens: bool = True
    page_size: int = Field(default=100, ge=1)
    boot_seconds: Seconds = 20.0
    stop_seconds: Seconds = 10.0
    delete_seconds: Seconds = 5.0
    balancer_seconds: Seconds = 10.0
    volume_seconds: Seconds = 3.0
    listed_seconds: Seconds = 3600.0
    replica_seconds: Seconds = 0.0
    lag_seconds: Seconds = 0.0
    lag_reads: int = Field(default=0, ge=0)
    rate: Cores | None = None
    burst: int = Field(default=10, ge=1)
    interruptions_per_hour: float = Field(default=0.0, ge=0, strict=False)
    notice_seconds: Seconds = 0.0
    attempts: int = Field(default=4, ge=1)
    default_catalogue: bool = True


class InstanceRecord(TypedDict):
    """One instance. `interrupted_at` is when the cloud takes it back, None if never; `firewall` is a piece's id."""

    id: str
    region: str
    zone: str
    machine_type: str
    name: str | None
    purchase: Purchase
    reservation: str | None
    labels: dict[str, str]
    image: str | None
    token: str
    created_at: float
    public_address: str | None
    interrupted_at: float | None
    timeline: list[Change]
    group: NotRequired[str]
    firewall: NotRequired[str]


class ReplicaRecord(TypedDict):
    """One replica, without its environment: that may hold secrets. `off` is whether it was moved off its GPUs."""

    id: str
    function: str
    version: str
    cpu: float
    memory: int
    devices: list[int]
    gpu_profile: str | None
    slices: list[int]
    labels: dict[str, str]
    started_at: float
    timeline: list[Change]
    off: NotRequired[bool]


class TokenRecord(TypedDict):
    """What was made under a token: the digest of the specs, and for each spec its instance's id, if it has one."""

    digest: str
    ids: list[str | None]


class Document(TypedDict):
    """The whole world. `hosts` are machines that no cloud sold; `ended` are ids of replicas that never run again; `cut_off`
    are machines that run and do not answer."""

    settings: dict[str, Any]
    now: float
    serial: int
    reads: int
    bucket: list[float]
    hosts: list[str]
    instances: dict[str, InstanceRecord]
    groups: dict[str, GroupRecord]
    balancers: dict[str, BalancerRecord]
    volumes: dict[str, VolumeRecord]
    snapshots: dict[str, SnapshotRecord]
    shares: dict[str, ShareRecord]
    pieces: dict[str, PieceRecord]
    tokens: dict[str, TokenRecord]
    replicas: dict[str, dict[str, ReplicaRecord]]
    ended: dict[str, list[str]]
    cut_off: list[str]
    faults: list[dict[str, Any]]
    capacity: dict[str, int]
    quotas: dict[str, float]
    sales: list[dict[str, Any]]


def empty(settings: Settings) -> Document:
    """A world in which nothing has happened. Its virtual clock starts with the year 2026."""
    return Document(
        settings=settings.model_dump(),
        now=1767225600.0,
        serial=0,
        reads=0,
        bucket=[float(settings.burst), 0.0],
        hosts=[],
        instances={},
        groups={},
        balancers={},
        volumes={},
        snapshots={},
        shares={},
        pieces={},
        tokens={},
        replicas={},
        ended={},
        cut_off=[],
        faults=[],
        capacity={},
        quotas={},
        sales=[],
    )


def settings_of(document: Document) -> Settings:
    """The world's settings; they were checked when they were set."""
    return Settings.model_construct(**document["settings"])


def at(timeline: Iterable[Change], moment: float, reads: int | None = None) -> Change | None:
    """The change that holds at `moment`, for one who sees what was decided before `reads`; None before the first."""
    held = None
    for change in timeline:
        if change["at"] <= moment and (reads is None or change["reads"] <= reads):
            held = change
    return held


def course(record: ThingRecord, document: Document, now: float, *changes: tuple[float, str, str | None]) -> None:
    """Let the thing go through (seconds from now, state, reason); what was to come until now comes no more."""
    _replan(record, document, now, [(now + after, state, reason) for after, state, reason in changes])


def proceed(record: InstanceRecord, document: Document, now: float, *changes: tuple[float, InstanceState, str | None]) -> None:
    """`course` for an instance: the cloud may have planned to take it back, and a group may have it as a member."""
    ahead: list[tuple[float, str, str | None]] = [(now + after, state, reason) for after, state, reason in changes]
    taken = record["interrupted_at"]
    if taken is not None and not any(state.gone for _, state, _ in changes):
        gone_at = taken + settings_of(document).delete_seconds
        ahead = [change for change in ahead if change[0] < taken]
        ahead += [(taken, InstanceState.DELETING, INTERRUPTED), (gone_at, InstanceState.DELETED, INTERRUPTED)]
    _replan(record, document, now, ahead)
    group = document["groups"].get(record.get("group", ""))
    if group is not None:
        group["next_at"] = now


def _replan(record: ThingRecord, document: Document, now: float, ahead: Iterable[tuple[float, str, str | None]]) -> None:
    past, reads = [change for change in record["timeline"] if change["at"] <= now], document["reads"]
    record["timeline"] = past + [Change(at=moment, reads=reads, state=state, reason=why) for moment, state, why in ahead]


def state_of(record: InstanceRecord, now: float) -> InstanceState:
    """The instance's true state."""
    change = at(record["timeline"], now)
    return InstanceState(change["state"]) if change else InstanceState.PENDING


def running_since(document: Document, machine: str, now: float) -> float | None:
    """When the machine's system last came up, None if it is not running."""
    if machine in document["hosts"]:
        return 0.0
    record = document["instances"].get(machine)
    change = at(record["timeline"], now) if record else None
    return change["at"] if change and change["state"] == InstanceState.RUNNING else None


def is_gone(document: Document, machine: str, now: float) -> bool:
    """Whether the machine is no more, or never was."""
    if machine in document["hosts"]:
        return False
    record = document["instances"].get(machine)
    return record is None or state_of(record, now).gone
