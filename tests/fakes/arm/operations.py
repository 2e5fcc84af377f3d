"""Long-running operations: each is accepted, ends on the fake's clock, and is asked for by the address that the answer told."""

import fnmatch
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes.arm.errors import Refusal

OVER = ("Succeeded", "Failed", "Canceled")


@dataclass
class LongRunning:
    """One operation; `finish` is what it brings about at its end, and raises Refusal where it comes to nothing."""

    resource: object
    finish: object
    failed: object
    due: float
    namespace: str
    version: str
    location: str
    subscription: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    refusal: Refusal | None = None
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    ended: str = ""
    result: object = None
    """What the Location tells once it is over: gives a document, or None."""

    @property
    def document(self):
        """How the operation stands."""
        told = {"name": self.id, "status": self.status, "startTime": self.started}
        if self.ended:
            told["endTime"] = self.ended
        if self.refusal:
            told["error"] = self.refusal.error
        return told


class Operations:
    """All operations of a cloud, those that are over too."""

    def __init__(self, cloud):
        self._cloud = cloud
        self._known = {}
        self._pending = []

    def get(self, id):
        """An operation; None if it is not there."""
        return self._known.get(id)

    def begin(self, resource, finish, failed, *, request=None, result=None, seconds=None):
        """Begin an operation on a resource, which is busy until its end. `failed(refusal)` is told when it comes to nothing."""
        delay = self._cloud.options.delay if seconds is None else seconds
        operation = LongRunning(
            resource,
            self._late(request) or finish,
            failed,
            self._cloud.clock() + delay,
            resource.kind.namespace,
            request.operation.version if request else "",
            resource.location or self._cloud.location,
            self._cloud.subscription,
            result=result,
        )
        self._known[operation.id] = operation
        self._pending.append(operation)
        resource.operation = operation
        return operation

    def _late(self, request):
        """What ends an operation with the error that `options.late` has for its method."""
        codes = self._cloud.options.late.items() if request else ()
        code = next((code for pattern, code in codes if fnmatch.fnmatchcase(request.operation.id, pattern)), None)
        if code is None:
            return None

        def refuse():
            raise Refusal(code, "The operation was accepted, and then failed.")

        return refuse

    def preempt(self, resource):
        """End a resource's operation because of another one."""
        operation = resource.operation
        if operation in self._pending:
            self._pending.remove(operation)
            self._end(operation, "Canceled", Refusal("OperationPreempted", "A more recent operation took its place.", 409))

    def settle(self):
        """End what is due, in the order in which it is."""
        now = self._cloud.clock()
        while due := [operation for operation in self._pending if operation.due <= now]:
            operation = min(due, key=lambda one: one.due)
            self._pending.remove(operation)
            self._run(operation)

    def _run(self, operation):
        try:
            operation.finish()
        except Refusal as refusal:
            self._end(operation, "Failed", refusal)
            operation.failed(refusal)
        else:
            self._end(operation, "Succeeded")

    def _end(self, operation, status, refusal=None):
        operation.status, operation.refusal = status, refusal
        operation.ended = datetime.now(UTC).isoformat()
        if operation.resource.operation is operation:
            operation.resource.operation = None

    def address(self, operation, kind):
        """Where an operation (`operations`) or its result (`operationResults`) is asked for."""
        place = f"/subscriptions/{operation.subscription}/providers/{operation.namespace}/locations/{operation.location}"
        return f"{self._cloud.url}{place}/{kind}/{operation.id}?api-version={operation.version}"

    def headers(self, operation):
        """What the answer to the call that began an operation tells."""
        return {
            "Azure-AsyncOperation": self.address(operation, "operations"),
            "Location": self.address(operation, "operationResults"),
            "Retry-After": str(self._cloud.options.retry_after),
        }
