"""Nova's descriptions of servers, read as instances."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CapacityError, QuotaError
from cloudlayer.providers.base.errors import Fault
from cloudlayer.providers.openstack import errors
from cloudlayer.resources import Instance, InstanceState

PLACE: Final = "cloudlayer-place"
"""The metadata that says for which spec of its batch, counted from 0, a server was made."""

CAPACITY: Final = "NoValidHost"
"""Our word for what a server that no host had room for tells in its fault."""

STATES: Final[Mapping[str, InstanceState]] = {
    "BUILD": InstanceState.PENDING,
    "ACTIVE": InstanceState.RUNNING,
    "REBOOT": InstanceState.RUNNING,
    "HARD_REBOOT": InstanceState.RUNNING,
    "MIGRATING": InstanceState.RUNNING,
    "PASSWORD": InstanceState.RUNNING,
    "REBUILD": InstanceState.PENDING,
    "RESCUE": InstanceState.STOPPED,
    "PAUSED": InstanceState.STOPPED,
    "SUSPENDED": InstanceState.STOPPED,
    "SHUTOFF": InstanceState.STOPPED,
    "SHELVED": InstanceState.STOPPED,
    "SHELVED_OFFLOADED": InstanceState.STOPPED,
    "RESIZE": InstanceState.STOPPING,
    "VERIFY_RESIZE": InstanceState.STOPPED,
    "REVERT_RESIZE": InstanceState.STOPPING,
    "ERROR": InstanceState.FAILED,
    "DELETED": InstanceState.DELETED,
    "SOFT_DELETED": InstanceState.DELETED,
}
"""A status that Nova may add is PENDING: what is under way is waited for."""

_TASKS: Final[Mapping[str, InstanceState]] = {
    "powering-off": InstanceState.STOPPING,
    "deleting": InstanceState.DELETING,
    "soft-deleting": InstanceState.DELETING,
}

# Nova gives a server's fault no code of its own: a lack of hosts is an HTTP 500, as is a host that broke.
_NO_ROOM: Final = re.compile(r"No valid host was found")

FAULTS: Final[Mapping[str, Fault]] = {**errors.TABLE, CAPACITY: errors.NO_ROOM}


@dataclass(frozen=True, slots=True)
class Record:
    """What a server's description, which outlives the server, says of it: token, fingerprint of the batch, place, and its end
    where Nova does not tell that: DELETED while it was built, which goes on for a while; REFUSED, so that its place is free.

    `asked` is when its request was sent, in microseconds since 1970 by the caller's clock.
    """

    token: str
    batch: str
    place: int
    asked: int = 0
    end: str = ""

    def __str__(self) -> str:
        return f"cloudlayer attempt {self.token} batch {self.batch} place {self.place} asked {self.asked} {self.end}".rstrip()


DELETED: Final = "deleted"
REFUSED: Final = "refused"

_RECORD: Final = re.compile(r"cloudlayer attempt (\S+) batch (\S+) place (\d+) asked (\d+) ?(\w*)")


def record_of(found: Mapping[str, Any]) -> Record | None:
    """By which attempt a server was made, alive or deleted; None if by none."""
    match = _RECORD.fullmatch(found.get("description") or "")
    return Record(match[1], match[2], int(match[3]), int(match[4]), match[5]) if match else None


def read_instance(found: Mapping[str, Any], region: str, zone: str | None = None) -> Instance:
    """An instance from Nova's description of a server; `zone` is the one to tell while Nova has chosen none."""
    metadata = found.get("metadata") or {}
    image = found.get("image") or {}
    return Instance(
        found["id"],
        "openstack",
        region,
        zone=found.get("OS-EXT-AZ:availability_zone") or zone or "",
        state=_state(found),
        machine_type=found["flavor"]["original_name"],
        name=found.get("name"),
        labels={name: str(value) for name, value in metadata.items()},
        private_address=_address(found, "fixed"),
        public_address=_address(found, "floating"),
        image=image.get("id"),
        created_at=datetime.fromisoformat(found["created"]),
        reason=found.get("fault", {}).get("message"),
        native=found,
    )


def fault_code(found: Mapping[str, Any]) -> str:
    """The code, as in FAULTS, of why a server failed; empty if it has not."""
    fault = found.get("fault") or {}
    message = str(fault.get("message", ""))
    if fault.get("code") == 500 and _NO_ROOM.search(message):
        return CAPACITY
    return errors.code_of(fault["code"], message) if fault else ""


def is_placed(found: Mapping[str, Any]) -> bool:
    """Whether Nova has found a host for the server, or given up."""
    return bool(found.get("hostId")) or found["status"] != "BUILD"


def is_going(found: Mapping[str, Any]) -> bool:
    """Whether the server is deleted or on its way there."""
    return _state(found).gone


def was_refused(found: Mapping[str, Any]) -> bool:
    """Whether the server never ran, for a lack of hosts or quota."""
    fault = FAULTS.get(fault_code(found))
    refused = fault is not None and issubclass(fault.error, CapacityError | QuotaError)
    return refused and not found.get("OS-SRV-USG:launched_at")


def token_tag(token: str) -> str:
    """The tag by which Nova finds the servers of a token."""
    return f"{names.TOKEN}={token}"


def _state(found: Mapping[str, Any]) -> InstanceState:
    task = found.get("OS-EXT-STS:task_state") or ""
    record = record_of(found)
    if record is not None and record.end == DELETED and found["status"] != "DELETED":
        return InstanceState.DELETING
    return _TASKS.get(task) or STATES.get(found["status"], InstanceState.PENDING)


def _address(found: Mapping[str, Any], kind: str) -> str | None:
    """The first address of a kind, one of IPv4 before all others."""
    addresses = [entry for entries in (found.get("addresses") or {}).values() for entry in entries]
    fitting = [entry for entry in addresses if entry.get("OS-EXT-IPS:type") == kind]
    return next((str(entry["addr"]) for entry in sorted(fitting, key=lambda entry: int(entry["version"]))), None)
