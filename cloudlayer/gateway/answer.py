"""What goes back over HTTP, and the ids that name each request."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cloudlayer.gateway.envelope import JSON, CallError, failure


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `headers` are those beside Content-Type, Content-Length and X-Request-Id.

    `length` is what a HEAD is told of a body that was not fetched, in bytes.
    """

    body: bytes
    request_id: str
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None


def new_request_id() -> str:
    """32 hexadecimal digits that no other request has."""
    return os.urandom(16).hex()


def error_answer(error: CallError, request_id: str, *, raw: bool = False) -> Answer:
    """The answer that tells an error; `raw` when the caller asked for no envelope, so that only the status tells it."""
    headers: list[tuple[str, str]] = []
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    if error.status == 401:
        headers.append(("WWW-Authenticate", 'Simple realm="cloudlayer"'))
    if error.status == 405:
        headers.append(("Allow", "POST"))
    status = error.raw_status if raw else error.status
    return Answer(failure(error, request_id), request_id, status, headers=tuple(headers))
