"""What a simulated world holds beside machines and replicas, as JSON: groups, balancers, volumes, shares, pieces."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class Change(TypedDict):
    """From `at` on, the state is this. `reads` is how many lists and gets there had been when it was decided."""

    at: float
    reads: int
    state: str
    reason: str | None


class ThingRecord(TypedDict):
    """What every thing that can be listed has."""

    id: str
    region: str
    labels: dict[str, str]
    timeline: list[Change]


class GroupRecord(TypedDict):
    """One scaling group. `spec` is its specification as JSON; `min`, `max` and `desired` are what holds now.

    `members` leads from a member's id to the version of the template that it was made from. `cooling` tells until when a
    policy rests, `requests` who had it executed last. `lack` is why a member could not be had, `failures` how often in a row,
    `retry_at` when that is tried again. `seen_at` is up to when scheduled sizes have been taken, `next_at` when there is
    something to do.
    """

    id: str
    region: str
    name: str
    labels: dict[str, str]
    token: str
    created_at: float
    spec: dict[str, Any]
    version: str
    pieces: list[str]
    min: int
    max: int
    desired: int
    members: dict[str, str]
    metrics: dict[str, float]
    cooling: dict[str, float]
    requests: dict[str, str]
    lack: str | None
    failures: int
    retry_at: float
    seen_at: float
    next_at: float | None
    timeline: list[Change]


class TargetRecord(TypedDict):
    """A target of a balancer since `since`; `until` is when it is out, None if it is to stay."""

    kind: Literal["instance", "address", "group"]
    since: float
    until: float | None


class BalancerRecord(TypedDict):
    """One load balancer. `spec` is its specification as JSON; `targets` are those of now, by their ids."""

    id: str
    region: str
    name: str
    labels: dict[str, str]
    created_at: float
    spec: dict[str, Any]
    pieces: list[str]
    address: str
    targets: dict[str, TargetRecord]
    timeline: list[Change]


class AttachmentRecord(TypedDict):
    """Where a volume is attached; `until` is when it has come off, None if it is to stay."""

    instance: str
    device: str
    until: float | None


class VolumeRecord(TypedDict):
    """One volume; `size` in bytes."""

    id: str
    region: str
    zone: str
    name: str | None
    type: str
    size: int
    labels: dict[str, str]
    created_at: float
    attachment: AttachmentRecord | None
    timeline: list[Change]


class SnapshotRecord(TypedDict):
    """One snapshot; `size` in bytes is that of its volume."""

    id: str
    region: str
    volume: str
    name: str | None
    size: int
    labels: dict[str, str]
    created_at: float
    timeline: list[Change]


class ShareRecord(TypedDict):
    """One share; `size` in bytes, `pieces` the account that it is in."""

    id: str
    region: str
    name: str | None
    size: int
    protocol: Literal["nfs", "smb"]
    labels: dict[str, str]
    created_at: float
    pieces: list[str]
    timeline: list[Change]


class PieceRecord(TypedDict):
    """What a thing is made with and no part of: a firewall, a group's template, a balancer's listeners, a share's account.

    Names are unique.
    """

    id: str
    kind: str
    region: str
    name: str
    labels: dict[str, str]
    created_at: float
