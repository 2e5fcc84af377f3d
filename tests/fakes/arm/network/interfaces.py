"""Network interfaces."""

import ipaddress
import uuid

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.network.parts import Part, number

RESERVED = 4
"""How many addresses of a subnet Azure keeps, from the first."""


class NetworkInterfaces(Kind):
    """Microsoft.Network/networkInterfaces."""

    type = "networkInterfaces"
    namespace = "Microsoft.Network"
    etag = True
    immutable = ("location",)
    in_use = "NicInUse"

    def check(self, request, body, old):
        """Every address is in a subnet, and none is another interface's."""
        parts = body.setdefault("properties", {}).get("ipConfigurations") or []
        if not parts:
            raise Refusal("InvalidRequestFormat", f"Network interface {request.name} must have one or more IP configurations.")
        self.refuse_dangling(request, body)
        for part in parts:
            properties = part.setdefault("properties", {})
            if "subnet" not in properties or "name" not in part:
                raise Refusal("SubnetNotSpecified", f"IP configuration of {request.name} does not have a name and a subnet.")
            address = properties.get("publicIPAddress", {}).get("id")
            if address and any(user.key != request.id.lower() for user in self.resources.users(address)):
                raise Refusal(
                    "PublicIPAddressInUse", f"Resource {request.id} is referencing public IP address {address} in use."
                )

    def document(self, request, body, old):
        """Private addresses, in the order in which the subnet has them free."""
        for at, part in enumerate(body["properties"]["ipConfigurations"]):
            number(
                request.id,
                "ipConfigurations",
                part,
                {"privateIPAllocationMethod": "Dynamic", "privateIPAddressVersion": "IPv4"},
            )
            part["properties"].setdefault("primary", at == 0)
            known = old.child("ipConfigurations", part["name"]) if old else None
            part["properties"]["privateIPAddress"] = self._private(part["properties"], known, request.id)
        body["properties"]["resourceGuid"] = old.properties["resourceGuid"] if old else str(uuid.uuid4())
        defaults = {"enableAcceleratedNetworking": False, "enableIPForwarding": False, "dnsSettings": {"dnsServers": []}}
        body["properties"] = {**defaults, **body["properties"]}
        return body

    def dress(self, resource, document):
        """Tell the machine that has the interface."""
        for part in document["properties"]["ipConfigurations"]:
            part["properties"]["provisioningState"] = resource.state
        machine = self.machine(resource)
        if machine:
            document["properties"]["virtualMachine"] = {"id": machine.id}
            document["properties"]["macAddress"] = "-".join(
                ("00", "0D", "3A", *(f"{part:02X}" for part in resource.number.to_bytes(3)))
            )
            document["properties"]["primary"] = True

    def machine(self, resource):
        """The machine that has an interface; None if there is none."""
        return next((user for user in self.resources.users(resource.id) if user.kind.type == "virtualMachines"), None)

    def _private(self, properties, known, id):
        subnet = properties["subnet"]["id"]
        taken = taken_in(self.resources, subnet, id)
        wanted = properties.get("privateIPAddress") or (known and known["properties"]["privateIPAddress"])
        if wanted and wanted in taken and properties["privateIPAllocationMethod"].lower() == "static":
            raise Refusal(
                "PrivateIPAddressInUse", f"IP configuration is using the private IP address {wanted} which is in use."
            )
        if wanted and wanted not in taken:
            return wanted
        return free(self.resources.part(subnet)["properties"]["addressPrefix"], taken)


class MemberInterfaces(NetworkInterfaces):
    """Those of a uniform scale set's members, which Microsoft.Network tells below the scale set and nobody else changes."""

    type = "virtualMachineScaleSets/virtualMachines/networkInterfaces"
    namespace = "Microsoft.Compute"

    def actions(self):
        """Those of a whole scale set."""
        return {"NetworkInterfaces_ListVirtualMachineScaleSetNetworkInterfaces": self.list}

    def follow(self, resource, configuration):
        """Take the pools and the security group of a newer model."""
        resource.properties.pop("networkSecurityGroup", None)
        if "networkSecurityGroup" in configuration["properties"]:
            resource.properties["networkSecurityGroup"] = configuration["properties"]["networkSecurityGroup"]
        for part in configuration["properties"]["ipConfigurations"]:
            own = resource.child("ipConfigurations", part["name"])
            if own:
                own["properties"]["loadBalancerBackendAddressPools"] = part["properties"].get(
                    "loadBalancerBackendAddressPools", []
                )
        self.touch(resource)

    def machine(self, resource):
        """The member that an interface belongs to."""
        return self.resources.get(resource.id.rpartition("/networkInterfaces/")[0])


class InterfaceAddresses(Part):
    """Microsoft.Network/networkInterfaces/ipConfigurations."""

    type = "networkInterfaces/ipConfigurations"
    namespace = "Microsoft.Network"
    collection = "ipConfigurations"


def taken_in(resources, subnet, mine):
    """The private addresses of a subnet that others than one resource have."""
    users = [user for user in resources.users(subnet) if user.key != mine.lower()]
    collections = ("ipConfigurations", "frontendIPConfigurations")
    parts = [part for user in users for collection in collections for part in user.properties.get(collection, [])]
    return {part["properties"].get("privateIPAddress") for part in parts}


def free(prefix, taken):
    """The first address of a prefix that nobody has."""
    network = ipaddress.ip_network(prefix)
    for place in range(RESERVED, network.num_addresses - 1):
        address = str(network.network_address + place)
        if address not in taken:
            return address
    raise Refusal("SubnetIsFull", f"Subnet with address prefix {prefix} does not have enough capacity for IP addresses.")
