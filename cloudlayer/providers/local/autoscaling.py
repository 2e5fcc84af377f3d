"""Scaling groups on this host. Nothing of a group runs by itself: whoever looks at it brings it to what is wanted.

`create`, `update`, `set_desired`, `execute`, `get`, `list`, `delete` and every wait replace members that are gone or stopped,
make those that lack, and go on with a replacement or a drain that is under way. Between such calls nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, Throttled
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.autoscaling import BaseAutoscaling, checked_size, require_group
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.local.balancers import Balancers
from cloudlayer.providers.local.compute import LocalCompute
from cloudlayer.providers.local.groups import GroupRecord, candidates
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.keeper import Keeper
from cloudlayer.providers.local.launch import PROVIDER, REGION, chosen_type
from cloudlayer.providers.local.shelf import Shelf
from cloudlayer.providers.local.sizes import machine_types
from cloudlayer.resources import (
    GroupMember,
    InstanceState,
    ScalingGroup,
    ScalingGroupSpec,
    ScalingGroupState,
    StepPolicy,
)

_END_WITHIN: Final = 60.0


class LocalAutoscaling(BaseAutoscaling):
    """The groups of this host that share a state folder."""

    poll = 0.1

    def __init__(
        self,
        capabilities: Capabilities,
        shelf: Shelf[GroupRecord],
        compute: LocalCompute,
        balancers: Balancers,
        measure: Callable[[], HostFigures],
        *,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(capabilities, REGION, clock=clock)
        self._shelf = shelf
        self._compute = compute
        self._balancers = balancers
        self._measure = measure
        self._keeper = Keeper(shelf, compute, balancers, measure, self.clock)
        self._retries = Retries(clock=self.clock)

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Make the group and as many of its members as there is room for."""
        token = checked_token(token)
        self._check(spec)
        digest = fingerprint([spec])
        record = self._shelf.adopted(token, digest)
        if record is None:
            self._check_there(spec)
            if deadline is not None:
                deadline.check("creating a group")
            new = GroupRecord(
                id=self._shelf.id(token),
                token=token,
                digest=digest,
                created_at=self.clock.now(),
                name=spec.name,
                labels=dict(spec.labels),
                spec=spec.model_dump(mode="json"),
                desired=spec.min if spec.desired is None else spec.desired,
            )
            record = self._shelf.make(new, lambda _: None, deadline)
        return self._group(self._keeper.look(record.id, deadline, wait=True) or record)

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Bring the group to `spec`; of a changed template a quarter of the members at a time is deleted and made anew."""
        self._check(spec)
        with self._shelf.held(id, deadline) as found:
            record = _lasting(found, id)
            if spec.name != record.name:
                raise Conflict(f"{id} is called {record.name} for good: make a new group", provider=PROVIDER, code="NameFixed")
            self._check_there(spec)
            before = record.wanted
            desired = min(max(record.desired, spec.min), spec.max) if spec.desired is None else spec.desired
            labels = dict(spec.labels)
            changed = replace(record, spec=spec.model_dump(mode="json"), desired=desired, labels=labels)
            if changed != record:
                self._shelf.write(changed)
            if before.balancer not in (None, spec.balancer):
                self._keeper.leave(changed, [str(before.balancer)], deadline)
            if labels != record.labels:
                self._label(changed)
            return self._group(self._keeper.keep(changed, deadline) or changed)

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members, and make those that there is room for."""
        with self._shelf.held(id, deadline) as found:
            record = _lasting(found, id)
            self._size(record, checked_size(self._group(record), size), deadline)

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take a policy's step, within the group's bounds. The cooldown is that of the last step, whichever that was."""
        bound = self._retries.deadline(deadline)
        while True:
            with self._shelf.held(id, deadline) as found:
                record = _lasting(found, id)
                step = _step(record, policy)
                wait = record.cool_at - self.clock.now()
                if wait <= 0:
                    bounds = record.wanted
                    size = min(max(record.desired + step.change, bounds.min), bounds.max)
                    self._size(replace(record, cool_at=self.clock.now() + step.cooldown), size, deadline)
                    return
            if wait > bound.remaining():
                message = f"{id} cools down from its last step: come again in {wait:.0f} seconds"
                raise Throttled(message, retry_after=wait, provider=PROVIDER, code="CoolingDown")
            bound.check(f"waiting for {id} to cool down")
            self.clock.sleep(min(wait, self.poll))

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group as it is now."""
        return self._group(_there(self._keeper.look(id, deadline), id))

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the group and its members; behind a balancer these have its `drain` seconds to finish."""
        drains = [balancer.drain for balancer in self._balancers.behind(id)]
        bound = deadline or Deadline.after(_END_WITHIN + max(drains, default=0.0), self.clock)
        while True:
            with self._shelf.held(id, deadline) as record:
                if record is None:
                    self._shelf.forget(id)
                    return
                doomed = replace(record, deleting=True)
                if doomed != record:
                    self._shelf.write(doomed)
                if self._keeper.keep(doomed, deadline) is None:
                    return
            bound.check(f"deleting the members of {id}")
            self.clock.sleep(min(self.poll, bound.remaining()))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`."""
        wanted = (labels or {}).items()
        chosen = [record.id for record in self._shelf.all() if wanted <= record.all_labels.items()]
        looked = (self._keeper.look(name, deadline) for name in chosen)
        return [self._group(record) for record in looked if record is not None]

    def _size(self, record: GroupRecord, size: int, deadline: Deadline | None) -> None:
        changed = replace(record, desired=size)
        self._shelf.write(changed)
        self._keeper.keep(changed, deadline)

    def _check(self, spec: ScalingGroupSpec) -> None:
        require_group(spec, self.capabilities)
        for labels in (spec.labels, spec.template.labels, {**spec.template.labels, **spec.labels}):
            PLAIN_LABELS.check(labels)
        for place, overrides in (("overrides", spec.overrides), ("template.overrides", spec.template.overrides)):
            if overrides:
                raise InvalidSpec(f"{place}.{next(iter(overrides))}: unknown key; known here: none")

    def _check_there(self, spec: ScalingGroupSpec) -> None:
        """RejectedSpec if no machine type fits, NotFound if the balancer is not there."""
        types = machine_types(self._measure())
        for candidate in candidates(spec):
            chosen_type(types, candidate)
        if spec.balancer is not None and self._balancers.shelf.get(spec.balancer) is None:
            message = f"there is no balancer {spec.balancer} on this host"
            raise NotFound(message, provider=PROVIDER, code="NoSuchBalancer")

    def _label(self, record: GroupRecord) -> None:
        """Give the members the group's labels of now."""
        labels = {**record.wanted.template.labels, **record.all_labels}
        machines = self._compute.records
        with machines.locked():
            for member in record.members:
                machine = machines.machine(record.machine(member))
                if machine is not None:
                    machines.write(replace(machine, labels=labels))

    def _group(self, record: GroupRecord) -> ScalingGroup:
        spec = record.wanted
        return ScalingGroup(
            id=record.id,
            provider=PROVIDER,
            region=REGION,
            state=_state(record),
            name=spec.name,
            min=spec.min,
            max=spec.max,
            desired=record.desired,
            members=tuple(self._members(record)),
            balancers=tuple(balancer.id for balancer in self._balancers.behind(record.id)),
            labels=record.all_labels,
            reason=record.reason,
            native=self._shelf.path(record.id),
        )

    def _members(self, record: GroupRecord) -> Iterator[GroupMember]:
        for member in record.members:
            machine = self._compute.records.machine(record.machine(member))
            if machine is not None:
                leaving = member.until is not None
                state = InstanceState.DELETING if leaving else machine.state
                yield GroupMember(machine.id, REGION, state, healthy=state is InstanceState.RUNNING)


def _state(record: GroupRecord) -> ScalingGroupState:
    if record.deleting:
        return ScalingGroupState.DELETING
    if record.complete:
        return ScalingGroupState.ACTIVE
    return ScalingGroupState.UPDATING if record.settled else ScalingGroupState.CREATING


def _step(record: GroupRecord, policy: str) -> StepPolicy:
    for step in record.wanted.policies:
        if isinstance(step, StepPolicy) and step.name == policy:
            return step
    raise NotFound(f"{record.id} has no step policy {policy}", provider=PROVIDER, code="NoSuchPolicy")


def _lasting(found: GroupRecord | None, id: str) -> GroupRecord:
    record = _there(found, id)
    if record.deleting:
        raise Conflict(f"{id} is being deleted: make a new group", provider=PROVIDER, code="WrongState")
    return record


def _there(record: GroupRecord | None, id: str) -> GroupRecord:
    if record is None:
        raise NotFound(f"there is no group {id} on this host", provider=PROVIDER, code="NoSuchGroup")
    return record
