"""What a managed instance group is made of: members that come, run, fail, are replaced and go."""

import random
import string
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field

from tests.fakes.gce.catalogue import PROJECT
from tests.fakes.gce.errors import GceError, LateError
from tests.fakes.gce.links import Link, last
from tests.fakes.gce.rollouts import advance

RETRY = 10.0
"""Seconds until a group tries again what failed."""


@dataclass(eq=False)
class Member:
    """One place in a group; the instance under its name may not be there yet, or be another one than before."""

    link: Link
    version: str
    action: str = "CREATING"
    errors: list = field(default_factory=list)
    since: float = 0.0


class Group:
    """The members of one manager, by name; `document` is the manager's."""

    def __init__(self, cloud, link, document):
        self.cloud = cloud
        self.link = link
        self.document = document
        self.members = {}
        self.history = []
        self.is_closed = False
        self._random = random.Random(link.path)

    def active(self):
        """The members that are to stay."""
        return [member for member in self.members.values() if member.action not in ("DELETING", "ABANDONING")]

    def advance(self):
        """Do what can be done now towards the size and the versions that are wanted."""
        if not self.is_closed:
            advance(self)
        self.recount()

    def watch(self):
        """Repair members whose instances have ended, or are unhealthy for the group's own check."""
        for member in list(self.members.values()):
            instance = self.instance(member)
            if member.action == "NONE" and instance and (instance["status"] == "TERMINATED" or self._is_ill(member, instance)):
                self.recreate(member, self.repair_version(member))

    def instance(self, member):
        """The instance of a member; None if there is none."""
        return self.cloud.store.get(member.link)

    def is_available(self, member):
        """Whether a member runs and nothing is done with it."""
        instance = self.instance(member)
        return member.action == "NONE" and instance is not None and instance["status"] == "RUNNING"

    def zones(self):
        """The names of the zones that the group is in."""
        if self.link.zone:
            return [self.link.zone]
        return [last(one["zone"]) for one in self.document["distributionPolicy"]["zones"]]

    def add(self, version, name=None):
        """A new member, in the zone that has the fewest."""
        counts = Counter(member.link.zone for member in self.active())
        zone = min(self.zones(), key=lambda one: counts[one])
        link = Link(PROJECT, f"zones/{zone}", "instances", name or self._name())
        member = self.members[link.name] = Member(link, version)
        self.launch(member)

    def launch(self, member):
        """Make a member's instance; what keeps it from being made is told, and tried again."""
        if self.members.get(member.link.name) is not member:
            return
        instances = self.cloud["instances"]
        try:
            document, disks = instances.planned(member.link, self._body(member))
            self.cloud["regions"].check_room(document, member.link)
            failure = instances.shortage(document)
        except GceError as error:
            failure = error
        if failure:
            self._fail(member, failure)
            return
        instances.start_up(member.link, document, disks)
        self.cloud.timeline.later(self.cloud.options.delay, lambda: self._up(member, document))

    def delete(self, member):
        """Delete a member, with its instance; behind a balancer it drains before."""
        member.action = "DELETING"
        draining = self.cloud["backendServices"].draining(self.link._replace(collection="instanceGroups"))
        self.cloud.timeline.later(draining if self.instance(member) else 0.0, lambda: self._go_down(member))

    def recreate(self, member, version):
        """Delete a member's instance, and make another under the same name."""
        member.action, member.version = "RECREATING", version
        instance = self.instance(member)
        if instance:
            self.cloud["instances"].go_down(member.link, instance)
        self.cloud.timeline.later(self.cloud.options.delay, lambda: self._again(member))

    def lost(self, link):
        """An instance is gone; where the group did not mean it to, it makes another, some time after."""
        member = self.members.get(link.name)
        if member and member.link == link and member.action == "NONE" and not self.is_closed:
            member.action, member.version = "RECREATING", self.repair_version(member)
            self.cloud.timeline.later(RETRY, lambda: self._retry(member))

    def close(self):
        """All members are on their way out, and none comes any more."""
        self.is_closed = True
        for member in self.members.values():
            member.action = "DELETING"
            instance = self.instance(member)
            if instance:
                self.cloud["instances"].go_down(member.link, instance)

    def clear(self):
        """All members are gone."""
        members, self.members = self.members, {}
        for member in members.values():
            self._vanish(member)

    def recount(self):
        """Tell the size where the instance group's own document has it."""
        document = self.cloud.store.get(self.link._replace(collection="instanceGroups"))
        if document:
            document["size"] = len([member for member in self.members.values() if self.instance(member)])

    def repair_version(self, member):
        """The template that a member is made again from."""
        policy = self.document.get("instanceLifecyclePolicy", {})
        newest = self.document["versions"][-1]["instanceTemplate"]
        return newest if policy.get("forceUpdateOnRepair") == "YES" else member.version

    def told(self, member):
        """A member as listManagedInstances tells it."""
        instance = self.instance(member)
        told = {
            "instance": member.link.url,
            "name": member.link.name,
            "currentAction": member.action,
            "version": {"instanceTemplate": member.version},
        }
        names = {one["instanceTemplate"]: one.get("name") for one in self.document["versions"]}
        if names.get(member.version):
            told["version"]["name"] = names[member.version]
        if instance:
            told |= {"id": instance["id"], "instanceStatus": instance["status"]}
        if member.errors:
            told["lastAttempt"] = {"errors": {"errors": list(member.errors)}}
        for policy in self.document.get("autoHealingPolicies", ()):
            if instance and policy.get("healthCheck"):
                state = "HEALTHY" if self.is_available(member) and not self._is_sick(instance) else "UNHEALTHY"
                told["instanceHealth"] = [{"healthCheck": policy["healthCheck"], "detailedHealthState": state}]
        return told

    def _body(self, member):
        template = self.cloud.store.get(self.cloud.link(member.version))
        body = self.cloud["instanceTemplates"].properties_in(template, member.link.scope)
        extra = self.document.get("allInstancesConfig", {}).get("properties", {})
        body["labels"] = body.get("labels", {}) | extra.get("labels", {})
        own = extra.get("metadata", {}) | {"instance-template": template["selfLink"], "created-by": self.link.path}
        items = [item for item in body.get("metadata", {}).get("items", ()) if item["key"] not in own]
        body["metadata"] = {"items": items + [{"key": key, "value": value} for key, value in own.items()]}
        return deepcopy(body) | {"name": member.link.name}

    def _up(self, member, document):
        if self.members.get(member.link.name) is not member or self.instance(member) is not document:
            return
        try:
            self.cloud["instances"].come_up(member.link, document)
        except LateError as error:
            self._fail(member, error)
            return
        if document["status"] == "RUNNING" and not self.cloud.store.is_leaving(member.link):
            member.action, member.errors, member.since = "NONE", [], self.cloud.timeline.now
        self.advance()

    def _fail(self, member, error):
        member.errors = [{"code": error.code, "message": error.message}]
        details = {"action": member.action, "instance": member.link.url, "version": {"instanceTemplate": member.version}}
        told = {"code": error.code, "message": error.message}
        self.history.append({"timestamp": self.cloud.timeline.stamp, "error": told, "instanceActionDetails": details})
        self.cloud.timeline.later(max(RETRY, self.cloud.options.delay), lambda: self._retry(member))

    def _retry(self, member):
        if member.action in ("CREATING", "RECREATING") and self.instance(member) is None:
            self.launch(member)

    def _go_down(self, member):
        instance = self.instance(member)
        if instance and not self.cloud.store.is_leaving(member.link):
            self.cloud["instances"].go_down(member.link, instance)
        self.cloud.timeline.later(self.cloud.options.delay, lambda: self._gone(member))

    def _gone(self, member):
        if self.members.get(member.link.name) is member:
            del self.members[member.link.name]
            self._vanish(member)
            self.advance()

    def _again(self, member):
        if self.members.get(member.link.name) is member and member.action == "RECREATING":
            self._vanish(member)
            self.launch(member)

    def _vanish(self, member):
        instance = self.instance(member)
        if instance:
            self.cloud["instances"].vanish(member.link, instance)

    def _is_ill(self, member, instance):
        policies = [one for one in self.document.get("autoHealingPolicies", ()) if one.get("healthCheck")]
        if not policies or not self._is_sick(instance):
            return False
        return self.cloud.timeline.now >= member.since + policies[0].get("initialDelaySec", 0)

    def _is_sick(self, instance):
        addresses = {interface["networkIP"] for interface in instance["networkInterfaces"]}
        return bool(({instance["name"]} | addresses) & self.cloud.sick)

    def _name(self):
        while True:
            letters = "".join(self._random.choices(string.ascii_lowercase + string.digits, k=4))
            name = f"{self.document['baseInstanceName']}-{letters}"
            if name not in self.members:
                return name
