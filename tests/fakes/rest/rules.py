"""Fault rules of the fakes of REST clouds."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.rules import FaultRule


@dataclass
class Rule(FaultRule):
    """One fault, for the calls that match; all keys but one effect may be left out.

    `method` (the cloud's own name for an operation), `verb` and `path` are shell patterns. `code` (or what it makes of the
    call) answers with an error of the cloud's form, with `retry_after` as a header; `lost_response` drops the connection after
    the call had its effect.
    """

    method: str = "*"
    verb: str = "*"
    path: str = "*"
    code: str | Callable | None = None
    status: int | None = None
    message: str = "injected fault"
    retry_after: float | None = None
    lost_response: bool = False

    def matches(self, call):
        """By its patterns."""
        return (
            fnmatch.fnmatchcase(call.method, self.method)
            and fnmatch.fnmatchcase(call.verb, self.verb)
            and fnmatch.fnmatchcase(call.path, self.path)
        )
