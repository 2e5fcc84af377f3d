"""Autoscaling: managed instance groups with instance templates.

A group's native name follows from its token, and so do the names of all that is made for it: a second create finds what the
first one made, and a delete what a broken-off one left. Bounds and steps stand in the manager's description. An autoscaler is
there only where a policy needs one, and then the size is its own: `desired` is what such a group starts with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from cloudlayer import labels as names
from cloudlayer.errors import CloudError, Conflict
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token
from cloudlayer.providers.base.autoscaling import BaseAutoscaling, checked_size, require_group
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.gcp.autoscaling.autoscalers import Autoscalers
from cloudlayer.providers.gcp.autoscaling.changing import GroupChanging, check_sized
from cloudlayer.providers.gcp.autoscaling.groups import (
    is_ending,
    is_making,
    is_settled,
    read_group,
    reason_of,
    stale,
    template_of,
)
from cloudlayer.providers.gcp.autoscaling.lookup import GroupLookup
from cloudlayer.providers.gcp.autoscaling.making import GroupMaking, check_place
from cloudlayer.providers.gcp.autoscaling.members import MemberLabels
from cloudlayer.providers.gcp.autoscaling.plans import (
    PREFIX,
    Plan,
    content_of,
    desired_of,
    group_id,
    owner_of,
    planned,
    rate_of,
)
from cloudlayer.providers.gcp.autoscaling.schedules import scaling_schedules
from cloudlayer.providers.gcp.autoscaling.templates import Templates
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.compute.choices import Choices
from cloudlayer.providers.gcp.facts import marks_of
from cloudlayer.providers.gcp.marks import LIMITS, MAY_COME, NAME, is_ours, read_labels, same_spec
from cloudlayer.providers.gcp.options import GroupOverrides
from cloudlayer.resources import Leftover, ScalingGroup, ScalingGroupSpec
from cloudlayer.specs import checked

_PATIENCE: Final = 600.0
"""Seconds for the members of a group that is deleted to be gone."""


class Balancers(Protocol):
    """What groups ask of the load balancers of their region."""

    def require(self, balancer: str, deadline: Deadline, *, counts: bool = False) -> None:
        """NotFound if the balancer is not there; with `counts`, Unsupported if it does not count requests."""
        ...

    def attach(self, balancer: str, manager: Any, deadline: Deadline, rate: float | None = None) -> None:
        """Let the balancer send to the members of a group; `rate` is how many requests a second each of them takes."""
        ...

    def of(self, deadline: Deadline) -> Mapping[str, Sequence[str]]:
        """The instance groups that each balancer sends to, by the balancers' ids."""
        ...

    def balancers(self, group: str, deadline: Deadline, known: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
        """The balancers that send to an instance group, by its URL; `known` is what `of` has given."""
        ...

    def detach(self, group: str, deadline: Deadline, *, keep: str | None = None) -> None:
        """Let no balancer but `keep` send to an instance group, by its URL."""
        ...


class GcpAutoscaling(BaseAutoscaling):
    """Managed instance groups in one region. A group's id is its native name."""

    def __init__(
        self, client: Client, capabilities: Capabilities, choices: Choices, balancers: Balancers, clock: Clock
    ) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._balancers = balancers
        self._lookup = GroupLookup(client)
        self._templates = Templates(client)
        self._making = GroupMaking(client, choices, self._templates)
        self._changing = GroupChanging(client, self._lookup, clock)
        self._autoscalers = Autoscalers(client, self._lookup)
        self._labels = MemberLabels(client, clock)
        self._turns = Turns()

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group with its `desired` (else `min`) members; idempotent by token."""
        token = checked_token(token)
        overrides = self._checked(spec)
        plan = planned(spec, token, overrides, self.region, id=group_id(token))
        bound = self._bound(deadline)
        try:
            with self._turns.take(token, bound):
                manager = self._lookup.find(plan.id, bound) or self._make(plan, bound)
                self._check_same(manager, plan)
                if is_making(manager):
                    self._complete(manager, plan, bound)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # what stays is told by `leftovers`, and the first error is the one that counts
                    self.delete(plan.id, deadline=bound)
            raise
        return self.get(plan.id, deadline=bound)

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to bring the group to `spec`. Google fixes its zones when it is made: Unsupported for others."""
        overrides = self._checked(spec)
        bound = self._bound(deadline)
        manager = self._lookup.found(id, bound)
        marks = self._check_ours(manager, spec)
        check_place(manager, spec)
        plan = planned(spec, marks[names.TOKEN], overrides, self.region, id=id, made_for=marks.get(names.SPEC, ""))
        if spec.desired not in (None, manager.target_size) and plan.autoscales:
            check_sized(manager)
        self._require_balancer(spec, bound)
        managed = self._lookup.managed(manager, bound)
        changes = self._making.changes(manager, plan, stale(manager, managed), bound)
        self._bring(manager, plan, changes, bound)
        self._relabel(manager, managed, plan, bound)
        self._templates.clean(id, self._used(id, bound), bound)
        return self.get(id, deadline=bound)

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members. Conflict for a group whose autoscaler sets its size."""
        bound = self._bound(deadline)
        manager = self._lookup.found(id, bound)
        check_sized(manager)
        self._changing.resize(manager, checked_size(read_group(manager, [], self.region), size), bound)

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy now, within the bounds; a cooldown is waited out.

        TransientError says that the step may have been taken: look at the group before it is executed again.
        """
        self._changing.step(id, policy, self._bound(deadline))

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members and their health; NotFound if it is not there."""
        bound = self._bound(deadline)
        manager = self._lookup.found(id, bound)
        return self._read(manager, self._balancers.balancers(manager.instance_group, bound), bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the group, and wait for its members to be gone: until then Google keeps what they are made from.

        Without a `deadline` this is ten minutes at the most: members behind a balancer drain first.
        """
        bound = deadline or Deadline.after(_PATIENCE, self.clock)
        if self._lookup.find(id, bound) is not None:
            manager = self._changing.mark(id, bound, ending=True)
            self._balancers.detach(manager.instance_group, bound)
            self._autoscalers.remove(manager, bound)
            service, place = self._lookup.service(manager)
            self._client.remove(service, instance_group_manager=id, wait=True, deadline=bound, **place)
        self._templates.clean(id, (), bound)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Leftover]:
        """Templates and firewall rules with all of `labels` whose group is not there."""
        return [*self._templates.leftovers(self._lookup.named(PREFIX, deadline), labels, deadline)]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its group is there after all; False if it is of another kind."""
        if self._templates.owns(leftover) and self._lookup.find(owner_of(leftover.id), deadline) is not None:
            return True
        return self._templates.delete_leftover(leftover, deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`, with its members."""
        bound, wanted = self._bound(deadline), (labels or {}).items()
        managers = [each for each in self._lookup.all(bound) if wanted <= read_labels(marks_of(each.description)[0]).items()]
        known = self._balancers.of(bound) if managers else {}
        return [
            self._read(manager, self._balancers.balancers(manager.instance_group, bound, known), bound) for manager in managers
        ]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _checked(self, spec: ScalingGroupSpec) -> GroupOverrides:
        """The spec's overrides; raises for what cannot be had, before any call."""
        require_group(spec, self.capabilities)
        LIMITS.check(spec.labels)
        LIMITS.check(spec.template.labels)
        scaling_schedules(spec)
        return checked(GroupOverrides, spec.overrides, "overrides")

    def _check_same(self, manager: Any, plan: Plan) -> None:
        same_spec(marks_of(manager.description)[0], plan.made_for, plan.id)
        if is_ending(manager):
            raise self._conflict("GroupIsEnding", f"{plan.id} is being deleted: another one needs a new token")

    def _check_ours(self, manager: Any, spec: ScalingGroupSpec) -> Mapping[str, str]:
        """The marks of a group that may be changed to this spec."""
        marks, group = marks_of(manager.description)[0], manager.name
        if not is_ours(marks):
            raise self._conflict("NotOurs", f"{group} was not made by cloudlayer: change it where it was made")
        if marks.get(NAME) != spec.name:
            raise self._conflict("NameIsFixed", f"{group} is called {marks.get(NAME)}: a name cannot change; make a new group")
        if is_ending(manager):
            raise self._conflict("GroupIsEnding", f"{group} is being deleted: make a new one")
        return marks

    def _require_balancer(self, spec: ScalingGroupSpec, deadline: Deadline) -> None:
        if spec.balancer is not None:
            self._balancers.require(spec.balancer, deadline, counts=rate_of(spec) is not None)

    def _make(self, plan: Plan, deadline: Deadline) -> Any:
        self._require_balancer(plan.spec, deadline)
        making = plan.autoscales or plan.spec.balancer is not None
        self._making.make(plan, deadline, making=making)
        return self._lookup.found(plan.id, deadline)

    def _complete(self, manager: Any, plan: Plan, deadline: Deadline) -> None:
        """Make what belongs to a group besides its manager, and say that nothing is left to be made."""
        if plan.spec.balancer is not None:
            self._balancers.attach(plan.spec.balancer, manager, deadline, rate_of(plan.spec))
        self._autoscalers.apply(manager, plan, deadline)
        if is_making(manager):
            self._changing.mark(plan.id, deadline, making=None)

    def _bring(self, manager: Any, plan: Plan, changes: Mapping[str, Any], deadline: Deadline) -> None:
        """Bring manager, balancers, autoscaler and size to a plan."""

        def fields(current: Any) -> Mapping[str, Any]:
            facts = marks_of(current.description)[1]
            kept = {name: facts[name] for name in ("making", "stepped") if name in facts}
            description = plan.described(**kept)
            return {**changes, **({"description": description} if description != current.description else {})}

        self._changing.patch(plan.id, fields, deadline)
        self._balancers.detach(manager.instance_group, deadline, keep=plan.spec.balancer)
        self._complete(manager, plan, deadline)
        wanted = desired_of(plan.spec, manager.target_size)
        if wanted != manager.target_size and not plan.autoscales:
            self._changing.resize(manager, wanted, deadline)

    def _relabel(self, manager: Any, managed: Sequence[Any], plan: Plan, deadline: Deadline) -> None:
        """Give the members that stay the group's labels of now."""
        old = marks_of(manager.description)[0]
        old = {name: value for name, value in old.items() if name != names.SPEC}
        if content_of(template_of(manager)) == content_of(plan.template) and old != plan.labels:
            new = {**plan.spec.template.labels, **plan.labels}
            for each in managed:
                if each.instance_status:
                    self._labels.change(each.instance, old, new, deadline)

    def _used(self, id: str, deadline: Deadline) -> set[str]:
        """The names of the templates that a group's members are made from, or are going to be."""
        manager = self._lookup.found(id, deadline)
        managed = self._lookup.managed(manager, deadline)
        return {basename(template_of(manager)), *(basename(each.version.instance_template) for each in managed)}

    def _read(self, manager: Any, balancers: tuple[str, ...], deadline: Deadline) -> ScalingGroup:
        managed = self._lookup.managed(manager, deadline)
        reason = None
        if not is_settled(manager, managed) and not is_ending(manager):
            reason = reason_of(managed) or self._lookup.last_error(manager, deadline)
        return read_group(manager, managed, self.region, balancers=balancers, reason=reason)

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)
