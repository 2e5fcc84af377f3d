"""compute.healthChecks and compute.regionHealthChecks, and what the probes find."""

import ipaddress

from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid

SETTINGS = {
    "TCP": "tcpHealthCheck",
    "SSL": "sslHealthCheck",
    "HTTP": "httpHealthCheck",
    "HTTPS": "httpsHealthCheck",
    "HTTP2": "http2HealthCheck",
    "GRPC": "grpcHealthCheck",
}
USUAL_PORTS = {"TCP": 80, "SSL": 443, "HTTP": 80, "HTTPS": 443, "HTTP2": 443}
PROBES = ipaddress.ip_network("35.191.0.0/16")
"""Where probes come from; a firewall rule has to let them in."""

TIMES = ("checkIntervalSec", "timeoutSec", "healthyThreshold", "unhealthyThreshold")


class HealthChecks(Collection):
    """Health checks, global or of a region."""

    word = "healthChecks"
    schema = "HealthCheck"

    def prepare(self, ask, link, document):
        self._complete(document)

    def revise(self, link, document, new):
        if new.get("type") != document["type"]:
            new.pop(SETTINGS.get(document["type"]), None)
        self._complete(new)

    def _complete(self, document):
        kind = document.get("type")
        if kind not in SETTINGS:
            raise GceError("required", "Required field 'resource.type' not specified")
        others = [name for name in SETTINGS.values() if name in document and name != SETTINGS[kind]]
        if others:
            raise invalid(f"resource.{others[0]}", "", f"The type is {kind}.")
        for name, usual in zip(TIMES, (5, 5, 2, 2), strict=True):
            document.setdefault(name, usual)
            if document[name] < 1 or ("Threshold" in name and document[name] > 10):
                raise invalid(f"resource.{name}", document[name], "It is out of range.")
        if document["timeoutSec"] > document["checkIntervalSec"]:
            raise invalid("resource.timeoutSec", document["timeoutSec"], "It must be at most checkIntervalSec.")
        self._settings(kind, document.setdefault(SETTINGS[kind], {}))

    def _settings(self, kind, settings):
        how = settings.get("portSpecification", "USE_FIXED_PORT")
        if how == "USE_SERVING_PORT" and ("port" in settings or "portName" in settings):
            raise invalid("resource.portSpecification", how, "There can be neither port nor portName with it.")
        if how == "USE_NAMED_PORT" and not settings.get("portName"):
            raise invalid("resource.portSpecification", how, "It needs a portName.")
        if how == "USE_FIXED_PORT":
            settings.setdefault("port", USUAL_PORTS.get(kind, 443))
            if not 1 <= settings["port"] <= 65535:
                raise invalid("resource.port", settings["port"], "It must be between 1 and 65535.")
        if kind != "GRPC":
            settings.setdefault("proxyHeader", "NONE")
        if kind.startswith("HTTP"):
            settings.setdefault("requestPath", "/")
            if not settings["requestPath"].startswith("/"):
                raise invalid("resource.requestPath", settings["requestPath"], "It must begin with a slash.")


def is_healthy(cloud, instance_link, port, since):
    """Whether probes of a port of an instance succeed, which is a backend since then."""
    instance = cloud.store.get(instance_link)
    if instance is None or instance["status"] != "RUNNING" or cloud.store.is_leaving(instance_link):
        return False
    interface = instance["networkInterfaces"][0]
    if cloud.sick & {instance["name"], interface["networkIP"]}:
        return False
    began = max(since, cloud["instances"].up_since(instance_link))
    return cloud.timeline.now >= began + cloud.options.delay and is_let_in(cloud, instance, port)


def is_let_in(cloud, instance, port):
    """Whether a firewall rule lets probes in at a port of an instance."""
    network = instance["networkInterfaces"][0]["network"]
    tags = set(instance["tags"].get("items", ()))
    return any(
        rule["network"] == network and _lets_in(rule, tags, port)
        for _, rule in cloud.store.live("firewalls")
        if not rule["disabled"] and rule["direction"] == "INGRESS"
    )


def _lets_in(rule, tags, port):
    if rule.get("targetTags") and not tags & set(rule["targetTags"]):
        return False
    if not any(_covers(one) for one in rule.get("sourceRanges", ())):
        return False
    return any(_opens(one, port) for one in rule.get("allowed", ()))


def _covers(text):
    network = ipaddress.ip_network(text)
    return network.version == PROBES.version and PROBES.subnet_of(network)


def _opens(one, port):
    if one["IPProtocol"] not in ("tcp", "all"):
        return False
    ranges = [(ports.split("-") * 2)[:2] if "-" not in ports else ports.split("-") for ports in one.get("ports", ())]
    return not ranges or any(int(low) <= port <= int(high) for low, high in ranges)
