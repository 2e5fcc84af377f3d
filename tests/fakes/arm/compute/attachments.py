"""A machine's disks: those that come with it, and those that are attached and detached."""

import uuid

from tests.fakes.arm.errors import Refusal

LUNS = range(64)
PLATFORM = (
    "/Subscriptions/{0}/Providers/Microsoft.Compute/Locations/{1}/Publishers/{publisher}/ArtifactTypes/VMImage"
    "/Offers/{offer}/Skus/{sku}/Versions/{exactVersion}"
)
"""A platform image's id."""


def check_network(kind, request, body):
    """A machine has interfaces that are there and nobody else's, or says how to make them."""
    profile = body["properties"].get("networkProfile", {})
    listed = profile.get("networkInterfaces", [])
    if bool(listed) == bool(profile.get("networkInterfaceConfigurations")):
        raise Refusal(
            "InvalidParameter", "Either network interfaces or configurations of them are needed.", target="networkProfile"
        )
    if profile.get("networkInterfaceConfigurations") and "networkApiVersion" not in profile:
        raise Refusal("InvalidParameter", "Required parameter 'networkApiVersion' is missing.", target="networkApiVersion")
    kind.refuse_dangling(request, {"location": body["location"], "of": profile})
    for reference in listed:
        users = kind.resources.users(reference["id"])
        if any(user.key != request.id.lower() and user.kind.type == kind.type for user in users):
            raise Refusal("NicInUse", f"Network Interface {reference['id']} is used by existing VM {users[0].id}.")
    if len(listed) > 1 and sum(item.get("properties", {}).get("primary", False) for item in listed) != 1:
        raise Refusal("VirtualMachineMustHaveOneNetworkInterfaceAsPrimary", "One of the network interfaces must be primary.")


def check_disks(kind, request, body, size):
    """The data disks' places are free, and the disks nobody else's and near enough."""
    storage = body["properties"].get("storageProfile", {})
    disks = [disk for disk in storage.get("dataDisks", []) if not disk.get("toBeDetached")]
    places = [disk["lun"] for disk in disks]
    if len(set(places)) < len(places) or not set(places) <= set(LUNS):
        raise Refusal(
            "InvalidParameter", "The values of dataDisk.lun are not unique numbers from 0 to 63.", target="dataDisk.lun"
        )
    if len(disks) > size.disks:
        raise Refusal("OperationNotAllowed", f"The maximum number of data disks of a VM of size {size.name} is {size.disks}.")
    check_ultra(disks, body["properties"])
    attached = [disk for disk in disks if disk["createOption"].lower() == "attach"]
    if storage.get("osDisk", {}).get("createOption", "").lower() == "attach":
        attached.append(storage["osDisk"])
    for disk in attached:
        check_disk(kind, request.id, body, disk)
    for disk in [storage.get("osDisk", {}), *disks]:
        check_new(kind, request.id, disk)
    for disk in disks:
        if disk["createOption"].lower() == "empty" and not disk.get("diskSizeGB") and "managedDisk" not in disk:
            raise Refusal(
                "InvalidParameter", "Required parameter 'dataDisk.diskSizeGB' is missing (null).", target="dataDisk.diskSizeGB"
            )


def check_ultra(disks, properties):
    """Ultra disks are made for machines alone that are said to be able to have them."""
    kinds = {disk.get("managedDisk", {}).get("storageAccountType", "").lower() for disk in disks}
    if "ultrassd_lrs" in kinds and not properties.get("additionalCapabilities", {}).get("ultraSSDEnabled"):
        raise Refusal(
            "InvalidParameter",
            "StorageAccountType UltraSSD_LRS can be used only when additionalCapabilities.ultraSSDEnabled is set.",
            target="managedDisk.storageAccountType",
        )


def check_new(kind, machine, disk):
    """A disk that comes with a machine is nobody's yet."""
    held = kind.resources.get(f"{machine.partition('/providers/')[0]}/providers/Microsoft.Compute/disks/{disk.get('name')}")
    if held is None or disk.get("createOption", "Attach").lower() == "attach":
        return
    if all(user.key != machine.lower() for user in held.kind.users(held)):
        reason = f"Disk {held.name} already exists in resource group {kind.cloud.group}. Only CreateOption.Attach is supported."
        raise Refusal("ConflictingUserInput", reason)


def check_disk(kind, machine, body, disk):
    """A disk that is to be attached is there, in the same place, and free."""
    path = disk.get("managedDisk", {}).get("id", "")
    held = kind.resources.get(path)
    if held is None or held.kind.type != "disks":
        raise Refusal("NotFound", f"Disk {path.rpartition('/')[2]} is not found.")
    redundant = held.document["sku"]["name"].upper().endswith("_ZRS")
    apart = not redundant and (held.document.get("zones") or []) != (body.get("zones") or [])
    if held.location != body["location"] or apart:
        raise Refusal(
            "BadRequest", f"Disk {held.name} cannot be attached to the VM because it is not in the same location or zone."
        )
    others = [user for user in held.kind.users(held) if user.key != machine.lower()]
    if len(others) >= held.properties.get("maxShares", 1):
        if any(leaving(user, held) for user in others):
            raise Refusal("AttachDiskWhileBeingDetached", f"Cannot attach data disk '{held.name}': it is being detached.", 409)
        raise Refusal(
            "ConflictingUserInput", f"Disk '{held.name}' cannot be attached as the disk is already owned by VM {others[0].id}."
        )
    if held.deleting:
        raise Refusal("Conflict", f"Disk {held.name} is being deleted.")


def leaving(machine, disk):
    """Whether a machine is giving a disk up."""
    disks = machine.properties["storageProfile"].get("dataDisks", [])
    return any(item.get("toBeDetached") and item.get("managedDisk", {}).get("id", "").lower() == disk.key for item in disks)


def listed(old, wanted):
    """The data disks of a machine under change: the wanted ones, and those that it is giving up."""
    names = {_known_by(disk) for disk in wanted}
    given_up = [disk for disk in old.properties["storageProfile"].get("dataDisks", []) if _known_by(disk) not in names]
    for disk in wanted:
        _complete(old.name, disk)
    return wanted + [disk | {"toBeDetached": True} for disk in given_up]


def name_disks(machine, storage):
    """Names and defaults of a new machine's disks."""
    system = storage.setdefault("osDisk", {"createOption": "FromImage"})
    system.setdefault("name", f"{machine}_OsDisk_1_{uuid.uuid4().hex}")
    system.setdefault("caching", "ReadWrite")
    system.setdefault("deleteOption", "Detach")
    system.setdefault("osType", "Linux")
    system.setdefault("managedDisk", {}).setdefault("storageAccountType", "Premium_LRS")
    for disk in storage.setdefault("dataDisks", []):
        _complete(machine, disk)


def make_system_disk(cloud, machine):
    """The disk that a machine starts from, once it is allocated."""
    disk = machine.properties["storageProfile"]["osDisk"]
    if "id" in disk["managedDisk"]:
        return
    reference = machine.properties["storageProfile"]["imageReference"]
    path = reference.get("id") or PLATFORM.format(cloud.subscription, machine.location, **reference)
    created = {"createOption": "FromImage", "imageReference": {"id": path}}
    disk["managedDisk"]["id"] = cloud.kinds["disks"].implicit(machine, disk, disk["diskSizeGB"], created).id


def settle_disks(cloud, machine):
    """Make the data disks that are to be made, and let go of those that are given up."""
    storage = machine.properties["storageProfile"]
    storage["dataDisks"] = [disk for disk in storage.get("dataDisks", []) if not disk.get("toBeDetached")]
    for disk in storage["dataDisks"]:
        if "id" not in disk["managedDisk"]:
            disk["managedDisk"]["id"] = (
                cloud.kinds["disks"].implicit(machine, disk, disk["diskSizeGB"], {"createOption": "Empty"}).id
            )


def _complete(machine, disk):
    path = disk.setdefault("managedDisk", {}).get("id")
    disk.setdefault("name", path.rpartition("/")[2] if path else f"{machine}_disk{disk['lun'] + 2}_{uuid.uuid4().hex}")
    disk.setdefault("caching", "None")
    disk.setdefault("deleteOption", "Detach")
    disk["toBeDetached"] = disk.get("toBeDetached", False)
    if not path:
        disk["managedDisk"].setdefault("storageAccountType", "Premium_LRS")


def _known_by(disk):
    path = disk.get("managedDisk", {}).get("id")
    return (path.rpartition("/")[2] if path else disk.get("name", "")).lower()
