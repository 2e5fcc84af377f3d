"""What an instance will be: the request completed with everything that GCE fills in, or refused."""

from tests.fakes.gce import machines
from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.collection import check_labels, fingerprint
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link, last

MOST_METADATA, MOST_VALUE = 512 * 1024, 256 * 1024
RESERVATION = "compute.googleapis.com/reservation-name"


def complete(cloud, link, document):
    """Fill in what an instance has besides its disks; GceError where it cannot be. References are URLs already."""
    if "machineType" not in document:
        raise GceError("required", "Required field 'resource.machineType' not specified")
    _metadata(document)
    _tags(document)
    cards = accelerators(cloud, document)
    if cards:
        document["guestAccelerators"] = cards
    schedule(document)
    _reservation(cloud, link, document)
    _interfaces(cloud, link, document)
    document |= {
        "status": "PROVISIONING",
        "cpuPlatform": "Ampere Altra" if architecture(cloud, document) == "ARM64" else "Intel Cascade Lake",
        "startRestricted": False,
        "deletionProtection": document.get("deletionProtection", False),
        "canIpForward": document.get("canIpForward", False),
        "shieldedInstanceConfig": {"enableSecureBoot": False, "enableVtpm": True, "enableIntegrityMonitoring": True}
        | document.get("shieldedInstanceConfig", {}),
        "fingerprint": fingerprint(link.path),
    }


def architecture(cloud, document):
    """The architecture of an instance's machine type."""
    return cloud["machineTypes"].at(cloud.link(document["machineType"]))["architecture"]


def accelerators(cloud, document):
    """The GPUs of an instance: those that come with its machine type, or those that are attached to an N1."""
    machine = cloud.link(document["machineType"])
    asked = document.get("guestAccelerators", [])
    own = cloud["machineTypes"].at(machine).get("accelerators", ())
    if own:
        wanted = {last(one.get("acceleratorType", "")): one.get("acceleratorCount") for one in asked}
        if wanted and wanted != {one["guestAcceleratorType"]: one["guestAcceleratorCount"] for one in own}:
            raise invalid("resource.guestAccelerators", wanted, f"{machine.name} has accelerators of its own.")
        return [
            {
                "acceleratorType": Link(PROJECT, machine.scope, "acceleratorTypes", one["guestAcceleratorType"]).url,
                "acceleratorCount": one["guestAcceleratorCount"],
            }
            for one in own
        ]
    for one in asked:
        _check_attachable(machine, last(one.get("acceleratorType", "")), one.get("acceleratorCount"))
    return asked


def _check_attachable(machine, name, many):
    if machines.series(machine.name) != "n1" or name not in machines.ATTACHABLE:
        message = f"[{name}] features are not compatible for creating instance."
        raise invalid("resource.guestAccelerators", name, f"{message} The machine type is {machine.name}.")
    if many not in machines.ATTACHABLE[name]:
        raise invalid("resource.guestAccelerators", many, f"There can be {machines.ATTACHABLE[name]} of {name}.")


def check_moves(machine, scheduling):
    """Refuse to keep on its host what is of the series that always moves."""
    is_e2 = machines.series(machine.rpartition("/")[2]) == "e2"
    if is_e2 and scheduling["onHostMaintenance"] == "TERMINATE" and not scheduling["preemptible"]:
        message = "e2 instances do not support onHostMaintenance=TERMINATE unless they are preemptible."
        raise GceError("badRequest", message)


def schedule(document):
    """Fill in how an instance is bought and kept, or refuse what cannot be together."""
    given = document.get("scheduling", {})
    is_spot = given.get("provisioningModel") == "SPOT" or given.get("preemptible", False)
    has_gpus = bool(document.get("guestAccelerators"))
    usual = {
        "provisioningModel": "STANDARD",
        "preemptible": is_spot,
        "onHostMaintenance": "TERMINATE" if is_spot else "MIGRATE",
        "automaticRestart": not is_spot,
    }
    scheduling = usual | given
    if has_gpus and scheduling["onHostMaintenance"] != "TERMINATE":
        raise GceError("invalid", "Instances with guest accelerators do not support live migration.")
    if is_spot and (scheduling["automaticRestart"] or scheduling["onHostMaintenance"] != "TERMINATE"):
        field = "resource.scheduling"
        raise invalid(
            field, "SPOT", "A preemptible instance is not restarted automatically, and terminates on host maintenance."
        )
    if is_spot and not scheduling["preemptible"]:
        raise invalid("resource.scheduling.preemptible", False, "It must be true with provisioningModel SPOT.")
    if "instanceTerminationAction" in given and not is_spot and "maxRunDuration" not in given:
        value = given["instanceTerminationAction"]
        raise invalid(
            "resource.scheduling.instanceTerminationAction", value, "It needs provisioningModel SPOT or a time limit."
        )
    if is_spot and scheduling["provisioningModel"] == "SPOT":
        scheduling.setdefault("instanceTerminationAction", "STOP")
    check_moves(document.get("machineType", ""), scheduling)
    document["scheduling"] = scheduling


def check_labelled_disks(document):
    """Refuse labels of new disks that GCE does not take."""
    for place, disk in enumerate(document.get("disks", ())):
        check_labels(f"resource.disks[{place}].initializeParams.labels", disk.get("initializeParams", {}).get("labels", {}))


def check_metadata(metadata):
    """Refuse metadata that GCE does not take."""
    keys, total = set(), 0
    for item in metadata.get("items", ()):
        key, value = item.get("key", ""), item.get("value", "")
        size = len(value.encode())
        total += size + len(key)
        if key in keys:
            raise invalid("resource.metadata", key, f"Duplicate key: {key}")
        if size > MOST_VALUE or total > MOST_METADATA:
            raise invalid("resource.metadata", key, "The metadata is too large.")
        keys.add(key)


def _metadata(document):
    metadata = document.setdefault("metadata", {})
    check_metadata(metadata)
    metadata |= {"kind": "compute#metadata", "fingerprint": fingerprint(metadata.get("items", []))}


def _tags(document):
    tags = document.setdefault("tags", {})
    tags["fingerprint"] = fingerprint(tags.get("items", []))


def _reservation(cloud, link, document):
    affinity = document.setdefault("reservationAffinity", {"consumeReservationType": "ANY_RESERVATION"})
    if affinity.get("consumeReservationType") == "SPECIFIC_RESERVATION":
        if affinity.get("key") != RESERVATION or not affinity.get("values"):
            raise invalid("resource.reservationAffinity", affinity.get("key"), f"A reservation is named under {RESERVATION}.")
        cloud["reservations"].check_specific(link, document)


def _interfaces(cloud, link, document):
    if not document.get("networkInterfaces"):
        raise GceError(
            "invalid", "Invalid value for field 'resource.networkInterfaces': ''. At least one network interface is required."
        )
    for place, interface in enumerate(document["networkInterfaces"]):
        cloud["subnetworks"].seat(link, interface, place)
        if len(interface.get("accessConfigs", ())) > 1:
            raise invalid("resource.networkInterfaces.accessConfigs", "", "At most one access config is supported.")
        for config in interface.get("accessConfigs", ()):
            external(cloud, link, config)
        interface["fingerprint"] = fingerprint(interface)


def external(cloud, link, config):
    """Give an access config its address: one of the region's reserved ones, or a new one."""
    if config.get("natIP"):
        cloud["addresses"].check_reserved(link.region, config["natIP"])
    config |= {
        "kind": "compute#accessConfig",
        "type": config.get("type", "ONE_TO_ONE_NAT"),
        "name": config.get("name", "External NAT"),
        "networkTier": config.get("networkTier", "PREMIUM"),
        "natIP": config.get("natIP") or cloud["addresses"].fresh(),
    }
