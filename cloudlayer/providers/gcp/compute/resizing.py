"""Another machine type for an instance that is stopped: the type itself, and the devices that are attached to it."""

from __future__ import annotations

from typing import Any

from cloudlayer.errors import Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.accelerators import parse_machine
from cloudlayer.providers.gcp.compute.catalogue import Sold
from cloudlayer.providers.gcp.compute.instances import split_id
from cloudlayer.providers.gcp.compute.properties import stays
from cloudlayer.resources import Instance, InstanceState


def resize(client: Client, instance: Instance, wanted: Sold, deadline: Deadline) -> None:
    """Change the machine type of an instance; Conflict if it is not stopped. What is so already is left alone."""
    if instance.state is not InstanceState.STOPPED:
        message = f"{instance.id} is {instance.state}: stop it before it is resized"
        raise Conflict(message, provider="gcp", code="resourceNotReady")
    zone, name = split_id(instance.id)
    here: dict[str, Any] = {"zone": zone, "instance": name, "deadline": deadline}
    before, after = parse_machine(instance.machine_type), wanted.machine
    has_others = (before.kind, before.count) != (after.kind, after.count)
    if before.count and has_others:
        _attach(client, here, [])  # no other type than N1 takes any
    if not after.count:
        _schedule(client, here, instance, wanted)
    if before.base != after.base:
        request = {"machine_type": client.link("machineTypes", after.base, zone=zone)}
        client.run("instances", "set_machine_type", instances_set_machine_type_request_resource=request, **here)
    if after.count and has_others:
        _schedule(client, here, instance, wanted)  # only now: what it was before may have to be one that moves, as E2 is
        kind = client.link("acceleratorTypes", after.kind, zone=zone)
        _attach(client, here, [{"accelerator_type": kind, "accelerator_count": after.count}])


def _schedule(client: Client, here: dict[str, Any], instance: Instance, wanted: Sold) -> None:
    """Let it stay on its host where it cannot move, and move again where it stayed for its devices."""
    now = instance.native.scheduling
    action = now.on_host_maintenance
    if wanted.parts.count or stays(wanted.machine.base):
        action = "TERMINATE"
    elif parse_machine(instance.machine_type).count and now.provisioning_model != "SPOT":
        action = "MIGRATE"
    if action != now.on_host_maintenance:
        scheduling = {"on_host_maintenance": action, "automatic_restart": True}
        client.run("instances", "set_scheduling", scheduling_resource=scheduling, **here)


def _attach(client: Client, here: dict[str, Any], devices: list[dict[str, Any]]) -> None:
    request = {"guest_accelerators": devices}
    client.run("instances", "set_machine_resources", instances_set_machine_resources_request_resource=request, **here)
