"""EC2's descriptions of instances, read as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.resources import Instance, InstanceState
from cloudlayer.resources.machines import Purchase

NAME: Final = "Name"
"""The tag that the console shows as an instance's name."""
LAUNCH: Final = "cloudlayer-launch"
"""The tag that says of which batch, and of which launch in it, an instance is: FINGERPRINT-NUMBER."""

GROUP_PREFIX: Final = "cloudlayer-"
"""How the names of our security groups begin."""

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
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
    return Instance(
        found["InstanceId"],
        "aws",
        region,
        zone=found["Placement"]["AvailabilityZone"],
        state=STATES[found["State"]["Name"]],
        machine_type=found["InstanceType"],
        name=tags.get(NAME),
        purchase=_purchase(found),
        labels={name: value for name, value in tags.items() if name != NAME and not name.startswith("aws:")},
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
    return sorted({group["GroupId"] for group in groups if group["GroupName"].startswith(GROUP_PREFIX)})


def _purchase(found: Mapping[str, Any]) -> Purchase:
    if found.get("InstanceLifecycle") == "spot":
        return "spot"
    return "reserved" if found.get("CapacityReservationId") else "on_demand"


def _reason(found: Mapping[str, Any]) -> str | None:
    reason = found.get("StateReason", {})
    return reason.get("Message") or reason.get("Code") or None
