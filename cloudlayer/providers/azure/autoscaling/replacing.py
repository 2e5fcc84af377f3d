"""How members of an earlier template are replaced, a few at a time, so that the others go on working.

Neither mode does that by itself in this API version: a uniform set's upgrades, rolling ones too, change members in place and
start none anew, and flexible sets have no upgrades at all. So new members are made beside the old ones, and once they run as
many old ones are deleted. Whoever begins that must go on with it: what is left undone the next update does.
"""

from __future__ import annotations

from typing import Final

from cloudlayer.errors import CloudError, TransientError
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.autoscaling.groups import Seen, failure_of, read_group, where_of
from cloudlayer.providers.azure.autoscaling.lookup import GroupLookup
from cloudlayer.providers.azure.autoscaling.members import Member, Members, alive
from cloudlayer.providers.azure.creation import Things
from cloudlayer.resources import InstanceState

_SHARE: Final = 10
"""One in so many members (at least one) is replaced at a time."""
_PAUSE: Final = 5.0


class Replacing:
    """Replaces the members of one resource group's sets."""

    def __init__(self, sets: Things, lookup: GroupLookup, members: Members, clock: Clock) -> None:
        self._sets = sets
        self._lookup = lookup
        self._members = members
        self._clock = clock

    def run(self, group: str, deadline: Deadline) -> None:
        """Replace every member of an earlier template. Raises what keeps new ones from coming; the old ones stay then."""
        while True:
            seen = self._lookup.seen(group, deadline)
            stale = seen.stale
            if not stale:
                return
            leaving = self._next(seen, stale)
            self._wait_for(group, seen, seen.desired + len(leaving), deadline)
            self._members.delete(seen.found, leaving, deadline)

    def _next(self, seen: Seen, stale: list[Member]) -> list[Member]:
        """Who goes next: those that do not run first."""
        batch = max(1, seen.desired // _SHARE)
        return sorted(stale, key=lambda member: member.healthy)[:batch]

    def _wait_for(self, group: str, seen: Seen, size: int, deadline: Deadline) -> None:
        """Have so many members, and all of them running that are of the newest template."""
        while not self._are_there(seen, size):
            deadline.check(f"replacing members of {group}; the same update goes on with it")
            if int(seen.found["sku"]["capacity"]) < size:
                body = {"sku": {**seen.found["sku"], "capacity": size}}
                self._sets.change(group, body, deadline, where=where_of(seen.found))
            else:
                self._clock.sleep(min(_PAUSE, deadline.remaining()))
            seen = self._lookup.seen(group, deadline)
            self._refuse_failed(group, seen, deadline)

    def _are_there(self, seen: Seen, size: int) -> bool:
        stale = {member.id for member in seen.stale}
        fresh = [member for member in alive(seen.members) if member.id not in stale]
        return len(stale) + len(fresh) >= size and all(member.healthy for member in fresh)

    def _refuse_failed(self, group: str, seen: Seen, deadline: Deadline) -> None:
        failed = [member for member in seen.members if member.state is InstanceState.FAILED]
        if str(seen.found["properties"].get("provisioningState")).lower() != "failed" and not failed:
            return
        error = failure_of(read_group(seen, "", self._lookup.view(seen.found, deadline)))
        reason = next((member.reason for member in failed if member.reason), None)
        raise error or _unknown(group, reason)


def _unknown(group: str, reason: str | None) -> CloudError:
    message = f"new members of {group} do not come up" + (f": {reason}" if reason else "")
    return TransientError(message, provider="azure", code="MembersFailed")
