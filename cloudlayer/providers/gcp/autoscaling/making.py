"""How a group's manager is made, and brought to another spec."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.errors import Conflict, InvalidSpec, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.gcp.autoscaling.groups import template_of
from cloudlayer.providers.gcp.autoscaling.plans import Plan, content_of, desired_of
from cloudlayer.providers.gcp.autoscaling.templates import Templates
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.codes import EXISTS
from cloudlayer.providers.gcp.compute.choices import Choices
from cloudlayer.providers.gcp.compute.properties import Choice
from cloudlayer.resources import ScalingGroupSpec

_ZONES: Final = 3
"""How many zones a group is spread over that names none; as many as Google takes by itself."""


class GroupMaking:
    """Makes managers in one region."""

    def __init__(self, client: Client, choices: Choices, templates: Templates) -> None:
        self._client = client
        self._choices = choices
        self._templates = templates

    def make(self, plan: Plan, deadline: Deadline, *, making: bool) -> None:
        """Make the template and the manager; `making` says that something else is to be made after them."""
        choice = self._choices.choose(plan.spec.template, deadline)
        zones = self._zones(plan, choice)
        self._templates.make(plan, choice, deadline)
        manager: dict[str, Any] = {
            "name": plan.id,
            "base_instance_name": plan.base_name,
            "versions": [{"instance_template": self._templates.link(plan.template)}],
            "target_size": desired_of(plan.spec),
            "description": plan.described(**({"making": True} if making else {})),
            "list_managed_instances_results": "PAGINATED",
        }
        manager |= _healing(plan)
        where = Where("gcp", self._client.region, None, choice.machine.base, plan.spec.template.purchase)
        if is_zonal(plan):
            manager["update_policy"] = _update_policy(1, proactive=False)
            service, place = "instance_group_managers", {"zone": zones[0]}
        else:
            manager |= self._spread(plan, choice, zones)
            service, place = "region_instance_group_managers", {"region": self._client.region}
        try:
            resource: dict[str, Any] = {"instance_group_manager_resource": manager}
            self._client.run(service, "insert", deadline=deadline, where=where, **place, **resource)
        except Conflict as error:
            if error.code not in EXISTS:
                raise

    def changes(self, manager: Any, plan: Plan, stale: bool, deadline: Deadline) -> dict[str, Any]:
        """The fields of the manager that bring members to the plan's template, which is made for it; none if they are so.

        Members are replaced where what they are made from is another. Other labels are for new members alone, so that such
        an update replaces nobody: `stale` says that some are being replaced already, and that goes on.
        """
        current = basename(template_of(manager))
        healing = _healing(plan) if _heals(manager) != _healing(plan) else {}
        if current == plan.template:
            return healing
        choice = self._choices.choose(plan.spec.template, deadline)
        _check_selections(manager, plan.spec, choice)
        self._templates.make(plan, choice, deadline)
        proactive = stale or content_of(current) != content_of(plan.template)
        zones = [basename(each.zone) for each in manager.distribution_policy.zones]
        changes: dict[str, Any] = {**healing, "versions": [{"instance_template": self._templates.link(plan.template)}]}
        if manager.zone:
            return {**changes, "update_policy": _update_policy(1, proactive=proactive)}
        spread = self._spread(plan, choice, zones)
        if plan.spec.machine_types:
            del spread["distribution_policy"]["zones"]  # they are fixed, and the shape is not
        else:
            del spread["distribution_policy"]
        return {**changes, **spread, "update_policy": {**spread["update_policy"], **_kind(proactive)}}

    def _spread(self, plan: Plan, choice: Choice, zones: list[str]) -> dict[str, Any]:
        """What a manager of the region has besides: zones, and the machine types to choose from as there is room."""
        links = [{"zone": f"projects/{self._client.project}/zones/{zone}"} for zone in zones]
        spread: dict[str, Any] = {
            "distribution_policy": {"zones": links, "target_shape": "EVEN"},
            "update_policy": _update_policy(len(zones), proactive=False),
        }
        if plan.spec.machine_types:
            # Google chooses among types only where it may leave a zone without room alone.
            spread["distribution_policy"]["target_shape"] = "BALANCED"
            spread["update_policy"]["instance_redistribution_type"] = "NONE"
            spread["instance_flexibility_policy"] = {"instance_selections": _selections(plan.spec, choice)}
        return spread

    def _zones(self, plan: Plan, choice: Choice) -> list[str]:
        """The zones for members: those that are asked for, else some that sell the machine type."""
        asked = plan.spec.zones
        others = [zone for zone in asked if zone not in choice.zones]
        if others:
            sold = ", ".join(choice.zones)
            raise InvalidSpec(f"zones: {', '.join(others)} do not sell {choice.machine.base}; these do: {sold}")
        if plan.overrides.zonal and len(asked) > 1:
            raise InvalidSpec("overrides.zonal: a group of one zone has one: name one, or leave it out")
        return sorted(asked or choice.zones[: 1 if is_zonal(plan) else _ZONES])


def is_zonal(plan: Plan) -> bool:
    """Whether a group is one of a zone. Google chooses among machine types in groups of a region alone."""
    if plan.spec.machine_types:
        return False
    return plan.overrides.zonal or len(plan.spec.zones) == 1


def check_place(manager: Any, spec: ScalingGroupSpec) -> None:
    """Raise Unsupported for other zones than a group has: they are chosen when it is made."""
    here = {basename(each.zone) for each in manager.distribution_policy.zones} or {basename(manager.zone)}
    if spec.zones and set(spec.zones) != here:
        reason = (
            f"zones: Google fixes them when a group is made, and {manager.name} has {', '.join(sorted(here))}: make another"
        )
        raise Unsupported(reason, provider="gcp", code="Unsupported")
    if manager.auto_healing_policies and "health_check" not in spec.overrides:
        reason = f"overrides.health_check: {manager.name} has one, which cannot be taken away: name it, or make another group"
        raise Unsupported(reason, provider="gcp", code="Unsupported")
    if spec.machine_types and manager.zone:
        reason = (
            f"machine_types: {manager.name} is a group of one zone, and Google chooses among types in a region: make another"
        )
        raise Unsupported(reason, provider="gcp", code="Unsupported")


def _healing(plan: Plan) -> dict[str, Any]:
    """By which health check sick members are replaced, if the group's overrides name one."""
    if plan.overrides.health_check is None:
        return {}
    check = {"health_check": plan.overrides.health_check, "initial_delay_sec": plan.overrides.initial_delay}
    return {"auto_healing_policies": [check]}


def _heals(manager: Any) -> dict[str, Any]:
    """The same of a manager that is there, with its health check named from the project on."""
    checks = [
        {
            "health_check": f"projects/{each.health_check.partition('/projects/')[2]}",
            "initial_delay_sec": each.initial_delay_sec,
        }
        for each in manager.auto_healing_policies
    ]
    return {"auto_healing_policies": checks} if checks else {}


def _check_selections(manager: Any, spec: ScalingGroupSpec, choice: Choice) -> None:
    """Raise Unsupported for a spec by which machine types would have to go altogether: Google keeps what is not named."""
    wanted = _selections(spec, choice) if spec.machine_types else {}
    if set(manager.instance_flexibility_policy.instance_selections) - wanted.keys():
        reason = (
            f"machine_types: {manager.name} chooses among several types, and goes on to: name others in their place, or make "
            "another group"
        )
        raise Unsupported(reason, provider="gcp", code="Unsupported")


def _selections(spec: ScalingGroupSpec, choice: Choice) -> dict[str, dict[str, Any]]:
    """The template's own machine type first, the others as there is room."""
    others = [name for name in dict.fromkeys(spec.machine_types) if name != choice.machine.base]
    found: dict[str, dict[str, Any]] = {"first": {"machine_types": [choice.machine.base], "rank": 1}}
    if others:
        found["others"] = {"machine_types": others, "rank": 2}
    return found


def _update_policy(zones: int, *, proactive: bool) -> dict[str, Any]:
    """How members are replaced: one more in each zone, and none less meanwhile."""
    return {
        "minimal_action": "REPLACE",
        "replacement_method": "SUBSTITUTE",
        "max_surge": {"fixed": zones},
        "max_unavailable": {"fixed": 0},
        **_kind(proactive),
    }


def _kind(proactive: bool) -> dict[str, str]:
    return {"type_": "PROACTIVE" if proactive else "OPPORTUNISTIC"}
