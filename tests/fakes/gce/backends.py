"""compute.backendServices and compute.regionBackendServices."""

from tests.fakes.gce import health
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import invalid
from tests.fakes.gce.references import Reference

PASSTHROUGH = ("TCP", "UDP", "UNSPECIFIED")
PROXIED = ("HTTP", "HTTPS", "HTTP2", "H2C", "GRPC", "TCP", "SSL")
LIMITS = {
    "RATE": ("maxRate", "maxRatePerInstance", "maxRatePerEndpoint"),
    "CONNECTION": ("maxConnections", "maxConnectionsPerInstance", "maxConnectionsPerEndpoint"),
}


class BackendServices(Collection):
    """Backend services, global or of a region: groups, and how they are checked and drained."""

    word = "backendServices"
    schema = "BackendService"
    fingerprinted = True
    references = (
        Reference("backends.*.group", ("instanceGroups", "networkEndpointGroups")),
        Reference("healthChecks.*", ("healthChecks", "httpHealthChecks")),
        Reference("network", ("networks",), holds=False, missing="invalid"),
    )

    def __init__(self, cloud):
        super().__init__(cloud)
        self._since = {}

    def prepare(self, ask, link, document):
        self._complete(link, document)

    def revise(self, link, document, new):
        if new.get("loadBalancingScheme") != document["loadBalancingScheme"]:
            raise invalid("resource.loadBalancingScheme", new.get("loadBalancingScheme"), "It cannot be changed.")
        self._complete(link, new)

    def ready(self, link, document):
        groups = {backend["group"] for backend in document.get("backends", ())}
        for group in groups:
            self._since.setdefault((link, group), self.cloud.timeline.now)
        for known in [key for key in self._since if key[0] == link and key[1] not in groups]:
            del self._since[known]

    def release(self, link, document):
        for known in [key for key in self._since if key[0] == link]:
            del self._since[known]

    def get_health(self, ask):
        """What the probes find of each member of a group that is a backend."""
        link, document = self.found(ask)
        group = self.cloud.link(ask.body.get("group", ""))
        if group is None or (link, group.url) not in self._since:
            raise invalid("resource.group", ask.body.get("group"), "It is no backend of the service.")
        since = self._since[link, group.url]
        if group.collection == "networkEndpointGroups":
            told = self.cloud["networkEndpointGroups"].healths(group, document, since)
        else:
            told = [self._health(document, group, member, since) for member in self.cloud["instanceGroups"].members(group)]
        return {"kind": "compute#backendServiceGroupHealth"} | ({"healthStatus": told} if told else {})

    def using(self, group):
        """The services of which a group is a backend, as (link, document, since) triples."""
        return [
            (link, document, self._since[link, group.url])
            for link, document in self.store.of(self.word)
            if (link, group.url) in self._since
        ]

    def draining(self, group):
        """For how many seconds what leaves a group still gets to end its connections."""
        waits = [document["connectionDraining"]["drainingTimeoutSec"] for _, document, _ in self.using(group)]
        return float(max(waits, default=0))

    def _health(self, document, group, member, since):
        instance = self.store.get(member)
        port = self._port(document, group)
        is_well = port is not None and health.is_healthy(self.cloud, member, self.probed(document, port), since)
        told = {"instance": member.url, "ipAddress": instance["networkInterfaces"][0]["networkIP"]}
        told["healthState"] = "HEALTHY" if is_well else "UNHEALTHY"
        return told | ({"port": port} if port else {})

    def _port(self, document, group):
        """The port that a group's members serve at: None where the group does not name it, 0 where there is no one port."""
        if is_passthrough(document):
            return 0
        ports = self.store.get(group).get("namedPorts", ())
        return next((port["port"] for port in ports if port["name"] == document["portName"]), None)

    def probed(self, document, port):
        """The port that a service's check probes, of something that serves at another."""
        checks = [self.store.get(self.cloud.link(url)) for url in document.get("healthChecks", ())]
        for check in checks:
            settings = check[health.SETTINGS[check["type"]]] if "type" in check else check
            return settings.get("port") or port
        return port

    def _complete(self, link, document):
        document.setdefault("loadBalancingScheme", "EXTERNAL")
        document.setdefault("protocol", "TCP" if is_passthrough(document) else "HTTP")
        document.setdefault("sessionAffinity", "NONE")
        document.setdefault("timeoutSec", 30)
        document.setdefault("connectionDraining", {}).setdefault("drainingTimeoutSec", 0)
        self._check(link, document)
        if not is_passthrough(document):
            document.setdefault("portName", "http")
            document.setdefault("port", 80)
        groups = [backend.get("group") for backend in document.get("backends", ())]
        if not all(groups) or len(set(groups)) < len(groups):
            raise invalid("resource.backends", groups, "Every backend has a group, and each another one.")
        for backend in document.get("backends", ()):
            self._complete_backend(document, backend)

    def _check(self, link, document):
        scheme, protocol = document["loadBalancingScheme"], document["protocol"]
        if scheme in ("INTERNAL", "EXTERNAL_PASSTHROUGH") and not link.region:
            raise invalid("resource.loadBalancingScheme", scheme, "It is for services of a region.")
        if protocol not in (PASSTHROUGH if is_passthrough(document) else PROXIED):
            raise invalid("resource.protocol", protocol, f"It cannot be used with the scheme {scheme} here.")
        if is_passthrough(document) and document.get("portName"):
            raise invalid("resource.portName", document["portName"], "A passthrough load balancer has no port name.")
        checks = [self.cloud.link(url) for url in document.get("healthChecks", ())]
        if len(checks) != 1:
            raise invalid("resource.healthChecks", len(checks), "There must be exactly one health check.")
        if not link.region and checks[0].region:
            raise invalid("resource.healthChecks", checks[0].path, "A global service has a global health check.")
        if not 0 <= document["connectionDraining"]["drainingTimeoutSec"] <= 3600:
            raise invalid("resource.connectionDraining.drainingTimeoutSec", document["connectionDraining"], "It is 0 to 3600.")

    def _complete_backend(self, document, backend):
        group = self.cloud.link(backend["group"])
        is_endpoints = group.collection == "networkEndpointGroups"
        passes = is_passthrough(document)
        proxied_default = "RATE" if is_endpoints else "UTILIZATION"
        mode = backend.setdefault("balancingMode", "CONNECTION" if passes else proxied_default)
        if passes and mode != "CONNECTION":
            raise invalid("resource.backends.balancingMode", mode, "A passthrough load balancer has the mode CONNECTION.")
        if is_endpoints and mode == "UTILIZATION":
            raise invalid("resource.backends.balancingMode", mode, "It is not for network endpoint groups.")
        if not passes and mode in LIMITS and not any(backend.get(name) for name in LIMITS[mode]):
            raise invalid("resource.backends", mode, f"The mode {mode} needs one of {', '.join(LIMITS[mode])}.")
        if is_endpoints:
            self._check_endpoints(passes, group)
        if not passes:
            backend.setdefault("capacityScaler", 1.0)

    def _check_endpoints(self, passes, group):
        kind = self.store.get(group)["networkEndpointType"]
        if passes != (kind == "GCE_VM_IP"):
            raise invalid("resource.backends.group", group.path, f"Endpoints of the type {kind} cannot be used here.")


def is_passthrough(document):
    """Whether a service passes connections through, with no proxy in between."""
    scheme = document["loadBalancingScheme"]
    return scheme in ("INTERNAL", "EXTERNAL_PASSTHROUGH") or (scheme == "EXTERNAL" and bool(document.get("region")))
