"""Autoscaling on Heat: a group is a stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cloudlayer.errors import CapacityError, CloudError, Conflict, NotFound, QuotaError
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token, fingerprint
from cloudlayer.providers.base.autoscaling import BaseAutoscaling, checked_size, require_group
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.openstack.autoscaling.groups import read_group
from cloudlayer.providers.openstack.autoscaling.stacks import Stacks, read_record
from cloudlayer.providers.openstack.autoscaling.steps import Steps
from cloudlayer.providers.openstack.autoscaling.templates import Made, Record
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.choices import Choices
from cloudlayer.providers.openstack.compute.servers import FAULTS, fault_code
from cloudlayer.providers.openstack.options import GroupOverrides
from cloudlayer.providers.openstack.tags import LIMITS
from cloudlayer.resources import InstanceSpec, ScalingGroup, ScalingGroupSpec, ScalingGroupState
from cloudlayer.specs import checked

_ANSWERS: Final = (CapacityError, QuotaError)

# Heat puts a server's fault into words: it deletes the server itself, and tries again.
_FAULT: Final = re.compile(r"Message: (.*?), Code: (\d+)")


class HeatAutoscaling(BaseAutoscaling):
    """Scaling groups in one region, each a stack of Heat with an autoscaling group in it."""

    def __init__(self, client: Client, capabilities: Capabilities, choices: Choices, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._choices = choices
        self._stacks = Stacks(client, clock)
        self._steps = Steps(self._stacks, clock)
        self._turns = Turns()

    @property
    def stacks(self) -> Stacks:
        """The stacks that the groups are."""
        return self._stacks

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group: one stack, whose name stands for the token and can be used once."""
        self._check(spec)
        token, digest, bound = checked_token(token), fingerprint([spec]), self._bound(deadline)
        record = Record(
            spec=spec,
            token=token,
            digest=digest,
            made=self._made(spec.template, bound),
            desired=spec.min if spec.desired is None else spec.desired,
            ceiling=spec.max,
            balancers=self._balancers(spec, bound),
        )
        # Heat looks whether a name is used, and notes it, in two steps: two creates at once would make two stacks.
        with self._turns.take(token, bound):
            stack = self._stacks.create(record, bound)
        if stack.record.digest != digest:
            message = f"this token was used for another spec, that of {stack.id}: a changed spec is a new attempt"
            raise Conflict(message, provider=self.provider, code="TokenReused")
        return read_group(stack, self.region)

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to bring the group to `spec`, once nothing else is under way; members are replaced one at a time."""
        self._check(spec)
        bound = self._bound(deadline)
        stack = self._stacks.settled(id, bound)
        old = stack.record
        if spec.name != old.spec.name:
            message = f"the group {old.spec.name} cannot be renamed: make one called {spec.name}, and delete this one"
            raise Conflict(message, provider=self.provider, code="Renamed")
        size = min(max(stack.size, spec.min), spec.max) if spec.desired is None else spec.desired
        kept = [each for each in old.balancers if each not in (old.spec.balancer, spec.balancer)]
        wanted = {
            "spec": spec,
            "made": old.made if _bare(spec.template) == _bare(old.spec.template) else self._made(spec.template, bound),
            "balancers": (*kept, *self._balancers(spec, bound)),
            "desired": size,
            "ceiling": spec.max if size or not stack.size else 0,
        }
        record = old.model_copy(update=wanted)
        if record != stack.at_size(stack.size) or stack.fault or stack.dead:
            self._stacks.change(stack, record, bound)
        return self.get(id, deadline=bound)

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members, once nothing else is under way."""
        bound = self._bound(deadline)
        checked_size(self.get(id, deadline=bound), size)
        stack = self._stacks.settled(id, bound)
        if size != stack.size or stack.fault or stack.dead:
            self._stacks.change(stack, stack.at_size(size), bound)

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy now, and see that Heat did not drop it."""
        self._steps.take(id, policy, self._bound(deadline))

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members; NotFound if it is not there."""
        return read_group(self._stacks.get(id, self._bound(deadline)), self.region)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`, whole."""
        found = self._stacks.among(dict(labels or {}), (), self._bound(deadline))
        return [read_group(stack, self.region) for stack in found]

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the group with its members; one whose deletion failed is deleted anew."""
        bound = self._bound(deadline)
        try:
            self._stacks.delete(self._stacks.get(id, bound), bound)
        except NotFound:
            return

    def failure(self, group: ScalingGroup, wanted: ScalingGroupState) -> CloudError:
        """The error for a group that ended on its way: a lack of hosts or quota is told apart, as for a single server."""
        error, told = super().failure(group, wanted), _FAULT.search(group.reason or "")
        code = fault_code({"fault": {"message": told[1], "code": int(told[2])}}) if told else ""
        if code not in FAULTS or not issubclass(FAULTS[code].error, _ANSWERS):
            return error
        where = Where("openstack", self.region, machine_type=read_record(group.native["stack"]).made.machine_type)
        return translate(FAULTS, code, error.message, where)

    def _check(self, spec: ScalingGroupSpec) -> None:
        require_group(spec, self.capabilities)
        LIMITS.check(spec.labels)
        LIMITS.check(spec.template.labels)
        checked(GroupOverrides, spec.overrides, "overrides")

    def _made(self, template: InstanceSpec, deadline: Deadline) -> Made:
        choice = self._choices.choose([template], deadline)[0]
        return Made(
            machine_type=choice.kind.name,
            flavor=choice.flavor,
            image=choice.image,
            network=choice.network,
            external=self._choices.network.external(deadline) if template.public_address else None,
            groups=choice.groups,
        )

    def _balancers(self, spec: ScalingGroupSpec, deadline: Deadline) -> tuple[str, ...]:
        """The spec's balancer; NotFound if it is not there."""
        if spec.balancer is None:
            return ()
        self._client.call("load_balancer", "GET", f"/lbaas/loadbalancers/{spec.balancer}", deadline=deadline)
        return (spec.balancer,)

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)


def _bare(template: InstanceSpec) -> InstanceSpec:
    return template.model_copy(update={"labels": {}})
