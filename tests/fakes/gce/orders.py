"""What a managed instance group is told to do with single members, and what it tells of them."""

from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.filters import compiled
from tests.fakes.gce.links import last
from tests.fakes.gce.pages import cut

MOST = 1000
"""Members that one call may name."""


class Orders(Collection):
    """The methods of managers that name instances."""

    def list_managed_instances(self, ask):
        """All members, or a page of them where the group is one that pages."""
        link, document = self.found(ask)
        group = self._groups.get(link)
        told = [((name,), group.told(member)) for name, member in group.members.items()] if group else []
        if document["listManagedInstancesResults"] == "PAGELESS":
            wanted = compiled(ask.query.get("filter"), _fields(self.cloud, "ManagedInstance"))
            found, token = [(name, one) for name, one in told if wanted(one)], ""
        else:
            found, token = cut(told, ask.query, _fields(self.cloud, "ManagedInstance"), self.cloud.options.page)
        return {"managedInstances": [one for _, one in found]} | ({"nextPageToken": token} if token else {})

    def list_errors(self, ask):
        """What kept members from being made, the last first."""
        link, _ = self.found(ask)
        group = self._groups.get(link)
        items = [((f"{place:09d}",), one) for place, one in enumerate(reversed(group.history if group else []))]
        found, token = cut(items, ask.query, _fields(self.cloud, "InstanceManagedByIgmError"), self.cloud.options.page)
        return {"items": [one for _, one in found]} | ({"nextPageToken": token} if token else {})

    def create_instances(self, ask):
        """Make members of the names that are given; not while an autoscaler sees to the size."""
        link, document = self.ready_one(ask)
        self.check_not_scaled(link)
        names = [one.get("name", "") for one in ask.body.get("instances", ())]
        if not names or not all(names):
            raise GceError("required", "Required field 'instances.name' not specified")
        taken = set(names) & set(self.group(link).members)
        if taken or len(set(names)) < len(names):
            raise invalid("instances", sorted(taken or names), "The group has such members already.")

        def finish():
            document["targetSize"] += len(names)
            for name in names:
                self.group(link).add(document["versions"][-1]["instanceTemplate"], name)
            self.group(link).advance()

        return self.cloud.operations.begin(ask, link, None, finish)

    def delete_instances(self, ask):
        """Delete members, and let the group be smaller."""
        return self._ordered(ask, lambda group, member: group.delete(member), smaller=True)

    def abandon_instances(self, ask):
        """Let members go on outside the group, and let the group be smaller."""
        return self._ordered(ask, lambda group, member: group.members.pop(member.link.name), smaller=True)

    def recreate_instances(self, ask):
        """Make members again under their names."""
        return self._ordered(ask, lambda group, member: group.recreate(member, group.repair_version(member)))

    def apply_updates_to_instances(self, ask):
        """Bring members to the newest version now."""
        link, document = self.ready_one(ask)
        if ask.body.get("allInstances"):
            ask.body = ask.body | {"instances": [member.link.url for member in self.group(link).active()]}
        newest = document["versions"][-1]["instanceTemplate"]
        forced = ask.body.get("minimalAction") in ("REPLACE", "RESTART", "REFRESH")

        def update(group, member):
            if forced or member.version != newest:
                group.recreate(member, newest)

        return self._ordered(ask, update)

    def ready_one(self, ask):
        """The manager that a call names, if nothing is on its way with it as a whole."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        return link, document

    def _ordered(self, ask, order, smaller=False):
        link, document = self.ready_one(ask)
        members = self._named(ask, link)

        def finish():
            group = self.group(link)
            for member in members:
                if group.members.get(member.link.name) is member and member.action != "DELETING":
                    document["targetSize"] -= 1 if smaller else 0
                    order(group, member)
            group.advance()

        return self.cloud.operations.begin(ask, link, None, finish)

    def _named(self, ask, link):
        urls = ask.body.get("instances", [])
        if not 0 < len(urls) <= MOST:
            raise invalid("instances", len(urls), f"There must be at least one instance and at most {MOST}.")
        members = self.group(link).members
        found = [members.get(last(url)) for url in urls]
        strangers = [url for url, member in zip(urls, found, strict=True) if not _is_of(self.cloud.link(url), member)]
        if strangers and not ask.body.get("skipInstancesOnValidationError"):
            raise invalid("instances", strangers[0], f"The instance is not a member of {link.path}.")
        return [member for url, member in zip(urls, found, strict=True) if url not in strangers]


def _is_of(link, member):
    return link is not None and member is not None and link[1:] == member.link[1:]


def _fields(cloud, schema):
    return set(cloud.schema.schemas[schema]["properties"])
