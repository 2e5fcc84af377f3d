"""Fault rules for calls to OpenStack's services."""

import fnmatch
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field


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
class Rule:
    """One fault, for the calls that match; all keys but one effect may be left out.

    `service`, `method` and `path` are shell patterns. The rule applies after `after` calls, `times` times. `status` answers
    with `document` and `headers`; `refuse` drops the connection before the call is passed on, `lose` after it; `latency` is
    in seconds; `request` and `answer` change the document that is passed on or comes back; `query` adds to the call's.
    """

    service: str = "*"
    method: str = "*"
    path: str = "*"
    after: int = 0
    times: int | None = None
    status: int | None = None
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    refuse: bool = False
    lose: bool = False
    latency: float = 0.0
    request: Callable | None = None
    answer: Callable | None = None
    query: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    applied: int = 0

    def take(self, call):
        """Whether this rule applies to the call now; counts the use."""
        fits = (
            fnmatch.fnmatchcase(call.service, self.service)
            and fnmatch.fnmatchcase(call.method, self.method)
            and fnmatch.fnmatchcase(call.path, self.path)
        )
        if not fits:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.applied >= self.times):
            return False
        self.applied += 1
        return True
