"""compute.networks, subnetworks and firewalls."""

import ipaddress
import re

from tests.fakes.gce.catalogue import PROJECT, RANGES, REGIONS
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link
from tests.fakes.gce.references import Reference, resolved

DEFAULT = "global/networks/default"
PROXY_ONLY = ("REGIONAL_MANAGED_PROXY", "GLOBAL_MANAGED_PROXY", "INTERNAL_HTTPS_LOAD_BALANCER")
_PORTS = re.compile(r"\d{1,5}(-\d{1,5})?")


class Networks(Collection):
    """Networks; those of the automatic mode have a subnetwork in every region."""

    word = "networks"
    schema = "Network"

    def prepare(self, ask, link, document):
        if "IPv4Range" in document:
            raise invalid("resource.IPv4Range", document["IPv4Range"], "Legacy networks are no longer made.")
        document.setdefault("autoCreateSubnetworks", True)
        document.setdefault("routingConfig", {"routingMode": "REGIONAL"})

    def ready(self, link, document):
        if not document["autoCreateSubnetworks"] or document.get("subnetworks"):
            return
        subnetworks = [self._automatic(link, region) for region in REGIONS]
        document["subnetworks"] = [one.url for one in subnetworks]

    def check_deletable(self, link, document):
        for user in self.store.users(link):
            if user not in self._own(link, document):
                self.store.check_unused(link)
        for own in self._own(link, document):
            self.store.check_unused(own)

    def release(self, link, document):
        for own in self._own(link, document):
            self.store.drop(own)

    def _own(self, link, document):
        return [self.cloud.link(url) for url in document.get("subnetworks", ())] if document["autoCreateSubnetworks"] else []

    def _automatic(self, network, region):
        own = Link(PROJECT, f"regions/{region}", "subnetworks", network.name)
        subnetworks = self.cloud["subnetworks"]
        made = subnetworks.new(own, {"name": own.name, "network": network.url, "ipCidrRange": RANGES[region]})
        subnetworks.complete(made)
        self.store.put(own, made)
        return own


class Subnetworks(Collection):
    """Subnetworks of a region; they give out addresses."""

    word = "subnetworks"
    schema = "Subnetwork"
    fingerprinted = True
    references = (Reference("network", ("networks",), missing="invalid"),)

    def __init__(self, cloud):
        super().__init__(cloud)
        self._given = {}

    def prepare(self, ask, link, document):
        if not document.get("network") or not document.get("ipCidrRange"):
            raise GceError("required", "Required field 'resource.network' or 'resource.ipCidrRange' not specified")
        check_range("resource.ipCidrRange", document["ipCidrRange"])
        self.complete(document)

    def complete(self, document):
        """Fill in what follows from the range."""
        network = ipaddress.ip_network(document["ipCidrRange"])
        document.setdefault("purpose", "PRIVATE")
        document.setdefault("privateIpGoogleAccess", False)
        document["gatewayAddress"] = str(network[1])
        document["stackType"] = document.get("stackType", "IPV4_ONLY")

    def ready(self, link, document):
        network = self.store.get(self.cloud.link(document["network"]))
        if link.url not in network.setdefault("subnetworks", []):
            network["subnetworks"].append(link.url)

    def release(self, link, document):
        network = self.store.get(self.cloud.link(document["network"]))
        if network and link.url in network.get("subnetworks", ()):
            network["subnetworks"].remove(link.url)

    def seat(self, link, interface, place):
        """Put the interface of an instance into its subnetwork, with an address of it."""
        target = self.behind(link, interface)
        interface |= {
            "kind": "compute#networkInterface",
            "name": f"nic{place}",
            "subnetwork": target.url,
            "network": self.store.get(target)["network"],
            "networkIP": self.address(target, interface.get("networkIP")),
            "stackType": interface.get("stackType", "IPV4_ONLY"),
        }

    def behind(self, link, document):
        """The Link of the subnetwork that something in a region is to be in, by its `subnetwork` or its `network`."""
        if document.get("subnetwork"):
            target = self.cloud.link(document["subnetwork"])
        else:
            network = self.cloud["networks"]
            url = document.get("network") or DEFAULT
            reference = Reference("network", ("networks",), missing="invalid")
            found = network.store.get(resolved(reference, url, link, self.cloud.there))
            target = next((one for one in map(self.cloud.link, found.get("subnetworks", ())) if self._fits(one, link)), None)
            if target is None or not found["autoCreateSubnetworks"]:
                raise invalid("resource.subnetwork", "", "Subnetwork should be specified for custom subnetmode network.")
        if self.store.get(target)["purpose"] in PROXY_ONLY:
            raise invalid("resource.subnetwork", target.url, "It is reserved for proxies.")
        return target

    def address(self, target, wanted=None):
        """An address of a subnetwork: the one that is wanted, or the next."""
        network = ipaddress.ip_network(self.store.get(target)["ipCidrRange"])
        if wanted:
            if not _is_address(wanted) or ipaddress.ip_address(wanted) not in network:
                raise invalid("resource.networkIP", wanted, f"It is no address of {network}.")
            return wanted
        number = self._given.get(target, 1) + 1
        self._given[target] = number
        return str(network[number % (network.num_addresses - 4) + 2])

    def _fits(self, one, link):
        return one.region == link.region and self.store.get(one)["purpose"] not in PROXY_ONLY


class Firewalls(Collection):
    """Firewall rules of networks."""

    word = "firewalls"
    schema = "Firewall"
    references = (Reference("network", ("networks",), missing="invalid"),)

    def prepare(self, ask, link, document):
        document.setdefault("network", DEFAULT)
        self.resolve(link, document)
        document.setdefault("direction", "INGRESS")
        document.setdefault("priority", 1000)
        document.setdefault("disabled", False)
        document.setdefault("logConfig", {"enable": False})
        if document["direction"] == "INGRESS" and not any(document.get(name) for name in _SOURCES):
            document["sourceRanges"] = ["0.0.0.0/0"]
        self._check(document)

    def revise(self, link, document, new):
        if new["network"] != document["network"] or new["direction"] != document["direction"]:
            raise invalid("resource.network", new["network"], "Network and direction cannot be changed.")
        self._check(new)

    def _check(self, document):
        rules = document.get("allowed") or document.get("denied")
        if not rules or (document.get("allowed") and document.get("denied")):
            raise invalid("resource.allowed", "", "A rule has either allowed or denied.")
        if not 0 <= document["priority"] <= 65535:
            raise invalid("resource.priority", document["priority"], "It must be between 0 and 65535.")
        for rule in rules:
            _check_rule(rule)
        for name in ("sourceRanges", "destinationRanges"):
            for one in document.get(name, ()):
                check_range(f"resource.{name}", one)


_SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")


def check_range(field, text):
    """Refuse what is no range of addresses."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise invalid(field, text, f"Must be a CIDR range: {error}") from None


def _check_rule(rule):
    if not rule.get("IPProtocol"):
        raise GceError("required", "Required field 'resource.allowed.IPProtocol' not specified")
    for ports in rule.get("ports", ()):
        numbers = [int(one) for one in ports.split("-")] if _PORTS.fullmatch(ports) else []
        is_range = numbers and max(numbers) <= 65535 and numbers == sorted(numbers)
        if rule["IPProtocol"] not in ("tcp", "udp", "sctp") or not is_range:
            raise invalid("resource.allowed.ports", ports, "It is no port and no range of ports.")


def _is_address(text):
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False
