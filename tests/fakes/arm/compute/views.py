"""How a machine stands: the instance view."""

from tests.fakes.arm.compute.disks import now

WORDS = {
    "running": "VM running",
    "starting": "VM starting",
    "stopping": "VM stopping",
    "stopped": "VM stopped",
    "deallocating": "VM deallocating",
    "deallocated": "VM deallocated",
}


def instance_view(machine):
    """The view of a machine: its provisioning, and its power once it has been allocated."""
    view = {"statuses": statuses(machine)}
    if machine.private.get("power") == "running" and machine.state == "Succeeded":
        if machine.kind.type == "virtualMachines":
            name = machine.properties.get("osProfile", {}).get("computerName", machine.name)
            view |= {"computerName": name, "osName": "linux", "hyperVGeneration": "V2"}
        view["vmAgent"] = {"vmAgentVersion": "2.9.1.1", "statuses": [_status("ProvisioningState/succeeded", "Ready")]}
    storage = machine.properties.get("storageProfile", {})
    disks = [storage.get("osDisk", {}), *storage.get("dataDisks", [])]
    view["disks"] = [
        {"name": disk["name"], "statuses": [_status("ProvisioningState/succeeded", "Provisioning succeeded")]}
        for disk in disks
        if disk.get("managedDisk", {}).get("id")
    ]
    return view


def statuses(machine):
    """The statuses alone."""
    found = [_provisioning(machine)]
    power = machine.private.get("power")
    if power:
        found.append({"code": f"PowerState/{power}", "level": "Info", "displayStatus": WORDS[power]})
    return found


def _provisioning(machine):
    refusal = machine.private.get("refusal")
    if machine.state == "Failed" and refusal:
        code = f"ProvisioningState/failed/{refusal.code}"
        return _status(code, "Provisioning failed", "Error") | {"message": refusal.message}
    return _status(f"ProvisioningState/{machine.state.lower()}", f"Provisioning {machine.state.lower()}")


def _status(code, words, level="Info"):
    return {"code": code, "level": level, "displayStatus": words, "time": now()}
