"""Azure Resource Manager, as far as machines, disks, networks, scale sets and file shares go. See README.md."""

import traceback
import uuid
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.arm import schema, swagger, uncovered
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.kinds import snapshot, types_of
from tests.fakes.arm.operations import Operations
from tests.fakes.arm.options import Options
from tests.fakes.arm.registry import COLLECTIONS, KINDS
from tests.fakes.arm.requests import Request
from tests.fakes.arm.resources import Store
from tests.fakes.rest.server import Answer, RestFake

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
LOCATIONS = ("eastus", "westeurope", "westus2")
CODES = (
    ("query parameter", "InvalidParameter"),
    ("path parameter accountName", "AccountNameInvalid"),
    ("path parameter", "InvalidResourceName"),
)
"""What a fault is refused with, where it is not one of the body's."""

UNAUTHORIZED = "Authentication failed. The 'Authorization' header is missing."


class FakeArm(RestFake):
    """Azure at `url`, with one subscription and in it the empty resource group `group`.

    `rules` bring faults about, `calls` is the journal, `options` how Azure behaves, `launched` its own count of machines.
    `faulty` has the faults of requests that were refused for them, `unsound` those of the fake's own answers.
    """

    subscription = SUBSCRIPTION
    group = "group"
    location = "eastus"
    locations = LOCATIONS

    def __init__(self):
        self.options = Options()
        self._clear()
        super().__init__()

    def _clear(self):
        self.launched = 0
        self.faulty = []
        self.unsound = []
        self.blobs = {}
        self.resources = Store()
        self.operations = Operations(self)
        self.kinds = {kind.type.lower(): kind(self) for kind in KINDS}
        self._handlers = uncovered.handlers(self)
        for kind in (*self.kinds.values(), *(collection(self) for collection in COLLECTIONS)):
            self._handlers |= kind.handlers()

    def reset(self):
        """An empty subscription without faults."""
        super().reset()
        with self.lock:
            self.options = Options()
            self._clear()

    def things(self, kind):
        """The documents of a type's live resources, past every API; what is being deleted is left out."""
        with self.lock:
            self.operations.settle()
            return [held.kind.render(held) for held in self.resources.of(kind) if not held.deleting]

    def evict(self, name):
        """Take a spot machine's capacity away, as its eviction policy has it."""
        with self.lock:
            self.operations.settle()
            machine = next(held for held in self.resources.of("virtualMachines") if held.name.lower() == name.lower())
            machine.kind.evict(machine)

    def settle(self):
        """End what is due by the clock."""
        with self.lock:
            self.operations.settle()

    def method(self, call):
        """The id of the operation in Azure's swagger files, such as VirtualMachines_CreateOrUpdate."""
        found = uncovered.find(call.verb, call.url) or swagger.find(call.verb, call.url)
        return found[0].id if found else ""

    def execute(self, call):
        """The answer, checked against the swagger files."""
        self.operations.settle()
        operation = None
        try:
            operation = self._operation(call)
            answer = self._handle(call, operation)
        except Refusal as refusal:
            call.outcome = f"refused: {refusal}"
            answer = _told(refusal)
        except Exception:
            # a fault of the fake is no fault of the connection: the test that met it is to say so
            self.unsound.append(f"{call.method} {traceback.format_exc()}")
            answer = _told(Refusal("InternalServerError", "The fake failed."))
        self._check_answer(call, operation, answer)
        return self._numbered(answer)

    def error(self, call, code, message, status):
        """An error in ARM's form."""
        return self._numbered(_told(Refusal(code, message, status)))

    def page(self, request, resources, render):
        """A page of resources, those that came after the one that the link's token names."""
        after = int(request.query.get("$skiptoken", 0))
        left = [resource for resource in resources if resource.number > after]
        size = self.options.page or len(left)
        document = {"value": [render(resource) for resource in left[:size]]}
        if left[size:]:
            document["nextLink"] = self.link(request, left[size - 1].number)
        return Answer(200, document)

    def link(self, request, token):
        """The address of the next page."""
        parts = urlsplit(request.call.url)
        query = [(name, value) for name, value in parse_qsl(parts.query) if name != "$skiptoken"]
        return f"{self.url}{parts.path}?{urlencode([*query, ('$skiptoken', token)], safe='$')}"

    def _numbered(self, answer):
        answer.headers["x-ms-request-id"] = str(uuid.uuid4())
        return answer

    def _handle(self, call, operation):
        if operation.id not in uncovered.OPEN and "authorization" not in call.headers:
            raise Refusal("AuthenticationFailed", UNAUTHORIZED)
        self._check_request(call, operation)
        request = Request(call, operation)
        if request.subscription and request.subscription.lower() != self.subscription:
            raise Refusal("SubscriptionNotFound", f"The subscription '{request.subscription}' could not be found.")
        if request.group and request.group.lower() != self.group:
            raise Refusal("ResourceGroupNotFound", f"Resource group '{request.group}' could not be found.")
        handler = self._handlers.get(operation.id)
        if handler is None:
            raise Refusal("NotImplemented", f"This fake does not have {operation.id}.", 501)
        return handler(request)

    def _operation(self, call):
        own = uncovered.find(call.verb, call.url)
        found = own or swagger.find(call.verb, call.url)
        if not found:
            raise Refusal("InvalidResourceType", f"There is no operation for {call.verb} {call.path}.", 404)
        if found[0].id in uncovered.UNVERSIONED:
            return found[0]
        version = call.query.get("api-version")
        if version is None:
            raise Refusal("MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required.")
        fitting = [operation for operation in found if operation.version == version]
        if not fitting:
            raise _version_refusal(found, version)
        return fitting[0]

    def _check_request(self, call, operation):
        faults = schema.check_query(operation, _without_token(call.url)) + schema.check_body(operation, call.body)
        faults += schema.check_names(operation, call.url) if operation.file else []
        if not faults:
            return
        self.faulty += [f"{operation.id}: {fault}" for fault in faults]
        if "body.location: required" in faults:
            raise Refusal("LocationRequired", "The location property is required for this definition.")
        raise Refusal(next((code for part, code in CODES if part in faults[0]), "InvalidRequestContent"), "; ".join(faults))

    def _check_answer(self, call, operation, answer):
        if operation is None or answer.status >= 400:
            faults = schema.check_error(answer.document)
        elif operation.id in uncovered.CHECKS:
            faults = uncovered.CHECKS[operation.id](answer)
        else:
            faults = schema.check_answer(operation, answer.status, answer.document)
        self.unsound += [f"{call.method} {answer.status} {fault}" for fault in faults]


def _told(refusal):
    return Answer(refusal.status, {"error": snapshot(refusal.error)}, {"x-ms-error-code": refusal.code})


def _version_refusal(found, version):
    known = ", ".join(sorted({operation.version for operation in found}))
    if not any(part.isdigit() and len(part) == 4 for part in version.split("-")):
        return Refusal(
            "InvalidApiVersionParameter", f"The api-version '{version}' is invalid. The supported versions are '{known}'."
        )
    return Refusal(
        "NoRegisteredProviderFound",
        f"No registered resource provider found for API version '{version}' for type '{types_of(found[0].template)}'. "
        f"The supported api-versions are '{known}'.",
    )


def _without_token(url):
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "$skiptoken"]
    return f"{parts.path}?{urlencode(query)}"
