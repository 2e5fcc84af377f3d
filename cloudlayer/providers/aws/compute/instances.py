"""EC2's descriptions of instances, read as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.providers.aws.tags import read_tags
from cloudlayer.resources import Instance, InstanceState
from cloudlayer.resources.machines import Purchase

GROUP_PREFIX: Final = "cloudlayer-"
"""How the names of the security groups of launches begin; a UUID follows."""
_OWN_GROUP: Final = re.compile(rf"{GROUP_PREFIX}[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")

STATES: Final[Mapping[str, InstanceState]] = {
    "pending": InstanceState.PENDING,
    "running": InstanceState.RUNNING,
    "stopping": InstanceState.STOPPING,
    "stopped": InstanceState.STOPPED,
    "shutting-down": InstanceState.DELETING,
    "terminated": InstanceState.DELETED,
}


def read_instance(found: Mapping[str, Any], region: str) -> Instance:
    """An instance from its description."""
    name, labels = read_tags(found)
    return Instance(
        found["InstanceId"],
        "aws",
        region,
        zone=found["Placement"]["AvailabilityZone"],
        state=STATES[found["State"]["Name"]],
        machine_type=found["InstanceType"],
        name=name,
        purchase=_purchase(found),
        labels=labels,
        private_address=found.get("PrivateIpAddress") or None,
        public_address=found.get("PublicIpAddress") or None,
        image=found.get("ImageId"),
        created_at=found.get("LaunchTime"),
        reason=_reason(found),
        native=found,
    )


def reason_code(instance: Instance) -> str:
    """EC2's code for why the instance is in its state, without the side ("Server.", "Client.") that it blames."""
    code = str((instance.native or {}).get("StateReason", {}).get("Code", ""))
    return code.partition(".")[2] or code


def own_groups(instance: Instance) -> list[str]:
    """Ids of the security groups that were made for this instance."""
    groups = [group for card in instance.native["NetworkInterfaces"] for group in card.get("Groups", ())]
    return sorted({group["GroupId"] for group in groups if is_own_group(group["GroupName"])})


def is_own_group(name: str) -> bool:
    """Whether a security group of that name was made for a launch."""
    return _OWN_GROUP.fullmatch(name) is not None


def _purchase(found: Mapping[str, Any]) -> Purchase:
    if found.get("InstanceLifecycle") == "spot":
        return "spot"
    return "reserved" if found.get("CapacityReservationId") else "on_demand"


def _reason(found: Mapping[str, Any]) -> str | None:
    reason = found.get("StateReason", {})
    return reason.get("Message") or reason.get("Code") or None
