"""Instances that are not there any more: what became of them is told by the operations on them, which outlive them by weeks."""

from __future__ import annotations

from typing import Any, Final

from google.cloud import compute_v1

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.instances import instance_id
from cloudlayer.resources import Instance, InstanceState

_DONE: Final = compute_v1.Operation.Status.DONE
_ENDS: Final = ("delete", "compute.instances.preempted")
"""Operations after which there is no instance: the caller's, and the cloud's own on a spot instance that it takes back."""


def remembered(client: Client, zone: str, name: str, deadline: Deadline) -> Instance | None:
    """An instance that is gone, as FAILED or DELETED with the reason; None if there never was one of that name."""
    wanted = f'targetLink eq ".*/zones/{zone}/instances/{name}"'
    found = list(client.pages("zone_operations", zone=zone, filter=wanted, deadline=deadline))
    inserts = [one for one in found if one.operation_type == "insert" and one.status == _DONE]
    ends = [one for one in found if one.operation_type in _ENDS]
    if not inserts and not ends:
        return None
    last = max(inserts, key=lambda one: one.insert_time, default=None)
    if last is not None and not ends and last.error.errors:
        return gone(client.region, zone, name, InstanceState.FAILED, reason_of(last))
    taken = next((one.operation_type for one in ends if one.operation_type != "delete"), None)
    return gone(client.region, zone, name, InstanceState.DELETED, taken)


def reason_of(operation: Any) -> str:
    """What an operation ended with: the code, and what the cloud says of it."""
    fault = operation.error.errors[0]
    return f"{fault.code}: {fault.message}"


def gone(region: str, zone: str, name: str, state: InstanceState, reason: str | None) -> Instance:
    """An instance of which nothing is known but its end."""
    own = instance_id(zone, name)
    return Instance(own, "gcp", region, zone=zone, state=state, machine_type="", name=name, reason=reason)
