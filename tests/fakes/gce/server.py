"""Compute Engine v1 at a port of this process, a schema-checked fake: requests and answers are held against Google's document.

What a schema cannot say is written after the public documentation: references, states, quotas, lack of capacity, how groups
and balancers go about their work, and in what order.
"""

import marshal
import traceback
from urllib.parse import unquote, urlsplit

from tests.fakes.gce import errors
from tests.fakes.gce.cloud import Ask, Cloud
from tests.fakes.gce.links import project_of
from tests.fakes.gce.schema import published
from tests.fakes.gce.shapes import without_nulls
from tests.fakes.rest.server import Answer, RestFake

SCOPES = ("zones", "regions")


class FakeGce(RestFake):
    """A stateful Compute Engine with the project "proj", in us-central1 and europe-west4.

    `faulty` tells the schema faults of requests that were refused for them, `unsound` those of its own answers. Instances that
    are named in `sick`, or have an address there, are unhealthy behind balancers.
    """

    def __init__(self):
        self.faulty = []
        self.unsound = []
        super().__init__()
        self.cloud = Cloud(self.clock)
        self._methods = {}

    @property
    def options(self):
        """How the cloud behaves."""
        return self.cloud.options

    @property
    def sick(self):
        """Names and addresses of instances that no health check passes."""
        return self.cloud.sick

    @property
    def launched(self):
        """How many instances the cloud has ever launched, those of groups too."""
        with self.lock:
            self.cloud.settle()
            return self.cloud.launched

    def things(self, kind):
        """The live resources of a collection, as documents; what is being deleted is left out."""
        with self.lock:
            self.cloud.settle()
            mine = [(link, document) for link, document in self.cloud.store.live(kind) if link.project == "proj"]
            return [copied(document) for _, document in mine]

    def follow(self, clock):
        with self.lock:
            super().follow(clock)
            self.cloud.timeline.follow(self.clock)

    def reset(self):
        with self.lock:
            super().reset()
            self.faulty.clear()
            self.unsound.clear()
            self.cloud = Cloud(self.clock)

    def method(self, call):
        method, _ = self._found(call)
        return method.id if method else ""

    def error(self, call, code, message, status):
        answer = errors.answer(code, message, status)
        self._check(call, answer)
        return answer

    def execute(self, call):
        try:
            self.cloud.settle()
            answer = Answer(200, copied(self._answer(call)))
        except errors.GceError as error:
            call.outcome = f"answered {error.reason}"
            answer = errors.answer(error.reason, error.message, error.status)
        except Exception:
            self.unsound.append(traceback.format_exc())
            answer = errors.answer("internalError", "The fake failed.")
        self._check(call, answer)
        return answer

    def _answer(self, call):
        method, parameters = self._found(call)
        if not call.headers.get("authorization", "").startswith("Bearer "):
            raise errors.GceError("authError", "Request is missing required authentication credential.")
        if method is None:
            raise errors.GceError("notFound", f"There is no method for {call.verb} {call.path}")
        faults = self.cloud.schema.request_faults(method, call.url, call.body)
        if faults:
            self.faulty += faults
            reason = "required" if "is a required property" in faults[0] or faults[0].startswith("missing") else "invalid"
            raise errors.GceError(reason, f"Invalid request to {method.id}: {'; '.join(faults)}")
        return self.cloud.answer(_ask(method, parameters, call))

    def _found(self, call):
        key = (call.verb, urlsplit(call.url).path)
        if key not in self._methods:
            self._methods[key] = self.cloud.schema.find(*key)
        return self._methods[key]

    def _check(self, call, answer):
        method, _ = self._found(call)
        self.unsound += self.cloud.schema.answer_faults(method, answer.document, answer.status)


def copied(value):
    """A deep copy of a document, as fast as can be."""
    return marshal.loads(marshal.dumps(value))


def _ask(method, parameters, call):
    path = unquote(urlsplit(call.url).path)
    scope, rest = _place(path.removeprefix("/compute/v1/").split("/")[2:])
    return Ask(
        method=method.id,
        answer_kind=published().kind(method.response) if method.response else None,
        project=project_of(parameters["project"]),
        scope=scope,
        collection=rest[0] if rest else "projects",
        name=rest[1] if len(rest) > 1 else "",
        path=path,
        address="https://www.googleapis.com" + path,
        query=call.query,
        body=_body(method, call.body),
        parameters=parameters,
    )


def _body(method, body):
    """What was sent, if the method takes anything; null is the same as nothing, but where it clears a field."""
    if method.request is None or method.verb == "PATCH":
        return body
    return without_nulls(body or {})


def _place(segments):
    """The scope of a path below its project, and the path below that."""
    if not segments:
        return "global", ["projects"]
    if segments[0] in ("global", "aggregated"):
        return segments[0], segments[1:]
    if len(segments) > 2 and segments[0] in SCOPES:
        return "/".join(segments[:2]), segments[2:]
    return "global", segments
