"""`LoadBalancer`: listeners in front, targets behind, a health check between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output

from cloudlayer.fleet.kinds import BALANCER
from cloudlayer.infra.arguments import HealthCheckArgs, ListenerArgs, TargetArgs
from cloudlayer.infra.declaring import Declared
from cloudlayer.infra.life import Life
from cloudlayer.infra.making import PATIENCE
from cloudlayer.infra.shapes import Change, Document, Shape
from cloudlayer.interfaces import Deadline, Provider
from cloudlayer.providers.base.load_balancing import require_balancer
from cloudlayer.resources import LoadBalancer as Balancer
from cloudlayer.resources import TargetSpec


def _change(change: Change) -> None:
    """Register first, so that there is a target at any time."""
    balancing = change.provider.load_balancing
    before, wanted = _targets(change.before), {target.id: target for target in change.spec.targets}
    there = _registered(change.provider, change.id, before)
    balancing.register(change.id, [wanted[one] for one in wanted if one not in there])
    gone = [before[one] for one in before if one not in wanted]
    if gone:
        balancing.deregister(change.id, gone, deadline=Deadline.after(change.spec.drain + PATIENCE))
    balancing.wait(change.id, "active", timeout=PATIENCE)


def _targets(document: Document) -> dict[str, TargetSpec]:
    return {target.id: target for target in map(TargetSpec.model_validate, document.get("targets", ()))}


def _registered(provider: Provider, id: str, asked: dict[str, TargetSpec]) -> set[str]:
    """Those of the targets that the balancer has. Of a group the members alone are told, so it counts as there."""
    health = provider.load_balancing.health(id)
    there = {target.target for target in health if target.state != "draining"}
    return {one for one, target in asked.items() if target.group is not None or one in there}


def _tracked(provider: Provider, balancer: Balancer, document: Document) -> Document:
    """What it listens for, and its targets; those of others, such as members of groups, may come and go."""
    listeners = [listener.model_dump(mode="json") for listener in balancer.listeners]
    return {"listeners": listeners, "targets": sorted(_registered(provider, balancer.id, _targets(document)))}


def _tell(balancer: Balancer) -> dict[str, Any]:
    return {"name": balancer.name, "state": str(balancer.state), "address": balancer.address}


class LoadBalancerLife(Life):
    """The life of a load balancer."""

    shape = Shape(
        BALANCER.noun,
        BALANCER.capability,
        BALANCER.ready,
        BALANCER.spec,
        BALANCER.verbs,
        _tell,
        require=require_balancer,
        in_place=lambda provider, before, now: frozenset({"targets"}),
        change=_change,
        tracked=_tracked,
        echoed=frozenset({"targets"}),
    )


class LoadBalancer(Declared, module="cloudlayer", name="LoadBalancer"):
    """A balancer with all that belongs to it. Targets come and go in place; everything else that changes replaces.

    `name` is the resource's where none is given. `drain` is how long a target that is taken out may finish what it has begun.
    """

    told = ("name", "state", "address")

    name: Output[str]
    state: Output[str]
    address: Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        provider: Input[str],
        listeners: Input[Sequence[Input[ListenerArgs]]],
        targets: Input[Sequence[Input[TargetArgs]]] | None = None,
        health_check: Input[HealthCheckArgs] | None = None,
        drain: Input[str | float] | None = None,
        public: Input[bool] | None = None,
        name: Input[str] | None = None,
        labels: Input[Mapping[str, Input[str]]] | None = None,
        overrides: Input[Mapping[str, Any]] | None = None,
        provider_options: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked = {
            "name": name or resource_name,
            "listeners": listeners,
            "targets": targets,
            "health_check": health_check,
            "drain": drain,
            "public": public,
            "labels": labels,
            "overrides": overrides,
        }
        super().__init__(
            LoadBalancerLife(), resource_name, provider=provider, provider_options=provider_options, asked=asked, opts=opts
        )
