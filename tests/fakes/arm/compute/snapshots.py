"""Snapshots of managed disks."""

import uuid

from tests.fakes.arm.compute.disks import GIB, now
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.names import DISK


class Snapshots(Kind):
    """Microsoft.Compute/snapshots. A snapshot outlives its disk."""

    type = "snapshots"
    namespace = "Microsoft.Compute"
    names = DISK
    immutable = (
        "location",
        "properties.creationData.createOption",
        "properties.creationData.sourceResourceId",
        "properties.incremental",
    )
    busy = "Conflict"

    def check(self, request, body, old):
        """Its source is there."""
        creation = body["properties"]["creationData"]
        if creation["createOption"].lower() != "copy":
            raise Refusal(
                "InvalidParameter", f"This fake makes no snapshots by {creation['createOption']}.", target="createOption"
            )
        if old:
            return
        source = self.resources.get(creation.get("sourceResourceId", ""))
        if source is None or source.deleting:
            raise Refusal("NotFound", f"Resource {creation.get('sourceResourceId')} is not found.")
        if source.location != body["location"]:
            raise Refusal("BadRequest", "The source and the snapshot are not in the same region.")

    def document(self, request, body, old):
        """As large as the disk is at that time."""
        if old:
            body["properties"] = dict(old.properties) | body["properties"]
            return body
        source = self.resources.get(body["properties"]["creationData"]["sourceResourceId"])
        size = source.properties["diskSizeGB"]
        sku = body.setdefault("sku", {"name": "Standard_LRS"})
        sku["tier"] = sku["name"].partition("_")[0]
        made = {"timeCreated": now(), "uniqueId": str(uuid.uuid4()), "diskSizeGB": size, "diskSizeBytes": size * GIB}
        made |= {"diskState": "Unattached", "incremental": False, "encryption": {"type": "EncryptionAtRestWithPlatformKey"}}
        if "osType" in source.properties:
            made["osType"] = source.properties["osType"]
        body["properties"] = made | body["properties"]
        body["properties"]["creationData"]["sourceUniqueId"] = source.properties["uniqueId"]
        return body

    def blockers(self, resource):
        """A disk that was made from a snapshot does not need it."""
        return []
