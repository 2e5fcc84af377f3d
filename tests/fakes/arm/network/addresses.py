"""Public addresses."""

import ipaddress
import uuid

from tests.fakes.arm.compute.usages import refuse_quota
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind

FIRST = int(ipaddress.ip_address("20.62.0.4"))


class PublicAddresses(Kind):
    """Microsoft.Network/publicIPAddresses."""

    type = "publicIPAddresses"
    namespace = "Microsoft.Network"
    etag = True
    immutable = ("location", "zones", "sku.name", "properties.publicIPAddressVersion")
    in_use = "PublicIPAddressCannotBeDeleted"

    def check(self, request, body, old):
        """Standard addresses are static; there are as many as the quota has."""
        properties = body.setdefault("properties", {})
        standard = body.get("sku", {}).get("name", "Basic").lower() == "standard"
        if standard and properties.get("publicIPAllocationMethod", "Dynamic").lower() != "static":
            raise Refusal("StandardSkuPublicIPAddressesMustBeStatic", f"Standard sku publicIp {request.name} must be static.")
        if old is None:
            refuse_quota(self.cloud, body["location"], {"PublicIPAddresses": 1}, "Network")

    def document(self, request, body, old):
        """The address itself comes with the operation's end."""
        body.setdefault("sku", {"name": "Basic"}).setdefault("tier", "Regional")
        properties = body["properties"]
        properties.setdefault("publicIPAllocationMethod", "Dynamic")
        properties.setdefault("publicIPAddressVersion", "IPv4")
        properties.setdefault("idleTimeoutInMinutes", 4)
        properties["ipTags"] = properties.get("ipTags", [])
        properties["resourceGuid"] = old.properties["resourceGuid"] if old else str(uuid.uuid4())
        if old and "ipAddress" in old.properties:
            properties["ipAddress"] = old.properties["ipAddress"]
        label = properties.get("dnsSettings", {}).get("domainNameLabel")
        if label:
            properties["dnsSettings"]["fqdn"] = f"{label}.{body['location']}.cloudapp.azure.com"
        return body

    def finished(self, resource, created):
        """A static address is there from now on."""
        if created and resource.properties["publicIPAllocationMethod"].lower() == "static":
            resource.properties["ipAddress"] = str(ipaddress.ip_address(FIRST + resource.number))

    def dress(self, resource, document):
        """Tell the address's user, by whom a dynamic one is there at all."""
        for user in self.resources.users(resource.id):
            for collection in ("ipConfigurations", "frontendIPConfigurations"):
                for part in user.properties.get(collection, []):
                    if part["properties"].get("publicIPAddress", {}).get("id", "").lower() == resource.key:
                        document["properties"]["ipConfiguration"] = {"id": part["id"]}
                        document["properties"].setdefault("ipAddress", str(ipaddress.ip_address(FIRST + resource.number)))
