"""What the subscription holds: resources by id, which of them refer to which, and their parts."""

import copy
from dataclasses import dataclass, field


@dataclass
class Resource:
    """One resource: `document` is what was asked for and what came of it, `private` what no answer tells as such."""

    id: str
    kind: object
    document: dict
    state: str = "Succeeded"
    operation: object = None
    deleting: bool = False
    number: int = 0
    private: dict = field(default_factory=dict)

    @property
    def name(self):
        """The last part of the id."""
        return self.id.rpartition("/")[2]

    @property
    def key(self):
        """The id as Azure compares it."""
        return self.id.lower()

    @property
    def properties(self):
        """The document's properties."""
        return self.document["properties"]

    @property
    def location(self):
        """Where the resource is, in Azure's short form; a part is where its parent is."""
        return self.document.get("location", "")

    def child(self, collection, name):
        """A part that the document has in a list of its properties; None if it is not there."""
        listed = self.properties.get(collection) or []
        return next((part for part in listed if part.get("name", "").lower() == name.lower()), None)


class Store:
    """Resources by their ids, which count without case, in the order in which they came."""

    def __init__(self):
        self._resources = {}
        self._number = 0
        self._users = {}
        self._used = {}

    def get(self, id):
        """The resource; None if there is none."""
        return self._resources.get(id.lower())

    def of(self, type, under=""):
        """The resources of a type (such as virtualMachines), those below an id where one is given."""
        start = under.lower() + "/"
        return [
            resource
            for resource in list(self._resources.values())
            if resource.kind.type.lower() == type.lower() and (not under or resource.key.startswith(start))
        ]

    def put(self, resource):
        """Add a resource, or take note that its document changed."""
        if resource.number == 0:
            self._number = resource.number = self._number + 1
        self._resources[resource.key] = resource
        self._forget(resource)
        wanted = {target for path in references(resource.document) for target in _ancestry(path) if not _own(resource, target)}
        self._used[resource.key] = wanted
        for target in wanted:
            self._users.setdefault(target, {})[resource.key] = None

    def remove(self, resource):
        """Take a resource away."""
        self._resources.pop(resource.key, None)
        self._forget(resource)

    def users(self, id):
        """The resources that refer to this id, or to a part of it."""
        return [self._resources[key] for key in self._users.get(id.lower(), ())]

    def has(self, id):
        """Whether there is a resource of this id, or a part of one."""
        return self.get(id) is not None or self.part(id) is not None

    def part(self, id):
        """A part by its own id, from its parent's document; None if it is not there."""
        parent, _, name = id.rpartition("/")
        parent, _, collection = parent.rpartition("/")
        resource = self.get(parent)
        if resource is None:
            return None
        known = next((key for key in resource.properties if key.lower() == collection.lower()), collection)
        return resource.child(known, name)

    def owner(self, id):
        """The resource that an id leads to or is a part of; None if there is none."""
        parent = id.rpartition("/")[0].rpartition("/")[0]
        return self.get(id) or (self.get(parent) if parent else None)

    def _forget(self, resource):
        for target in self._used.pop(resource.key, ()):
            self._users[target].pop(resource.key, None)


def references(document):
    """The ids of other resources that a document names, each once."""
    return list(dict.fromkeys(_references(document)))


def _references(node):
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "id" and isinstance(value, str) and value.lower().startswith("/subscriptions/"):
                yield value
            elif isinstance(value, dict | list):
                yield from _references(value)


def _own(resource, target):
    return target == resource.key or target.startswith(resource.key + "/")


def _ancestry(id):
    """An id and those of its parents that are resources, in lower case."""
    parts = id.lower().strip("/").split("/")
    return ["/" + "/".join(parts[:end]) for end in range(8, len(parts) + 1, 2)]


def merged(old, new):
    """A document with another merged into it: objects by their names, all else replaced, null removed."""
    both = copy.deepcopy(old)
    for name, value in new.items():
        if value is None:
            both.pop(name, None)
        elif isinstance(value, dict) and isinstance(both.get(name), dict) and name != "tags":
            both[name] = merged(both[name], value)
        else:
            both[name] = copy.deepcopy(value)
    return both
