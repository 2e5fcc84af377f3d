"""Load balancers: frontends, pools, probes and rules."""

import uuid

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.network.interfaces import free, taken_in
from tests.fakes.arm.network.parts import Part, number

COLLECTIONS = ("frontendIPConfigurations", "backendAddressPools", "loadBalancingRules", "probes")
EMPTY = ("inboundNatRules", "outboundRules", "inboundNatPools")
REFERENCES = {"frontendIPConfiguration": COLLECTIONS[0], "backendAddressPool": COLLECTIONS[1], "probe": COLLECTIONS[3]}


class LoadBalancers(Kind):
    """Microsoft.Network/loadBalancers."""

    type = "loadBalancers"
    namespace = "Microsoft.Network"
    etag = True
    immutable = ("location", "sku.name")
    in_use = "LoadBalancerInUseByVirtualMachineScaleSet"

    def check(self, request, body, old):
        """Rules refer to parts of this balancer, frontends to an address or a subnet, and no two take the same port."""
        properties = body.setdefault("properties", {})
        for collection in COLLECTIONS:
            properties.setdefault(collection, [])
        self.refuse_dangling(request, body)
        for frontend in properties["frontendIPConfigurations"]:
            self._check_frontend(request, body, frontend)
        self._check_rules(request, properties)
        self._check_removed(request, properties, old)

    def document(self, request, body, old):
        """Number the parts, and give internal frontends their addresses."""
        body.setdefault("sku", {"name": "Basic"}).setdefault("tier", "Regional")
        properties = body["properties"]
        for collection in COLLECTIONS:
            for part in properties[collection]:
                number(request.id, collection, part)
        for frontend in properties["frontendIPConfigurations"]:
            self._address(request, frontend["properties"])
        for rule in properties["loadBalancingRules"]:
            defaults = {
                "idleTimeoutInMinutes": 4,
                "enableFloatingIP": False,
                "enableTcpReset": False,
                "loadDistribution": "Default",
            }
            rule["properties"] = defaults | rule["properties"]
        for name in EMPTY:
            properties.setdefault(name, [])
        properties["resourceGuid"] = old.properties["resourceGuid"] if old else str(uuid.uuid4())
        return body

    def dress(self, resource, document):
        """Tell which rules use a part, and which interfaces are in a pool."""
        properties = document["properties"]
        for collection in COLLECTIONS:
            for part in properties[collection]:
                part["properties"]["provisioningState"] = resource.state
        for rule in properties["loadBalancingRules"]:
            for name, collection in REFERENCES.items():
                part = self._named(properties[collection], rule["properties"].get(name))
                if part:
                    part["properties"].setdefault("loadBalancingRules", []).append({"id": rule["id"]})
        for pool in properties["backendAddressPools"]:
            members = [{"id": part["id"]} for part in self._members(pool["id"])]
            if members:
                pool["properties"]["backendIPConfigurations"] = members

    def blockers(self, resource):
        """A scale set keeps its balancer; interfaces leave their pools with it."""
        return [user for user in self.resources.users(resource.id) if user.kind.type == "virtualMachineScaleSets"]

    def removed(self, resource):
        """The pools are gone from interfaces as well."""
        for user in self.resources.users(resource.id):
            for part in user.properties.get("ipConfigurations", []):
                pools = part["properties"].pop("loadBalancerBackendAddressPools", [])
                kept = [pool for pool in pools if not pool["id"].lower().startswith(resource.key + "/")]
                if kept:
                    part["properties"]["loadBalancerBackendAddressPools"] = kept
            user.kind.touch(user)

    def addresses(self, resource, pool):
        """The private addresses of a pool's backends, those of interfaces and those that were named."""
        part = resource.child("backendAddressPools", pool.rpartition("/")[2])
        named = part["properties"].get("loadBalancerBackendAddresses", []) if part else []
        found = [backend["properties"]["ipAddress"] for backend in named if "ipAddress" in backend.get("properties", {})]
        return found + [member["properties"]["privateIPAddress"] for member in self._members(pool)]

    def _members(self, pool):
        for user in self.resources.users(pool):
            for part in user.properties.get("ipConfigurations", []):
                joined = part["properties"].get("loadBalancerBackendAddressPools", [])
                if any(item["id"].lower() == pool.lower() for item in joined):
                    yield part

    def _check_frontend(self, request, body, frontend):
        properties = frontend.get("properties", {})
        if ("publicIPAddress" in properties) == ("subnet" in properties):
            raise Refusal("LoadBalancerFrontendIPConfigMustHaveOneAddress", "A frontend has a public address or a subnet.")
        if "publicIPAddress" not in properties:
            return
        address = self.resources.get(properties["publicIPAddress"]["id"])
        if address.document["sku"]["name"].lower() != body.get("sku", {}).get("name", "Basic").lower():
            raise Refusal("DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed", "Balancer and address have different SKUs.")
        if any(user.key != request.id.lower() for user in self.resources.users(address.id)):
            raise Refusal(
                "PublicIPAddressInUse", f"Resource {request.id} is referencing public IP address {address.id} in use."
            )

    def _check_rules(self, request, properties):
        taken = set()
        for rule in properties["loadBalancingRules"]:
            given = rule.get("properties", {})
            for name, collection in REFERENCES.items():
                if name in given and not self._named(properties[collection], given[name], request.id, collection):
                    raise Refusal(
                        "InvalidResourceReference",
                        f"Resource {given[name]['id']} referenced by rule {rule['name']} was not found.",
                    )
            place = (
                given.get("frontendIPConfiguration", {}).get("id", "").lower(),
                given["frontendPort"],
                given["protocol"].lower(),
            )
            if place in taken:
                raise Refusal(
                    "RulesUseSameFrontendPortProtocolAndIPConfig", f"Rule {rule['name']} has the frontend of another rule."
                )
            taken.add(place)

    def _check_removed(self, request, properties, old):
        kept = {pool["name"].lower() for pool in properties["backendAddressPools"]}
        for pool in old.properties["backendAddressPools"] if old else []:
            if pool["name"].lower() not in kept and self.resources.users(pool["id"]):
                raise Refusal("InUseBackendAddressPoolCannotBeDeleted", f"Pool {pool['id']} is in use and cannot be deleted.")

    def _named(self, parts, reference, parent=None, collection=""):
        wanted = (reference or {}).get("id", "").lower()
        for part in parts:
            path = f"{parent}/{collection}/{part['name']}" if parent else part["id"]
            if path.lower() == wanted:
                return part
        return None

    def _address(self, request, properties):
        if "subnet" in properties and "privateIPAddress" not in properties:
            properties.setdefault("privateIPAllocationMethod", "Dynamic")
            subnet = properties["subnet"]["id"]
            prefix = self.resources.part(subnet)["properties"]["addressPrefix"]
            properties["privateIPAddress"] = free(prefix, taken_in(self.resources, subnet, request.id))


class Pools(Part):
    """Microsoft.Network/loadBalancers/backendAddressPools."""

    type = "loadBalancers/backendAddressPools"
    namespace = "Microsoft.Network"
    collection = "backendAddressPools"
    in_use = "InUseBackendAddressPoolCannotBeDeleted"


class Probes(Part):
    """Microsoft.Network/loadBalancers/probes."""

    type = "loadBalancers/probes"
    namespace = "Microsoft.Network"
    collection = "probes"


class Frontends(Part):
    """Microsoft.Network/loadBalancers/frontendIPConfigurations."""

    type = "loadBalancers/frontendIPConfigurations"
    namespace = "Microsoft.Network"
    collection = "frontendIPConfigurations"


class Rules(Part):
    """Microsoft.Network/loadBalancers/loadBalancingRules."""

    type = "loadBalancers/loadBalancingRules"
    namespace = "Microsoft.Network"
    collection = "loadBalancingRules"
