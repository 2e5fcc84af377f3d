"""Fault rules for calls to OpenStack's services."""

import fnmatch
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.rules import FaultRule


@dataclass
class Call:
    """One request as it is on the wire, and what became of it."""

    service: str
    method: str
    path: str
    query: dict[str, str]
    body: bytes = b""
    status: int = 0
    tampered: bool = False
    at: float = field(default_factory=time.monotonic)

    @property
    def document(self):
        """The body, read as JSON."""
        return json.loads(self.body) if self.body else {}


@dataclass
class Rule(FaultRule):
    """One fault, for the calls that match; all keys but one effect may be left out.

    `service`, `method` and `path` are shell patterns. `status` answers with `document` and `headers`; `lose` drops the
    connection after the call is passed on; `request` and `answer` change the document that is passed on or comes back;
    `query` adds to the call's.
    """

    service: str = "*"
    method: str = "*"
    path: str = "*"
    status: int | None = None
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    lose: bool = False
    request: Callable | None = None
    answer: Callable | None = None
    query: dict[str, str] = field(default_factory=dict)

    def matches(self, call):
        """By its patterns."""
        return (
            fnmatch.fnmatchcase(call.service, self.service)
            and fnmatch.fnmatchcase(call.method, self.method)
            and fnmatch.fnmatchcase(call.path, self.path)
        )
