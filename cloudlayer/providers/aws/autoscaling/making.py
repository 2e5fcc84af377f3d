"""How a group is made, and brought to another spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import Conflict, InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.autoscaling.groups import template_version
from cloudlayer.providers.aws.autoscaling.templates import Plan, Templates
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.compute.choices import Choices
from cloudlayer.providers.aws.compute.launches import Choice
from cloudlayer.providers.aws.firewall import Firewall
from cloudlayer.providers.aws.marks import MAKING, all_tags
from cloudlayer.providers.aws.options import GroupOverrides
from cloudlayer.providers.aws.places import Places, Subnet
from cloudlayer.providers.aws.tags import tag_list
from cloudlayer.providers.base.errors import Where
from cloudlayer.resources import ScalingGroupSpec

_TAGGED_AT_ONCE: Final = 500


class GroupMaking:
    """Makes groups in one region; every step may be taken again."""

    def __init__(self, client: Client, choices: Choices, templates: Templates, firewall: Firewall) -> None:
        self._client = client
        self._choices = choices
        self._templates = templates
        self._firewall = firewall
        self._places = Places(client)

    def make(
        self, spec: ScalingGroupSpec, plan: Plan, overrides: GroupOverrides, *, routes: Sequence[str], deadline: Deadline
    ) -> None:
        """Make the firewall, the template and the group; what is there already is left as it is."""
        choice = self._choices.choose(spec.template, deadline)
        place = self._place(spec, plan, overrides, choice, deadline)
        version = self._templates.create(plan, choice, self._open(plan, overrides, deadline), deadline)
        marks = {names.SPEC: plan.digest, **({MAKING: "policies"} if spec.policies else {})}
        where = Where("aws", self._client.region, None, choice.machine_type, spec.template.purchase)
        try:
            self._client.call(
                "create_auto_scaling_group",
                service="autoscaling",
                where=where,
                AutoScalingGroupName=plan.group,
                MinSize=spec.min,
                MaxSize=spec.max,
                DesiredCapacity=spec.min if spec.desired is None else spec.desired,
                Tags=_tags(plan.group, plan.tags, given=True) + _tags(plan.group, marks, given=False),
                TargetGroupARNs=list(routes),
                deadline=deadline,
                **place,
                **_launching(plan, choice, version),
            )
        except Conflict as error:
            if error.code != "AlreadyExists":
                raise

    def changes(
        self, found: Mapping[str, Any], spec: ScalingGroupSpec, plan: Plan, overrides: GroupOverrides, deadline: Deadline
    ) -> dict[str, Any]:
        """The parameters of UpdateAutoScalingGroup that bring a group to the spec; a new template version is made for them."""
        wanted = _sizes(found, spec)
        if spec.zones or _subnet_ids(plan, overrides):
            wanted.update(self._place(spec, plan, overrides, None, deadline))
        changed = {name: value for name, value in wanted.items() if not _is_so(found, name, value)}
        current = template_version(found)
        versions = self._templates.versions(plan.group, [current], deadline)
        if versions.get(current, {}).get("VersionDescription") == plan.description:
            return changed
        choice = self._choices.choose(spec.template, deadline)
        version = self._templates.bring(plan, choice, self._open(plan, overrides, deadline), deadline)
        return {**changed, **_launching(plan, choice, version)}

    def retag(self, found: Mapping[str, Any], plan: Plan, deadline: Deadline) -> None:
        """Give the group and its members the plan's tags in place of those that it gave them before."""
        present = all_tags(tag for tag in found["Tags"] if tag["PropagateAtLaunch"])
        new = {name: value for name, value in plan.tags.items() if present.get(name) != value}
        old = [name for name in present if name not in plan.tags and not name.startswith("aws:")]
        if new:
            self._scaling("create_or_update_tags", deadline, Tags=_tags(plan.group, new, given=True))
        if old:
            self._scaling("delete_tags", deadline, Tags=[_tag(plan.group, name) for name in old])
        members = [member["InstanceId"] for member in found.get("Instances", ())]
        for start in range(0, len(members), _TAGGED_AT_ONCE):
            chunk = members[start : start + _TAGGED_AT_ONCE]
            if new:
                self._client.call("create_tags", Resources=chunk, Tags=tag_list(new), deadline=deadline)
            if old:
                self._client.call("delete_tags", Resources=chunk, Tags=[{"Key": name} for name in old], deadline=deadline)

    def unmark(self, group: str, deadline: Deadline) -> None:
        """Say that everything that belongs to the group is made."""
        self._scaling("delete_tags", deadline, Tags=[_tag(group, MAKING)])

    def _open(self, plan: Plan, overrides: GroupOverrides, deadline: Deadline) -> tuple[str, ...]:
        """Ids of the security groups for members; none where the network's default group is to be used."""
        launch = plan.launch
        given = launch.overrides.security_group_ids
        if not launch.openings:
            return given
        vpc = self._places.subnets(_subnet_ids(plan, overrides), deadline)[0].vpc
        own = self._firewall.open(plan.group, launch.openings, vpc=vpc, tags=plan.tags, deadline=deadline)
        return (*given, own)

    def _place(
        self, spec: ScalingGroupSpec, plan: Plan, overrides: GroupOverrides, choice: Choice | None, deadline: Deadline
    ) -> dict[str, Any]:
        """Zones, or subnets where some are named; without either, every zone that sells the machine type."""
        ids = _subnet_ids(plan, overrides)
        if ids:
            subnets = [subnet for subnet in self._places.subnets(ids, deadline) if _is_in(subnet, spec.zones)]
            if not subnets:
                raise InvalidSpec(f"overrides.subnet_ids: none is in {', '.join(spec.zones)}; leave one of the two out")
            return {"VPCZoneIdentifier": ",".join(subnet.id for subnet in subnets)}
        if spec.zones or choice is None:
            return {"AvailabilityZones": sorted(spec.zones)}
        return {"AvailabilityZones": self._places.zones(choice.machine_type, deadline)}

    def _scaling(self, operation: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="autoscaling", deadline=deadline, **parameters)


def _subnet_ids(plan: Plan, overrides: GroupOverrides) -> tuple[str, ...]:
    single = plan.launch.overrides.subnet_id
    return overrides.subnet_ids or ((single,) if single else ())


def _is_in(subnet: Subnet, zones: Sequence[str]) -> bool:
    return not zones or subnet.zone in zones


def _sizes(found: Mapping[str, Any], spec: ScalingGroupSpec) -> dict[str, Any]:
    kept = min(max(int(found["DesiredCapacity"]), spec.min), spec.max)
    desired = kept if spec.desired is None else spec.desired
    return {"MinSize": spec.min, "MaxSize": spec.max, "DesiredCapacity": desired}


def _is_so(found: Mapping[str, Any], name: str, value: Any) -> bool:
    present = found.get(name)
    return sorted(present or ()) == value if isinstance(value, list) else present == value


def _launching(plan: Plan, choice: Choice, version: str) -> dict[str, Any]:
    """Which template members are made from; with several machine types, the template's own first where all can be had."""
    template = {"LaunchTemplateName": plan.group, "Version": version}
    if not plan.alternatives:
        return {"LaunchTemplate": template}
    types = dict.fromkeys((choice.machine_type, *plan.alternatives))
    on_demand = 0 if plan.launch.spec.purchase == "spot" else 100
    distribution = {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 0,
        "OnDemandPercentageAboveBaseCapacity": on_demand,
        "SpotAllocationStrategy": "capacity-optimized-prioritized",
    }
    if plan.launch.overrides.spot_max_price is not None:
        distribution["SpotMaxPrice"] = f"{plan.launch.overrides.spot_max_price:.6f}"
    return {
        "MixedInstancesPolicy": {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": template,
                "Overrides": [{"InstanceType": name} for name in types],
            },
            "InstancesDistribution": distribution,
        }
    }


def _tags(group: str, tags: Mapping[str, str], *, given: bool) -> list[dict[str, Any]]:
    """Tags as Auto Scaling writes them; those that are `given` go to members as they are made."""
    return [{**_tag(group, name), "Value": value, "PropagateAtLaunch": given} for name, value in sorted(tags.items())]


def _tag(group: str, name: str) -> dict[str, Any]:
    return {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": name}
