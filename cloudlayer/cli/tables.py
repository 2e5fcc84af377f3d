"""How groups, balancers, volumes and what belongs to them look in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudlayer.cli.output import UNKNOWN, plain, print_json, print_table
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.resources import (
        GroupMember,
        LoadBalancer,
        Quota,
        ScalingGroup,
        Share,
        Snapshot,
        TargetHealth,
        Volume,
        VolumeType,
    )

Row = tuple[object, ...]

GROUPS = ("NAME", "ID", "STATE", "PROVIDER", ">MEMBERS", ">DESIRED", ">MIN", ">MAX", "WHY")
MEMBERS = ("INSTANCE", "ZONE", "STATE", "HEALTHY")
BALANCERS = ("NAME", "ID", "STATE", "PROVIDER", "ADDRESS", "LISTENERS", "WHY")
TARGETS = ("TARGET", "STATE", "WHY")
VOLUMES = ("NAME", "ID", "STATE", "PROVIDER", "ZONE", ">SIZE", "TYPE", "ATTACHED TO", "DEVICE", "WHY")
SNAPSHOTS = ("NAME", "ID", "STATE", "PROVIDER", ">SIZE", "VOLUME", "WHY")
SHARES = ("NAME", "ID", "STATE", "PROVIDER", ">SIZE", "PROTOCOL", "WHY")
TYPES = ("NAME", "DEFAULT", ">SMALLEST", ">LARGEST", ">IOPS", ">THROUGHPUT/S", "DESCRIPTION")
QUOTAS = ("LIMIT ON", ">USED", ">OF", "MEND")

NEARLY_FULL = 0.8
"""The part of a limit from which its mend is told."""


def group_row(group: ScalingGroup) -> Row:
    """A line of GROUPS."""
    sizes = (len(group.members), group.desired, group.min, group.max)
    return (group.name, group.id, group.state, _place(group), *sizes, group.reason)


def member_row(member: GroupMember) -> Row:
    """A line of MEMBERS."""
    return (member.instance, member.zone, member.state, "yes" if member.healthy else "no")


def balancer_row(balancer: LoadBalancer) -> Row:
    """A line of BALANCERS."""
    listeners = ", ".join(f"{one.protocol}:{one.port}:{one.target_port}" for one in balancer.listeners)
    return (balancer.name, balancer.id, balancer.state, _place(balancer), balancer.address, listeners, balancer.reason)


def target_row(target: TargetHealth) -> Row:
    """A line of TARGETS."""
    return (target.target, target.state, target.reason)


def volume_row(volume: Volume) -> Row:
    """A line of VOLUMES."""
    what = (volume.name, volume.id, volume.state, _place(volume), volume.zone, format_size(volume.size), volume.type)
    return (*what, volume.attached_to, volume.device, volume.reason)


def snapshot_row(snapshot: Snapshot) -> Row:
    """A line of SNAPSHOTS."""
    what = (snapshot.name, snapshot.id, snapshot.state, _place(snapshot), format_size(snapshot.size))
    return (*what, snapshot.volume, snapshot.reason)


def share_row(share: Share) -> Row:
    """A line of SHARES."""
    return (share.name, share.id, share.state, _place(share), format_size(share.size), share.protocol, share.reason)


def type_row(kind: VolumeType) -> Row:
    """A line of TYPES; what is empty cannot be asked for, or has no limit."""
    sizes = (_size(kind.smallest), _size(kind.largest))
    return (kind.name, "yes" if kind.default else "", *sizes, kind.iops, _size(kind.throughput), kind.description)


def quota_row(quota: Quota) -> Row:
    """A line of QUOTAS, with its mend if it is nearly full."""
    used = UNKNOWN if quota.used is None else f"{quota.used:.12g}"
    return (quota.name, used, f"{quota.limit:.12g}", quota.mend if is_nearly_full(quota) else "")


def is_nearly_full(quota: Quota) -> bool:
    """Whether so much of it is used that the next create may be refused; not where that is not known."""
    return quota.used is not None and quota.used >= NEARLY_FULL * quota.limit


def print_one(thing: object, *, json: bool) -> None:
    """Show all that is known of one thing."""
    if json:
        print_json(thing)
    else:
        print_table(["WHAT", ""], [(key, _words(value)) for key, value in plain(thing).items() if value])


def _place(thing: Any) -> str:
    return f"{thing.provider}:{thing.region}"


def _size(size: int | None) -> str | None:
    return None if size is None else format_size(size)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_words(item)}" for key, item in value.items() if item is not None)
    return "; ".join(_words(item) for item in value) if isinstance(value, list) else str(value)
