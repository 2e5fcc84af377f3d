"""What a request of the data API asks for: which object or folder, by which verb."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from cloudlayer.fleet.routes import DataAccess
from cloudlayer.gateway.envelope import CallError

DATA_PATH: Final = "/v1/data/"
CONNECTOR_PATH: Final = "/v1/connector/"
METHODS: Final = ("HEAD", "GET", "PUT", "DELETE", "POST", "PATCH")

_TARGETS: Final = (DATA_PATH.encode(), CONNECTOR_PATH.encode())
_URI: Final = re.compile(r"[^/]*://", re.DOTALL)
_HOME: Final = re.compile(r"data://\.my(?=/|$)")
# The protocol's own name for it.
_AZURE: Final = re.compile(r"azureblob(?=$|\+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `uri` is decoded once, and literal from then on; `caller` is the name of the key, `access` what it opens."""

    request_id: str
    method: str
    uri: str
    caller: str
    access: DataAccess
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    body: bytes = b""

    @property
    def is_folder(self) -> bool:
        """Whether the request itself says that a folder is meant."""
        return self.uri.endswith("/") or bool(self.query.get("marker"))

    @property
    def force(self) -> bool:
        """Whether a folder is to be deleted with all that is in it."""
        return self.query.get("force", "").lower() == "true"

    def json(self) -> Mapping[str, Any]:
        """The body, a JSON object; CallError if it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise CallError("InputError", "the body must be a JSON object", status=400)
        return document


def is_data(target: bytes) -> bool:
    """Whether a request is one of the data API's."""
    return target.startswith(_TARGETS)


def uri_of(path: str, caller: str) -> str:
    """The URI that a path (as it came, in Latin-1) names. A path without a scheme is one of data://; `.my` is the caller's."""
    try:
        text = unquote_to_bytes(path.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise CallError("InputError", "the path must be UTF-8, percent-encoded", status=400) from None
    if text.startswith(CONNECTOR_PATH):
        name, _, rest = text[len(CONNECTOR_PATH) :].partition("/")
        uri = f"{name}://{rest}"
    else:
        rest = text[len(DATA_PATH) :]
        uri = rest if _URI.match(rest) else f"data://{rest}"
    return _HOME.sub(lambda _: f"data://{caller}", _AZURE.sub("az", uri, count=1), count=1)


def query_of(text: str) -> dict[str, str]:
    """The options of a query string; CallError for those that nobody knows, which may be half of a name."""
    options = dict(parse_qsl(text, keep_blank_values=True))
    if strange := options.keys() - {"marker", "force", "acl"}:
        name = min(strange)[:80]
        raise CallError("InputError", f'"{name}" is no option here; a "?" in a name is written %3F', status=400)
    return options
