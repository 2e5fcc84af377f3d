"""Network security groups and their rules."""

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind
from tests.fakes.arm.network.parts import Part, number

PRIORITIES = range(100, 4097)
_ANY = {"protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*"}


class SecurityGroups(Kind):
    """Microsoft.Network/networkSecurityGroups."""

    type = "networkSecurityGroups"
    namespace = "Microsoft.Network"
    etag = True
    immutable = ("location",)
    in_use = "InUseNetworkSecurityGroupCannotBeDeleted"

    def check(self, request, body, old):
        """Rules have priorities of their own in each direction."""
        taken = set()
        for rule in body.setdefault("properties", {}).setdefault("securityRules", []):
            properties = rule.get("properties", {})
            if "name" not in rule or "priority" not in properties:
                raise Refusal("InvalidRequestFormat", "A security rule needs a name and a priority.")
            if properties["priority"] not in PRIORITIES:
                raise Refusal("SecurityRuleInvalidPriority", f"Security rule {rule['name']} has an invalid priority.")
            _check_ends(rule["name"], properties)
            place = properties["direction"].lower(), properties["priority"]
            if place in taken:
                raise Refusal("SecurityRuleConflict", f"Security rule {rule['name']} has the priority of another rule.")
            taken.add(place)

    def document(self, request, body, old):
        """Number the rules, and add those that every group has."""
        for rule in body["properties"]["securityRules"]:
            number(request.id, "securityRules", rule, {"provisioningState": "Succeeded"})
        body["properties"]["defaultSecurityRules"] = [_default(request.id, *row) for row in _DEFAULTS]
        return body

    def dress(self, resource, document):
        """Tell what the group is used by."""
        for rule in document["properties"]["securityRules"]:
            rule["properties"]["provisioningState"] = resource.state
        for kind, name in (("networkInterfaces", "networkInterfaces"), ("virtualNetworks", "subnets")):
            users = [{"id": path} for path in self._users(resource, kind)]
            if users:
                document["properties"][name] = users

    def _users(self, resource, kind):
        for user in self.resources.users(resource.id):
            if user.kind.type == kind == "virtualNetworks":
                yield from (subnet["id"] for subnet in user.properties["subnets"] if _has(subnet, resource))
            elif user.kind.type == kind:
                yield user.id


class SecurityRules(Part):
    """Microsoft.Network/networkSecurityGroups/securityRules."""

    type = "networkSecurityGroups/securityRules"
    namespace = "Microsoft.Network"
    collection = "securityRules"


class DefaultRules(Part):
    """Microsoft.Network/networkSecurityGroups/defaultSecurityRules."""

    type = "networkSecurityGroups/defaultSecurityRules"
    namespace = "Microsoft.Network"
    collection = "defaultSecurityRules"


def _has(subnet, resource):
    return subnet["properties"].get("networkSecurityGroup", {}).get("id", "").lower() == resource.key


def _check_ends(name, properties):
    for end in ("sourceAddressPrefix", "destinationAddressPrefix", "sourcePortRange", "destinationPortRange"):
        if not (properties.get(end) or properties.get(f"{end}s") or properties.get(f"{end}es")):
            raise Refusal("SecurityRuleInvalidRange", f"Security rule {name} has no {end}.")


_DEFAULTS = (
    ("AllowVnetInBound", 65000, "Inbound", "VirtualNetwork", "VirtualNetwork", "Allow"),
    ("AllowAzureLoadBalancerInBound", 65001, "Inbound", "AzureLoadBalancer", "*", "Allow"),
    ("DenyAllInBound", 65500, "Inbound", "*", "*", "Deny"),
    ("AllowVnetOutBound", 65000, "Outbound", "VirtualNetwork", "VirtualNetwork", "Allow"),
    ("AllowInternetOutBound", 65001, "Outbound", "*", "Internet", "Allow"),
    ("DenyAllOutBound", 65500, "Outbound", "*", "*", "Deny"),
)


def _default(group, name, priority, direction, source, destination, access):
    rule = {"name": name, "properties": dict(_ANY)}
    rule["properties"] |= {"sourceAddressPrefix": source, "destinationAddressPrefix": destination, "access": access}
    rule["properties"] |= {"priority": priority, "direction": direction, "provisioningState": "Succeeded"}
    number(group, "defaultSecurityRules", rule)
    return rule
