"""Requests as they were read, responses as they will be written, and S3's errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import unquote, unquote_plus
from xml.sax.saxutils import escape

Buffer: TypeAlias = bytes | bytearray | memoryview
XML: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    """One request; names of headers are in small letters."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: dict[str, str]
    body: Buffer = b""


@dataclass(slots=True)
class Response:
    """One answer. `headers` are whole lines; the body's length is added to them."""

    status: int = 200
    headers: str = ""
    body: list[Buffer] = field(default_factory=list)
    length: int | None = None
    """What Content-Length says where there is no body: of HEAD."""


class S3Error(Exception):
    """An error, as S3 names it."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code

    def response(self, resource: str) -> Response:
        """It as an answer."""
        text = f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
        return xml(f"{text}<Resource>{escape(resource)}</Resource><RequestId>0</RequestId></Error>", self.status)


def xml(text: str, status: int = 200) -> Response:
    """A document as an answer."""
    return Response(status, "Content-Type: application/xml\r\n", [(XML + text).encode()])


def read_head(head: str) -> Request:
    """What stands before the body: the request line and headers. ValueError for what is no HTTP."""
    line, _, rest = head.partition("\r\n")
    method, target, _ = line.split(" ")
    headers = {}
    for text in rest.split("\r\n"):
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    path, _, query = target.partition("?")
    bucket, _, key = path[1:].partition("/")
    return Request(method, bucket, unquote(key, errors="strict") if "%" in key else key, _parameters(query), headers)


def _parameters(query: str) -> dict[str, str]:
    if not query:
        return {}
    pairs = (part.partition("=") for part in query.split("&"))
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
