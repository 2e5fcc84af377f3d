"""Which device a volume becomes on its instance: the first of EC2's recommended names that is free there."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.errors import CloudError, NotFound, QuotaError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client

NAMES: Final = (
    *(f"/dev/sd{letter}" for letter in "fghijklmnop"),
    *(f"/dev/xvd{first}{second}" for first in "bc" for second in "abcdefghijklmnopqrstuvwxyz"),
)
"""Names that EC2 recommends for data volumes. On Nitro machines the volume shows as an NVMe device all the same."""

_TAKEN: Final = ("InvalidParameterValue", "InvalidDevice.InUse")
"""Codes for a device that is in use; the first stands for much else, so a look decides."""

_GONE: Final = ("shutting-down", "terminated")


class Devices:
    """Attaches volumes to free devices."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def attach(self, volume: str, instance: str, deadline: Deadline) -> dict[str, Any]:
        """EC2's answer. Raises NotFound if the instance is not there, Conflict if it is in another zone or not up."""
        used = self._used(instance, deadline)
        for device in NAMES:
            if device in used:
                continue
            try:
                return self._client.call(
                    "attach_volume", VolumeId=volume, InstanceId=instance, Device=device, deadline=deadline
                )
            except CloudError as error:
                used = self._used(instance, deadline)
                if error.code not in _TAKEN or device not in used:
                    raise
        raise QuotaError(
            f"{instance} has no device left for a volume; detach one first",
            name="volumes of an instance",
            limit=len(NAMES),
            provider="aws",
            code="AttachmentLimitExceeded",
        )

    def _used(self, instance: str, deadline: Deadline) -> set[str]:
        answer = self._client.call("describe_instances", InstanceIds=[instance], deadline=deadline)
        for reservation in answer["Reservations"]:
            found = reservation["Instances"][0]
            if found["State"]["Name"] not in _GONE:
                return {str(disk["DeviceName"]) for disk in found.get("BlockDeviceMappings", ())}
        raise NotFound(f"instance {instance} is not there", provider="aws", code="InvalidInstanceID.NotFound")
