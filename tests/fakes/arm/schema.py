"""Whether requests and answers of Azure Resource Manager have the form that the swagger files give them.

Checked: that there is an operation of that version for verb and path (paths compare without case), query parameters, body or
none, JSON types, formats, bounds, patterns, required properties, enums, and names of properties. Enums are closed in
requests; in answers one that is marked as extensible takes any string, and case counts for none. Properties that only Azure
writes are not required of a client, and Azure ignores them from one. Not checked: what only prose says. Values are compared
by what is compiled once a schema.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.arm import swagger

SAMPLES = {"VirtualMachineSizeTypes"}
"""Enums that are dated samples by Azure's own description: any string passes."""

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_BITS = {"int32": 31, "int64": 63}
_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
_compiled = {}


def check_query(operation, url):
    """The faults of a URL's query."""
    given = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    known = {node["name"].lower(): node for node, _ in operation.parameters if node["in"] == "query"}
    faults = [f"unknown query parameter {name}" for name in sorted(given - known.keys())]
    missing = (node for name, node in known.items() if node.get("required") and name not in given)
    return faults + [f"missing query parameter {node['name']}" for node in missing]


def check_names(operation, url):
    """The faults of the names in a URL's path: lengths and patterns."""
    given = operation.pattern.fullmatch(swagger.plain(url)).groupdict()
    faults = []
    for node, _ in operation.parameters:
        if node["in"] == "path" and node["name"] in given:
            for fault in _check(node, operation.file).judged(given[node["name"]]):
                faults.append(f"path parameter {node['name']}: {fault}")
    return faults


def check_body(operation, body):
    """The faults of a request's body."""
    if operation.body is None:
        return [] if body in (None, {}, b"", "") else [f"{operation.id} takes no body"]
    parameter, file = operation.body
    if body is None:
        return [f"{operation.id} needs a body"] if parameter.get("required") else []
    return faults_of(parameter["schema"], file, body, request=True)


def check_request(verb, url, body=None, version=True):
    """Every fault of a request; `version` says whether the API's version counts."""
    found = swagger.find(verb, url)
    if not found:
        return [f"no operation for {verb} {urlsplit(url).path}"]
    given = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)).get("api-version")
    faults = []
    if version and given is not None and given not in {operation.version for operation in found}:
        faults = [f"api-version {given} is not {found[0].version}"]
    return check_query(found[0], url) + faults + check_body(found[0], body)


def check_answer(operation, status, body=None):
    """The faults of an answer."""
    answer = operation.responses.get(str(status)) or (operation.responses.get("default") if status >= 400 else None)
    if answer is None:
        if status < 400:
            return [f"{operation.id}: status {status} is not declared ({', '.join(operation.responses)})"]
        return check_error(body)
    answer, file = swagger.deref(answer, operation.file)
    if "schema" not in answer:
        return [f"{operation.id}: {status} answers without a body"] if body not in (None, {}, b"", "") else []
    return ["body missing"] if body is None else faults_of(answer["schema"], file, body)


def check_error(body):
    """The faults of an error that no file declares: ARM's common form."""
    error = body.get("error") if isinstance(body, dict) else None
    sound = isinstance(error, dict) and all(isinstance(error.get(key), str) for key in ("code", "message"))
    return [] if sound else ["body: not an ARM error"]


def check_status(body):
    """The faults of the document that tells how an operation stands."""
    node = swagger.load(swagger.COMMON)["definitions"]["OperationStatusResult"]
    return faults_of(node, swagger.COMMON, body)


def faults_of(node, file, value, request=False):
    """What is wrong with a value under a schema."""
    faults = []
    _check(node, file)(value, "body", request, faults)
    return faults


def writable(operation, body):
    """A request's body without what only Azure writes."""
    parameter, file = operation.body
    return _check(parameter["schema"], file).writable(body)


def _check(node, file):
    known = _compiled.get(id(node))
    if known is None:
        nullable = node.get("x-nullable", False)
        target, where = swagger.deref(node, file)
        known = _compiled[id(node)] = _Check(target, where, nullable or target.get("x-nullable", False))
    return known


class _Check:
    """One schema; its children are compiled when a value first has them."""

    def __init__(self, node, file, nullable):
        self.node, self.file, self.nullable = node, file, nullable
        self.flat = swagger.flatten(node, file)
        self.kind = node.get("type") or ("object" if self.flat.properties or self.flat.additional else None)
        self.read_only = node.get("readOnly", False)
        self.children = {}
        self.needed = {name for name in self.flat.required if not self._given_by_azure(name)}
        self.choices = {str(value).lower() for value in node.get("enum", ())}
        kind = node.get("x-ms-enum", {})
        self.open_in_requests = kind.get("name") in SAMPLES
        self.open_in_answers = bool(kind.get("modelAsString"))

    def _given_by_azure(self, name):
        node, file = self.flat.properties.get(name, ({}, self.file))
        return node.get("readOnly", False) or swagger.deref(node, file)[0].get("readOnly", False)

    def __call__(self, value, at, request, faults):
        """Add what is wrong with a value to the faults."""
        if value is None:
            if not self.nullable:
                faults.append(f"{at}: null")
        elif self.kind == "object":
            self._object(value, at, request, faults)
        elif self.kind == "array":
            self._array(value, at, request, faults)
        elif self.kind:
            faults += [f"{at}: {fault}" for fault in self._scalar(value, request)]

    def _array(self, value, at, request, faults):
        if not isinstance(value, list):
            faults.append(f"{at}: not an array")
            return
        if not self.node.get("minItems", 0) <= len(value) <= self.node.get("maxItems", len(value)):
            faults.append(f"{at}: {len(value)} items")
        items = _check(self.node["items"], self.file)
        for number, item in enumerate(value):
            items(item, f"{at}[{number}]", request, faults)

    def _object(self, value, at, request, faults):
        if not isinstance(value, dict):
            faults.append(f"{at}: not an object")
            return
        shape = self._shape(value, at, faults)
        faults += [f"{at}.{name}: required" for name in sorted(shape.needed - value.keys())]
        for name, item in value.items():
            child = shape.child(name)
            if child:
                child(item, f"{at}.{name}", request, faults)
            elif not shape.flat.additional and shape.flat.additional != {} and shape.flat.properties:
                faults.append(f"{at}.{name}: unknown property")

    def _shape(self, value, at, faults):
        """The schema that the discriminator chooses."""
        chosen = value.get(self.flat.discriminator) if self.flat.discriminator else None
        if chosen is None:
            return self
        node = swagger.subtypes(self.node, self.file).get(chosen)
        if node is None:
            faults.append(f"{at}.{self.flat.discriminator}: unknown type {chosen!r}")
        return self if node is None or node is self.node else _check(node, self.file)

    def child(self, name):
        """What checks a property; None for one that is not listed."""
        if name not in self.children:
            if name in self.flat.properties:
                self.children[name] = _check(*self.flat.properties[name])
            elif isinstance(self.flat.additional, dict) and self.flat.additional:
                self.children[name] = _check(self.flat.additional, self.flat.file)
            else:
                return None
        return self.children[name]

    def _scalar(self, value, request):
        if not isinstance(value, _TYPES[self.kind]) or (isinstance(value, bool) and self.kind != "boolean"):
            yield f"{value!r} is not a {self.kind}"
        elif self.kind == "string":
            yield from self._string(value, request)
        elif self.kind != "boolean":
            yield from self._number(value)

    def _number(self, value):
        if not self.node.get("minimum", value) <= value <= self.node.get("maximum", value):
            yield f"{value} is out of bounds"
        bits = _BITS.get(self.node.get("format", ""))
        if bits and not -(1 << bits) <= value < 1 << bits:
            yield f"{value} does not fit {self.node['format']}"

    def judged(self, name):
        """What is wrong with a word."""
        return list(self._string(name, request=False))

    def _string(self, value, request):
        node = self.node
        if not node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)):
            yield f"length {len(value)} is out of bounds"
        if "pattern" in node and not re.search(node["pattern"], value):
            yield f"{value!r} does not match {node['pattern']}"
        if node.get("format") == "date-time" and not _DATE.fullmatch(value):
            yield f"{value!r} is not a date-time"
        closed = not (self.open_in_requests if request else self.open_in_answers)
        if self.choices and closed and value.lower() not in self.choices:
            yield f"{value!r} is not one of {node['enum']}"

    def writable(self, value):
        """A value without what only Azure writes."""
        if isinstance(value, list) and self.kind == "array":
            return [_check(self.node["items"], self.file).writable(item) for item in value]
        if not isinstance(value, dict) or self.kind != "object":
            return value
        shape, kept = self._shape(value, "", []), {}
        for name, item in value.items():
            child = shape.child(name)
            if child is None:
                kept[name] = item
            elif not (child.read_only or shape.flat.properties.get(name, ({},))[0].get("readOnly")):
                kept[name] = child.writable(item)
        return kept
