"""Virtual networks and their subnets."""

import ipaddress

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.network.parts import Part, number


class VirtualNetworks(Kind):
    """Microsoft.Network/virtualNetworks."""

    type = "virtualNetworks"
    namespace = "Microsoft.Network"
    etag = True
    immutable = ("location",)
    in_use = "InUseSubnetCannotBeDeleted"

    def check(self, request, body, old):
        """Prefixes lie within the network's and do not overlap; a subnet that is used stays."""
        properties = body.setdefault("properties", {})
        spaces = [_network(prefix) for prefix in properties.get("addressSpace", {}).get("addressPrefixes", [])]
        if not spaces:
            raise Refusal("InvalidRequestFormat", "A virtual network needs an address space.")
        subnets = properties.setdefault("subnets", [])
        self._check_subnets(subnets, spaces)
        self.refuse_dangling(request, body)
        kept = {subnet["name"].lower() for subnet in subnets}
        for subnet in old.properties["subnets"] if old else []:
            if subnet["name"].lower() not in kept and self.holders(subnet["id"]):
                raise Refusal(self.in_use, f"Subnet {subnet['name']} is in use and cannot be deleted.")

    def document(self, request, body, old):
        """Number the subnets."""
        for subnet in body["properties"]["subnets"]:
            number(request.id, "subnets", subnet, {"privateEndpointNetworkPolicies": "Enabled"})
        return body

    def dress(self, resource, document):
        """Tell what is in the subnets."""
        for subnet in document["properties"]["subnets"]:
            subnet["properties"]["provisioningState"] = resource.state
            taken = [{"id": part} for part in self._taken(subnet["id"])]
            if taken:
                subnet["properties"]["ipConfigurations"] = taken

    def _taken(self, subnet):
        for user in self.resources.users(subnet):
            for part in user.properties.get("ipConfigurations", []):
                if part["properties"].get("subnet", {}).get("id", "").lower() == subnet.lower():
                    yield part["id"]

    def _check_subnets(self, subnets, spaces):
        taken = []
        for subnet in subnets:
            prefix = subnet.get("properties", {}).get("addressPrefix")
            if prefix is None or "name" not in subnet:
                raise Refusal("InvalidRequestFormat", "A subnet needs a name and an address prefix.")
            mine = _network(prefix)
            if not any(mine.subnet_of(space) for space in spaces):
                raise Refusal("NetcfgInvalidSubnet", f"Subnet '{subnet['name']}' is not valid in virtual network.")
            if any(mine.overlaps(other) for other in taken):
                raise Refusal("NetcfgSubnetRangesOverlap", f"Subnet '{subnet['name']}' overlaps with another.")
            taken.append(mine)


class Subnets(Part):
    """Microsoft.Network/virtualNetworks/subnets."""

    type = "virtualNetworks/subnets"
    namespace = "Microsoft.Network"
    collection = "subnets"
    in_use = "InUseSubnetCannotBeDeleted"


def _network(prefix):
    try:
        return ipaddress.ip_network(prefix)
    except ValueError as error:
        raise Refusal("InvalidAddressPrefixFormat", f"{prefix} is no address prefix: {error}.") from error
