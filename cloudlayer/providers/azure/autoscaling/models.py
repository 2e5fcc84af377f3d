"""What a scale set's members are made from, and the document that makes a set.

A set carries a digest of its template, and so does each member from its creation: one with another digest is to be replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.compute.choices import Choice
from cloudlayer.providers.azure.compute.launches import plan_launches
from cloudlayer.providers.azure.compute.profiles import abilities, buying, identity, os_profile, storage_profile
from cloudlayer.providers.azure.marks import ASKED, MODEL, NAME, PART_OF, REGIONAL, TAGS
from cloudlayer.providers.azure.options import GroupOverrides, InstanceOverrides
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.resources import ScalingGroupSpec
from cloudlayer.specs import checked

_NETWORK_API: Final = "2020-11-01"
"""The network's version with which Azure makes the interfaces of flexible members: the only one that this version knows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A group that is to be: the set's native name, what its members are, and the tags that set and members carry."""

    name: str
    token: str
    spec: ScalingGroupSpec
    overrides: GroupOverrides
    launch: InstanceOverrides
    digest: str
    model: str

    @property
    def desired(self) -> int:
        """How many members a new group starts with."""
        return self.spec.min if self.spec.desired is None else self.spec.desired

    @property
    def own_tags(self) -> dict[str, str]:
        """What tells the group from others, with its labels: on all that is made for it."""
        return {**self.spec.labels, names.TOKEN: self.token, NAME: self.spec.name, PART_OF: self.name}

    def set_tags(self, desired: int) -> dict[str, str]:
        """The tags of the set, which Azure gives to members as it makes them: the template's labels among them."""
        asked = write_asked(self.spec.min, self.spec.max, desired)
        marks = {names.SPEC: self.digest, MODEL: self.model, ASKED: asked}
        return {**self.spec.template.labels, **self.own_tags, **marks}


def plan_group(spec: ScalingGroupSpec, name: str, token: str, digest: str) -> Plan:
    """The plan for a set of that name, created from a spec with `digest`. InvalidSpec for what Azure would refuse."""
    TAGS.check(spec.labels)
    TAGS.check({**spec.template.labels, **spec.labels})
    overrides = checked(GroupOverrides, spec.overrides, "overrides")
    launch = plan_launches([spec.template], token)[0].overrides
    content = ScalingGroupSpec(name=spec.name, template=spec.template, max=0)
    return Plan(name, token, spec, overrides, launch, digest, fingerprint([content]))


def set_document(
    plan: Plan,
    choice: Choice,
    *,
    desired: int,
    subnet: str,
    firewall: str | None,
    pools: Sequence[str],
    public_key: str,
    region: str,
) -> dict[str, Any]:
    """What makes the set: with as many members as are desired, in the group's zones or else in all that sell the size."""
    zones = _zones(plan.spec, choice)
    return {
        "location": region,
        "sku": {"name": choice.kind.name, "tier": "Standard", "capacity": desired},
        **({"zones": zones} if zones else {}),
        **identity(plan.launch),
        "tags": plan.set_tags(desired),
        "properties": {
            "platformFaultDomainCount": 1,
            "singlePlacementGroup": False,
            **_orchestration(plan.overrides),
            **abilities(plan.spec.template),
            "virtualMachineProfile": _profile(plan, choice, _card(plan, subnet, firewall, pools), public_key),
        },
    }


def write_asked(least: int, most: int, desired: int) -> str:
    """Bounds and size as the set's tag has them."""
    return f"{least}/{most}/{desired}"


def read_asked(tags: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Bounds and size from the set's tags; None where it has none of ours."""
    parts = tags.get(ASKED, "").split("/")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    least, most, desired = map(int, parts)
    return least, most, desired


def is_flexible(found: Mapping[str, Any]) -> bool:
    """Whether a set's members are virtual machines of their own."""
    return str(found["properties"].get("orchestrationMode", "Uniform")).lower() == "flexible"


def _orchestration(overrides: GroupOverrides) -> dict[str, Any]:
    """Neither mode's members are upgraded in place: they are replaced, so that each starts as its template says."""
    if overrides.orchestration == "flexible":
        return {"orchestrationMode": "Flexible"}
    return {"orchestrationMode": "Uniform", "overprovision": False, "upgradePolicy": {"mode": "Manual"}}


def _profile(plan: Plan, choice: Choice, card: Mapping[str, Any], public_key: str) -> dict[str, Any]:
    template, flexible = plan.spec.template, plan.overrides.orchestration == "flexible"
    licence = {"licenseType": plan.launch.license_type} if plan.launch.license_type else {}
    return {
        "osProfile": {"computerNamePrefix": plan.spec.name, **os_profile(template, plan.launch, public_key)},
        "storageProfile": storage_profile(template, choice.image, deleted=False),
        "networkProfile": {
            **({"networkApiVersion": _NETWORK_API} if flexible else {}),
            "networkInterfaceConfigurations": [card],
        },
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
        **buying(template, plan.launch),
        **licence,
    }


def _card(plan: Plan, subnet: str, firewall: str | None, pools: Sequence[str]) -> dict[str, Any]:
    """The model of the members' one network interface; it goes with its member."""
    going = {"deleteOption": "Delete"} if plan.overrides.orchestration == "flexible" else {}
    address: dict[str, Any] = {"subnet": {"id": subnet}, "primary": True}
    if pools:
        address["loadBalancerBackendAddressPools"] = [{"id": pool} for pool in pools]
    if plan.spec.template.public_address:
        public = {"name": "address", "sku": {"name": "Standard"}, **({"properties": going} if going else {})}
        address["publicIPAddressConfiguration"] = public
    properties: dict[str, Any] = {
        "primary": True,
        **going,
        "ipConfigurations": [{"name": "main", "properties": address}],
    }
    guard = firewall or plan.launch.security_group
    if guard:
        properties["networkSecurityGroup"] = {"id": guard}
    return {"name": f"{plan.name}-nic", "properties": properties}


def _zones(spec: ScalingGroupSpec, choice: Choice) -> list[str]:
    sku = choice.sku
    wrong = sorted(set(spec.zones) - set(sku.zones))
    if wrong:
        sold = ", ".join(sku.zones) or "no zone"
        raise InvalidSpec(f"zones: {', '.join(wrong)}: {sku.kind.name} is sold in {sold} here; name others, or none")
    return sorted(spec.zones) or [zone for zone in sku.zones if zone not in sku.closed and zone != REGIONAL]
