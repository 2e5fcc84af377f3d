"""Virtual machine scale sets of both orchestration modes: what they are asked for, and the members that follow."""

import json
import uuid

from tests.fakes.arm import autoscaling
from tests.fakes.arm.compute import capacity, flexible, uniform
from tests.fakes.arm.compute.attachments import check_ultra
from tests.fakes.arm.compute.disks import now
from tests.fakes.arm.compute.machines import SECRET, check_image, check_profile
from tests.fakes.arm.compute.power import MOVES, Power
from tests.fakes.arm.compute.usages import need, refuse_quota
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind, snapshot
from tests.fakes.arm.names import MACHINE
from tests.fakes.arm.resources import merged
from tests.fakes.rest.server import Answer

LARGEST = {"flexible": 1000, "uniform": 1000, "single": 100}


class ScaleSets(Kind):
    """Microsoft.Compute/virtualMachineScaleSets. A newer change takes the place of an older one, and so does a deletion."""

    type = "virtualMachineScaleSets"
    namespace = "Microsoft.Compute"
    names = MACHINE
    immutable = (
        "location",
        "zones",
        "properties.orchestrationMode",
        "properties.platformFaultDomainCount",
        "properties.virtualMachineProfile.priority",
        "properties.virtualMachineProfile.osProfile.adminUsername",
        "properties.virtualMachineProfile.storageProfile.imageReference.publisher",
        "properties.virtualMachineProfile.storageProfile.imageReference.offer",
    )
    busy = "Conflict"
    preempted = True

    def actions(self):
        """Views, upgrades, and what is done to several members."""
        found = {
            f"VirtualMachineScaleSets_{action}": lambda request, action=action: self.act(request, action) for action in MOVES
        }
        return found | {
            "VirtualMachineScaleSets_GetInstanceView": self.views,
            "VirtualMachineScaleSets_DeleteInstances": self.delete_members,
            "VirtualMachineScaleSets_UpdateInstances": self.upgrade,
            "VirtualMachineScaleSetRollingUpgrades_GetLatest": self.rollout,
        }

    def refuse_busy(self, resource):
        """A newer change preempts what is under way; only a set that is being deleted takes none."""
        if resource.deleting:
            raise Refusal("Conflict", f"{resource.id} is being deleted.")
        self.cloud.operations.preempt(resource)

    def check(self, request, body, old):
        """The size, the capacity and its quota, the profile and its network."""
        properties = body.setdefault("properties", {})
        count = body.get("sku", {}).get("capacity", 0)
        size = capacity.checked_size(self.cloud, body.get("sku", {}).get("name"), body["location"], body.get("zones"))
        mode = "flexible" if is_flexible(properties) else "uniform"
        single = mode == "uniform" and properties.get("singlePlacementGroup", True)
        if not 0 <= count <= LARGEST["single" if single else mode]:
            raise Refusal(
                "InvalidParameter", f"The capacity {count} is more than the scale set can have.", target="sku.capacity"
            )
        more = count - (old.document["sku"]["capacity"] if old else 0)
        profile = properties.get("virtualMachineProfile")
        if more > 0 and profile:
            each = need(size, profile.get("priority", "Regular").lower() in ("spot", "low"))
            refuse_quota(self.cloud, body["location"], {name: number * more for name, number in each.items()})
        self._check_mode(mode, properties, count)
        if profile:
            self._check_profile(request, body, profile, mode)

    def document(self, request, body, old):
        """Defaults; the number of the model, by which members are told to be of the latest one."""
        properties = body["properties"]
        body.setdefault("sku", {}).setdefault("tier", "Standard")
        body["sku"].setdefault("capacity", 0)
        properties.setdefault("orchestrationMode", "Uniform")
        properties.setdefault("singlePlacementGroup", not is_flexible(properties))
        if old:
            body["properties"] = merged(old.properties, properties)
        else:
            properties["uniqueId"] = str(uuid.uuid4())
        return body

    def change(self, request, resource, before):
        """Keep the secrets apart, and number the model."""
        profile = resource.properties.get("virtualMachineProfile", {})
        named = profile.get("osProfile", {})
        resource.private |= {key: named.pop(key) for key in SECRET if key in named}
        if "userData" in profile:
            resource.private["userData"] = profile.pop("userData")
        secrets = [resource.private.get(key) for key in (*SECRET, "userData")]
        model = json.dumps([resource.document["sku"]["name"], profile, secrets], sort_keys=True)
        if model != resource.private.get("text"):
            resource.private |= {"text": model, "model": resource.private.get("model", 0) + 1}
        return super().change(request, resource, before)

    def finished(self, resource, created):
        """As many members as are asked for, and of the latest model where the policy is to upgrade them."""
        resource.private.pop("refusal", None)
        mode = self.members_of(resource)
        if resource.properties.get("upgradePolicy", {}).get("mode", "Manual").lower() != "manual":
            for member in mode.all():
                mode.upgrade(member)
        mode.reconcile()
        autoscaling.correct(self.cloud, resource)

    def failed(self, resource, before, refusal):
        """A set stays as it was asked for, with the members that there was room for."""
        resource.state = "Failed"
        resource.private["refusal"] = refusal
        self.resources.put(resource)

    def members_of(self, resource):
        """The members of a set, by its mode."""
        return (flexible.Members if is_flexible(resource.properties) else uniform.Members)(self.cloud, resource)

    def removed(self, resource):
        """The members go with their set."""
        mode = self.members_of(resource)
        for member in mode.all():
            mode.remove(member)

    def blockers(self, resource):
        """Members do not keep their set."""
        return []

    def resize(self, resource, count):
        """Change the capacity as autoscaling does, with an operation of nobody's."""
        self.cloud.operations.preempt(resource)
        resource.document["sku"]["capacity"] = count
        resource.state = "Updating"
        self.begin(None, resource, snapshot(resource.document))

    def views(self, request):
        """GET of the instance view, which flexible sets have not."""
        resource = self.found(request)
        if is_flexible(resource.properties):
            reason = "Operation 'VirtualMachineScaleSets.instanceView.GET' is not allowed on Virtual Machine Scale Set"
            raise Refusal("OperationNotAllowed", f"{reason} '{resource.name}'.")
        return Answer(200, self.view(resource))

    def view(self, resource):
        """How the set and its members stand."""
        counted = {}
        for member in self.members_of(resource).all():
            code = f"ProvisioningState/{member.state.lower()}"
            counted[code] = counted.get(code, 0) + 1
        summary = [{"code": code, "count": count} for code, count in counted.items()]
        refusal = resource.private.get("refusal")
        status = {"code": f"ProvisioningState/{resource.state.lower()}", "level": "Info", "time": now()}
        status["displayStatus"] = f"Provisioning {resource.state.lower()}"
        if resource.state == "Failed" and refusal:
            status |= {"code": f"ProvisioningState/failed/{refusal.code}", "level": "Error", "message": refusal.message}
        return {"virtualMachine": {"statusesSummary": summary}, "statuses": [status]}

    def delete_members(self, request):
        """POST of delete: some members go, and the capacity goes down with them."""

        def remove(mode, members):
            mode.resource.document["sku"]["capacity"] -= len(members)
            for member in members:
                mode.remove(member)

        return self._on_members(request, remove)

    def upgrade(self, request):
        """POST of manualupgrade: some members take the latest model."""
        return self._on_members(request, lambda mode, members: [mode.upgrade(member) for member in members])

    def act(self, request, action):
        """Power of several members, of all where none is named."""
        resource = self.found(request)
        mode = self.members_of(resource)
        self.refuse_busy(resource)
        power = Power(self)
        moves = [power.move(member, action) for member in self._named(request, mode)]
        operation = self.cloud.operations.begin(
            resource,
            lambda: [finish() for finish, _ in moves],
            lambda refusal: [failed(refusal) for _, failed in moves],
            request=request,
        )
        return Answer(202, None, self.cloud.operations.headers(operation))

    def rollout(self, request):
        """How the last upgrade of members went."""
        resource = self.found(request)
        if resource.properties.get("upgradePolicy", {}).get("mode", "Manual").lower() != "rolling":
            raise Refusal("NotFound", f"There is no rolling upgrade of {resource.id}.")
        count = len(self.members_of(resource).all())
        progress = {
            "successfulInstanceCount": count,
            "failedInstanceCount": 0,
            "inProgressInstanceCount": 0,
            "pendingInstanceCount": 0,
        }
        state = "Completed" if resource.operation is None else "RollingForward"
        return Answer(
            200,
            {
                "id": f"{resource.id}/rollingUpgrades/latest",
                "name": "latest",
                "type": "Microsoft.Compute/virtualMachineScaleSets/rollingUpgrades",
                "location": resource.location,
                "properties": {"runningStatus": {"code": state, "startTime": now()}, "progress": progress},
            },
        )

    def _on_members(self, request, act):
        resource = self.found(request)
        mode = self.members_of(resource)
        members = self._named(request, mode)
        self.refuse_busy(resource)

        def finish():
            act(mode, members)
            resource.state = "Succeeded"
            self.touch(resource)

        resource.state = "Updating"
        operation = self.cloud.operations.begin(
            resource, finish, lambda refusal: self.failed(resource, None, refusal), request=request
        )
        return Answer(202, None, self.cloud.operations.headers(operation))

    def _named(self, request, mode):
        wanted = (request.body or {}).get("instanceIds")
        if wanted in (None, ["*"]):
            return mode.all()
        found = {mode.name_of(member).lower(): member for member in mode.all()}
        missing = [name for name in wanted if name.lower() not in found]
        if missing:
            raise Refusal(
                "InvalidParameter", f"The provided instanceId {missing[0]} is not an active Virtual Machine Scale Set VM."
            )
        return [found[name.lower()] for name in wanted]

    def _check_mode(self, mode, properties, count):
        if mode == "uniform" and "mode" not in properties.get("upgradePolicy", {}):
            raise Refusal(
                "InvalidParameter", "Required parameter 'upgradePolicy.mode' is missing (null).", target="upgradePolicy.mode"
            )
        if mode == "uniform" and "virtualMachineProfile" not in properties:
            raise Refusal(
                "InvalidParameter", "Required parameter 'virtualMachineProfile' is missing.", target="virtualMachineProfile"
            )
        if mode == "uniform":
            return
        if "platformFaultDomainCount" not in properties:
            raise Refusal(
                "InvalidParameter",
                "Required parameter 'platformFaultDomainCount' is missing.",
                target="platformFaultDomainCount",
            )
        if "upgradePolicy" in properties:
            raise Refusal(
                "InvalidParameter",
                "Upgrade policies are not for scale sets of this orchestration mode.",
                target="upgradePolicy",
            )
        if properties.get("singlePlacementGroup"):
            raise Refusal(
                "InvalidParameter", "A flexible scale set has no single placement group.", target="singlePlacementGroup"
            )
        if count and "virtualMachineProfile" not in properties:
            raise Refusal("InvalidParameter", "A scale set without a profile has no capacity.", target="sku.capacity")

    def _check_profile(self, request, body, profile, mode):
        storage, network = profile.setdefault("storageProfile", {}), profile.get("networkProfile", {})
        if "imageReference" not in storage:
            raise Refusal("InvalidParameter", "Required parameter 'imageReference' is missing (null).", target="imageReference")
        check_image(self.cloud, storage, storage.get("osDisk", {}))
        check_ultra(storage.get("dataDisks", []), body["properties"])
        old = self.resources.get(request.id)
        secrets = {key: value for key, value in (old.private if old else {}).items() if key in SECRET}
        check_profile({"adminUsername": "", **secrets, **profile.get("osProfile", {})})
        if not profile.get("osProfile", {}).get("computerNamePrefix"):
            raise Refusal("InvalidParameter", "Required parameter 'computerNamePrefix' is missing (null).", target="osProfile")
        if not network.get("networkInterfaceConfigurations"):
            raise Refusal(
                "InvalidParameter", "Required parameter 'networkInterfaceConfigurations' is missing.", target="networkProfile"
            )
        if mode == "flexible" and "networkApiVersion" not in network:
            raise Refusal("InvalidParameter", "Required parameter 'networkApiVersion' is missing.", target="networkApiVersion")
        self.refuse_dangling(request, {"location": body["location"], "of": network})


def is_flexible(properties):
    """Whether members are machines of their own."""
    return properties.get("orchestrationMode", "Uniform").lower() == "flexible"
