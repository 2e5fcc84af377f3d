"""Autoscaling: scale sets of Azure.

A set's native name follows from its token, and so do the names of all that is made for it: a second create finds what the first
one made, and a delete what a broken-off one left.

Sets are flexible unless `overrides.orchestration` says otherwise: their members are virtual machines like all others, with
network interfaces that balancers and their probes know one by one. The members of a uniform set are parts of it, "SET/NUMBER",
of which Azure tells neither address nor probes in the ways that are used here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CapacityError, CloudError, Conflict, QuotaError, Throttled
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.azure.autoscaling.groups import Seen, failure_of, is_ending, where_of
from cloudlayer.providers.azure.autoscaling.lookup import GroupLookup
from cloudlayer.providers.azure.autoscaling.making import PREFIX, GroupMaking, mode_of, zones_differ
from cloudlayer.providers.azure.autoscaling.members import Members, alive
from cloudlayer.providers.azure.autoscaling.models import Plan, plan_group, read_asked, write_asked
from cloudlayer.providers.azure.autoscaling.outcomes import Outcomes
from cloudlayer.providers.azure.autoscaling.replacing import Replacing
from cloudlayer.providers.azure.autoscaling.settings import check_policies, step_of
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.choices import Choices
from cloudlayer.providers.azure.creation import SETS, Things
from cloudlayer.providers.azure.load_balancing.cards import Cards, pools_of
from cloudlayer.providers.azure.marks import ASKED, MAY_COME, MODEL, NAME, RESTS, same_spec, tags_of
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.base.attempts import checked_token, fingerprint, native_name
from cloudlayer.providers.base.autoscaling import BaseAutoscaling, checked_size, require_group
from cloudlayer.providers.base.turns import Turns
from cloudlayer.resources import Leftover, ScalingGroup, ScalingGroupSpec, ScalingGroupState

_LONGEST_NAME: Final = 40
_REPLACING: Final = 3600.0
"""Seconds that an update without a deadline gives to the replacement of members."""
_VOLATILE: Final = (ASKED, RESTS)
"""Tags of a set that say nothing about its members."""


class AzureAutoscaling(BaseAutoscaling):
    """Scale sets in one resource group and location. A group's id is its set's name."""

    def __init__(self, client: Client, capabilities: Capabilities, choices: Choices, places: Places, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        outcomes = Outcomes(client)
        self._sets = Things(client, SETS, outcomes.note)
        self._members = Members(client)
        self._cards = Cards(client)
        self._making = GroupMaking(client, self._sets, choices, places, clock)
        self._lookup = GroupLookup(client, self._members, outcomes)
        self._replacing = Replacing(self._sets, self._lookup, self._members, clock)
        self._turns = Turns()

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group with its `desired` (else `min`) members; idempotent by token."""
        token = checked_token(token)
        self._check(spec)
        plan = plan_group(spec, native_name(PREFIX, token, _LONGEST_NAME), token, fingerprint([spec]))
        bound = self._bound(deadline)
        try:
            found = self._sets.find(plan.name, bound) or self._making.make(plan, bound)
            same_spec(tags_of(found), plan.digest, plan.name)
            if is_ending(found):
                raise self._conflict("GroupIsEnding", f"{plan.name} is being deleted: another one needs a new token")
            seen = self._lookup.seen(plan.name, bound)
            if seen.setting is None:
                self._making.govern(plan, bound)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # what stays is told by `leftovers`, and the first error is the one that counts
                    self._making.unmake(plan.name, bound)
            raise
        return self._lookup.get(plan.name, bound)

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Bring the group to `spec`. A changed template waits until every member is replaced, at most an hour.

        New members come before old ones go, a tenth (at least one) at a time; meanwhile Azure Monitor changes nothing. Where it
        is broken off, the same update goes on with it. Conflict for other zones, another orchestration, or an image of another
        publisher or offer: Azure fixes them.
        """
        self._check(spec)
        bound = self._bound(deadline)
        seen = self._lookup.seen(id, bound)
        tags = tags_of(seen.found)
        plan = plan_group(spec, id, tags.get(names.TOKEN, ""), tags.get(names.SPEC, "")) if names.TOKEN in tags else None
        plan = self._allowed(seen, spec, plan)
        if tags.get(MODEL) != plan.model:
            self._making.require_image(seen.found, plan, bound)
        replaced = tags.get(MODEL) != plan.model or bool(seen.stale)
        self._reshape(seen, plan, _desired(seen, spec), replaced, bound)
        if replaced:
            self._replacing.run(id, deadline or Deadline.after(_REPLACING, self.clock))
            bound = self._bound(deadline)
            self._making.govern(plan, bound)
            self._making.tidy(plan, bound)
        self._rebalance(seen.found, plan, bound)
        self._retag(id, tags, bound)
        return self._lookup.get(id, bound)

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members, whatever cooldown there may be. Azure takes a newer size in place of an older one."""
        bound = self._bound(deadline)
        with self._turns.take(id, bound):
            found = self._sets.get(id, bound)
            group = self._lookup.get(id, bound)
            self._resize(found, checked_size(group, size), bound)

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy now, within the bounds. A cooldown is kept in a tag of the set, and waited out.

        Azure has no step that can be executed: the size is read and written. Executes of one process take turns; of two
        processes that execute at the same moment, one may count for both.
        """
        bound = self._bound(deadline)
        with self._turns.take(id, bound):
            while True:
                bound.check(f"executing {policy}")
                seen = self._lookup.seen(id, bound)
                step = step_of(seen.setting or {}, id, policy)
                left = float(tags_of(seen.found).get(RESTS, 0)) - self.clock.now()
                if left <= 0:
                    break
                if left >= bound.remaining():
                    message = f"group {id} is within a cooldown: come again in {left:.0f} s"
                    raise Throttled(message, retry_after=left, provider=self.provider, code="Cooldown")
                self.clock.sleep(left)
            least, most = seen.bounds
            size = min(max(seen.desired + step.change, least), most)
            self._resize(seen.found, size, bound, {RESTS: f"{self.clock.now() + step.cooldown:.3f}"})

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members and their health; NotFound if it is not there."""
        return self._lookup.get(id, self._bound(deadline))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every scale set that carries all of `labels`, with its members."""
        return self._lookup.list(dict(labels or {}), self._bound(deadline))

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the group; where it has a security group of its own, this waits for its members to be gone."""
        self._making.unmake(id, self._bound(deadline))

    def failure(self, group: ScalingGroup, wanted: ScalingGroupState) -> CloudError:
        """The error for a group that ended on its way: a lack of capacity or quota is told apart, by Azure's code."""
        error = failure_of(group)
        return error if isinstance(error, CapacityError | QuotaError) else super().failure(group, wanted)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Autoscale settings and security groups with all of `labels` whose set is not there."""
        return self._making.leftovers(labels, deadline)

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its set is there after all; False if it is of another kind."""
        return self._making.delete_leftover(leftover, deadline)

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _check(self, spec: ScalingGroupSpec) -> None:
        """Raise for what cannot be had, before any call."""
        require_group(spec, self.capabilities)
        check_policies(spec)

    def _allowed(self, seen: Seen, spec: ScalingGroupSpec, plan: Plan | None) -> Plan:
        """The plan, if a group may be brought to it."""
        found = seen.found
        group, name = found["name"], tags_of(found).get(NAME)
        if plan is None:
            raise self._conflict("NotOurs", f"{group} was not made by cloudlayer: change it where it was made")
        if name != spec.name:
            raise self._conflict("NameIsFixed", f"{group} is called {name}: a name cannot change; make a new group")
        if is_ending(found):
            raise self._conflict("GroupIsEnding", f"{group} is being deleted: make a new one")
        if zones_differ(found, spec.zones):
            zones = ", ".join(found.get("zones") or ()) or "none"
            raise self._conflict("ZonesAreFixed", f"zones: Azure fixes a set's with its creation ({zones}): make a new group")
        if plan.overrides.orchestration != mode_of(found):
            raise self._conflict("ModeIsFixed", f"overrides.orchestration: {group} is {mode_of(found)}, and stays so")
        return plan

    def _reshape(self, seen: Seen, plan: Plan, desired: int, replaced: bool, deadline: Deadline) -> None:
        """Bring setting and set to the plan. While members are replaced, the setting is off: they are more than the bounds."""
        found, tags = seen.found, tags_of(seen.found)
        self._making.govern(plan, deadline, enabled=not replaced)
        wanted = {**plan.set_tags(desired), **({RESTS: tags[RESTS]} if RESTS in tags else {})}
        if tags.get(MODEL) != plan.model:
            try:
                self._making.remake(found, plan, desired, wanted, deadline)
            except CloudError as error:
                if not isinstance(error, MAY_COME):
                    with suppress(CloudError):  # the first error is the one that counts
                        self._making.restore(seen, plan.model, deadline)
                raise
        elif tags != wanted or int(found["sku"]["capacity"]) != desired:
            body = {"tags": wanted, "sku": {**found["sku"], "capacity": desired}}
            self._sets.change(found["name"], body, deadline, wait=replaced, where=where_of(found))

    def _rebalance(self, found: Mapping[str, Any], plan: Plan, deadline: Deadline) -> None:
        """Put the set into the spec's balancer, and take it out of the one that it was made with and is not the spec's."""
        wanted = self._making.pools(plan.spec.balancer, deadline)
        present = [str(pool["id"]) for pool in pools_of(found)]
        for pool in present:
            if pool not in wanted:
                self._cards.leave_set(plan.name, pool, deadline)
        for pool in wanted:
            if pool not in present:
                self._cards.join_set(plan.name, pool, deadline)

    def _retag(self, group: str, before: Mapping[str, str], deadline: Deadline) -> None:
        """Give the members that stay the group's new labels."""
        seen = self._lookup.seen(group, deadline)
        tags = tags_of(seen.found)
        if _lasting(before) == _lasting(tags):
            return
        members = [member for member in alive(seen.members) if _lasting(member.tags) != _lasting(tags)]
        if members:
            self._members.tag(seen.found, members, tags, deadline)

    def _resize(self, found: Mapping[str, Any], size: int, deadline: Deadline, marks: Mapping[str, str] | None = None) -> None:
        """Begin to bring the set to so many members, and write down that they are asked for."""
        tags = {**tags_of(found), **(marks or {})}
        asked = read_asked(tags)
        if asked is not None:
            tags[ASKED] = write_asked(asked[0], asked[1], size)
        body = {"tags": tags, "sku": {**found["sku"], "capacity": size}}
        self._sets.change(found["name"], body, deadline, wait=False, where=where_of(found))

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)


def _desired(seen: Seen, spec: ScalingGroupSpec) -> int:
    """What an update is to bring the size to."""
    return min(max(seen.desired, spec.min), spec.max) if spec.desired is None else spec.desired


def _lasting(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name not in _VOLATILE}
