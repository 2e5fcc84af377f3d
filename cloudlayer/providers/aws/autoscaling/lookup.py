"""Groups as they are now, with what their description alone does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloudlayer.errors import NotFound, RejectedSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.aws.autoscaling.groups import is_settled, member_versions, read_group, template_version
from cloudlayer.providers.aws.autoscaling.refreshes import Refreshes
from cloudlayer.providers.aws.autoscaling.templates import Templates, content_of
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.load_balancing.targets import Targets
from cloudlayer.resources import ScalingGroup

ABSENT: Final = "GroupNotFound"
"""Our code for a group that is not there: Auto Scaling has none, its list is then empty."""
_LAST_FEW: Final = 20


class GroupLookup:
    """Looks up groups in one region."""

    def __init__(self, client: Client, templates: Templates, targets: Targets, refreshes: Refreshes, *, clock: Clock) -> None:
        self._client = client
        self._refreshes = refreshes
        self._templates = templates
        self._targets = targets
        self._clock = clock

    def described(self, deadline: Deadline, **wanted: Any) -> Iterator[dict[str, Any]]:
        """Descriptions of groups; of every one where nothing is wanted."""
        return self._client.pages(
            "describe_auto_scaling_groups", "AutoScalingGroups", service="autoscaling", deadline=deadline, **wanted
        )

    def names(self, deadline: Deadline) -> set[str]:
        """The names of all groups."""
        return {found["AutoScalingGroupName"] for found in self.described(deadline)}

    def find(self, group: str, deadline: Deadline) -> dict[str, Any] | None:
        """A group's description; None if it is not there."""
        return next(self.described(deadline, AutoScalingGroupNames=[group]), None)

    def found(self, group: str, deadline: Deadline) -> dict[str, Any]:
        """A group's description; NotFound if it is not there."""
        found = self.find(group, deadline)
        if found is None:
            raise NotFound(f"scaling group {group} is not there", provider="aws", code=ABSENT)
        return found

    def read(self, found: Mapping[str, Any], deadline: Deadline) -> ScalingGroup:
        """A group with its balancers, and with the reason where it is not settled."""
        group, stale = found["AutoScalingGroupName"], self.outdated(found, deadline) is not None
        reason = None if is_settled(found) else self._reason(group, deadline)
        return read_group(
            found,
            self._client.region,
            balancers=self._targets.balancers(found.get("TargetGroupARNs", ()), deadline),
            stale=stale,
            reason=reason or (self._refreshes.reason(group, deadline) if stale else None),
        )

    def outdated(self, found: Mapping[str, Any], deadline: Deadline) -> datetime | None:
        """Where a member is of another content than the group's template has now: since when the template has had it."""
        current = template_version(found)
        others = member_versions(found) - {current}
        if not others or not current.isdecimal():
            return None
        versions = self._templates.versions(found["AutoScalingGroupName"], {current, *others}, deadline)
        wanted = content_of(versions.get(current, {}))
        if all(content_of(versions.get(other, {})) == wanted for other in others):
            return None
        created: datetime = versions[current]["CreateTime"]
        return created

    def cooldown_left(self, group: str, cooldown: float, deadline: Deadline) -> float:
        """Seconds until a cooldown is over: it begins when the latest activity has ended."""
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        for activity in self._activities(group, deadline):
            if activity.get("EndTime") is not None:
                ended: datetime = activity["EndTime"]
                return max(0.0, cooldown - (now - ended).total_seconds())
        return cooldown

    def _reason(self, group: str, deadline: Deadline) -> str | None:
        """Why the latest activity that has ended failed; None if it did not."""
        for activity in self._activities(group, deadline):
            if activity["StatusCode"] in ("Failed", "Cancelled"):
                return str(activity.get("StatusMessage") or activity.get("Cause") or "") or None
            if activity["StatusCode"] == "Successful":
                return None
        return None

    def _activities(self, group: str, deadline: Deadline) -> list[dict[str, Any]]:
        """The latest activities, the newest first."""
        wanted: dict[str, Any] = {"AutoScalingGroupName": group, "MaxRecords": _LAST_FEW}
        try:
            answer = self._client.call("describe_scaling_activities", service="autoscaling", deadline=deadline, **wanted)
        except RejectedSpec:  # the group went a moment ago
            return []
        found: list[dict[str, Any]] = answer["Activities"]
        return found
