"""The schemas of a discovery document, each compiled once into a function that tells what is wrong with a value.

A compiled check answers None, or a list of (path, message). Discovery schemas are not JSON Schema: 64-bit integers are text,
unknown fields are faults wherever no `additionalProperties` stands, and `required` is an annotation that names methods.
"""

import marshal
import re

INTEGERS = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}
TEXTS = {
    "int64": re.compile(r"-?\d+"),
    "uint64": re.compile(r"\d+"),
    "byte": re.compile(r"[A-Za-z0-9+/_=-]*"),
}
LONG = ("int64", "uint64")
MOST_REMEMBERED = 20_000


class Shapes:
    """Checks for answers; those for what is `asked` let 64-bit integers be numbers, and null stand for what is not given."""

    def __init__(self, schemas, asked=False):
        self._schemas = schemas
        self._asked = asked
        self._checks = {}
        self._sound = set()

    def faults(self, name, value, method=""):
        """What is wrong with a value that should be as the schema of this name, as texts, sorted by path.

        `method` is the one it is sent to: fields that this one requires have to be there.
        """
        found = list(self._named(name)(value) or ())
        if isinstance(value, dict):
            found += [
                ((), f"{field!r} is a required property") for field in self._required(name, method) if value.get(field) is None
            ]
        return [f"{'.'.join(map(str, path)) or name}: {message}" for path, message in sorted(found, key=str)]

    def _required(self, name, method):
        properties = self._schemas[name].get("properties", {})
        return [field for field, one in properties.items() if method in one.get("annotations", {}).get("required", ())]

    def _named(self, name):
        if name not in self._checks:
            self._checks[name] = self._reference(name)
            check = self._compiled(self._schemas[name])
            self._checks[name] = check if self._asked or not self._is_resource(name) else self._remembered(check)
        return self._checks[name]

    def _is_resource(self, name):
        return {"id", "name", "selfLink"} <= self._schemas[name].get("properties", {}).keys()

    def _remembered(self, check):
        """The same check, which looks but once at documents that are alike: most answers tell what others told."""

        def known(value):
            mark = (check, marshal.dumps(value, 2))
            if mark in self._sound:
                return None
            faults = check(value)
            if not faults and len(self._sound) < MOST_REMEMBERED:
                self._sound.add(mark)
            return faults

        return known

    def _compiled(self, schema):
        if "$ref" in schema:
            check = self._reference(schema["$ref"])
        else:
            make = getattr(self, f"_{schema.get('type', 'any')}")
            check = make(schema)
        return _or_null(check) if self._asked else check

    def _reference(self, name):
        def check(value):
            return self._named(name)(value)

        return check

    def _any(self, schema):
        return lambda value: None

    def _string(self, schema):
        kind = schema.get("format")
        pattern = TEXTS.get(kind) or (re.compile(schema["pattern"]) if "pattern" in schema else None)
        allowed = frozenset(schema.get("enum", ()))
        numbers = self._asked and kind in LONG

        def check(value):
            if not isinstance(value, str):
                is_number = numbers and isinstance(value, int) and not isinstance(value, bool)
                return None if is_number else _wrong(value, "string")
            if allowed and value not in allowed:
                return [((), f"{value!r} is not one of {sorted(allowed)}"[:300])]
            if pattern and not pattern.fullmatch(value):
                return [((), f"{value!r} does not match {pattern.pattern!r}")]
            return None

        return check

    def _integer(self, schema):
        low, high = INTEGERS.get(schema.get("format"), (float("-inf"), float("inf")))

        def check(value):
            if isinstance(value, bool) or not isinstance(value, int):
                return _wrong(value, "integer")
            return None if low <= value <= high else [((), f"{value!r} is out of range")]

        return check

    def _number(self, schema):
        return lambda value: None if isinstance(value, (int, float)) and value is not True else _wrong(value, "number")

    def _boolean(self, schema):
        return lambda value: None if isinstance(value, bool) else _wrong(value, "boolean")

    def _array(self, schema):
        item = self._compiled(schema["items"])

        def check(value):
            if not isinstance(value, list):
                return _wrong(value, "array")
            return _gathered(((place, item(one)) for place, one in enumerate(value)))

        return check

    def _object(self, schema):
        fields = {name: self._compiled(one) for name, one in schema.get("properties", {}).items()}
        other = self._compiled(schema["additionalProperties"]) if schema.get("additionalProperties") else _unknown

        def check(value):
            if not isinstance(value, dict):
                return _wrong(value, "object")
            return _gathered((name, fields.get(name, other)(one)) for name, one in value.items())

        return check


def stored(schemas, schema, value):
    """A request's value as the cloud keeps it: 64-bit integers as text, and without what only the cloud may set."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if isinstance(value, dict):
        fields, other = schema.get("properties", {}), schema.get("additionalProperties", {})
        return {
            name: stored(schemas, fields.get(name, other), one)
            for name, one in value.items()
            if not fields.get(name, other).get("readOnly")
        }
    if isinstance(value, list):
        return [stored(schemas, schema.get("items", {}), one) for one in value]
    is_long = isinstance(value, int) and schema.get("format") in LONG
    return str(value) if is_long and schema.get("type") == "string" else value


def without_nulls(value):
    """A document without the fields that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def _wrong(value, kind):
    return [((), f"{str(value)[:100]!r} is not of type {kind!r}")]


def _unknown(value):
    return [((), "unknown field")]


def _or_null(check):
    return lambda value: None if value is None else check(value)


def _gathered(results):
    found = None
    for place, faults in results:
        if faults:
            found = (found or []) + [((place, *path), message) for path, message in faults]
    return found
