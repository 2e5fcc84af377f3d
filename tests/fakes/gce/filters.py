"""Filter expressions of lists, as the reference of Compute Engine has them.

    labels.team = red AND (status != TERMINATED OR scheduling.preemptible = true)
    labels.team:*            name eq 'vm-.*'          (zone:us-central1) (labels.a = b)

An expression that is not in this language, or that names a field which the resource has not, is refused, never ignored.
"""

import re

from tests.fakes.gce.errors import invalid

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[()])|(?P<operator>!=|>=|<=|=|>|<|:)|(?P<quoted>"[^"]*"|'[^']*')|(?P<word>[^\s()=!<>:"']+))"""
)
_WORDS = ("eq", "ne")
_ORDERS = {
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
}


def compiled(expression, fields):
    """A function that tells whether a document is wanted. `fields` are the names that the resource has."""
    if not expression:
        return lambda document: True
    return _Parser(expression, fields).whole()


class _Parser:
    def __init__(self, expression, fields):
        self._expression = expression
        self._fields = fields
        self._tokens = list(self._split())
        self._place = 0
        self._regular = set()

    def whole(self):
        wanted = self._either()
        if self._place < len(self._tokens):
            raise self._refused()
        if len(self._regular) > 1:
            raise self._refused("regular expressions on several fields cannot be combined")
        return wanted

    def _split(self):
        place = 0
        while self._expression[place:].strip():
            found = _TOKEN.match(self._expression, place)
            if not found:
                raise self._refused()
            place = found.end()
            yield found.lastgroup, found[found.lastgroup]

    def _next(self):
        return self._tokens[self._place] if self._place < len(self._tokens) else (None, None)

    def _take(self):
        token = self._next()
        if token == (None, None):
            raise self._refused()
        self._place += 1
        return token

    def _either(self):
        parts = [self._all()]
        while self._next() == ("word", "OR"):
            self._take()
            parts.append(self._all())
        return lambda document: any(part(document) for part in parts)

    def _all(self):
        parts = [self._term()]
        while self._next()[0] is not None and self._next() not in (("mark", ")"), ("word", "OR")):
            if self._next() == ("word", "AND"):
                self._take()
            parts.append(self._term())
        return lambda document: all(part(document) for part in parts)

    def _term(self):
        if self._next() == ("word", "NOT"):
            self._take()
            part = self._term()
            return lambda document: not part(document)
        if self._next() != ("mark", "("):
            return self._comparison()
        self._take()
        part = self._either()
        if self._take() != ("mark", ")"):
            raise self._refused()
        return part

    def _comparison(self):
        kind, name = self._take()
        path = name.split(".")
        if kind != "word" or path[0] not in self._fields:
            raise self._refused(f"there is no field {name}")
        kind, operator = self._take()
        if kind != "operator" and operator not in _WORDS:
            raise self._refused()
        value = self._value()
        if operator in _WORDS:
            self._regular.add(name)
            return self._expression_of(path, operator, value)
        if "*" in value and (operator, value) != (":", "*"):
            raise self._refused("a wildcard stands alone, after a colon")
        return _compared(path, operator, value)

    def _value(self):
        kind, text = self._take()
        if kind not in ("word", "quoted"):
            raise self._refused()
        text = text[1:-1] if kind == "quoted" else text
        while kind == "word" and self._next() == ("operator", ":"):
            text += self._take()[1] + self._take()[1]
        return text

    def _expression_of(self, path, operator, value):
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise self._refused(str(error)) from None
        wanted = operator == "eq"
        return lambda document: bool(pattern.fullmatch(_text(_at(document, path)))) == wanted

    def _refused(self, why="it cannot be read"):
        return invalid("filter", self._expression, f"Invalid list filter expression: {why}.")


def _compared(path, operator, value):
    def wanted(document):
        have = _at(document, path)
        if operator == ":":
            return have is not None if value == "*" else _has(have, value, path)
        if operator in _ORDERS:
            return have is not None and _ORDERS[operator](*_ordered(have, value))
        return (_text(have) == value) == (operator == "=")

    return wanted


def _has(have, value, path):
    if isinstance(have, list):
        return any(_text(one) == value for one in have)
    if isinstance(have, dict):
        return value in have
    return _text(have) == value if path[0] == "labels" else value in _text(have)


def _ordered(have, value):
    try:
        return float(have), float(value)
    except (TypeError, ValueError):
        return _text(have), value


def _at(document, path):
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
