"""Documents to ask Azure for things with, and the ids of what they name."""

from tests.fakes.arm.server import SUBSCRIPTION

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group"
UBUNTU = {"publisher": "Canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts-gen2", "version": "latest"}


def path(kind, name, provider="Network"):
    """The id of a resource in the group."""
    return f"{GROUP}/providers/Microsoft.{provider}/{kind}/{name}"


SUBNET = path("virtualNetworks", "net") + "/subnets/default"
BALANCER = path("loadBalancers", "balancer")
POOL = f"{BALANCER}/backendAddressPools/pool"


def network(*prefixes):
    """A virtual network with one subnet for each prefix; the first is called default."""
    names = ["default", *(f"subnet{number}" for number in range(1, len(prefixes)))]
    subnets = [
        {"name": name, "properties": {"addressPrefix": prefix}}
        for name, prefix in zip(names, prefixes or ("10.0.0.0/24",), strict=True)
    ]
    return located(properties={"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets})


def located(**more):
    """A document of eastus."""
    return {"location": "eastus", **more}


def rule(priority, port="22"):
    """A security rule."""
    ends = {"sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "sourcePortRange": "*", "destinationPortRange": port}
    return {"protocol": "Tcp", "access": "Allow", "direction": "Inbound", "priority": priority, **ends}


def address():
    """A static public address."""
    return located(sku={"name": "Standard"}, properties={"publicIPAllocationMethod": "Static"})


def interface(subnet=SUBNET, **more):
    """An interface with one address; more properties of the address in `more`."""
    part = {"name": "first", "properties": {"subnet": {"id": subnet}, **more}}
    return located(properties={"ipConfigurations": [part]})


def profile():
    """How the machine's system is set up."""
    keys = [{"path": "/home/cloud/.ssh/authorized_keys", "keyData": "ssh-rsa AAAA"}]
    return {"adminUsername": "cloud", "customData": "aGVsbG8=", "linuxConfiguration": {"ssh": {"publicKeys": keys}}}


def machine(interface_name="nic", size="Standard_D2s_v5", zones=(), **more):
    """A machine on an interface that goes with it; more properties in `more`."""
    interfaces = [{"id": path("networkInterfaces", interface_name), "properties": {"deleteOption": "Delete"}}]
    properties = {
        "hardwareProfile": {"vmSize": size},
        "storageProfile": {"imageReference": dict(UBUNTU), "osDisk": {"createOption": "FromImage", "deleteOption": "Delete"}},
        "osProfile": {"computerName": "machine", **profile()},
        "networkProfile": {"networkInterfaces": interfaces},
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    }
    return located(tags={"purpose": "test"}, properties=properties | more, **({"zones": list(zones)} if zones else {}))


def disk(size=10, zones=(), **more):
    """An empty disk."""
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": size}
    return located(properties=properties | more, **({"zones": list(zones)} if zones else {}))


def copy_of(source, **more):
    """A snapshot of a disk, or a disk of a snapshot."""
    return located(properties={"creationData": {"createOption": "Copy", "sourceResourceId": source}, **more})


def attached(*names):
    """A change of a machine that has just these data disks."""
    disks = [
        {"lun": lun, "createOption": "Attach", "managedDisk": {"id": path("disks", name, "Compute")}}
        for lun, name in enumerate(names)
    ]
    return {"properties": {"storageProfile": {"dataDisks": disks}}}


def balancer():
    """A public balancer with one rule, from port 80 to port 8080."""
    rule = {
        "frontendIPConfiguration": {"id": f"{BALANCER}/frontendIPConfigurations/front"},
        "backendAddressPool": {"id": POOL},
        "probe": {"id": f"{BALANCER}/probes/probe"},
        "protocol": "Tcp",
        "frontendPort": 80,
        "backendPort": 8080,
    }
    front = {"publicIPAddress": {"id": path("publicIPAddresses", "address")}}
    probe = {"protocol": "Tcp", "port": 8080, "intervalInSeconds": 5, "numberOfProbes": 2}
    properties = {
        "frontendIPConfigurations": [{"name": "front", "properties": front}],
        "backendAddressPools": [{"name": "pool"}],
        "probes": [{"name": "probe", "properties": probe}],
        "loadBalancingRules": [{"name": "rule", "properties": rule}],
    }
    return located(sku={"name": "Standard"}, properties=properties)


def scale_set(capacity=2, flexible=True, zones=(), pool=None):
    """A scale set of either mode."""
    part = {"subnet": {"id": SUBNET}, **({"loadBalancerBackendAddressPools": [{"id": pool}]} if pool else {})}
    parts = [{"name": "first", "properties": part}]
    interfaces = [{"name": "nic", "properties": {"primary": True, "ipConfigurations": parts}}]
    model = {
        "storageProfile": {"imageReference": dict(UBUNTU), "osDisk": {"createOption": "FromImage"}},
        "osProfile": {"computerNamePrefix": "member", **profile()},
        "networkProfile": {"networkInterfaceConfigurations": interfaces},
    }
    if flexible:
        model["networkProfile"]["networkApiVersion"] = "2020-11-01"
    mode = {"platformFaultDomainCount": 1} if flexible else {"upgradePolicy": {"mode": "Manual"}}
    kind = {"orchestrationMode": "Flexible" if flexible else "Uniform", "virtualMachineProfile": model}
    size = {"name": "Standard_D2s_v5", "capacity": capacity}
    return located(tags={"purpose": "test"}, sku=size, properties=kind | mode, **({"zones": list(zones)} if zones else {}))


def bounds(target, least, most):
    """An autoscale setting of one profile without rules."""
    capacity = {"minimum": str(least), "maximum": str(most), "default": str(least)}
    profiles = [{"name": "always", "capacity": capacity, "rules": []}]
    return located(properties={"enabled": True, "targetResourceUri": target, "profiles": profiles})
