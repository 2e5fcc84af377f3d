"""compute.forwardingRules and compute.globalForwardingRules."""

from tests.fakes.gce.backends import is_passthrough
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link
from tests.fakes.gce.network import PROXY_ONLY
from tests.fakes.gce.proxies import check_level
from tests.fakes.gce.references import Reference

TARGETS = ("targetHttpProxies", "targetHttpsProxies", "targetTcpProxies", "targetPools")
MANAGED = ("INTERNAL_MANAGED", "EXTERNAL_MANAGED")
INTERNAL = ("INTERNAL", "INTERNAL_MANAGED")
MOST_PORTS = 5


class ForwardingRules(Collection):
    """Rules of a region, or global ones: an address, ports, and what is behind them."""

    word = "forwardingRules"
    schema = "ForwardingRule"
    labelled = True
    fingerprinted = True
    references = (
        Reference("target", TARGETS),
        Reference("backendService", ("backendServices",)),
        Reference("network", ("networks",), missing="invalid"),
        Reference("subnetwork", ("subnetworks",), missing="invalid"),
    )

    def prepare(self, ask, link, document):
        document.setdefault("IPProtocol", "TCP")
        document.setdefault("loadBalancingScheme", "EXTERNAL")
        if bool(document.get("target")) == bool(document.get("backendService")):
            raise invalid("resource.target", "", "There must be either a target or a backendService.")
        self._check_behind(link, document)
        self._ports(document)
        self._place(link, document)
        self._address(link, document)
        self._stamp(document)

    def begin_insert(self, ask, link, document):
        operation = super().begin_insert(ask, link, document)
        if self.store.get(link) is document:
            self.cloud["addresses"].take(document["IPAddress"], link)
        return operation

    def release(self, link, document):
        address = document["IPAddress"]
        if not any(one["IPAddress"] == address for _, one in self.store.of(self.word)):
            self.cloud["addresses"].free(address)

    def revise(self, link, document, new):
        for name in ("IPAddress", "IPProtocol", "portRange", "ports", "loadBalancingScheme"):
            if new.get(name) != document.get(name):
                raise invalid(f"resource.{name}", new.get(name), "It cannot be changed.")

    def set_target(self, ask):
        """Put another target behind a rule."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        new = document | {"target": ask.body.get("target", "")}
        if not document.get("target") or not new["target"]:
            raise invalid("target", new["target"], "The rule forwards to a backend service, or no target is given.")
        self.resolve(link, new)
        self._check_behind(link, new)
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(target=new["target"]))

    def _check_behind(self, link, document):
        behind = self.cloud.link(document.get("target") or document["backendService"])
        check_level(link, behind, "target")
        if behind.collection == "targetPools":
            self._check_scheme(document, "EXTERNAL")
            return
        for service in self._services(behind):
            self._check_scheme(document, service["loadBalancingScheme"])
            if is_passthrough(service) != bool(document.get("backendService")):
                raise invalid(
                    "resource.backendService", behind.path, "What is proxied is a target, what passes through is not."
                )

    def _check_scheme(self, document, scheme):
        if document["loadBalancingScheme"] != scheme:
            words = f"The service behind it has {scheme}."
            raise invalid("resource.loadBalancingScheme", document["loadBalancingScheme"], words)

    def _services(self, link):
        """The documents of the services that are reached from a target."""
        if link.collection == "backendServices":
            return [self.store.get(link)]
        document = self.store.get(link)
        below = document.get("urlMap") or document.get("service") or document.get("defaultService")
        return self._services(self.cloud.link(below)) if below else []

    def _ports(self, document):
        given = [name for name in ("portRange", "ports", "allPorts") if document.get(name)]
        if document["IPProtocol"] in ("TCP", "UDP") and len(given) != 1:
            raise invalid("resource.ports", given, "There must be one of portRange, ports and allPorts.")
        if len(document.get("ports", ())) > MOST_PORTS:
            raise invalid("resource.ports", document["ports"], f"There are at most {MOST_PORTS} ports.")
        if document.get("target") and document["loadBalancingScheme"] in MANAGED and not document.get("portRange"):
            raise invalid("resource.portRange", "", "A rule of a proxy has a port range.")
        if document.get("portRange"):
            low, _, high = document["portRange"].partition("-")
            document["portRange"] = f"{low}-{high or low}"
        for port in _numbers(document):
            if not 1 <= port <= 65535:
                raise invalid("resource.ports", port, "It must be between 1 and 65535.")

    def _place(self, link, document):
        scheme = document["loadBalancingScheme"]
        if scheme in INTERNAL:
            subnetwork = self.cloud["subnetworks"].behind(link, document)
            document |= {"subnetwork": subnetwork.url, "network": self.store.get(subnetwork)["network"]}
        elif scheme == "EXTERNAL_MANAGED" and link.region:
            document.setdefault("network", Link(link.project, "global", "networks", "default").url)
        elif document.get("subnetwork"):
            raise invalid("resource.subnetwork", document["subnetwork"], "It is for internal load balancers.")
        document.setdefault("networkTier", "PREMIUM")
        if link.region and scheme in MANAGED and not self._has_proxies(link, document["network"]):
            words = "An active proxy-only subnetwork is required in the same region and VPC as the forwarding rule."
            raise invalid("resource.network", document["network"], words)

    def _has_proxies(self, link, network):
        return any(
            one["purpose"] in PROXY_ONLY and one["network"] == network and other.region == link.region
            for other, one in self.store.live("subnetworks")
        )

    def _address(self, link, document):
        asked = document.get("IPAddress")
        reserved = None
        if asked:
            document["IPAddress"], reserved = self.cloud["addresses"].named(asked, link)
            self._check_address(link, document, reserved)
        elif document["loadBalancingScheme"] in INTERNAL:
            document["IPAddress"] = self.cloud["subnetworks"].address(self.cloud.link(document["subnetwork"]))
        else:
            document["IPAddress"] = self.cloud["addresses"].fresh()
        self._check_conflict(document, reserved)

    def _check_address(self, link, document, reserved):
        is_internal = document["loadBalancingScheme"] in INTERNAL
        if reserved is None:
            if not is_internal:
                raise invalid("resource.IPAddress", document["IPAddress"], "The specified external IP address was not found.")
            self.cloud["subnetworks"].address(self.cloud.link(document["subnetwork"]), document["IPAddress"])
        elif (reserved["addressType"] == "INTERNAL") != is_internal:
            raise invalid("resource.IPAddress", document["IPAddress"], f"It is {reserved['addressType'].lower()}.")
        elif self.cloud.link(reserved["selfLink"]).scope != link.scope:
            raise invalid("resource.IPAddress", document["IPAddress"], f"It must be in the same place, {link.scope}.")

    def _check_conflict(self, document, reserved):
        shared = (
            reserved is None or reserved["addressType"] == "EXTERNAL" or reserved.get("purpose") == "SHARED_LOADBALANCER_VIP"
        )
        for link, other in self.store.of(self.word):
            if other["IPAddress"] != document["IPAddress"]:
                continue
            same = other["IPProtocol"] == document["IPProtocol"] and _overlap(_numbers(other), _numbers(document))
            if same or not shared:
                message = f"IP address '{document['IPAddress']}' is already being used by '{link.path}'."
                raise GceError("ipInUseByAnotherResource", message)


def _numbers(document):
    """The ports of a rule."""
    if document.get("ports"):
        return [int(port) for port in document["ports"]]
    if document.get("portRange"):
        low, high = map(int, document["portRange"].split("-"))
        return range(low, high + 1)
    return range(1, 65536)


def _overlap(some, others):
    return bool(set(some) & set(others))
