"""Members of uniform scale sets: numbered, below their set, made of its model."""

import copy
import uuid

from tests.fakes.arm.compute import attachments, capacity, implied
from tests.fakes.arm.compute.machines import complete
from tests.fakes.arm.compute.members import BaseMembers
from tests.fakes.arm.compute.power import Power
from tests.fakes.arm.compute.views import instance_view
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.resources import Resource, merged
from tests.fakes.arm.sizes import SIZES
from tests.fakes.rest.server import Answer

TYPE = "virtualMachineScaleSets/virtualMachines"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Members(BaseMembers):
    """The members of one uniform scale set."""

    def all(self):
        """Every member, the lowest number first."""
        return [member for member in self.cloud.resources.of(TYPE, self.resource.id) if not member.deleting]

    def make(self, zone):
        """One member with its interfaces and disks; one that fails to come up stays."""
        capacity.allocate(self.cloud, [zone] if zone else None)
        number = self.resource.private.get("next", 0)
        self.resource.private["next"] = number + 1
        member = Resource(f"{self.resource.id}/virtualMachines/{number}", self.cloud.kinds[TYPE.lower()], {})
        member.document = self._body(number, zone)
        attachments.name_disks(f"{self.resource.name}_{self.resource.name}_{number}", member.properties["storageProfile"])
        complete(self.cloud, member.properties)
        member.private |= {"power": "running", "model": self.resource.private["model"]}
        for disk in (member.properties["storageProfile"]["osDisk"], *member.properties["storageProfile"]["dataDisks"]):
            disk["deleteOption"] = "Delete"
        self._interfaces(member)
        self.cloud.resources.put(member)
        attachments.make_system_disk(self.cloud, member)
        attachments.settle_disks(self.cloud, member)
        self.cloud.resources.put(member)
        if self.cloud.options.failing:
            refusal = Refusal(self.cloud.options.failing, "The machine did not come up.")
            member.state, member.private["refusal"], member.private["power"] = "Failed", refusal, "stopped"
            raise refusal

    def remove(self, member):
        """The member, its disks and its interfaces."""
        self.cloud.operations.preempt(member)
        self.cloud.resources.remove(member)
        implied.remove(self.cloud, member)

    def upgrade(self, member):
        """Size, image and network of the latest model, and the set's tags."""
        profile = copy.deepcopy(self.resource.properties["virtualMachineProfile"])
        member.document["sku"]["name"] = self.resource.document["sku"]["name"]
        member.document["tags"] = dict(self.resource.document.get("tags", {}))
        member.private["model"] = self.resource.private["model"]
        member.properties["storageProfile"]["imageReference"] = profile["storageProfile"]["imageReference"]
        complete(self.cloud, member.properties)
        for configuration in profile["networkProfile"]["networkInterfaceConfigurations"]:
            interface = self.cloud.resources.get(f"{member.id}/networkInterfaces/{configuration['name']}")
            if interface:
                interface.kind.follow(interface, configuration)
        self.cloud.resources.put(member)

    def name_of(self, member):
        """The member's number."""
        return member.name

    def kept(self, member):
        """Members may be protected from scale-in."""
        return bool(member.properties.get("protectionPolicy", {}).get("protectFromScaleIn"))

    def _body(self, number, zone):
        profile = copy.deepcopy(self.resource.properties["virtualMachineProfile"])
        named = profile["osProfile"]
        prefix = named.pop("computerNamePrefix")
        properties = {
            "vmId": str(uuid.uuid4()),
            "hardwareProfile": {},
            "storageProfile": profile["storageProfile"],
            "osProfile": named | {"computerName": f"{prefix}{_digits(number)}"},
            "networkProfile": {"networkInterfaces": []},
            "networkProfileConfiguration": profile["networkProfile"],
            "modelDefinitionApplied": "VirtualMachineScaleSet",
        }
        properties["networkProfileConfiguration"].pop("networkApiVersion", None)
        if "diagnosticsProfile" in profile:
            properties["diagnosticsProfile"] = profile["diagnosticsProfile"]
        body = {"location": self.resource.location, "instanceId": str(number), "properties": properties}
        body |= {"sku": {"name": self.resource.document["sku"]["name"], "tier": "Standard"}}
        body |= {"tags": dict(self.resource.document.get("tags", {}))}
        return body | ({"zones": [zone]} if zone else {})

    def _interfaces(self, member):
        kind = self.cloud.kinds[f"{TYPE.lower()}/networkinterfaces"]
        for configuration in member.properties["networkProfileConfiguration"]["networkInterfaceConfigurations"]:
            path = f"{member.id}/networkInterfaces/{configuration['name']}"
            implied.make_interface(self.cloud, member, configuration, path, kind)
            reference = {"id": path, "properties": {"deleteOption": "Delete"}}
            member.properties["networkProfile"]["networkInterfaces"].append(reference)


class ScaleSetMachines(Kind):
    """Microsoft.Compute/virtualMachineScaleSets/virtualMachines."""

    type = TYPE
    namespace = "Microsoft.Compute"
    immutable = ("location",)
    busy = "Conflict"
    preempted = True

    def actions(self):
        """Power, console and views."""
        return Power(self).handlers("VirtualMachineScaleSetVMs") | {
            "VirtualMachineScaleSetVMs_GetInstanceView": lambda request: Answer(200, instance_view(self.found(request))),
        }

    def get(self, request):
        """GET; $expand=instanceView tells how the member stands."""
        return Answer(200, self._told(request, self.found(request)))

    def list(self, request):
        """GET of a set's members."""
        owner = self.resources.get(request.id)
        if owner is None:
            raise Refusal(
                "ParentResourceNotFound", f"Can not perform requested operation on nested resource. {request.id} not found."
            )
        return self.cloud.page(request, self.resources.of(self.type, request.id), lambda member: self._told(request, member))

    def check(self, request, body, old):
        """Members are made by their set alone; disks are attached to those that are there."""
        if old is None:
            raise Refusal("NotFound", f"{request.id} is not an active Virtual Machine Scale Set VM.")
        whole = body | {"zones": old.document.get("zones")}
        attachments.check_disks(self, request, whole, SIZES[self.size_of(old).lower()])

    def document(self, request, body, old):
        """What a change leaves out stays; data disks that are left out are detached."""
        given = body.get("properties", {})
        wanted = given.get("storageProfile", {}).get("dataDisks", [])
        made = merged(old.document, body)
        made["properties"]["storageProfile"]["dataDisks"] = attachments.listed(old, wanted)
        return made

    def finished(self, resource, created):
        """Attach and detach."""
        attachments.settle_disks(self.cloud, resource)

    def removed(self, resource):
        """The set has one member less, and goes without what was the member's."""
        implied.remove(self.cloud, resource)
        owner = self._owner(resource)
        owner.document["sku"]["capacity"] = max(0, owner.document["sku"]["capacity"] - 1)
        self.resources.put(owner)

    def evict(self, resource):
        """What happens to a spot member whose capacity is wanted elsewhere."""
        policy = self._owner(resource).properties["virtualMachineProfile"].get("evictionPolicy", "Deallocate")
        if policy.lower() == "deallocate":
            resource.private["power"] = "deallocated"
            return
        self.resources.remove(resource)
        self.removed(resource)

    def blockers(self, resource):
        """Nobody keeps a member."""
        return []

    def dress(self, resource, document):
        """Tell whether the member is of the latest model."""
        owner = self._owner(resource)
        document["name"] = f"{owner.name}_{resource.name}"
        document["properties"]["latestModelApplied"] = resource.private["model"] == owner.private["model"]

    def profile_of(self, resource):
        """The properties that describe the machine itself."""
        return resource.properties

    def size_of(self, resource):
        """The size's name."""
        return resource.document["sku"]["name"]

    def is_spot(self, resource):
        """Whether it may be evicted."""
        profile = self._owner(resource).properties["virtualMachineProfile"]
        return profile.get("priority", "Regular").lower() in ("spot", "low")

    def _owner(self, resource):
        return self.resources.get(resource.id.rpartition("/virtualMachines/")[0])

    def _told(self, request, member):
        document = self.render(member)
        if "instanceview" in request.query.get("$expand", "").lower():
            document["properties"]["instanceView"] = instance_view(member)
        return document


def _digits(number):
    found = ""
    for _ in range(6):
        number, digit = divmod(number, 36)
        found = DIGITS[digit] + found
    return found
