"""Parts that have addresses of their own and stand in their parent's document: subnets, rules, pools, probes."""

import copy
import uuid

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import Kind, accepted
from tests.fakes.rest.server import Answer


class Part(Kind):
    """Parts of one sort. A change of one is a change of its parent, which takes one at a time."""

    collection = ""
    """The list of the parent's properties that they stand in."""

    def get(self, request):
        """GET."""
        return Answer(200, self._part(request, self._rendered(request.id)))

    def list(self, request):
        """GET of the collection, whole or in pages."""
        parent = self._parent(request.id)
        listed = parent.kind.render(parent)["properties"].get(self.collection) or []
        start = int(request.query.get("$skiptoken", 0))
        size = self.cloud.options.page or len(listed)
        document = {"value": listed[start : start + size]}
        if listed[start + size :]:
            document["nextLink"] = self.cloud.link(request, start + size)
        return Answer(200, document)

    def put(self, request):
        """PUT."""
        parent = self._parent(_parent_of(request.id))
        parent.kind.refuse_busy(parent)
        old = parent.child(self.collection, request.name)
        body = request.body | {"name": request.name}
        wanted = copy.deepcopy(parent.document)
        listed = [
            part for part in wanted["properties"].get(self.collection) or [] if part["name"].lower() != request.name.lower()
        ]
        wanted["properties"][self.collection] = [*listed, body]
        headers = self._change(request, parent, wanted)
        told = self._part(request, self._rendered(request.id))
        return Answer(accepted(request.operation, old is None), told, headers)

    def delete(self, request):
        """DELETE."""
        parent = self.resources.get(_parent_of(request.id))
        if parent is None or parent.child(self.collection, request.name) is None:
            return Answer(204)
        parent.kind.refuse_busy(parent)
        users = self.holders(request.id)
        if users:
            raise Refusal(self.in_use, f"{request.id} is used by {', '.join(user.id for user in users)}.")
        wanted = copy.deepcopy(parent.document)
        listed = wanted["properties"][self.collection]
        wanted["properties"][self.collection] = [part for part in listed if part["name"].lower() != request.name.lower()]
        return Answer(202, None, self._change(request, parent, wanted))

    def _change(self, request, parent, wanted):
        before = copy.deepcopy(parent.document)
        place = _Place(parent.id, request)
        parent.kind.check(place, wanted, parent)
        parent.document = parent.kind.document(place, wanted, parent)
        parent.state = "Updating"
        parent.kind.touch(parent)
        operation = parent.kind.begin(place, parent, before, request)
        if request.operation.verb == "PUT":
            operation.result = lambda: self._part(request, self._rendered(request.id))
        return self.cloud.operations.headers(operation)

    def _parent(self, id):
        parent = self.resources.get(id)
        if parent is None:
            raise Refusal("ParentResourceNotFound", f"Can not perform requested operation on nested resource. {id} not found.")
        return parent

    def _rendered(self, id):
        parent = self._parent(_parent_of(id))
        return parent.kind.render(parent)["properties"].get(self.collection) or []

    def _part(self, request, parts):
        found = next((part for part in parts if part["name"].lower() == request.name.lower()), None)
        if found is None:
            raise Refusal("NotFound", f"Resource {request.id} not found.")
        return found


class _Place:
    """The parent as the object of a request that was about a part."""

    def __init__(self, id, request):
        self.id = id
        self.name = id.rpartition("/")[2]
        self.group = request.group


def number(parent, collection, part, defaults=None):
    """Give a part the id and the etag that Azure gives it."""
    part["id"] = f"{parent}/{collection}/{part['name']}"
    part["etag"] = f'W/"{uuid.uuid4()}"'
    part["properties"] = {**(defaults or {}), **part.get("properties", {})}


def _parent_of(id):
    return id.rpartition("/")[0].rpartition("/")[0]
