"""compute.instanceGroups and compute.regionInstanceGroups: members for balancers, be they managed or put in by hand."""

from tests.fakes.gce.collection import Collection, fingerprint
from tests.fakes.gce.errors import GceError, invalid, not_found
from tests.fakes.gce.pages import cut
from tests.fakes.gce.references import Reference


class InstanceGroups(Collection):
    """Groups of instances with named ports. Those of managers are made and deleted with them."""

    word = "instanceGroups"
    schema = "InstanceGroup"
    references = (
        Reference("network", ("networks",), missing="invalid"),
        Reference("subnetwork", ("subnetworks",), missing="invalid"),
    )

    def __init__(self, cloud):
        super().__init__(cloud)
        self._members = {}

    def prepare(self, ask, link, document):
        document["size"] = 0
        document["fingerprint"] = fingerprint(document.get("namedPorts", []))
        self._members[link] = []

    def release(self, link, document):
        self._members.pop(link, None)

    def managed(self, link, manager, network):
        """The document of a manager's own group."""
        ports = manager.get("namedPorts", [])
        known = self.identity(link) | {"network": network, "size": 0, "namedPorts": list(ports)}
        subnetwork = next(
            (one.url for one, document in self.store.of("subnetworks") if _holds(one, document, link, network)), None
        )
        extra = {"subnetwork": subnetwork} if subnetwork else {}
        words = f"This instance group is controlled by Instance Group Manager '{link.name}'."
        return known | extra | {"description": words, "fingerprint": fingerprint(list(ports))}

    def members(self, link):
        """The links of a group's instances."""
        managed = self.cloud["instanceGroupManagers"].members(link)
        return self._members.get(link, []) if managed is None else managed

    def forget(self, instance):
        """An instance is gone."""
        for link, members in self._members.items():
            if instance in members:
                members.remove(instance)
                self._recount(link)

    def list_instances(self, ask):
        """A page of the members, all or those that run."""
        link, document = self.found(ask)
        state = (ask.body or {}).get("instanceState", "ALL")
        items = []
        for member in self.members(link):
            status = self.store.get(member)["status"]
            one = {"instance": member.url, "status": status, "namedPorts": document.get("namedPorts", [])}
            items += [((member.name,), one)] if state == "ALL" or status == "RUNNING" else []
        fields = set(self.cloud.schema.schemas["InstanceWithNamedPorts"]["properties"])
        found, token = cut(items, ask.query, fields, self.cloud.options.page)
        page = {"kind": ask.answer_kind, "id": ask.path.removeprefix("/compute/v1/"), "selfLink": ask.address}
        return page | {"items": [one for _, one in found]} | ({"nextPageToken": token} if token else {})

    def set_named_ports(self, ask):
        """Put other named ports in the place of all."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        given = ask.body.get("fingerprint")
        if given is not None and given != document["fingerprint"]:
            raise GceError("conditionNotMet", "Invalid fingerprint.")
        ports = list(ask.body.get("namedPorts", []))
        return self.cloud.operations.begin(ask, link, None, lambda: self.rename_ports(link, ports))

    def rename_ports(self, link, ports):
        """A group has other named ports."""
        document = self.store.get(link)
        document["namedPorts"] = list(ports)
        document["fingerprint"] = fingerprint(document["namedPorts"])
        manager = self.store.get(link._replace(collection="instanceGroupManagers"))
        if manager is not None:
            manager["namedPorts"] = list(ports)

    def add_instances(self, ask):
        """Put instances of the same zone and network into a group."""
        link, document = self._by_hand(ask)
        members = [self._member(link, one.get("instance", "")) for one in ask.body.get("instances", ())]
        for member in members:
            if member in self._members[link]:
                raise GceError("memberAlreadyExists", f"Instance '{member.path}' is already a member of '{link.path}'.")
            self._check_network(document, member)

        def finish():
            self._members[link] += [
                member for member in members if member not in self._members[link] and self.store.get(member)
            ]
            if members and "network" not in document:
                document["network"] = _interface(self.store.get(members[0]))["network"]
                document["subnetwork"] = _interface(self.store.get(members[0]))["subnetwork"]
            self._recount(link)

        return self.cloud.operations.begin(ask, link, None, finish)

    def remove_instances(self, ask):
        """Take instances out of a group; they go on."""
        link, _ = self._by_hand(ask)
        members = [self.cloud.link(one.get("instance", "")) for one in ask.body.get("instances", ())]
        for member in members:
            if member not in self._members[link]:
                raise GceError("memberNotFound", f"Instance '{member and member.path}' is not a member of '{link.path}'.")

        def finish():
            self._members[link] = [member for member in self._members[link] if member not in members]
            self._recount(link)

        return self.cloud.operations.begin(ask, link, None, finish)

    def _by_hand(self, ask):
        link, document = self.found(ask)
        self.store.check_ready(link)
        if link not in self._members:
            raise invalid("instanceGroup", link.path, "Its members are those of its manager.")
        return link, document

    def _member(self, link, url):
        member = self.cloud.link(url)
        if member is None or member.collection != "instances":
            raise invalid("instances.instance", url, "The URL is malformed.")
        if member.scope != link.scope:
            raise invalid("instances.instance", url, f"It must be in the zone of the group, {link.zone}.")
        if not self.store.there(member):
            raise not_found(member.path)
        return member

    def _check_network(self, document, member):
        network = _interface(self.store.get(member))["network"]
        if document.get("network", network) != network:
            raise invalid("instances.instance", member.path, f"It must be in the network of the group, {document['network']}.")

    def _recount(self, link):
        self.store.get(link)["size"] = len(self._members[link])


def _interface(instance):
    return instance["networkInterfaces"][0]


def _holds(link, document, group, network):
    return document["network"] == network and link.region == group.region and document["purpose"] == "PRIVATE"
