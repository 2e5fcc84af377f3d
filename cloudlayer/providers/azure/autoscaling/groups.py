"""Azure's descriptions of scale sets, read as groups of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudlayer.errors import CloudError
from cloudlayer.providers.azure import errors
from cloudlayer.providers.azure.autoscaling.members import Member, alive
from cloudlayer.providers.azure.autoscaling.models import read_asked
from cloudlayer.providers.azure.autoscaling.settings import bounds_of, is_enabled, labels_of, moves
from cloudlayer.providers.azure.load_balancing.cards import pools_of
from cloudlayer.providers.azure.marks import MODEL, NAME, part, read_labels, tags_of
from cloudlayer.providers.base.errors import Where
from cloudlayer.resources import ScalingGroup, ScalingGroupState

Document = Mapping[str, Any]

_UNFINISHED = "its autoscale setting is not made: create it again with the same token, or update it"
_UNTOLD = "Azure tells why in its log of activities alone: az monitor activity-log list"
_STOPPED = "members are of an earlier template: update it again with the same spec"


@dataclass(frozen=True, slots=True)
class Seen:
    """A group as Azure describes it, in parts: the scale set, its members, and the setting (None before there is one)."""

    found: Document
    members: Sequence[Member]
    setting: Document | None

    @property
    def desired(self) -> int:
        """How many members there are to be.

        The set's capacity goes down with each member that is deleted from outside, which is no wish of anybody's: what was
        asked for holds, but where Azure Monitor changes the size by itself.
        """
        capacity, asked = int(self.found["sku"]["capacity"]), read_asked(tags_of(self.found))
        if asked is None or (self.setting is not None and moves(self.setting) and is_enabled(self.setting)):
            return capacity
        return asked[2] if self.stale else max(capacity, asked[2])

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most members."""
        if self.setting is not None:
            return bounds_of(self.setting)
        least, most, _ = read_asked(tags_of(self.found)) or (0, int(self.found["sku"]["capacity"]), 0)
        return least, most

    @property
    def stale(self) -> list[Member]:
        """Members of an earlier template."""
        model = tags_of(self.found).get(MODEL, "")
        return [member for member in alive(self.members) if member.model != model]

    @property
    def settled(self) -> bool:
        """Whether its members are as many as are desired, all of them well and of its template."""
        present = alive(self.members)
        well = all(member.healthy for member in present) and not self.stale
        return well and len(present) == self.desired and _state(self.found) == "succeeded"


def read_group(seen: Seen, region: str, view: Document | None) -> ScalingGroup:
    """A group from its parts; `view` is the set's own view, where it is not settled."""
    found, tags = seen.found, tags_of(seen.found)
    least, most = seen.bounds
    return ScalingGroup(
        found["name"],
        "azure",
        region,
        state=_group_state(seen),
        name=tags.get(NAME, str(found["name"])),
        min=least,
        max=most,
        desired=seen.desired,
        members=tuple(member.noun for member in seen.members),
        balancers=tuple(dict.fromkeys(str(part(pool["id"], "loadBalancers")) for pool in pools_of(found))),
        labels=labels_of(seen.setting) if seen.setting is not None else read_labels(tags),
        reason=None if seen.settled and seen.setting is not None else _reason(seen, view),
        native={"set": found, "setting": seen.setting, "view": view},
    )


def failure_of(group: ScalingGroup) -> CloudError | None:
    """The error that a group's set failed with; None if it did not, or Azure tells no code."""
    native = group.native or {}
    code, message = _failure(native.get("view"))
    if not code:
        return None
    return errors.from_failure({"error": {"code": code, "message": message}}, {}, where_of(native["set"]), "vCPUs")


def where_of(found: Document) -> Where:
    """What a set's machines are, for errors that say what to avoid."""
    return Where("azure", str(found["location"]).lower().replace(" ", ""), None, str(found["sku"]["name"]))


def is_ending(found: Document) -> bool:
    """Whether the set is being deleted."""
    return _state(found) == "deleting"


def _state(found: Document) -> str:
    return str(found["properties"].get("provisioningState") or "creating").lower()


def _group_state(seen: Seen) -> ScalingGroupState:
    state = _state(seen.found)
    if state == "deleting":
        return ScalingGroupState.DELETING
    if seen.setting is None or state == "creating":
        return ScalingGroupState.CREATING
    if state == "failed":
        return ScalingGroupState.FAILED
    return ScalingGroupState.ACTIVE if seen.settled else ScalingGroupState.UPDATING


def _reason(seen: Seen, view: Document | None) -> str | None:
    code, message = _failure(view)
    if code:
        return f"{code}: {message}" if message else code
    told = next((member.reason for member in seen.members if member.reason), None) or _untold(seen.found)
    if told:
        return told
    if seen.setting is None:
        return _UNFINISHED
    if seen.stale and not is_enabled(seen.setting):
        return _STOPPED
    missing = seen.desired - len(alive(seen.members))
    if missing > 0 and _state(seen.found) == "succeeded":
        return f"{missing} of its members are gone, and Azure makes no others by itself: set the desired size again"
    return None


def _untold(found: Document) -> str | None:
    """Where it is told why a set has failed, if it has."""
    return f"{_UNTOLD} --resource-id {found['id']}" if _state(found) == "failed" else None


def _failure(view: Document | None) -> tuple[str, str]:
    """Code and message of the status "ProvisioningState/failed/CODE" in a set's view."""
    for status in (view or {}).get("statuses") or ():
        parts = str(status.get("code", "")).split("/")
        if parts[:2] == ["ProvisioningState", "failed"] and len(parts) > 2:
            return "/".join(parts[2:]), str(status.get("message") or "")
    return "", ""
