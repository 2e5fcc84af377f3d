"""Members of flexible scale sets: machines of their own, made of the set's profile.

They carry the tags that the set has when they are made, and so do their disks; interfaces that a profile makes carry none.
"""

import copy
import uuid

from tests.fakes.arm.compute import implied
from tests.fakes.arm.compute.members import BaseMembers
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.resources import Resource

KEPT = ("diagnosticsProfile", "priority", "evictionPolicy", "billingProfile", "securityProfile", "licenseType")


class Members(BaseMembers):
    """The machines of one flexible scale set."""

    def all(self):
        """Every machine that refers to the set."""
        users = self.cloud.resources.users(self.resource.id)
        return [user for user in users if user.kind.type == "virtualMachines" and not user.deleting]

    def make(self, zone):
        """One machine; one that fails to come up stays."""
        kind = self.cloud.kinds["virtualmachines"]
        name = f"{self.resource.name}_{uuid.uuid4().hex[:8]}"
        machine = Resource(f"{self.resource.id.rpartition('/virtualMachineScaleSets/')[0]}/virtualMachines/{name}", kind, {})
        machine.document = kind.document(machine, self._body(zone), None)
        machine.private |= {
            key: value for key, value in self.resource.private.items() if key in ("customData", "adminPassword")
        }
        self.cloud.resources.put(machine)
        try:
            kind.finished(machine, True)
        except Refusal as refusal:
            if "power" not in machine.private:
                self.remove(machine)
            else:
                kind.failed(machine, None, refusal)
            raise
        self.cloud.resources.put(machine)

    def remove(self, member):
        """The machine, its disks and its interfaces."""
        self.cloud.operations.preempt(member)
        self.cloud.resources.remove(member)
        implied.remove(self.cloud, member)

    def upgrade(self, member):
        """Machines of their own take no newer model."""
        raise Refusal("OperationNotAllowed", f"Scale set {self.resource.id} is of a mode whose instances are not upgraded.")

    def name_of(self, member):
        """The machine's name."""
        return member.name

    def _body(self, zone):
        profile = copy.deepcopy(self.resource.properties["virtualMachineProfile"])
        properties = {key: profile[key] for key in KEPT if key in profile}
        storage = profile["storageProfile"]
        disks = [storage.setdefault("osDisk", {"createOption": "FromImage"}), *storage.get("dataDisks", [])]
        for disk in disks:
            disk["deleteOption"] = "Delete"
        named = profile["osProfile"]
        prefix = named.pop("computerNamePrefix")
        properties |= {
            "hardwareProfile": {"vmSize": self.resource.document["sku"]["name"]},
            "storageProfile": storage,
            "osProfile": named | {"computerName": f"{prefix}{uuid.uuid4().hex[:6].upper()}"},
            "networkProfile": profile["networkProfile"],
            "virtualMachineScaleSet": {"id": self.resource.id},
        }
        body = {"location": self.resource.location, "properties": properties, **({"zones": [zone]} if zone else {})}
        if "tags" in self.resource.document:
            body["tags"] = dict(self.resource.document["tags"])
        return body
