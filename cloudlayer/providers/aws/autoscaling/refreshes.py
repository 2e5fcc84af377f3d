"""Instance refreshes: how a group's members are replaced by those of a changed template, a few at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.base.patience import insist

_UNDER_WAY: Final = ("Pending", "InProgress", "Baking")
_BUSY: Final = ("InstanceRefreshInProgress",)
_GENTLY: Final = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110, "SkipMatching": True}
"""New members come before old ones go, a tenth (at least one) at a time; those of the new template stay."""


class Refreshes:
    """Instance refreshes in one region."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def begin(self, group: str, since: datetime, deadline: Deadline) -> None:
        """Begin to replace members of earlier templates; one begun after `since` goes on, an earlier one makes way for it.

        Both times are of whole seconds: within one, a refresh begins anew, which costs little and misses no member.
        """

        def attempt() -> None:
            running = self._running(group, deadline)
            if running is not None:
                if running.get("StartTime") is None or running["StartTime"] > since:
                    return
                with suppress(NotFound):  # it has ended meanwhile
                    self._call("cancel_instance_refresh", group, deadline)
            self._call("start_instance_refresh", group, deadline, Preferences=_GENTLY)

        insist(attempt, _BUSY, self._clock, deadline, f"waiting for an earlier refresh of {group} to end")

    def reason(self, group: str, deadline: Deadline) -> str | None:
        """Why the latest refresh is as it is."""
        latest = self._latest(group, deadline)
        return str(latest.get("StatusReason") or "") or None if latest is not None else None

    def _running(self, group: str, deadline: Deadline) -> Mapping[str, Any] | None:
        """The refresh that is under way: a group has one at a time."""
        latest = self._latest(group, deadline)
        return latest if latest is not None and latest["Status"] in _UNDER_WAY else None

    def _latest(self, group: str, deadline: Deadline) -> Mapping[str, Any] | None:
        """The newest comes first."""
        found = self._call("describe_instance_refreshes", group, deadline, MaxRecords=1)["InstanceRefreshes"]
        return next(iter(found), None)

    def _call(self, operation: str, group: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="autoscaling", AutoScalingGroupName=group, deadline=deadline, **parameters)
