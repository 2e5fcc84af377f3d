"""What resources of every type have in common: PUT, PATCH, GET, DELETE and lists as Azure Resource Manager has them."""

import copy
import json
import uuid
from functools import cache

from tests.fakes.arm import swagger
from tests.fakes.arm.changes import check_preconditions, check_unchanged
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.names import NETWORK, check_name, check_tags
from tests.fakes.arm.resources import Resource, merged, references
from tests.fakes.rest.server import Answer

KEPT = ("zones", "sku")
"""What of a resource stays where a PUT does not mention it; all else goes."""


class Kind:
    """Resources of one type.

    A type says what may not change, what a body is worth, and what comes of it at the operation's end.
    """

    type = ""
    namespace = ""
    immutable = ("location", "zones")
    """What a change is refused for, as dotted paths."""

    names = NETWORK
    """What a name must match."""

    etag = False
    busy = "AnotherOperationInProgress"
    preempted = False
    """Whether a deletion takes the place of an operation that is under way."""

    in_use = "InUseResourceCannotBeDeleted"

    def __init__(self, cloud):
        self.cloud = cloud
        self.resources = cloud.resources

    # What a type has of its own

    def check(self, request, body, old):
        """Raise Refusal for a body that cannot be had."""

    def document(self, request, body, old):
        """The resource's document, made of a body that was checked."""
        return body

    def finished(self, resource, created):
        """Bring about what an accepted change is worth; Refusal where it comes to nothing."""

    def failed(self, resource, before, refusal):
        """What is left of a resource whose change came to nothing: what there was before."""
        if before is None:
            self.resources.remove(resource)
        else:
            resource.document, resource.state = before, "Succeeded"
            self.resources.put(resource)

    def removed(self, resource):
        """What goes with a resource, once it is gone."""

    def dress(self, resource, document):
        """Add to an answer what follows from other resources."""

    def blockers(self, resource):
        """The resources for whose sake this one cannot be deleted."""
        return self.holders(resource.id)

    def actions(self):
        """Handlers of operations that are not of the usual form, by the operation's id."""
        return {}

    def whole(self, resource):
        """The document with what no answer tells, to compare a change with."""
        return resource.document

    # What all have

    def holders(self, path):
        """The resources that hold on to what they refer to: an account's rules keep no subnet."""
        return [user for user in self.resources.users(path) if user.kind.type != "storageAccounts"]

    def handlers(self):
        """A function for each operation of this type, by the operation's id."""
        verbs = {"GET": self.get, "PUT": self.put, "PATCH": self.patch, "DELETE": self.delete}
        found = {}
        for operation in _operations_of(self.type.lower()):
            if operation.template.endswith("}"):
                found[operation.id] = verbs[operation.verb]
            elif operation.verb == "GET":
                found[operation.id] = self.list
        return found | self.actions()

    def get(self, request):
        """GET."""
        return Answer(200, self.render(self.found(request)), self._tag(self.found(request)))

    def list(self, request):
        """GET of a collection, in the order in which the resources came."""
        return self.cloud.page(request, self.resources.of(self.type, request.id), self.render)

    def put(self, request):
        """PUT: makes the resource, or changes the one that is there into what the body says."""
        old = self.resources.get(request.id)
        check_preconditions(request, old)
        body = copy.deepcopy(request.body)
        self._place(body)
        check_name(self.names, request.name)
        check_tags(body.get("tags", {}))
        if old:
            self.refuse_busy(old)
            check_unchanged(self.immutable, self.whole(old), body)
            body |= {key: value for key, value in old.document.items() if key in KEPT and key not in body}
        self.check(request, body, old)
        resource = old or Resource(request.id, self, {})
        before = old and copy.deepcopy(old.document)
        resource.document = self.document(request, body, old)
        resource.document.setdefault("properties", {})
        return self.change(request, resource, before)

    def patch(self, request):
        """PATCH: merges the body into the resource."""
        resource = self.found(request)
        check_preconditions(request, resource)
        check_tags(request.body.get("tags", {}))
        if not request.operation.long:
            resource.document = merged(resource.document, request.body)
            self.touch(resource)
            return Answer(200, self.render(resource), self._tag(resource))
        self.refuse_busy(resource)
        body = merged(resource.document, request.body)
        check_unchanged(self.immutable, self.whole(resource), body)
        self.check(request, body, resource)
        before = copy.deepcopy(resource.document)
        resource.document = self.document(request, body, resource)
        return self.change(request, resource, before)

    def delete(self, request):
        """DELETE: what is not there is no error."""
        resource = self.resources.get(request.id)
        if resource is None:
            return Answer(204)
        check_preconditions(request, resource)
        if resource.deleting:
            return Answer(202, None, self.cloud.operations.headers(resource.operation))
        if self.preempted:
            self.cloud.operations.preempt(resource)
        self.refuse_busy(resource)
        self._refuse_users(resource)
        return self._end(request, resource)

    def change(self, request, resource, before):
        """Accept a change that is in the document by now; `before` is what there was, None for a new resource."""
        if not request.operation.long:
            self.finished(resource, before is None)
            self.touch(resource)
            status = 201 if before is None and "201" in request.operation.responses else 200
            return Answer(status, self.render(resource), self._tag(resource))
        resource.state = "Updating" if before else "Creating"
        self.touch(resource)
        operation = self.begin(request, resource, before, request)
        headers = self.cloud.operations.headers(operation) | self._tag(resource)
        answered = accepted(request.operation, before is None)
        told = "schema" in request.operation.responses[str(answered)]
        return Answer(answered, self.render(resource) if told else None, headers)

    def begin(self, request, resource, before, source=None):
        """The operation that ends a change. `source` is the call that `options.late` may be meant for."""

        def finish():
            self.finished(resource, before is None)
            resource.state = "Succeeded"
            self.touch(resource)

        return self.cloud.operations.begin(
            resource,
            finish,
            lambda refusal: self.failed(resource, before, refusal),
            request=source,
            result=lambda: self.render(resource),
        )

    def _end(self, request, resource):
        def finish():
            self.resources.remove(resource)
            self.removed(resource)

        if not request.operation.long:
            finish()
            return Answer(200)
        resource.deleting, resource.state = True, "Deleting"

        def failed(refusal):
            resource.deleting, resource.state = False, "Failed"

        operation = self.cloud.operations.begin(resource, finish, failed, request=request)
        return Answer(202, None, self.cloud.operations.headers(operation))

    def touch(self, resource):
        """Take note that a resource's document changed."""
        if self.etag:
            resource.document["etag"] = f'W/"{uuid.uuid4()}"'
        self.resources.put(resource)

    def render(self, resource):
        """The resource's document as an answer has it."""
        document = snapshot(resource.document)
        document |= {"id": resource.id, "name": resource.name, "type": f"{self.namespace}/{self.type}"}
        document["properties"]["provisioningState"] = resource.state
        self.dress(resource, document)
        return document

    def found(self, request):
        """The resource that a call is about, or ResourceNotFound."""
        resource = self.resources.get(request.id)
        if resource is None:
            group = f" under resource group '{request.group}'" if request.group else ""
            raise Refusal(
                "ResourceNotFound", f"The Resource '{self.namespace}/{self.type}/{request.name}'{group} was not found."
            )
        return resource

    def refuse_busy(self, resource):
        """Refuse to change what is being changed."""
        if resource.operation is not None:
            raise Refusal(self.busy, f"Another operation on {resource.id} is in progress. Retry the request later.", 409)

    def refuse_dangling(self, request, body):
        """Refuse references to what is not there, is elsewhere, or is not made yet."""
        for path in references(body):
            if path.lower().startswith(request.id.lower() + "/"):
                continue
            owner = self.resources.owner(path)
            if (
                owner is None
                or not self.resources.has(path)
                or owner.deleting
                or owner.location != body.get("location", owner.location)
            ):
                raise Refusal(
                    "InvalidResourceReference",
                    f"Resource {path} referenced by resource {request.id} was not found. Please make sure that the referenced "
                    "resource exists, and that both resources are in the same region.",
                )
            if owner.state == "Creating":
                raise Refusal(
                    "ReferencedResourceNotProvisioned",
                    f"Cannot proceed with operation: resource {path} used by resource {request.id} is not in Succeeded state.",
                )

    def _refuse_users(self, resource):
        users = self.blockers(resource)
        if users:
            raise Refusal(self.in_use, f"{resource.id} is used by {', '.join(user.id for user in users)}.")

    def _place(self, body):
        """Locations are compared without case and spaces, and told in their short form."""
        if "location" not in body:
            return
        body["location"] = body["location"].lower().replace(" ", "")
        if body["location"] not in self.cloud.locations:
            raise Refusal(
                "LocationNotAvailableForResourceType",
                f"The provided location '{body['location']}' is not available for '{self.namespace}/{self.type}'.",
            )

    def _tag(self, resource):
        return {"ETag": resource.document["etag"]} if self.etag else {}


@cache
def _operations_of(types):
    return [operation for operation in swagger.operations() if types_of(operation.template) == types]


def types_of(template):
    """The types in a path, in lower case: virtualmachinescalesets/virtualmachines."""
    parts = template.lower().rpartition("/providers/")[2].split("/")[1:]
    return "/".join(part for part in parts if not part.startswith("{"))


def accepted(operation, created):
    """The status of an accepted PUT or PATCH, among those that the operation declares."""
    for status in (201 if created else 200, 202, 200):
        if str(status) in operation.responses and not (status == 200 and _waits(operation)):
            return status
    return 201


def _waits(operation):
    """Whether the first answer is never the last one: disks and storage accounts are 202 until they are done."""
    return "202" in operation.responses and "201" not in operation.responses


def snapshot(document):
    """A document of its own, that later changes leave alone."""
    return json.loads(json.dumps(document))
