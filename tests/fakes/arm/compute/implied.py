"""What comes and goes with a machine.

Interfaces and addresses made of configurations, and whatever is to be deleted with it.
"""

import uuid

from tests.fakes.arm.resources import Resource


def make_interfaces(cloud, machine):
    """The interfaces that a machine's configurations describe; they are its references from then on."""
    profile = machine.properties.get("networkProfile", {})
    for configuration in profile.pop("networkInterfaceConfigurations", []):
        properties = configuration["properties"]
        path = f"{_network(machine)}/networkInterfaces/{configuration['name']}-{uuid.uuid4().hex[:8]}"
        interface = make_interface(cloud, machine, configuration, path, cloud.kinds["networkinterfaces"])
        reference = {"id": interface.id, "properties": {"primary": properties.get("primary", True)}}
        reference["properties"]["deleteOption"] = properties.get("deleteOption", "Delete")
        profile.setdefault("networkInterfaces", []).append(reference)
    cloud.resources.put(machine)


def make_interface(cloud, machine, configuration, id, kind):
    """One interface of a configuration, with its public addresses."""
    kept = ("networkSecurityGroup", "enableAcceleratedNetworking", "enableIPForwarding")
    properties = {key: configuration["properties"][key] for key in kept if key in configuration["properties"]}
    properties["ipConfigurations"] = [
        _address(cloud, machine, part) for part in configuration["properties"]["ipConfigurations"]
    ]
    body = {"location": machine.location, "properties": properties}
    resource = Resource(id, kind, {})
    resource.document = kind.document(resource, body, None)
    kind.touch(resource)
    return resource


def remove(cloud, machine):
    """Delete what is to be deleted with a machine that is gone."""
    storage = machine.properties["storageProfile"]
    disks = [storage.get("osDisk", {}), *storage.get("dataDisks", [])]
    for disk in disks:
        if disk.get("deleteOption", "Detach").lower() == "delete":
            _drop(cloud, disk.get("managedDisk", {}).get("id", ""))
    for reference in machine.properties.get("networkProfile", {}).get("networkInterfaces", []):
        if reference.get("properties", {}).get("deleteOption", "Detach").lower() == "delete":
            remove_interface(cloud, reference["id"])


def remove_interface(cloud, id):
    """Delete an interface, and the addresses that were made with it."""
    interface = cloud.resources.get(id)
    _drop(cloud, id)
    for part in interface.properties["ipConfigurations"] if interface else []:
        address = cloud.resources.get(part["properties"].get("publicIPAddress", {}).get("id", ""))
        if address and address.private.get("deleteOption", "").lower() == "delete":
            cloud.resources.remove(address)


def _address(cloud, machine, part):
    kept = ("subnet", "loadBalancerBackendAddressPools", "privateIPAddressVersion", "primary")
    properties = {key: part["properties"][key] for key in kept if key in part["properties"]}
    wanted = part["properties"].get("publicIPAddressConfiguration")
    if wanted:
        properties["publicIPAddress"] = {"id": _public(cloud, machine, wanted).id}
    return {"name": part["name"], "properties": properties}


def _public(cloud, machine, wanted):
    kind = cloud.kinds["publicipaddresses"]
    path = f"{_network(machine)}/publicIPAddresses/{wanted['name']}-{uuid.uuid4().hex[:8]}"
    given = wanted.get("properties", {})
    sku = wanted.get("sku", {"name": "Standard"})
    properties = {"publicIPAllocationMethod": given.get("publicIPAllocationMethod", "Static")}
    resource = Resource(path, kind, {}, private={"deleteOption": given.get("deleteOption", "Delete")})
    resource.document = kind.document(resource, {"location": machine.location, "sku": sku, "properties": properties}, None)
    kind.touch(resource)
    kind.finished(resource, True)
    return resource


def _network(machine):
    """The path of the network's resources in a machine's group."""
    start = machine.id.lower().index("/providers/")
    return f"{machine.id[:start]}/providers/Microsoft.Network"


def _drop(cloud, id):
    resource = cloud.resources.get(id)
    if resource:
        cloud.resources.remove(resource)
