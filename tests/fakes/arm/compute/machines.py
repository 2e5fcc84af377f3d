"""Virtual machines: from a body to a machine that runs, and its changes."""

import copy
import uuid

from tests.fakes.arm.compute import attachments, capacity, implied
from tests.fakes.arm.compute.images import image_of
from tests.fakes.arm.compute.power import Power
from tests.fakes.arm.compute.usages import need, refuse_quota
from tests.fakes.arm.compute.views import instance_view
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.names import MACHINE
from tests.fakes.arm.resources import merged
from tests.fakes.rest.server import Answer

SECRET = ("customData", "adminPassword")
"""What of a machine's profile no answer tells."""


class VirtualMachines(Kind):
    """Microsoft.Compute/virtualMachines. One whose creation came to nothing stays, as Failed, until it is deleted."""

    type = "virtualMachines"
    namespace = "Microsoft.Compute"
    names = MACHINE
    immutable = (
        "location",
        "zones",
        "properties.priority",
        "properties.osProfile.adminUsername",
        "properties.osProfile.computerName",
        "properties.osProfile.customData",
        "properties.storageProfile.imageReference",
        "properties.storageProfile.osDisk.name",
        "properties.availabilitySet",
        "properties.virtualMachineScaleSet",
    )
    busy = "Conflict"
    preempted = True

    def actions(self):
        """Power, console and views."""
        power = Power(self)
        return power.handlers("VirtualMachines") | {
            "VirtualMachines_InstanceView": lambda request: Answer(200, instance_view(self.found(request))),
        }

    def get(self, request):
        """GET; $expand=instanceView tells how the machine stands, userData its user data."""
        resource = self.found(request)
        document = self.render(resource)
        if request.query.get("$expand") == "instanceView":
            document["properties"]["instanceView"] = instance_view(resource)
        if request.query.get("$expand") == "userData":
            document["properties"]["userData"] = resource.private.get("userData", "")
        return Answer(200, document)

    def list(self, request):
        """GET of all; statusOnly=true tells how the machines stand as well."""
        status = request.query.get("statusonly", "").lower() == "true"

        def render(resource):
            document = self.render(resource)
            if status:
                document["properties"]["instanceView"] = instance_view(resource)
            return document

        return self.cloud.page(request, self.resources.of(self.type, request.id), render)

    def check(self, request, body, old):
        """The size, quota, image, network and disks of a machine."""
        properties = body.setdefault("properties", {})
        name = properties.get("hardwareProfile", {}).get("vmSize") or (old and self.size_of(old))
        size = capacity.checked_size(self.cloud, name, body["location"], body.get("zones"))
        if old is None or name.lower() != self.size_of(old).lower():
            refuse_quota(self.cloud, body["location"], need(size, _spot(properties)))
        if old is None:
            self._check_new(properties)
            attachments.check_network(self, request, body)
        attachments.check_disks(self, request, body, size)

    def document(self, request, body, old):
        """Defaults, names for what has none, and no secrets."""
        properties = body["properties"]
        if old:
            # what a change leaves out stays; disks that are left out are detached
            wanted = properties.get("storageProfile", {}).get("dataDisks", [])
            kept = {key: value for key, value in old.properties.items() if key != "instanceView"}
            body["properties"] = properties = merged(kept, properties)
            properties["storageProfile"]["dataDisks"] = attachments.listed(old, wanted)
        else:
            properties["vmId"] = str(uuid.uuid4())
            attachments.name_disks(request.name, properties.setdefault("storageProfile", {}))
            complete(self.cloud, properties)
        return body

    def change(self, request, resource, before):
        """Keep the secrets apart."""
        profile = resource.properties.get("osProfile", {})
        secrets = {key: profile.pop(key) for key in SECRET if key in profile}
        if "userData" in resource.properties:
            secrets["userData"] = resource.properties.pop("userData")
        resource.private |= secrets
        return super().change(request, resource, before)

    def whole(self, resource):
        """The secrets count when a change is compared."""
        secrets = {key: value for key, value in resource.private.items() if key in SECRET}
        return merged(resource.document, {"properties": {"osProfile": secrets}})

    def finished(self, resource, created):
        """Allocate a machine that has not been; make, attach and detach its disks."""
        implied.make_interfaces(self.cloud, resource)
        if "power" not in resource.private:
            self.launch(resource)
        attachments.settle_disks(self.cloud, resource)
        resource.private.pop("refusal", None)
        if created and self.cloud.options.failing:
            resource.private["power"] = "stopped"
            raise Refusal(self.cloud.options.failing, "The machine did not come up.")

    def failed(self, resource, before, refusal):
        """A machine stays, whatever became of it."""
        if before is not None:
            resource.document = before
        resource.state = "Failed"
        resource.private["refusal"] = refusal
        self.resources.put(resource)

    def launch(self, resource):
        """Take room for a machine and let it run."""
        capacity.allocate(self.cloud, resource.document.get("zones"))
        attachments.make_system_disk(self.cloud, resource)
        resource.private["power"] = "running"

    def evict(self, resource):
        """What happens to a spot machine whose capacity is wanted elsewhere."""
        if resource.properties.get("evictionPolicy", "Deallocate").lower() == "deallocate":
            resource.private["power"] = "deallocated"
            return
        self.resources.remove(resource)
        self.removed(resource)

    def removed(self, resource):
        """Disks, interfaces and addresses that were to go with the machine; a scale set has one member less."""
        implied.remove(self.cloud, resource)
        owner = self.resources.get(resource.properties.get("virtualMachineScaleSet", {}).get("id", ""))
        if owner:
            owner.document["sku"]["capacity"] = max(0, owner.document["sku"]["capacity"] - 1)
            self.resources.put(owner)

    def blockers(self, resource):
        """A machine is deleted whatever it is used by."""
        return []

    def dress(self, resource, document):
        """Tell the data disks' sizes of now."""
        for disk in document["properties"]["storageProfile"].get("dataDisks", []):
            held = self.resources.get(disk.get("managedDisk", {}).get("id", ""))
            if held:
                disk["diskSizeGB"] = held.properties["diskSizeGB"]

    def profile_of(self, resource):
        """The properties that describe the machine itself."""
        return resource.properties

    def size_of(self, resource):
        """The size's name."""
        return resource.properties["hardwareProfile"]["vmSize"]

    def is_spot(self, resource):
        """Whether it may be evicted."""
        return _spot(resource.properties)

    def _check_new(self, properties):
        storage = properties.setdefault("storageProfile", {})
        disk = storage.get("osDisk", {})
        if disk.get("createOption", "FromImage").lower() != "attach":
            if "imageReference" not in storage:
                raise Refusal(
                    "InvalidParameter", "Required parameter 'imageReference' is missing (null).", target="imageReference"
                )
            check_image(self.cloud, storage, disk)
            check_profile(properties.get("osProfile"))
        if "virtualMachineScaleSet" in properties and not self.resources.get(properties["virtualMachineScaleSet"]["id"]):
            raise Refusal("NotFound", f"Scale set {properties['virtualMachineScaleSet']['id']} is not found.")
        if _spot(properties) is False and ("evictionPolicy" in properties or "billingProfile" in properties):
            raise Refusal(
                "InvalidParameter", "Eviction policy and maximum price are for spot machines alone.", target="evictionPolicy"
            )


def check_image(cloud, storage, disk):
    """The image is there, and fits on the disk."""
    least, _, _ = image_of(cloud, storage["imageReference"])
    if disk.get("diskSizeGB", least) < least:
        reason = f"The specified disk size is smaller than the size of the corresponding disk in the VM image: {least} GB."
        raise Refusal("OperationNotAllowed", reason, target="osDisk.diskSizeGB")


def check_profile(profile):
    """A machine made of an image has a user, and a way in."""
    if not profile or not profile.get("adminUsername"):
        raise Refusal("InvalidParameter", "Required parameter 'osProfile' is missing (null).", target="osProfile")
    linux = profile.get("linuxConfiguration", {})
    keys = linux.get("ssh", {}).get("publicKeys")
    if not keys and "adminPassword" not in profile:
        raise Refusal("InvalidParameter", "Authentication using either SSH or by user name and password must be enabled.")
    for key in keys or ():
        if not key.get("path", "").startswith(f"/home/{profile['adminUsername']}/"):
            raise Refusal(
                "InvalidParameter", "Destination path for SSH public keys is not the user's.", target="linuxConfiguration.ssh"
            )


def complete(cloud, properties):
    """What Azure adds to a new machine's profile."""
    storage = properties["storageProfile"]
    if "imageReference" in storage:
        size, system, version = image_of(cloud, storage["imageReference"])
        storage["osDisk"]["osType"] = system
        storage["osDisk"].setdefault("diskSizeGB", size)
        if version:
            storage["imageReference"]["exactVersion"] = version
    profile = properties.get("osProfile")
    if profile:
        profile |= {"allowExtensionOperations": True, "requireGuestProvisionSignal": True} | copy.deepcopy(profile)


def _spot(properties):
    return properties.get("priority", "Regular").lower() in ("spot", "low")
