"""What callers read: results and errors in the envelope of the Algorithmia protocol.

Errors of functions and of look-ups go out as HTTP 200, since that protocol's client keeps the message of no other status.
The gateway and the routers make the same envelopes, each with the parser of JSON that it has.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

JSON: Final = "application/json"
UNKNOWN_FUNCTION: Final = 1001
FORBIDDEN: Final = 2001
BAD_KEY: Final = 2002

_CALLERS_FAULT: Final = frozenset(
    {"InputError", "ParsingError", "TooLargeError", "UnsupportedError", "EntityNotFoundError", "AuthorizationError"}
)


Parse = Callable[[bytes], Any]
"""Reads JSON in UTF-8 that has neither NaN nor Infinity; ValueError for all else."""


class CallError(Exception):
    """A call that has no result. `status` is the HTTP status, `retry_after` seconds for callers told to come back."""

    def __init__(
        self,
        error_type: str,
        message: str,
        *,
        status: int = 200,
        code: int | None = None,
        stack_trace: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.status = status
        self.code = code
        self.stack_trace = stack_trace
        self.retry_after = retry_after

    @property
    def raw_status(self) -> int:
        """The HTTP status where no envelope is expected: an error sent as 200 there would be taken for the result."""
        if self.status != 200:
            return self.status
        return 400 if self.error_type in _CALLERS_FAULT else 500


@dataclass(frozen=True, slots=True)
class ReplicaAnswer:
    """What a replica answered; `content_type` is as it came, empty if there was none."""

    status: int
    content_type: str
    body: bytes


def parse_json(body: bytes) -> Any:
    """A JSON value, by the standard library."""
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def result_of(answer: ReplicaAnswer, parse: Parse = parse_json) -> ReplicaAnswer:
    """The answer itself if it is a result; else raises its CallError."""
    if 200 <= answer.status < 300:
        return answer
    raise _error_of(answer, parse)


def success(answer: ReplicaAnswer, duration: float, parse: Parse = parse_json) -> bytes:
    """The envelope around a result; `duration` is in seconds. CallError if the body is not what its content type says."""
    kind, result = _encoded(answer, parse)
    return b'{"result":%b,"metadata":{"content_type":"%b","duration":%.6f}}' % (result, kind, duration)


def accepted(request_id: str) -> bytes:
    """The answer to a call whose result nobody waits for."""
    return json.dumps({"async": "void", "request_id": request_id}).encode()


def failure(error: CallError, request_id: str) -> bytes:
    """The envelope around an error."""
    fields: dict[str, Any] = {"message": error.message, "error_type": error.error_type}
    if error.code is not None:
        fields["code"] = error.code
    if error.stack_trace is not None:
        fields["stack_trace"] = error.stack_trace
    return json.dumps({"error": {**fields, "request_id": request_id}}).encode()


def _encoded(answer: ReplicaAnswer, parse: Parse) -> tuple[bytes, bytes]:
    media = answer.content_type.partition(";")[0].strip().lower()
    if answer.status == 204:
        return b"void", b"null"
    if media == JSON or media.endswith("+json"):
        return b"json", _checked_json(answer.body, parse)
    if media.startswith("text/") or media == "application/text":
        return b"text", _text(answer.body)
    return b"binary", b'"%b"' % base64.b64encode(answer.body)


def _checked_json(body: bytes, parse: Parse) -> bytes:
    # The body goes into the envelope as it is: one that is no JSON would break the envelope, not only the result.
    try:
        parse(body)
    except ValueError as error:
        raise CallError("AlgorithmError", f"the function's result is said to be JSON and is not: {error}") from None
    return body


def _text(body: bytes) -> bytes:
    try:
        return json.dumps(body.decode()).encode()
    except UnicodeDecodeError:
        raise CallError("AlgorithmError", "the function's result is said to be text and is not UTF-8") from None


def _error_of(answer: ReplicaAnswer, parse: Parse) -> CallError:
    fields = _error_fields(answer.body, parse) if answer.status == 500 else None
    if fields is None:
        return CallError("AlgorithmError", f"the function answered with HTTP {answer.status} and no error that it names")
    trace = fields.get("stack_trace")
    return CallError(
        str(fields.get("error_type") or "AlgorithmError"),
        str(fields["message"]),
        stack_trace=None if trace is None else str(trace),
    )


def _error_fields(body: bytes, parse: Parse) -> dict[str, Any] | None:
    try:
        document = parse(body)
    except ValueError:
        return None
    fields = document.get("error") if isinstance(document, dict) else None
    return fields if isinstance(fields, dict) and "message" in fields else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
