"""compute.instanceGroupManagers and compute.regionInstanceGroupManagers."""

from collections import Counter

from tests.fakes.gce import rollouts
from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.group_rules import check, complete
from tests.fakes.gce.links import Link
from tests.fakes.gce.members import Group
from tests.fakes.gce.orders import Orders
from tests.fakes.gce.references import Reference
from tests.fakes.gce.store import MAKING, in_use

ACTIONS = (
    "abandoning",
    "creating",
    "creatingWithoutRetries",
    "deleting",
    "none",
    "recreating",
    "refreshing",
    "restarting",
    "resuming",
    "starting",
    "stopping",
    "suspending",
    "verifying",
)


class Managers(Orders):
    """Managers of zonal and of regional groups; each has an instance group of its own name."""

    word = "instanceGroupManagers"
    schema = "InstanceGroupManager"
    fingerprinted = True
    references = (
        Reference("instanceTemplate", ("instanceTemplates",)),
        Reference("versions.*.instanceTemplate", ("instanceTemplates",)),
        Reference("instanceGroup", ("instanceGroups",)),
        Reference("autoHealingPolicies.*.healthCheck", ("healthChecks",)),
        Reference("targetPools.*", ("targetPools",)),
    )

    def __init__(self, cloud):
        super().__init__(cloud)
        self._groups = {}

    def insert(self, ask):
        link = Link(ask.project, ask.scope, self.word, ask.body["name"])
        group_link = link._replace(collection="instanceGroups")
        if self.store.get(group_link) is not None:
            raise GceError("alreadyExists", f"The resource '{group_link.path}' already exists")
        document = self.new(link, ask.body)
        complete(link, document)
        check(link, document)
        document["instanceGroup"] = group_link.url

        def start():
            self.store.put(link, document, MAKING)
            self.store.put(group_link, self.cloud["instanceGroups"].managed(group_link, document, self._network(document)))

        def finish():
            self.store.ready(link)
            self._groups[link] = Group(self.cloud, link, document)
            self._groups[link].advance()

        self._stamp(document)
        return self.cloud.operations.begin(ask, link, start, finish)

    def get(self, ask):
        link, document = self.found(ask)
        return self._told(link, document)

    def list(self, ask):
        page = super().list(ask)
        return page | ({"items": [self._told_again(one) for one in page["items"]]} if "items" in page else {})

    def aggregated_list(self, ask):
        page = super().aggregated_list(ask)
        for content in page["items"].values():
            if self.word in content:
                content[self.word] = [self._told_again(one) for one in content[self.word]]
        return page

    def delete(self, ask):
        link, document = self.found(ask)
        self.store.check_ready(link)
        self.check_deletable(link, document)
        group, own = self.group(link), self.cloud.link(document["instanceGroup"])

        def start():
            self.store.leave(link)
            self.store.leave(own)
            group.close()

        def finish():
            group.clear()
            self.store.drop(link)
            self.store.drop(own)
            del self._groups[link]

        return self.cloud.operations.begin(ask, link, start, finish)

    def check_deletable(self, link, document):
        self.store.check_unused(link)
        own = self.cloud.link(document["instanceGroup"])
        for user in self.store.users(own):
            if user != link:
                raise in_use(link, user)

    def revise(self, link, document, new):
        if _zones(new) != _zones(document):
            raise invalid("resource.distributionPolicy", "", "The zones of a group cannot be changed.")
        if new["targetSize"] != document["targetSize"]:
            self.check_not_scaled(link)
        if new.get("instanceTemplate") != document.get("instanceTemplate") and new["versions"] == document["versions"]:
            new["versions"] = [{"instanceTemplate": new["instanceTemplate"]}]
        complete(link, new)
        check(link, new)

    def ready(self, link, document):
        group = self.group(link)
        self.cloud["instanceGroups"].rename_ports(self.cloud.link(document["instanceGroup"]), document.get("namedPorts", []))
        group.advance()

    def group(self, link):
        """The members of a manager that is ready."""
        return self._groups[link]

    def all_groups(self):
        """Every group there is."""
        return list(self._groups.values())

    def members(self, group_link):
        """The links of the instances of a managed instance group; None where it is none."""
        group = self._groups.get(group_link._replace(collection=self.word))
        if group is None:
            return None
        return [member.link for member in group.members.values() if group.instance(member)]

    def resize(self, ask):
        """Another size; not while an autoscaler sees to it."""
        link, _ = self.ready_one(ask)
        size = int(ask.query["size"])
        if size < 0:
            raise invalid("size", size, "It must be at least 0.")
        self.check_not_scaled(link)
        return self.cloud.operations.begin(ask, link, None, lambda: self.set_size(link, size))

    def set_size(self, link, size):
        """The group is to have so many members."""
        group = self._groups.get(link)
        if group and not group.is_closed:
            group.document["targetSize"] = size
            group.advance()

    def set_instance_template(self, ask):
        """One version for all members."""
        link, document = self.ready_one(ask)
        body = {"instanceTemplate": ask.body.get("instanceTemplate", "")}
        self.resolve(link, body)

        def finish():
            document.update(body, versions=[dict(body)])
            self._stamp(document)
            self.group(link).advance()

        return self.cloud.operations.begin(ask, link, None, finish)

    def set_target_pools(self, ask):
        """The target pools that members are put into."""
        link, document = self.ready_one(ask)
        body = {"targetPools": list(ask.body.get("targetPools", []))}
        self.resolve(link, body)
        return self.cloud.operations.begin(ask, link, None, lambda: document.update(body))

    def check_not_scaled(self, link):
        """Refuse to set the size of a group that an autoscaler sets."""
        if self.cloud["autoscalers"].is_on(link):
            raise GceError("invalid", f"The size of '{link.path}' is set by an autoscaler; turn it off first.")

    def _told_again(self, document):
        return self._told(self.cloud.link(document["selfLink"]), document)

    def _told(self, link, document):
        group = self._groups.get(link) or Group(self.cloud, link, document)
        counts = Counter(_word(member.action) for member in group.members.values())
        actions = {name: counts.get(name, 0) for name in ACTIONS}
        is_quiet = sum(actions.values()) == actions["none"] and len(group.members) == document["targetSize"]
        reached = rollouts.is_reached(group)
        rolls = not reached and rollouts.is_proactive(document)
        status = {
            "isStable": is_quiet and not rolls and link in self._groups and not group.is_closed,
            "versionTarget": {"isReached": reached},
            "stateful": {"hasStatefulConfig": False, "perInstanceConfigs": {"allEffective": True}},
            "allInstancesConfig": {"effective": True},
        }
        scaler = self.cloud["autoscalers"].of(link)
        if scaler:
            status["autoscaler"] = scaler["selfLink"]
        return document | {"currentActions": actions, "status": status, "updatePolicy": _counted(document)}

    def _network(self, document):
        template = self.store.get(self.cloud.link(document["versions"][-1]["instanceTemplate"]))
        interface = template["properties"]["networkInterfaces"][0]
        if interface.get("subnetwork"):
            return self.store.get(self.cloud.link(interface["subnetwork"]))["network"]
        return interface.get("network") or Link(PROJECT, "global", "networks", "default").url


def _word(action):
    head, *rest = action.lower().split("_")
    return head + "".join(part.title() for part in rest)


def _zones(document):
    return {one["zone"] for one in document.get("distributionPolicy", {}).get("zones", ())}


def _counted(document):
    policy, size = dict(document["updatePolicy"]), document["targetSize"]
    for name, upward in (("maxSurge", True), ("maxUnavailable", False)):
        policy[name] = policy[name] | {"calculated": rollouts.calculated(policy[name], size, upward)}
    return policy
