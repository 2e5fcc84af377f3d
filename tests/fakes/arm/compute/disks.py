"""Managed disks."""

import uuid
from datetime import UTC, datetime

from tests.fakes.arm.compute.images import resolved
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.names import DISK
from tests.fakes.arm.resources import Resource

LARGEST = 32767
LIVE = 4096
"""GiB that a disk does not cross while it is attached."""

GIB = 1 << 30


class Disks(Kind):
    """Microsoft.Compute/disks."""

    type = "disks"
    namespace = "Microsoft.Compute"
    names = DISK
    immutable = ("location", "zones", "properties.creationData.createOption", "properties.creationData.sourceResourceId")
    busy = "Conflict"
    in_use = "OperationNotAllowed"

    def check(self, request, body, old):
        """What it is made of is there, and it never shrinks."""
        properties = body["properties"]
        if old:
            self._check_growth(old, properties.get("diskSizeGB", old.properties["diskSizeGB"]))
            return
        least = self._least(properties["creationData"], body["location"])
        size = properties.get("diskSizeGB", least)
        if not size:
            raise Refusal(
                "InvalidParameter", "Required parameter 'disk.diskSizeGB' is missing (null).", target="disk.diskSizeGB"
            )
        if not max(least, 1) <= size <= LARGEST:
            raise Refusal(
                "InvalidParameter", f"The value '{size}' of disk.diskSizeGB is out of range: {max(least, 1)} to {LARGEST}."
            )
        if body.get("zones") and body.get("sku", {}).get("name", "").upper().endswith("_ZRS"):
            raise Refusal("InvalidParameter", "A zone redundant disk is in no zone.", target="zones")

    def document(self, request, body, old):
        """Sizes in bytes and defaults."""
        properties = body["properties"]
        sku = body.setdefault("sku", {"name": "Standard_LRS"})
        sku["tier"] = sku["name"].partition("_")[0]
        made = (
            dict(old.properties)
            if old
            else {"timeCreated": now(), "uniqueId": str(uuid.uuid4()), "networkAccessPolicy": "AllowAll"}
        )
        size = (
            properties.get("diskSizeGB") or made.get("diskSizeGB") or self._least(properties["creationData"], body["location"])
        )
        body["properties"] = made | properties | {"diskSizeGB": size, "diskSizeBytes": size * GIB}
        body["properties"].setdefault("encryption", {"type": "EncryptionAtRestWithPlatformKey"})
        body["properties"].setdefault("diskIOPSReadWrite", min(500 + size, 20000))
        body["properties"].setdefault("diskMBpsReadWrite", 60)
        return body

    def dress(self, resource, document):
        """Tell whose disk it is."""
        users = self.users(resource)
        document["properties"]["diskState"] = _state(users)
        if users:
            document["managedBy"] = users[0].id
        if document["properties"].get("maxShares", 1) > 1:
            document["managedByExtended"] = [user.id for user in users]
            document["properties"]["shareInfo"] = [{"vmUri": user.id} for user in users]

    def users(self, resource):
        """The machines that have a disk."""
        return [
            user for user in self.resources.users(resource.id) if "power" in user.private or user.kind.type == "virtualMachines"
        ]

    def blockers(self, resource):
        """What is attached cannot be deleted."""
        return self.users(resource)

    def implicit(self, machine, disk, size, created):
        """The disk that a machine brings with it: tagged as the machine is at that time, in its zone."""
        prefix = machine.id.lower().partition("/providers/")[0]
        path = f"{machine.id[: len(prefix)]}/providers/Microsoft.Compute/disks/{disk['name']}"
        kept = self.resources.get(path)
        if kept:
            return kept
        body = {"location": machine.location, "properties": {"creationData": created, "diskSizeGB": size}}
        body |= {key: machine.document[key] for key in ("tags", "zones") if key in machine.document}
        body["sku"] = {"name": disk["managedDisk"].get("storageAccountType", "Premium_LRS")}
        if created["createOption"] == "FromImage":
            body["properties"]["osType"] = disk.get("osType", "Linux")
        resource = Resource(path, self, self.document(None, body, None))
        self.resources.put(resource)
        return resource

    def _least(self, creation, location):
        """The least size in GiB that a disk of this origin has; 0 for an empty one."""
        option = creation["createOption"].lower()
        if option == "empty":
            return 0
        if option == "copy":
            source = self.resources.get(creation.get("sourceResourceId", ""))
            if source is None:
                raise Refusal("NotFound", f"Resource {creation.get('sourceResourceId')} is not found.")
            if source.location != location:
                raise Refusal("BadRequest", "The source and the disk are not in the same region.")
            return source.properties["diskSizeGB"]
        if option == "fromimage":
            return _imaged(creation)
        raise Refusal("InvalidParameter", f"This fake makes no disks by {creation['createOption']}.", target="createOption")

    def _check_growth(self, old, size):
        have = old.properties["diskSizeGB"]
        if size < have:
            raise Refusal("OperationNotAllowed", f"The disk {old.id} cannot be resized down, from {have} to {size} GB.")
        if size > LARGEST:
            raise Refusal("InvalidParameter", f"The value '{size}' of disk.diskSizeGB is out of range.")
        running = [user for user in self.users(old) if user.private.get("power") != "deallocated"]
        if size > have and running and (self.cloud.options.ungrown or old.properties.get("osType") or have <= LIVE < size):
            raise Refusal(
                "OperationNotAllowed", f"Cannot resize disk {old.name} while it is attached to running VM {running[0].id}."
            )


def _imaged(creation):
    parts = creation.get("imageReference", {}).get("id", "").lower().split("/")
    names = dict(zip(parts[1::2], parts[2::2], strict=False))
    reference = {"publisher": names.get("publishers", ""), "offer": names.get("offers", ""), "sku": names.get("skus", "")}
    return resolved(reference | {"version": names.get("versions", "")})[0].size


def _state(users):
    if not users:
        return "Unattached"
    return "Reserved" if all(user.private.get("power") == "deallocated" for user in users) else "Attached"


def now():
    """The time as Azure tells it."""
    return datetime.now(UTC).isoformat()
