"""Fault rules of the fakes of REST clouds."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Rule:
    """One fault, for the calls that match; all keys but one effect may be left out.

    `method` (the cloud's own name for an operation), `verb` and `path` are shell patterns. The rule applies after `after`
    matching calls, `times` times. `code` (or what it makes of the call) answers with an error of the cloud's form, `refuse`
    drops the connection before the call has an effect, `lost_response` after it; `retry_after` goes out as a header, `latency`
    is in seconds.
    """

    method: str = "*"
    verb: str = "*"
    path: str = "*"
    after: int = 0
    times: int | None = None
    latency: float = 0.0
    code: str | Callable | None = None
    status: int | None = None
    message: str = "injected fault"
    retry_after: float | None = None
    lost_response: bool = False
    refuse: bool = False
    seen: int = 0
    applied: int = 0

    def take(self, call):
        """Whether this rule applies to the call now; counts the use."""
        if not self._matches(call):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.applied >= self.times):
            return False
        self.applied += 1
        return True

    def _matches(self, call):
        return (
            fnmatch.fnmatchcase(call.method, self.method)
            and fnmatch.fnmatchcase(call.verb, self.verb)
            and fnmatch.fnmatchcase(call.path, self.path)
        )
