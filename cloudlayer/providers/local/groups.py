"""What scaling groups are on this host: a record of what is wanted, and of the members that were made for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudlayer.providers.base.attempts import derive, fingerprint
from cloudlayer.providers.local.launch import machine_id
from cloudlayer.providers.local.shelf import Kept, Shelf
from cloudlayer.resources import InstanceSpec, ScalingGroupSpec


@dataclass(frozen=True)
class MemberRecord:
    """One member, by its number, in the record before its machine is made. `until` is when one that leaves has to be out."""

    number: int
    revision: str
    made: bool = False
    until: float | None = None


@dataclass(frozen=True, kw_only=True)
class GroupRecord(Kept):
    """One group. `spec` is its spec as JSON would have it; no step is taken before `cool_at`, in seconds since 1970."""

    spec: dict[str, Any]
    desired: int
    members: tuple[MemberRecord, ...] = ()
    made: int = 0
    cool_at: float = 0.0
    settled: bool = False
    deleting: bool = False
    reason: str | None = None

    @property
    def wanted(self) -> ScalingGroupSpec:
        """Its spec."""
        return ScalingGroupSpec.model_validate_json(json.dumps(self.spec))

    @property
    def staying(self) -> tuple[MemberRecord, ...]:
        """The members that are not on their way out."""
        return tuple(member for member in self.members if member.until is None)

    @property
    def complete(self) -> bool:
        """Whether nothing is to be done."""
        wanted = revision(self.wanted)
        right = all(member.made and member.until is None and member.revision == wanted for member in self.members)
        return right and len(self.members) == self.desired and not self.deleting

    def member_token(self, member: MemberRecord) -> str:
        """The token that makes a member's machine."""
        return derive(self.token, "member", member.number)

    def machine(self, member: MemberRecord) -> str:
        """The id of a member's machine."""
        return machine_id(self.member_token(member))


def group_shelf(state: Path) -> Shelf[GroupRecord]:
    """The groups of a state folder."""
    return Shelf(state, "groups", "group", _read)


def revision(spec: ScalingGroupSpec) -> str:
    """What differs when members have to be replaced: the template, and the machine types that may take its place."""
    template = spec.template.model_copy(update={"overrides": {"machine_types": spec.machine_types}})
    return fingerprint([template])


def candidates(spec: ScalingGroupSpec) -> list[InstanceSpec]:
    """What a member may be made from, in order: the template, and the template with each other machine type."""
    others = [spec.template.model_copy(update={"machine_type": name}) for name in spec.machine_types]
    return [spec.template, *others]


def _read(content: dict[str, Any]) -> GroupRecord:
    return GroupRecord(**content | {"members": tuple(MemberRecord(**member) for member in content["members"])})
