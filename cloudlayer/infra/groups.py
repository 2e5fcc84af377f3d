"""`ScalingGroup`: equal machines whose number the cloud itself keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input, Output

from cloudlayer.fleet.kinds import GROUP
from cloudlayer.infra.arguments import PolicyArgs, TemplateArgs
from cloudlayer.infra.declaring import Declared
from cloudlayer.infra.life import Life
from cloudlayer.infra.making import PATIENCE
from cloudlayer.infra.shapes import Change, Document, Shape
from cloudlayer.interfaces import Provider
from cloudlayer.providers.base.autoscaling import require_group
from cloudlayer.resources import ScalingGroup as Group
from cloudlayer.resources import ScalingGroupSpec


def _in_place(provider: Provider, before: Document, now: Document) -> frozenset[str]:
    return frozenset(ScalingGroupSpec.model_fields) - {"name"}


def _change(change: Change) -> None:
    change.provider.autoscaling.update(change.id, change.spec)
    change.provider.autoscaling.wait(change.id, "active", timeout=PATIENCE)


def _tracked(provider: Provider, group: Group, document: Document) -> Document:
    """The bounds, unless the group changes them itself at the times of a policy."""
    scheduled = any(policy.get("kind") == "scheduled" for policy in document.get("policies", ()))
    return {} if scheduled else {"min": group.min, "max": group.max}


def _tell(group: Group) -> dict[str, Any]:
    return {"name": group.name, "state": str(group.state), "members": [member.instance for member in group.members]}


class ScalingGroupLife(Life):
    """The life of a scaling group. How many members it has is the cloud's to say: no difference."""

    shape = Shape(
        GROUP.noun,
        GROUP.capability,
        GROUP.ready,
        GROUP.spec,
        GROUP.verbs,
        _tell,
        require=require_group,
        in_place=_in_place,
        change=_change,
        tracked=_tracked,
    )


class ScalingGroup(Declared, module="cloudlayer", name="ScalingGroup"):
    """min ≤ desired ≤ max machines of `template`. Without `desired` the cloud's own policies say how many there are.

    `balancer` is the id of a load balancer whose targets the members are. `name` is the resource's where none is given; another
    one replaces the group, everything else changes in place, members a few at a time.
    """

    told = ("name", "state", "members")

    name: Output[str]
    state: Output[str]
    members: Output[list[str]]

    def __init__(
        self,
        resource_name: str,
        *,
        provider: Input[str],
        template: Input[TemplateArgs],
        max: Input[int],
        min: Input[int] | None = None,
        desired: Input[int] | None = None,
        name: Input[str] | None = None,
        zones: Input[Sequence[Input[str]]] | None = None,
        machine_types: Input[Sequence[Input[str]]] | None = None,
        policies: Input[Sequence[Input[PolicyArgs]]] | None = None,
        balancer: Input[str] | None = None,
        labels: Input[Mapping[str, Input[str]]] | None = None,
        overrides: Input[Mapping[str, Any]] | None = None,
        provider_options: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked = {
            "name": name or resource_name,
            "template": template,
            "min": min,
            "max": max,
            "desired": desired,
            "zones": zones,
            "machine_types": machine_types,
            "policies": policies,
            "balancer": balancer,
            "labels": labels,
            "overrides": overrides,
        }
        super().__init__(
            ScalingGroupLife(), resource_name, provider=provider, provider_options=provider_options, asked=asked, opts=opts
        )
