"""Lists of Azure Storage, page by page.

The Azure library takes most of a list's time to make its objects; this reads the same XML by itself. Azure's pipeline signs
and sends the request.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # the service's own answers; entities that expand are refused by expat
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from azure.core import PipelineClient
from azure.core.rest import HttpRequest

from cloudlayer.errors import TransientError
from cloudlayer.storage.objects import ObjectInfo, Page
from cloudlayer.storage.stores.az.errors import answered, told
from cloudlayer.storage.stores.az.requests import quoted
from cloudlayer.storage.stores.through_obstore_attempts import Attempts

_VERSION: Final = "2023-11-03"
_ROOT: Final = "EnumerationResults"


class Lists:
    """The lists of one container."""

    def __init__(self, uri: str, url: str, client: PipelineClient[Any, Any], attempts: Attempts) -> None:
        self._uri = uri
        self._url = url
        self._client = client
        self._attempts = attempts

    def pages(self, prefix: str, *, shallow: bool, after: str) -> Iterator[Page]:
        """Every page with something in it; keys up to `after` are read, and left out."""
        asked = {"restype": "container", "comp": "list", "prefix": prefix}
        if shallow:
            asked["delimiter"] = "/"
        while True:
            page, following = self._attempts(lambda asked=asked: self._page(asked))  # type: ignore[misc]
            if after:
                page = _after(page, after)
            if page.objects or page.folders:
                yield page
            if not following:
                return
            asked = {**asked, "marker": following}

    def _page(self, asked: dict[str, str]) -> tuple[Page, str]:
        url = f"{self._url}?{urlencode(asked, quote_via=quote)}"
        with told(self._uri):
            answer = self._client.send_request(HttpRequest("GET", url, headers={"x-ms-version": _VERSION}))
            body = answer.read()
        if answer.status_code != 200:
            raise answered(self._uri, answer.status_code, answer.headers.get("x-ms-error-code", ""), answer.headers)
        try:
            root = ET.fromstring(body)  # noqa: S314
        except ET.ParseError:
            raise TransientError("no whole answer came", provider=self._uri, code="ParseError") from None
        if root.tag != _ROOT:  # of a proxy, perhaps: read as a list, it would be an empty one
            raise TransientError("what came is no list", provider=self._uri, code="NoList")
        return _read(root)


def _read(root: ET.Element) -> tuple[Page, str]:
    objects = tuple(_entry(blob) for blob in root.iterfind("Blobs/Blob"))
    folders = tuple(_text(prefix) for prefix in root.iterfind("Blobs/BlobPrefix"))
    return Page(objects, folders), root.findtext("NextMarker") or ""


def _entry(blob: ET.Element) -> ObjectInfo:
    properties = blob.find("Properties")
    told_of = {} if properties is None else {element.tag: element.text or "" for element in properties}
    etag, modified = quoted(told_of["Etag"]), _modified(told_of["Last-Modified"])
    return ObjectInfo(_text(blob), int(told_of["Content-Length"]), etag, modified, told_of.get("Content-Type"))


def _text(named: ET.Element) -> str:
    """A name; one that XML cannot have is percent-encoded, and says so."""
    name = named.find("Name")
    text = "" if name is None else name.text or ""
    return unquote(text) if name is not None and name.get("Encoded") == "true" else text


@lru_cache(maxsize=4096)
def _modified(text: str) -> datetime:
    return parsedate_to_datetime(text)


def _after(page: Page, after: str) -> Page:
    objects = tuple(found for found in page.objects if found.key > after)
    return Page(objects, tuple(folder for folder in page.folders if folder > after))
