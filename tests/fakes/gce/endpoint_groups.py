"""compute.networkEndpointGroups, of zones, regions and global."""

from dataclasses import dataclass

from tests.fakes.gce import health
from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import invalid, not_found
from tests.fakes.gce.links import Link, last
from tests.fakes.gce.pages import cut
from tests.fakes.gce.references import Reference

OF_INSTANCES = ("GCE_VM_IP", "GCE_VM_IP_PORT")
OF_ADDRESSES = ("INTERNET_IP_PORT", "NON_GCP_PRIVATE_IP_PORT")
MOST = 500
"""Endpoints in one call."""


@dataclass(eq=False)
class Endpoint:
    """One endpoint, as it was attached; `until` is when its draining ends."""

    document: dict
    until: float | None = None

    @property
    def key(self):
        """What tells it from others."""
        return tuple(str(self.document.get(name, "")) for name in ("instance", "ipAddress", "port", "fqdn"))


class EndpointGroups(Collection):
    """Groups of network endpoints: instances with a port, or addresses."""

    word = "networkEndpointGroups"
    schema = "NetworkEndpointGroup"
    references = (
        Reference("network", ("networks",), missing="invalid"),
        Reference("subnetwork", ("subnetworks",), missing="invalid"),
    )

    def __init__(self, cloud):
        super().__init__(cloud)
        self._endpoints = {}

    def prepare(self, ask, link, document):
        kind = document.setdefault("networkEndpointType", "GCE_VM_IP_PORT")
        if (kind in (*OF_INSTANCES, "NON_GCP_PRIVATE_IP_PORT")) != bool(link.zone):
            raise invalid("resource.networkEndpointType", kind, f"It cannot be used in {link.scope}.")
        if kind == "GCE_VM_IP" and document.get("defaultPort"):
            raise invalid("resource.defaultPort", document["defaultPort"], "Endpoints of GCE_VM_IP have no port.")
        if link.zone:
            document.setdefault("network", Link(link.project, "global", "networks", "default").url)
        if kind in OF_INSTANCES:
            document["subnetwork"] = self.cloud["subnetworks"].behind(link, document).url
        document["size"] = 0
        self._endpoints[link] = []

    def release(self, link, document):
        self._endpoints.pop(link, None)

    def attach_network_endpoints(self, ask):
        """Put endpoints into a group; those that are there already stay."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        new = [Endpoint(self._complete(link, document, one)) for one in self._asked(ask)]

        def finish():
            known = {one.key: one for one in self._endpoints[link]}
            for one in new:
                known[one.key] = one
            self._endpoints[link] = list(known.values())
            self._recount(link)

        return self.cloud.operations.begin(ask, link, None, finish)

    def detach_network_endpoints(self, ask):
        """Take endpoints out of a group; behind a balancer they drain."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        keys = {Endpoint(self._complete(link, document, one, leaving=True)).key for one in self._asked(ask)}
        known = {one.key for one in self._live(link)}
        if not keys <= known:
            raise invalid("networkEndpoints", sorted(keys - known)[0], "The group has no such endpoint.")

        def finish():
            until = self.cloud.timeline.now + self.cloud["backendServices"].draining(link)
            for one in self._live(link):
                if one.key in keys:
                    one.until = until
            self._recount(link)

        return self.cloud.operations.begin(ask, link, None, finish)

    def list_network_endpoints(self, ask):
        """A page of the endpoints, with what each service's probes find where that is asked for."""
        link, _ = self.found(ask)
        shows = (ask.body or {}).get("healthStatus") == "SHOW"
        items = []
        for one in self._present(link):
            told = {"networkEndpoint": one.document}
            items.append((one.key, told | ({"healths": self._states(link, one)} if shows else {})))
        fields = set(self.cloud.schema.schemas["NetworkEndpointWithHealthStatus"]["properties"])
        found, token = cut(items, ask.query, fields, self.cloud.options.page)
        page = {"kind": ask.answer_kind, "items": [one for _, one in found]}
        return page | ({"nextPageToken": token} if token else {})

    def healths(self, link, service, since):
        """What the probes of a service find, as getHealth tells it: draining ones are not asked."""
        told = []
        for one in self._live(link):
            state = "HEALTHY" if self._is_healthy(link, one, service, since) else "UNHEALTHY"
            told.append({name: one.document[name] for name in ("instance", "ipAddress", "port") if name in one.document})
            told[-1]["healthState"] = state
            if "instance" in told[-1]:
                told[-1]["instance"] = self._instance(link, one).url
        return told

    def forget(self, instance):
        """An instance is gone, and its endpoints with it."""
        for link, endpoints in self._endpoints.items():
            self._endpoints[link] = [one for one in endpoints if not _is_of(link, one, instance)]
            if len(self._endpoints[link]) < len(endpoints):
                self._recount(link)

    def _asked(self, ask):
        given = ask.body.get("networkEndpoints", [])
        if not 0 < len(given) <= MOST:
            raise invalid("networkEndpoints", len(given), f"There must be at least one and at most {MOST}.")
        return given

    def _complete(self, link, document, given, leaving=False):
        kind = document["networkEndpointType"]
        one = dict(given)
        if kind in OF_INSTANCES:
            self._seat(link, document, one, leaving)
        elif kind in OF_ADDRESSES and not one.get("ipAddress"):
            raise invalid("networkEndpoints.ipAddress", "", f"Endpoints of {kind} have an address.")
        if kind != "GCE_VM_IP":
            one.setdefault("port", document.get("defaultPort", 0))
            if not 1 <= one["port"] <= 65535:
                raise invalid("networkEndpoints.port", one["port"], "It must be between 1 and 65535.")
        elif "port" in one:
            raise invalid("networkEndpoints.port", one["port"], "Endpoints of GCE_VM_IP have no port.")
        return one

    def _seat(self, link, document, one, leaving):
        if not one.get("instance"):
            raise invalid("networkEndpoints.instance", "", "An instance must be specified.")
        target = Link(link.project, link.scope, "instances", last(one["instance"]))
        instance = self.store.get(target)
        if instance is None or (not leaving and not self.store.there(target)):
            raise not_found(target.path)
        interface = instance["networkInterfaces"][0]
        if interface["network"] != document["network"]:
            raise invalid("networkEndpoints.instance", target.path, "It must be in the network of the group.")
        one["instance"] = target.name
        one.setdefault("ipAddress", interface["networkIP"])
        if one["ipAddress"] != interface["networkIP"]:
            raise invalid("networkEndpoints.ipAddress", one["ipAddress"], "It is no address of the instance.")

    def _present(self, link):
        now = self.cloud.timeline.now
        self._endpoints[link] = [one for one in self._endpoints.get(link, []) if one.until is None or one.until > now]
        return self._endpoints[link]

    def _live(self, link):
        return [one for one in self._present(link) if one.until is None]

    def _states(self, link, one):
        told = []
        for service, document, since in self.cloud["backendServices"].using(link):
            state = "HEALTHY" if self._is_healthy(link, one, document, since) else "UNHEALTHY"
            state = "DRAINING" if one.until is not None else state
            told.append({"backendService": {"backendService": service.url}, "healthState": state})
        return told

    def _is_healthy(self, link, one, service, since):
        if "instance" not in one.document:
            return False
        port = self.cloud["backendServices"].probed(service, one.document.get("port", 0))
        return health.is_healthy(self.cloud, self._instance(link, one), port, since)

    def _instance(self, link, one):
        return Link(link.project, link.scope, "instances", one.document["instance"])

    def _recount(self, link):
        self.store.get(link)["size"] = len(self._live(link))


def _is_of(link, one, instance):
    return link.scope == instance.scope and one.document.get("instance") == instance.name
