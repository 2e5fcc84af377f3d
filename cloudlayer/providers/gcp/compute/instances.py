"""Compute Engine's descriptions of instances, read as ours. An instance's id is "ZONE/NAME": a name is unique in its zone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from cloudlayer.errors import NotFound
from cloudlayer.providers.gcp.client import basename
from cloudlayer.providers.gcp.compute.accelerators import Machine
from cloudlayer.providers.gcp.marks import NAME, read_labels
from cloudlayer.resources import Instance, InstanceState
from cloudlayer.resources.machines import Purchase

IMAGE: Final = "cloudlayer-image"
"""The metadata that keeps what an instance was started from: its disk tells it no more."""

STATES: Final[Mapping[str, InstanceState]] = {
    **dict.fromkeys(("PROVISIONING", "STAGING", "PENDING", "REPAIRING"), InstanceState.PENDING),
    "RUNNING": InstanceState.RUNNING,
    **dict.fromkeys(("STOPPING", "PENDING_STOP", "SUSPENDING"), InstanceState.STOPPING),
    **dict.fromkeys(("TERMINATED", "STOPPED", "SUSPENDED"), InstanceState.STOPPED),
    "DEPROVISIONING": InstanceState.DELETING,
}
_SPOT: Final = "SPOT"
_ONE_RESERVATION: Final = "SPECIFIC_RESERVATION"


def instance_id(zone: str, name: str) -> str:
    """The id of the instance of that name in that zone; either may be a URL."""
    return f"{basename(zone)}/{basename(name)}"


def split_id(id: str) -> tuple[str, str]:
    """The zone and the name in an instance's id; NotFound if it is no id of this cloud's."""
    zone, _, name = id.partition("/")
    if not zone or not name or "/" in name:
        raise NotFound(f"instance {id} is not there: an id here is ZONE/NAME", provider="gcp", code="notFound")
    return zone, name


def read_instance(found: Any, region: str, doomed: Collection[str] = ()) -> Instance:
    """An instance from its description; `doomed` are ids of those that are being deleted, which are told as stopping."""
    own = instance_id(found.zone, found.name)
    marks = dict(found.labels)
    card = found.network_interfaces[0] if found.network_interfaces else None
    return Instance(
        own,
        "gcp",
        region,
        zone=basename(found.zone),
        state=_state(found, own in doomed),
        machine_type=str(_machine(found)),
        name=marks.get(NAME, found.name),
        purchase=_purchase(found),
        labels=read_labels(marks),
        private_address=(card.network_i_p or None) if card else None,
        public_address=next((access.nat_i_p for access in card.access_configs if access.nat_i_p), None) if card else None,
        image=next((item.value for item in found.metadata.items if item.key == IMAGE), None),
        created_at=datetime.fromisoformat(found.creation_timestamp) if found.creation_timestamp else None,
        reason=found.status_message or None,
        native=found,
    )


def tags_of(instance: Instance) -> set[str]:
    """The network tags that an instance carries."""
    return set(instance.native.tags.items)


def _state(found: Any, is_doomed: bool) -> InstanceState:
    """Its state. One that ended before it ever ran has failed; a deletion shows as a stop."""
    state = STATES.get(found.status, InstanceState.PENDING)
    if is_doomed:
        return InstanceState.DELETING
    never_ran = state is InstanceState.STOPPED and not found.last_start_timestamp
    return InstanceState.FAILED if never_ran else state


def _machine(found: Any) -> Machine:
    """Its machine type, with the devices that are not a part of the type."""
    base = basename(found.machine_type)
    if base.startswith("n1-") and found.guest_accelerators:
        card = found.guest_accelerators[0]
        return Machine(base, basename(card.accelerator_type), card.accelerator_count)
    return Machine(base)


def _purchase(found: Any) -> Purchase:
    if found.scheduling.provisioning_model == _SPOT:
        return "spot"
    return "reserved" if found.reservation_affinity.consume_reservation_type == _ONE_RESERVATION else "on_demand"
