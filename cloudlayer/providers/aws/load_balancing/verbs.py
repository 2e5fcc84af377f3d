"""Load balancing: Elastic Load Balancing v2, network balancers for tcp, application balancers for http and https.

A balancer takes either addresses or instances and groups, and turns from one to the other while it has no targets at all.
An application balancer has a firewall of its own, open on its listeners' ports to everyone if public, else to its network; the
instances behind it must let it in themselves. Names follow from the token, as those of scaling groups do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import CloudError, Conflict, NotFound, RejectedSpec
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.firewall import Firewall
from cloudlayer.providers.aws.load_balancing.balancers import kind_of_balancer, read_balancer, read_listeners, tags_by_arn
from cloudlayer.providers.aws.load_balancing.making import BalancerMaking, BalancerPlan
from cloudlayer.providers.aws.load_balancing.targets import Targets, kind_of, owner_of, require_kind
from cloudlayer.providers.aws.marks import LIMITS, MAKING, MAY_COME, is_ours, marked, read_labels, same_spec
from cloudlayer.providers.aws.options import BalancerOverrides
from cloudlayer.providers.base.attempts import checked_token, fingerprint, native_name
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.base.patience import insist
from cloudlayer.resources import Leftover, LoadBalancer, LoadBalancerSpec, TargetHealth, TargetSpec
from cloudlayer.specs import checked

_LONGEST_NAME: Final = 26
"""Six less than AWS takes, for a listener's port in the names of its target group."""
_FIREWALL: Final = "balancing-"
_TAGGED_AT_ONCE: Final = 20
_ABSENT: Final = "LoadBalancerNotFound"
KIND: Final = "target-group"


class AwsLoadBalancing(BaseLoadBalancing):
    """Load balancers in one region. A balancer's id is its ARN."""

    settle = 5.0

    def __init__(self, client: Client, capabilities: Capabilities, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._targets = Targets(client, clock)
        self._firewall = Firewall(client, clock, _FIREWALL)
        self._making = BalancerMaking(client, self._targets, self._firewall)

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Begin to make the balancer with its listeners, health check and targets; idempotent by token."""
        token = checked_token(token)
        plan = self._planned(spec, token)
        bound = self._bound(deadline)
        try:
            found = self._named(plan.name, bound) or self._make(plan, bound)
            tags = self._tags([found["LoadBalancerArn"]], bound)[found["LoadBalancerArn"]]
            same_spec(tags, plan.digest, found["LoadBalancerArn"])
            if MAKING in tags:
                self._making.complete(plan, found, bound)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # what stays is told by `leftovers`, and the first error is the one that counts
                    self._remove(plan.name, bound)
            raise
        return self.get(found["LoadBalancerArn"], deadline=bound)

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""
        bound = self._bound(deadline)
        found = self._found(id, bound)
        return self._read(found, self._tags([id], bound)[id], bound)

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets; one that does not exist is NotFound, and an instance that does not run yet Conflict."""
        require_targets(targets, self.capabilities)
        kind, bound = kind_of(targets), self._bound(deadline)
        found = self._found(id, bound)
        if targets:
            self._targets.check(targets, bound)
            routes = self._taking(found, kind, bound)
            self._targets.register([route["TargetGroupArn"] for route in routes], targets, found["VpcId"], bound)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out, and wait until they are."""
        bound = self._bound(deadline)
        routes = [route["TargetGroupArn"] for route in self._routes(id, bound)]
        self._targets.deregister(routes, targets, bound)

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health, the members of groups each by itself."""
        bound = self._bound(deadline)
        return self._targets.health([route["TargetGroupArn"] for route in self._routes(id, bound)], bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer with its listeners, target groups and firewall; waits until AWS lets go of them."""
        bound, name = self._bound(deadline), _name_in(id)
        if name is not None:
            self._remove(name, bound)
        else:
            self._named(id, bound)  # AWS is asked all the same: whoever may not ask is told so

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Leftover]:
        """Target groups and firewalls with all of `labels` whose balancer is not there."""
        balancers = {found["LoadBalancerName"] for found in self._described(deadline)}
        orphans = {
            route["TargetGroupArn"]: route
            for route in self._targets.all(deadline)
            if owner_of(route) and owner_of(route) not in balancers
        }
        tags = self._tags(list(orphans), deadline)
        region = self._client.region
        routes = [
            Leftover(arn, KIND, "aws", region, name=route["TargetGroupName"], labels=tags[arn], native=route)
            for arn, route in orphans.items()
            if arn in tags and is_ours(tags[arn], labels)
        ]
        return [*routes, *self._firewall.leftovers(balancers, labels, deadline)]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its balancer is there after all; False if it is of another kind."""
        if leftover.kind == KIND:
            if self._named(owner_of({"TargetGroupName": leftover.name}), deadline) is None:
                self._targets.detach_all([leftover.id], deadline)
                self._targets.drop(leftover.id, deadline)
            return True
        if self._firewall.owns(leftover):
            if self._named(self._firewall.owner(leftover), deadline) is None:
                self._firewall.remove(leftover, deadline)
            return True
        return False

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`."""
        bound, wanted = self._bound(deadline), dict(labels or {})
        found = {balancer["LoadBalancerArn"]: balancer for balancer in self._described(bound)}
        tags = self._tags(tuple(found), bound)
        labelled = [arn for arn in found if arn in tags and wanted.items() <= read_labels(tags[arn]).items()]
        balancers = []
        for arn in labelled:
            with suppress(NotFound):  # it went while the list was read
                balancers.append(self._read(found[arn], tags[arn], bound))
        return balancers

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _planned(self, spec: LoadBalancerSpec, token: str) -> BalancerPlan:
        """What is to be made; raises for what cannot be had, before any call."""
        require_balancer(spec, self.capabilities)
        LIMITS.check(spec.labels)
        return BalancerPlan(
            native_name(None, token, _LONGEST_NAME),
            spec,
            checked(BalancerOverrides, spec.overrides, "overrides"),
            kind_of_balancer(spec),
            kind_of(spec.targets),
            marked(spec.labels, spec.name, token),
            fingerprint([spec]),
        )

    def _make(self, plan: BalancerPlan, deadline: Deadline) -> Mapping[str, Any]:
        self._targets.check(plan.spec.targets, deadline)
        self._making.make(plan, deadline)
        doing = f"waiting for {plan.name} to show"
        return insist(lambda: self._shown(plan.name, deadline), (_ABSENT,), self.clock, deadline, doing)

    def _shown(self, name: str, deadline: Deadline) -> Mapping[str, Any]:
        found = self._named(name, deadline)
        if found is None:
            raise NotFound(f"load balancer {name} is not there", provider=self.provider, code=_ABSENT)
        return found

    def _remove(self, name: str, deadline: Deadline) -> None:
        """Delete the balancer of a native name and all that was made for it, be it there itself or not."""
        routes = [route["TargetGroupArn"] for route in self._targets.named(name, deadline)]
        if routes:
            self._targets.detach_all(routes, deadline)
        if (found := self._named(name, deadline)) is not None:
            self._call("delete_load_balancer", deadline, LoadBalancerArn=found["LoadBalancerArn"])
        for route in routes:
            self._targets.drop(route, deadline)
        self._firewall.close(name, deadline)

    def _taking(self, found: Mapping[str, Any], kind: str, deadline: Deadline) -> Sequence[Mapping[str, Any]]:
        """The balancer's target groups, which take targets of this kind; Unsupported if it has some of the other."""
        routes = self._targets.of_balancer(found["LoadBalancerArn"], deadline)
        if all(route["TargetType"] == kind for route in routes):
            return routes
        if not self._targets.are_empty([route["TargetGroupArn"] for route in routes], deadline):
            require_kind(routes, kind)
        self._making.turn(found, routes, kind, deadline)
        return self._targets.of_balancer(found["LoadBalancerArn"], deadline)

    def _read(self, found: Mapping[str, Any], tags: Mapping[str, str], deadline: Deadline) -> LoadBalancer:
        arn = found["LoadBalancerArn"]
        routes = self._targets.of_balancer(arn, deadline)
        listeners = self._client.pages(
            "describe_listeners", "Listeners", service="elbv2", LoadBalancerArn=arn, deadline=deadline
        )
        return read_balancer(found, tags, self.region, read_listeners(listeners, routes))

    def _routes(self, id: str, deadline: Deadline) -> Sequence[Mapping[str, Any]]:
        """The target groups of a balancer; NotFound if it is not there."""
        self._found(id, deadline)
        return self._targets.of_balancer(id, deadline)

    def _found(self, id: str, deadline: Deadline) -> Mapping[str, Any]:
        found = self._named(_name_in(id) or id, deadline)
        if found is None or found["LoadBalancerArn"] != id:
            raise NotFound(f"load balancer {id} is not there", provider=self.provider, code=_ABSENT)
        return found

    def _named(self, name: str, deadline: Deadline) -> Mapping[str, Any] | None:
        try:
            found = self._call("describe_load_balancers", deadline, Names=[name])["LoadBalancers"]
        except (NotFound, RejectedSpec):
            return None
        return next(iter(found), None)

    def _described(self, deadline: Deadline) -> Iterable[dict[str, Any]]:
        return self._client.pages("describe_load_balancers", "LoadBalancers", service="elbv2", deadline=deadline)

    def _tags(self, arns: Sequence[str], deadline: Deadline) -> dict[str, dict[str, str]]:
        """Tags by what they are on; what is gone has none."""
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(arns), _TAGGED_AT_ONCE):
            found.update(self._tags_of(arns[start : start + _TAGGED_AT_ONCE], deadline))
        return found

    def _tags_of(self, arns: Sequence[str], deadline: Deadline) -> dict[str, dict[str, str]]:
        """One call, halved around what is gone, since AWS then refuses all of it."""
        try:
            answer = self._call("describe_tags", deadline, ResourceArns=[*arns])
        except NotFound:
            if len(arns) == 1:
                return {}
            half = len(arns) // 2
            return {**self._tags_of(arns[:half], deadline), **self._tags_of(arns[half:], deadline)}
        return tags_by_arn(answer["TagDescriptions"])

    def _call(self, operation: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="elbv2", deadline=deadline, **parameters)


def _name_in(id: str) -> str | None:
    """The native name in a balancer's id; None if it is no id of a balancer."""
    parts = id.partition(":loadbalancer/")[2].split("/")
    return parts[1] if len(parts) == 3 else None
