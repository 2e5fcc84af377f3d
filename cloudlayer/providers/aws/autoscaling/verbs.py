"""Autoscaling: EC2 Auto Scaling groups with launch templates.

A group's native name follows from its token, and so do the names of all that is made for it: a second create finds what the
first one made, and a delete what a broken-off one left. A member is well as long as EC2 finds its machine well: what its
balancer thinks of it replaces nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CloudError, Conflict, RejectedSpec, Throttled
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.aws.autoscaling.groups import is_ending, read_group
from cloudlayer.providers.aws.autoscaling.lookup import ABSENT, GroupLookup
from cloudlayer.providers.aws.autoscaling.making import GroupMaking
from cloudlayer.providers.aws.autoscaling.policies import Policies, check_policies, require_counters
from cloudlayer.providers.aws.autoscaling.refreshes import Refreshes
from cloudlayer.providers.aws.autoscaling.templates import Plan, Templates, plan_template
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.compute.choices import Choices
from cloudlayer.providers.aws.firewall import Firewall
from cloudlayer.providers.aws.load_balancing.targets import INSTANCES, Targets, counters, require_kind
from cloudlayer.providers.aws.marks import LIMITS, MAKING, MAY_COME, all_tags, read_labels, same_spec
from cloudlayer.providers.aws.options import GroupOverrides
from cloudlayer.providers.aws.tags import NAME
from cloudlayer.providers.base.attempts import checked_token, fingerprint, native_name
from cloudlayer.providers.base.autoscaling import BaseAutoscaling, checked_size, require_group
from cloudlayer.providers.base.patience import PAUSE, insist
from cloudlayer.resources import Leftover, ScalingGroup, ScalingGroupSpec
from cloudlayer.specs import checked

_LONGEST_NAME: Final = 100
_FIREWALL: Final = "scaling-"
_BUSY: Final = ("ScalingActivityInProgress",)


class AwsAutoscaling(BaseAutoscaling):
    """Auto Scaling groups in one region. A group's id is its native name."""

    settle = 5.0

    def __init__(self, client: Client, capabilities: Capabilities, choices: Choices, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._templates = Templates(client)
        self._policies = Policies(client)
        self._refreshes = Refreshes(client, clock)
        self._targets = Targets(client, clock)
        self._firewall = Firewall(client, clock, _FIREWALL)
        self._lookup = GroupLookup(client, self._templates, self._targets, self._refreshes, clock=clock)
        self._making = GroupMaking(client, choices, self._templates, self._firewall)

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group with its `desired` (else `min`) members; idempotent by token."""
        token = checked_token(token)
        overrides = self._checked(spec)
        plan = plan_template(spec, native_name(None, token, _LONGEST_NAME), token, fingerprint([spec]))
        bound = self._bound(deadline)
        try:
            found = self._lookup.find(plan.group, bound) or self._make(spec, plan, overrides, bound)
            self._check_same(found, plan)
            if MAKING in all_tags(found["Tags"]):
                self._complete(found, spec, plan, self._routes(spec, bound), bound)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # what stays is told by `leftovers`, and the first error is the one that counts
                    self.delete(plan.group, deadline=bound)
            raise
        return self.get(plan.group, deadline=bound)

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to bring the group to `spec`. The disks and network interfaces of members that stay keep their labels."""
        overrides = self._checked(spec)
        bound = self._bound(deadline)
        found = self._lookup.found(id, bound)
        tags = all_tags(found["Tags"])
        self._check_ours(found, tags, spec)
        plan = plan_template(spec, id, tags[names.TOKEN], tags.get(names.SPEC, ""))
        routes = self._routes(spec, bound)
        changes = self._making.changes(found, spec, plan, overrides, bound)
        if changes:
            self._insist("update_auto_scaling_group", id, bound, **changes)
        self._making.retag(found, plan, bound)
        self._rebalance(found, [route["TargetGroupArn"] for route in routes], bound)
        self._complete(found, spec, plan, routes, bound)
        since = self._lookup.outdated(self._lookup.found(id, bound), bound)
        if since is not None:
            self._refreshes.begin(id, since, bound)
        return self.get(id, deadline=bound)

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members, whatever cooldown there may be."""
        bound = self._bound(deadline)
        wanted = checked_size(read_group(self._lookup.found(id, bound), self.region), size)
        self._insist("set_desired_capacity", id, bound, DesiredCapacity=wanted, HonorCooldown=False)

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy now; Auto Scaling refuses it during a cooldown, which is waited out.

        TransientError says that the step may have been taken: look at the group before it is executed again.
        """
        bound = self._bound(deadline)
        self._lookup.found(id, bound)
        cooldown = float(self._policies.find(id, policy, bound)["Cooldown"])
        while not self._stepped(id, policy, bound):
            left = max(self._lookup.cooldown_left(id, cooldown, bound), PAUSE)
            if left >= bound.remaining():
                message = f"group {id} is within a cooldown or an earlier change: come again in {left:.0f} s"
                raise Throttled(message, retry_after=left, provider=self.provider, code=_BUSY[0])
            self.clock.sleep(left)

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members and their health; NotFound if it is not there."""
        bound = self._bound(deadline)
        return self._lookup.read(self._lookup.found(id, bound), bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the group; where it has a firewall of its own, this waits for its members to be gone."""
        bound = self._bound(deadline)
        found = self._lookup.find(id, bound)
        if found is not None and not is_ending(found):
            self._targets.detach(id, found.get("TargetGroupARNs", ()), bound)
            self._end(id, bound)
        self._policies.forget(id, bound)
        self._templates.delete(id, bound)
        self._firewall.close(id, bound)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Leftover]:
        """Templates, alarms and firewalls with all of `labels` whose group is not there."""
        groups = self._lookup.names(deadline)
        parts = (self._templates, self._policies, self._firewall)
        return [leftover for part in parts for leftover in part.leftovers(groups, labels, deadline)]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its group is there after all; False if it is of another kind."""
        for part in (self._templates, self._policies, self._firewall):
            if part.owns(leftover):
                if self._lookup.find(part.owner(leftover), deadline) is None:
                    part.remove(leftover, deadline)
                return True
        return False

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`, with its members."""
        bound, wanted = self._bound(deadline), dict(labels or {})
        tags = [{"Name": f"tag:{name}", "Values": [value]} for name, value in wanted.items()]
        groups = self._lookup.described(bound, **({"Filters": tags} if tags else {}))
        labelled = (found for found in groups if wanted.items() <= read_labels(all_tags(found["Tags"])).items())
        return [self._lookup.read(found, bound) for found in labelled]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _checked(self, spec: ScalingGroupSpec) -> GroupOverrides:
        """The spec's overrides; raises for what cannot be had, before any call."""
        require_group(spec, self.capabilities)
        LIMITS.check(spec.labels)
        LIMITS.check(spec.template.labels)
        check_policies(spec)
        return checked(GroupOverrides, spec.overrides, "overrides")

    def _check_same(self, found: Mapping[str, Any], plan: Plan) -> None:
        same_spec(all_tags(found["Tags"]), plan.digest, plan.group)
        if is_ending(found):
            raise self._conflict("GroupIsEnding", f"{plan.group} is being deleted: another one needs a new token")

    def _check_ours(self, found: Mapping[str, Any], tags: Mapping[str, str], spec: ScalingGroupSpec) -> None:
        group = found["AutoScalingGroupName"]
        if names.TOKEN not in tags:
            raise self._conflict("NotOurs", f"{group} was not made by cloudlayer: change it where it was made")
        if tags.get(NAME) != spec.name:
            raise self._conflict("NameIsFixed", f"{group} is called {tags.get(NAME)}: a name cannot change; make a new group")
        if is_ending(found):
            raise self._conflict("GroupIsEnding", f"{group} is being deleted: make a new one")

    def _make(self, spec: ScalingGroupSpec, plan: Plan, overrides: GroupOverrides, deadline: Deadline) -> Mapping[str, Any]:
        routes = [route["TargetGroupArn"] for route in self._routes(spec, deadline)]
        self._making.make(spec, plan, overrides, routes=routes, deadline=deadline)
        doing = f"waiting for {plan.group} to show"
        return insist(lambda: self._lookup.found(plan.group, deadline), (ABSENT,), self.clock, deadline, doing)

    def _complete(
        self,
        found: Mapping[str, Any],
        spec: ScalingGroupSpec,
        plan: Plan,
        routes: Iterable[Mapping[str, Any]],
        deadline: Deadline,
    ) -> None:
        """Bring the policies to the spec's, and say that nothing is left to be made."""
        self._policies.apply(plan.group, spec, counters(routes), plan.tags, deadline)
        if MAKING in all_tags(found["Tags"]):
            self._making.unmark(plan.group, deadline)

    def _routes(self, spec: ScalingGroupSpec, deadline: Deadline) -> Sequence[Mapping[str, Any]]:
        """The target groups of the spec's balancer, which must be of use for it; NotFound if that is not there."""
        found = self._targets.of_balancer(spec.balancer, deadline) if spec.balancer is not None else []
        require_kind(found, INSTANCES)
        require_counters(spec, counters(found))
        return found

    def _rebalance(self, found: Mapping[str, Any], routes: Sequence[str], deadline: Deadline) -> None:
        group, present = found["AutoScalingGroupName"], set(found.get("TargetGroupARNs", ()))
        self._targets.attach(group, sorted(set(routes) - present), deadline)
        self._targets.detach(group, sorted(present - set(routes)), deadline)

    def _stepped(self, group: str, policy: str, deadline: Deadline) -> bool:
        """Whether Auto Scaling took the step: not during a cooldown or a change. Tried once, since two calls are two steps."""
        deadline.check(f"executing {policy}")
        try:
            self._call("execute_policy", group, deadline, retried=False, PolicyName=policy, HonorCooldown=True)
        except Throttled:
            return False
        except Conflict as error:
            if error.code not in _BUSY:
                raise
            return False
        return True

    def _end(self, group: str, deadline: Deadline) -> None:
        """Delete the group with its members; no error if it went in the meantime."""
        try:
            self._insist("delete_auto_scaling_group", group, deadline, ForceDelete=True)
        except RejectedSpec:
            if self._lookup.find(group, deadline) is not None:
                raise

    def _insist(self, operation: str, group: str, deadline: Deadline, **parameters: Any) -> None:
        """One call about a group, made again while the group is busy with an earlier change."""
        doing = f"waiting for an earlier change of {group}"
        insist(lambda: self._call(operation, group, deadline, **parameters), _BUSY, self.clock, deadline, doing)

    def _call(self, operation: str, group: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="autoscaling", AutoScalingGroupName=group, deadline=deadline, **parameters)

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)
