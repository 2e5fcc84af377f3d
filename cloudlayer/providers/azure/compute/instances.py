"""Azure's descriptions of virtual machines, read as ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cloudlayer.providers.azure.compute.images import read_reference
from cloudlayer.providers.azure.marks import MADE, NAME, last_name, read_labels, tags_of, zone_of
from cloudlayer.resources import Instance, InstanceState

POWER: Final[Mapping[str, InstanceState]] = {
    "starting": InstanceState.PENDING,
    "running": InstanceState.RUNNING,
    "stopping": InstanceState.STOPPING,
    "stopped": InstanceState.STOPPED,
    "deallocating": InstanceState.STOPPING,
    "deallocated": InstanceState.STOPPED,
}
"""By what follows "PowerState/" in the view of a machine."""

_NEVER_RAN: Final = "OSProvisioning"
"""How the codes begin of failures in which the machine is up and its system never came to be."""


def read_instance(found: Mapping[str, Any], region: str, addresses: tuple[str | None, str | None] = (None, None)) -> Instance:
    """An instance from its description with the view of it; `addresses` are the private and the public one."""
    tags, properties = tags_of(found), found["properties"]
    statuses = (properties.get("instanceView") or {}).get("statuses") or ()
    made = tags.get(MADE, "")
    return Instance(
        found["name"],
        "azure",
        region,
        zone=zone_of(found),
        state=_state(str(properties.get("provisioningState", "")), statuses),
        machine_type=properties["hardwareProfile"]["vmSize"],
        name=tags.get(NAME),
        purchase="spot" if properties.get("priority") in ("Spot", "Low") else "on_demand",
        labels=read_labels(tags),
        private_address=addresses[0],
        public_address=addresses[1],
        image=read_reference(properties.get("storageProfile", {}).get("imageReference") or {}),
        created_at=datetime.fromtimestamp(float(made), UTC) if made.isdigit() else None,
        reason=_reason(statuses),
        native=found,
    )


def failure_code(instance: Instance) -> str:
    """Azure's code for why the machine failed, empty where it tells none."""
    view = (instance.native or {}).get("properties", {}).get("instanceView") or {}
    return _failure(view.get("statuses") or ())[0]


def is_going(found: Mapping[str, Any]) -> bool:
    """Whether the machine is being deleted."""
    return bool(found["properties"].get("provisioningState") == "Deleting")


def card_of(found: Mapping[str, Any]) -> str | None:
    """The name of a machine's first network interface."""
    cards = (found["properties"].get("networkProfile") or {}).get("networkInterfaces") or ()
    return next((last_name(card["id"]) for card in cards), None)


def _state(provisioning: str, statuses: Iterable[Mapping[str, Any]]) -> InstanceState:
    """A change under way counts before the power; a failed change of a machine that runs leaves it running."""
    power = POWER.get(_told(statuses, "PowerState/"))
    if provisioning == "Deleting":
        return InstanceState.DELETING
    if provisioning == "Creating":
        return InstanceState.PENDING
    if provisioning == "Failed" and (power is None or _failure(statuses)[0].startswith(_NEVER_RAN)):
        return InstanceState.FAILED
    return power or InstanceState.PENDING


def _reason(statuses: Iterable[Mapping[str, Any]]) -> str | None:
    code, message = _failure(statuses)
    return f"{code}: {message}" if code and message else code or message or None


def _failure(statuses: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Code and message of the status "ProvisioningState/failed/CODE"."""
    for status in statuses:
        parts = str(status.get("code", "")).split("/")
        if parts[:2] == ["ProvisioningState", "failed"]:
            return "/".join(parts[2:]), str(status.get("message") or status.get("displayStatus") or "")
    return "", ""


def _told(statuses: Iterable[Mapping[str, Any]], prefix: str) -> str:
    codes = (str(status.get("code", "")) for status in statuses)
    return next((code.removeprefix(prefix) for code in codes if code.startswith(prefix)), "")
