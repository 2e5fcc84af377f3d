"""Compute Engine's discovery document: which methods there are, and what is wrong with a request or an answer.

The document ships inside google-api-python-client. Checked: that a method exists for verb and path, patterns of path
parameters, query parameters (unknown, missing, of the wrong type), unknown fields, types, enumerations, 64-bit integers as
text, patterns, and fields that a method requires. Not checked: references, quotas, limits that stand in prose alone.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.gce.shapes import Shapes

NO_BODY = (None, b"", "")


@dataclass(frozen=True)
class Method:
    """One method: its parameters by name, and the names of the schemas that it takes and answers."""

    id: str
    verb: str
    parameters: dict
    query: dict
    request: str | None
    response: str | None


@dataclass
class Branch:
    """Where a path goes on, by its next segment."""

    literals: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    methods: dict = field(default_factory=dict)

    def descend(self, segment, parameters):
        """The branch for the next segment of a template; made where it is not there."""
        if not segment.startswith("{"):
            return self.literals.setdefault(segment, Branch())
        name = segment.strip("{+}")
        pattern = parameters.get(name, {}).get("pattern") or "[^/]+"
        return self.parameters.setdefault((name, pattern), (re.compile(pattern), Branch()))[1]

    def match(self, segments, verb):
        """The method at the end of these segments, and the path's parameters; None where there is none."""
        if not segments:
            method = self.methods.get(verb)
            return (method, {}) if method else None
        head, rest = segments[0], segments[1:]
        literal = self.literals.get(head)
        if literal and (found := literal.match(rest, verb)):
            return found
        for (name, _), (pattern, branch) in self.parameters.items():
            if pattern.fullmatch(head) and (found := branch.match(rest, verb)):
                return found[0], {name: head, **found[1]}
        return None


class GceSchema:
    """Finds methods, and validates what is sent to them and what they answer."""

    def __init__(self, document=None):
        self.document = document or load_document()
        self.schemas = self.document["schemas"]
        self.prefix = "/" + self.document["servicePath"]
        self._root = Branch()
        for described in _described(self.document):
            self._plant(described)
        self._asked = Shapes(self.schemas, asked=True)
        self._answered = Shapes(self.schemas)

    def find(self, verb, url):
        """The method for an HTTP verb and a path or URL, and its path's parameters; (None, {}) where there is none."""
        path = unquote(urlsplit(url).path)
        if not path.startswith(self.prefix):
            return None, {}
        return self._root.match(path.removeprefix(self.prefix).split("/"), verb) or (None, {})

    def request_faults(self, method, url, body):
        """Every fault of a request; empty when it conforms."""
        found = list(self._query_faults(method, urlsplit(url).query))
        if method.request is None:
            return found + ([f"{method.id} takes no body"] if method.verb == "GET" and body not in NO_BODY else [])
        return found + self._asked.faults(method.request, {} if body in NO_BODY else body, method.id)

    def answer_faults(self, method, body, status=200):
        """Every fault of the answer to a request; `method` is None where a request went to no method."""
        if status >= 400 or method is None:
            return error_faults(body, status)
        if method.response is None:
            return [] if not body else [f"{method.id} answers without a body"]
        found = self._answered.faults(method.response, body)
        kind = self.kind(method.response)
        if kind and isinstance(body, dict) and body.get("kind") != kind:
            found.append(f"kind: {body.get('kind')!r} is not {kind!r}")
        return found

    def resource_faults(self, body):
        """The faults of a resource that tells its `kind`; None where that names no schema."""
        name = body.get("kind", "").removeprefix("compute#")
        name = name[:1].upper() + name[1:]
        return self._answered.faults(name, body) if name in self.schemas else None

    def kind(self, name):
        """The `kind` that things of a schema carry; None where they carry none."""
        return self.schemas[name].get("properties", {}).get("kind", {}).get("default")

    @cached_property
    def _common(self):
        return {name: one for name, one in self.document["parameters"].items() if one["location"] == "query"}

    def _plant(self, described):
        parameters = described.get("parameters", {})
        query = {name: one for name, one in parameters.items() if one["location"] == "query"}
        method = Method(
            described["id"],
            described["httpMethod"],
            parameters,
            self._common | query,
            described.get("request", {}).get("$ref"),
            described.get("response", {}).get("$ref"),
        )
        branch = self._root
        for segment in described.get("flatPath", described["path"]).split("/"):
            branch = branch.descend(segment, parameters)
        branch.methods[method.verb] = method

    def _query_faults(self, method, query):
        given = parse_qsl(query, keep_blank_values=True)
        counts = Counter(name for name, _ in given)
        for name, value in given:
            known = method.query.get(name)
            if known is None:
                yield f"unknown query parameter {name}"
            else:
                yield from _value_faults(name, value, known)
        for name, known in method.query.items():
            if counts[name] > 1 and not known.get("repeated"):
                yield f"query parameter {name} is not repeatable"
            if known.get("required") and name not in counts:
                yield f"missing query parameter {name}"


@cache
def published():
    """The schema of the installed document; it takes a tenth of a second to read, and is the same for all fakes."""
    return GceSchema()


def load_document():
    """compute.v1.json as installed with google-api-python-client."""
    path = files("googleapiclient") / "discovery_cache" / "documents" / "compute.v1.json"
    return json.loads(path.read_text("utf-8"))


def error_faults(body, status):
    """What is wrong with Google's JSON form of an error."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ["error answer without an error object"]
    found = [] if error.get("code") == status else [f"error.code {error.get('code')!r} is not {status}"]
    found += [] if isinstance(error.get("message"), str) else ["error.message missing"]
    items = error.get("errors")
    told = isinstance(items, list) and all(isinstance(one, dict) and "reason" in one for one in items)
    return found + ([] if told else ["error.errors[].reason missing"])


def _described(node):
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _described(child)


def _value_faults(name, value, known):
    if known["type"] == "boolean" and value not in ("true", "false"):
        yield f"query parameter {name}: {value!r} is not true/false"
    if known["type"] == "integer" and not re.fullmatch(r"-?\d+", value):
        yield f"query parameter {name}: {value!r} is not an integer"
    if "enum" in known and value not in known["enum"]:
        yield f"query parameter {name}: {value!r} is not one of {known['enum']}"
