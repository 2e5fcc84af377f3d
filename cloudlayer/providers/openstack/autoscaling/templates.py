"""Heat's template of a group: an autoscaling group of member stacks, each a server with its port, disks and pool members.

What a member is made of has names that end in a digest of what was asked for: a changed template makes all of a member anew,
the new ones before the old ones go, where Heat would else change some in place and move the rest from server to server.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Strict

from cloudlayer import labels as names
from cloudlayer.providers.base.attempts import native_name
from cloudlayer.providers.openstack.compute.launches import firewall_rule
from cloudlayer.providers.openstack.options import InstanceOverrides
from cloudlayer.providers.openstack.pieces import described
from cloudlayer.providers.openstack.tags import tagged
from cloudlayer.resources import DiskSpec, ScalingGroupSpec, StepPolicy
from cloudlayer.specs import Spec, checked
from cloudlayer.units import GIB

GROUP: Final = "group"
"""The name of the group among the stack's resources."""

_VERSION: Final = "2018-08-31"
_LONGEST: Final = 60
_LONGEST_TAG: Final = 80
_MINUTES: Final = 60
_KIND: Final = {"kind": "group"}


class Made(Spec):
    """What was chosen for a template: ids, but for the name of the machine type."""

    machine_type: str
    flavor: str
    image: str
    network: str
    external: str | None = None
    groups: Annotated[tuple[str, ...], Strict(False)] = ()


class Record(Spec):
    """All that a group's stack is made from, kept in its parameters.

    `digest` is the fingerprint of the spec that it was created with, `balancers` are those whose targets its members are, and
    `desired` is what was last asked for: steps that were taken since do not show here. `ceiling` is the group's bound in Heat,
    which takes a desired size of 0 for none at all, so that a bound of 0 has to bring a group down to it.
    """

    spec: ScalingGroupSpec
    token: str
    digest: str
    made: Made
    desired: int
    ceiling: int
    balancers: Annotated[tuple[str, ...], Strict(False)] = ()

    @property
    def name(self) -> str:
        """The stack's name, which can be used once: it stands for the token, whatever the group is called."""
        return native_name(GROUP, self.token, _LONGEST)

    @property
    def labels(self) -> dict[str, str]:
        """The group's labels."""
        return {**self.spec.labels, names.TOKEN: self.token, names.SPEC: self.digest}

    @property
    def member_labels(self) -> dict[str, str]:
        """The labels of members, and of all that is made for them."""
        return {**self.spec.template.labels, **self.spec.labels, names.TOKEN: self.token}


class Door(Spec):
    """One pool of a balancer: its id, the port of its members, that of their checks, and the subnet that leads to them."""

    pool: str
    port: int
    check: int | None = None
    through: str | None = None


def member_tag(token: str) -> str:
    """The tag by which Nova finds the members of the group of a token."""
    return f"cloudlayer-group={token}"


def policy_resource(policy: str) -> str:
    """The name of a step policy among the stack's resources."""
    return f"step-{policy}"


def stack_tags(labels: Mapping[str, str], balancers: Sequence[str] = ()) -> str:
    """The tags of a group's stack, by which Heat finds it again; a label that is too long for one stands there as a digest."""
    all_tags = [*tagged(labels, **_KIND), *(tag for each in balancers for tag in tagged({}, balancer=each))]
    return ",".join(_short(tag) for tag in all_tags)


def request(record: Record, doors: Sequence[Door]) -> dict[str, Any]:
    """The body of the request that makes the stack, or brings it to this."""
    member = json.dumps(_member(record, doors), sort_keys=True)
    file = f"member-{_digest(member)}.yaml"
    return {
        "stack_name": record.name,
        "template": _root(record, file),
        "files": {file: member},
        "parameters": {"record": record.model_dump_json()},
        "tags": stack_tags(record.labels, record.balancers),
        "disable_rollback": True,
        "timeout_mins": _MINUTES,
    }


def _root(record: Record, file: str) -> dict[str, Any]:
    spec, tags = record.spec, tagged(record.member_labels)
    firewall = {"firewall": {"get_resource": "firewall"}} if spec.template.open_ports else {}
    member = {"labels": record.member_labels, "tags": tags, "group": {"get_param": "OS::stack_id"}, **firewall}
    group = {
        "min_size": spec.min,
        "max_size": record.ceiling,
        "desired_capacity": record.desired,
        "rolling_updates": {"max_batch_size": 1, "min_in_service": 0},
        "resource": {"type": file, "properties": member},
    }
    resources = {GROUP: {"type": "OS::Heat::AutoScalingGroup", "properties": group}}
    if firewall:
        resources["firewall"] = {"type": "OS::Neutron::SecurityGroup", "properties": _firewall(record)}
    for policy in spec.policies:
        if isinstance(policy, StepPolicy):
            resources[policy_resource(policy.name)] = {"type": "OS::Heat::ScalingPolicy", "properties": _step(policy)}
    return {"heat_template_version": _VERSION, "parameters": {"record": {"type": "string"}}, "resources": resources}


def _firewall(record: Record) -> dict[str, Any]:
    rules = {json.dumps(rule): rule for rule in map(firewall_rule, record.spec.template.open_ports)}
    return {"name": record.name, "description": described(record.member_labels), "rules": list(rules.values())}


def _step(policy: StepPolicy) -> dict[str, Any]:
    return {
        "adjustment_type": "change_in_capacity",
        "auto_scaling_group_id": {"get_resource": GROUP},
        "scaling_adjustment": policy.change,
        "cooldown": policy.cooldown,
    }


def _member(record: Record, doors: Sequence[Door]) -> dict[str, Any]:
    """The stack of one member. It names its server as what it stands for."""
    template, made = record.spec.template, record.made
    end = _digest(template.model_dump_json() + made.model_dump_json())
    port, server = f"port-{end}", f"server-{end}"
    resources = {
        port: {"type": "OS::Neutron::Port", "properties": _port(record)},
        server: {"type": "OS::Nova::Server", "properties": _server(record, end)},
    }
    for number, disk in enumerate(template.disks):
        resources[_disk_name(number, end)] = {"type": "OS::Cinder::Volume", "properties": _disk(disk, made)}
    if template.public_address:
        floating = {"floating_network": made.external, "port_id": {"get_resource": port}}
        resources[f"address-{end}"] = {"type": "OS::Neutron::FloatingIP", "properties": floating}
    for door in doors:
        name = f"target-{door.pool}-{end}"
        resources[name] = {"type": "OS::Octavia::PoolMember", "properties": _target(door, port, server)}
    parameters = {"labels": {"type": "json"}, "tags": {"type": "json"}, "group": {"type": "string"}}
    return {
        "heat_template_version": _VERSION,
        "parameters": {**parameters, "firewall": {"type": "string", "default": ""}},
        "resources": resources,
        "outputs": {"OS::stack_id": {"value": {"get_resource": server}}},
    }


def _port(record: Record) -> dict[str, Any]:
    groups: list[Any] = [*record.made.groups, *([{"get_param": "firewall"}] if record.spec.template.open_ports else [])]
    wanted = {"network": record.made.network, "tags": {"get_param": "tags"}}
    return {**wanted, **({"security_groups": groups} if groups else {})}


def _server(record: Record, end: str) -> dict[str, Any]:
    template, made = record.spec.template, record.made
    overrides = checked(InstanceOverrides, template.overrides, "template.overrides")
    devices = [
        {
            "volume_id": {"get_resource": _disk_name(number, end)},
            "boot_index": 0 if disk.boot else -1,
            "delete_on_termination": False,
        }
        for number, disk in enumerate(template.disks)
    ]
    wanted = {
        "flavor": made.flavor,
        "image": None if any(disk.boot for disk in template.disks) else made.image,
        "networks": [{"port": {"get_resource": f"port-{end}"}}],
        "metadata": {"get_param": "labels"},
        "tags": [member_tag(record.token)],
        "user_data": template.user_data,
        "user_data_format": "RAW",
        "block_device_mapping_v2": devices or None,
        "key_name": overrides.key_name,
        "config_drive": overrides.config_drive or None,
        "scheduler_hints": {"group": overrides.server_group} if overrides.server_group else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _disk(disk: DiskSpec, made: Made) -> dict[str, Any]:
    wanted = {
        "size": math.ceil(disk.size / GIB),
        "volume_type": disk.type,
        "image": made.image if disk.boot else None,
        "metadata": {"get_param": "labels"},
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _target(door: Door, port: str, server: str) -> dict[str, Any]:
    own = [
        {"list_join": ["", [*tagged({}, target=""), {"get_resource": server}]]},
        {"list_join": ["", [*tagged({}, group=""), {"get_param": "group"}]]},
    ]
    wanted = {
        "pool": door.pool,
        "address": {"get_attr": [port, "fixed_ips", 0, "ip_address"]},
        "protocol_port": door.port,
        "monitor_port": door.check,
        "subnet": door.through,
        "tags": {"list_concat": [{"get_param": "tags"}, own]},
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _disk_name(number: int, end: str) -> str:
    return f"disk-{number}-{end}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _short(tag: str) -> str:
    if len(tag) <= _LONGEST_TAG:
        return tag
    return tagged({}, label=hashlib.sha256(tag.encode()).hexdigest()[:40])[0]
