"""Libcloud's nodes, read as instances: each driver has its own words in `extra`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from libcloud.compute.types import NodeState

from cloudlayer.providers.libcloud import names
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.catalogue import Sold
from cloudlayer.resources import Instance, InstanceState

PLACE: Final = "cloudlayer-place"
"""The label that says for which spec of its batch, counted from 0, an instance was made."""

STATES: Final[Mapping[str, InstanceState]] = {
    NodeState.RUNNING.value: InstanceState.RUNNING,
    NodeState.REBOOTING.value: InstanceState.RUNNING,
    NodeState.NORMAL.value: InstanceState.RUNNING,
    NodeState.MIGRATING.value: InstanceState.RUNNING,
    NodeState.STARTING.value: InstanceState.PENDING,
    NodeState.PENDING.value: InstanceState.PENDING,
    NodeState.STOPPING.value: InstanceState.STOPPING,
    NodeState.STOPPED.value: InstanceState.STOPPED,
    NodeState.SUSPENDED.value: InstanceState.STOPPED,
    NodeState.PAUSED.value: InstanceState.STOPPED,
    NodeState.TERMINATED.value: InstanceState.DELETED,
    NodeState.ERROR.value: InstanceState.FAILED,
}
"""By Libcloud's state. One that is not here is told by the cloud's own word, else PENDING: what is under way is waited for."""

_OWN_STATES: Final[Mapping[str, InstanceState]] = {
    "shutting-down": InstanceState.DELETING,
    "deleting": InstanceState.DELETING,
    "stopping": InstanceState.STOPPING,
    "stopped": InstanceState.STOPPED,
    "off": InstanceState.STOPPED,
}
_STATUSES: Final = ("status", "state", "vm_state")
_SIZES: Final = (
    "instance_type",
    "instancetype",
    "size_slug",
    "flavorId",
    "machineType",
    "plan",
    "size_id",
    "serviceofferingid",
)
ZONES: Final = ("availability", "availability_zone", "zone", "zone_name", "region_slug", "location", "locationId", "region")
"""What drivers call the zone of a thing."""
_IMAGES: Final = ("image_id", "imageId", "image")
_DATES: Final = ("created_at", "created", "launch_time", "creationTimestamp", "date_created")
_REASONS: Final = ("state_reason", "reason", "fault", "statusMessage")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the nodes of one driver."""

    provider: str
    region: str
    adapter: Adapter

    def labels(self, extra: Mapping[str, Any] | None) -> dict[str, str]:
        """The labels that a machine's `extra` tells, without those that are the cloud's own."""
        kept = self.adapter.kept
        found = kept.told(extra or {}) if kept else {}
        return {name: value for name, value in found.items() if name not in self.adapter.hidden}

    def instance(self, node: Any, sold: Sold) -> Instance:
        """The instance."""
        extra = node.extra or {}
        return Instance(
            self.adapter.id_of(node),
            self.provider,
            self.region,
            zone=sold.zone_of(first(extra, ZONES)) or (next(iter(sold.zones)) if len(sold.zones) == 1 else ""),
            state=state_of(node),
            machine_type=sold.kind_of(node.size or first(extra, _SIZES)),
            name=names.shown(node.name),
            labels=self.labels(extra),
            private_address=next(iter(node.private_ips or ()), None),
            public_address=next(iter(node.public_ips or ()), None),
            image=_image(node.image or first(extra, _IMAGES)),
            created_at=moment(node.created_at or first(extra, _DATES)),
            reason=_text(first(extra, _REASONS)),
            native=node,
        )


def state_of(node: Any) -> InstanceState:
    """The state of a node."""
    told = getattr(node.state, "value", node.state)
    if told in STATES:
        return STATES[told]
    words = (str((node.extra or {}).get(name, "")).lower() for name in _STATUSES)
    return next((_OWN_STATES[word] for word in words if word in _OWN_STATES), InstanceState.PENDING)


def first(extra: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """The first of the values that a thing's `extra` has."""
    return next((extra[key] for key in keys if extra.get(key)), None)


def moment(told: Any) -> datetime | None:
    """A time, in whichever form a driver gives it; None if it is none."""
    if isinstance(told, datetime):
        return told if told.tzinfo else told.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _image(told: Any) -> str | None:
    if isinstance(told, Mapping):
        told = told.get("id") or told.get("slug")
    found = getattr(told, "id", told)
    return str(found) if found else None


def _text(told: Any) -> str | None:
    if isinstance(told, Mapping):
        told = told.get("message") or told.get("code")
    return str(told) if told else None
