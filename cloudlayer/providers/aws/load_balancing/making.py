"""How a balancer is made: firewall, balancer, and for each listener a target group; every step may be taken again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cloudlayer import labels as names
from cloudlayer.errors import Conflict, InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.firewall import Firewall
from cloudlayer.providers.aws.load_balancing.balancers import APPLICATION, listener_parameters, route_parameters
from cloudlayer.providers.aws.load_balancing.targets import Targets, route_name
from cloudlayer.providers.aws.marks import MAKING
from cloudlayer.providers.aws.options import BalancerOverrides
from cloudlayer.providers.aws.places import Places
from cloudlayer.providers.aws.tags import tag_list
from cloudlayer.resources import Listener, LoadBalancerSpec


@dataclass(frozen=True, slots=True)
class BalancerPlan:
    """A balancer that is to be made: its native name, which kind it is of, and which kind of targets it takes."""

    name: str
    spec: LoadBalancerSpec
    overrides: BalancerOverrides
    kind: str
    takes: str
    tags: dict[str, str]
    digest: str


class BalancerMaking:
    """Makes balancers in one region."""

    def __init__(self, client: Client, targets: Targets, firewall: Firewall) -> None:
        self._client = client
        self._targets = targets
        self._firewall = firewall
        self._places = Places(client)

    def make(self, plan: BalancerPlan, deadline: Deadline) -> None:
        """Make the firewall and the balancer, marked as not complete; what is there already is left as it is."""
        subnets = self._places.subnets(plan.overrides.subnet_ids, deadline)
        if plan.kind == APPLICATION and len({subnet.zone for subnet in subnets}) < 2:
            raise InvalidSpec("overrides.subnet_ids: http and https need subnets in at least two zones; name another one")
        groups = self._open(plan, subnets[0].vpc, deadline)
        with suppress(Conflict):  # an earlier try made it; whether for the same spec is looked at next
            self._call(
                "create_load_balancer",
                deadline,
                Name=plan.name,
                Type=plan.kind,
                Scheme="internet-facing" if plan.spec.public else "internal",
                Subnets=[subnet.id for subnet in subnets],
                Tags=tag_list({**plan.tags, names.SPEC: plan.digest, MAKING: "listeners"}),
                **({"SecurityGroups": list(groups)} if groups else {}),
            )

    def complete(self, plan: BalancerPlan, found: Mapping[str, Any], deadline: Deadline) -> None:
        """Make the target groups and listeners, register the targets, and say that nothing is left to be made."""
        routes = [self._route(plan, listener, found, deadline) for listener in plan.spec.listeners]
        self._targets.register(routes, plan.spec.targets, found["VpcId"], deadline)
        self._call("remove_tags", deadline, ResourceArns=[found["LoadBalancerArn"]], TagKeys=[MAKING])

    def turn(self, found: Mapping[str, Any], routes: Sequence[Mapping[str, Any]], kind: str, deadline: Deadline) -> None:
        """Let a balancer without targets take those of another kind: its listeners get other target groups."""
        by_arn = {route["TargetGroupArn"]: route for route in routes}
        listeners = self._client.pages(
            "describe_listeners", "Listeners", service="elbv2", LoadBalancerArn=found["LoadBalancerArn"], deadline=deadline
        )
        for listener in listeners:
            old = by_arn.get(listener["DefaultActions"][0].get("TargetGroupArn"))
            if old is None or old["TargetType"] == kind:
                continue
            name = route_name(found["LoadBalancerName"], listener["Port"], kind)
            new = self._targets.copy(old, name, kind, deadline)
            action = {"Type": "forward", "TargetGroupArn": new}
            self._call("modify_listener", deadline, ListenerArn=listener["ListenerArn"], DefaultActions=[action])
            self._targets.drop(old["TargetGroupArn"], deadline)

    def _route(self, plan: BalancerPlan, listener: Listener, found: Mapping[str, Any], deadline: Deadline) -> str:
        """A listener with its target group, whose id this gives."""
        route = self._target_group(plan, listener, found["VpcId"], deadline)
        with suppress(Conflict):  # an earlier try made it
            self._call(
                "create_listener",
                deadline,
                LoadBalancerArn=found["LoadBalancerArn"],
                DefaultActions=[{"Type": "forward", "TargetGroupArn": route}],
                Tags=tag_list(plan.tags),
                **listener_parameters(listener),
            )
        return route

    def _target_group(self, plan: BalancerPlan, listener: Listener, vpc: str, deadline: Deadline) -> str:
        wanted = {"VpcId": vpc, "TargetType": plan.takes, **route_parameters(plan.spec, listener, plan.kind)}
        name = route_name(plan.name, listener.port, plan.takes)
        return self._targets.make(name, wanted, plan.tags, math.ceil(plan.spec.drain), deadline)

    def _open(self, plan: BalancerPlan, vpc: str, deadline: Deadline) -> Sequence[str]:
        given = plan.overrides.security_group_ids
        if plan.kind != APPLICATION or given:
            return given
        sources = ["0.0.0.0/0"] if plan.spec.public else self._places.ranges(vpc, deadline)
        ranges = [{"CidrIp": source} for source in sources]
        openings = [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}
            for port in sorted(listener.port for listener in plan.spec.listeners)
        ]
        return [self._firewall.open(plan.name, openings, vpc=vpc, tags=plan.tags, deadline=deadline)]

    def _call(self, operation: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="elbv2", deadline=deadline, **parameters)
