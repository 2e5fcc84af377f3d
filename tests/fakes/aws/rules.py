"""Fault rules, and the AWS wire formats that they are matched against and answered in."""

import fnmatch
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

from tests.fakes.rules import FaultRule

STATUS = {
    "InsufficientInstanceCapacity": 500,
    "InsufficientHostCapacity": 500,
    "InternalError": 500,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
    "RequestLimitExceeded": 503,
    "SlowDown": 503,
}
"""The HTTP status that AWS sends a code with; 400 for every other."""

REQUEST = "00000000-0000-4000-8000-000000000000"


@dataclass
class Rule(FaultRule):
    """One fault, for the calls that match; all keys but one effect may be left out.

    `action`, `service` and the values of `match` (parameters as they are on the wire) are shell patterns. `code` (or what
    it makes of the call) answers with an error, with `retry_after` as a header; `lost_response` drops the connection after the
    call was executed.
    """

    action: str = "*"
    service: str = "*"
    match: dict[str, str] = field(default_factory=dict)
    code: str | Callable | None = None
    status: int | None = None
    message: str = "injected fault"
    retry_after: float | None = None
    lost_response: bool = False

    def matches(self, call):
        """By its patterns."""
        return (
            fnmatch.fnmatchcase(call.action, self.action)
            and fnmatch.fnmatchcase(call.service, self.service)
            and all(fnmatch.fnmatchcase(call.parameters.get(name, ""), value) for name, value in self.match.items())
        )


@dataclass
class Call:
    """One AWS request as it is on the wire, and what became of it."""

    service: str
    region: str
    action: str
    parameters: dict[str, str]
    speaks_json: bool = False
    key: str = ""
    status: int = 0
    outcome: str = "executed"
    at: float = field(default_factory=time.monotonic)

    @classmethod
    def parse(cls, environ, body):
        """Key, service and region from the signature's scope, action and parameters from the body, or the query of a GET."""
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        key, region, service = scope.groups() if scope else ("", "us-east-1", "unknown")
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            document = json.loads(body or b"{}")
            flat = {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()}
            return cls(service, region, target.rsplit(".", 1)[-1], flat, True, key)
        parameters = dict(parse_qsl(body.decode() or environ.get("QUERY_STRING", ""), keep_blank_values=True))
        return cls(service, region, parameters.get("Action", ""), parameters, key=key)

    def body(self, **changes):
        """The request's body with some parameters changed."""
        return urlencode({**self.parameters, **changes}).encode()

    def error(self, code, message="injected fault", status=None):
        """(status, content type, body) of an error in the service's own format."""
        status = status or STATUS.get(code, 400)
        if self.speaks_json:
            return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
        fault = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        if self.service == "ec2":
            text = f"<Response><Errors>{fault}</Errors><RequestID>{REQUEST}</RequestID></Response>"
        else:
            text = f"<ErrorResponse>{fault}<RequestId>{REQUEST}</RequestId></ErrorResponse>"
        return status, "text/xml", text.encode()
