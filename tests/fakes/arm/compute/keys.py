"""SSH public keys, and images of one's own."""

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind


class SshPublicKeys(Kind):
    """Microsoft.Compute/sshPublicKeys, which are there at once."""

    type = "sshPublicKeys"
    namespace = "Microsoft.Compute"
    immutable = ("location",)

    def dress(self, resource, document):
        """A key has no provisioning state."""
        document["properties"].pop("provisioningState")


class CustomImages(Kind):
    """Microsoft.Compute/images."""

    type = "images"
    namespace = "Microsoft.Compute"
    immutable = ("location", "properties.storageProfile")
    busy = "Conflict"

    def check(self, request, body, old):
        """An image is made of a disk or a snapshot that is there."""
        disk = body.get("properties", {}).get("storageProfile", {}).get("osDisk", {})
        source = (disk.get("managedDisk") or disk.get("snapshot") or {}).get("id", "")
        if old is None and self.resources.get(source) is None:
            raise Refusal("NotFound", f"The source of the image, '{source}', is not found.")

    def document(self, request, body, old):
        """As large as its source."""
        disk = body["properties"]["storageProfile"]["osDisk"]
        source = self.resources.get((disk.get("managedDisk") or disk.get("snapshot"))["id"])
        if source:
            disk.setdefault("diskSizeGB", source.properties["diskSizeGB"])
        body["properties"].setdefault("hyperVGeneration", "V2")
        return body

    def blockers(self, resource):
        """A machine outlives its image."""
        return []
