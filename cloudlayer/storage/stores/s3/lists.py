"""Lists of S3, page by page. What botocore's parser takes most of a list's time for, this reads several times faster.

botocore signs and sends the request, and tells an error; before it parses an answer, it gives its listeners the body.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # the service's own answers; entities that expand are refused by expat
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus

from cloudlayer.errors import TransientError
from cloudlayer.storage.objects import ObjectInfo, Page
from cloudlayer.storage.stores.s3.errors import told
from cloudlayer.storage.stores.through_obstore_attempts import Attempts

_READ: Final = "CloudlayerPage"
_EMPTY: Final = b"<ListBucketResult/>"


class Lists:
    """The lists of one bucket."""

    def __init__(self, uri: str, bucket: str, client: Any, attempts: Attempts) -> None:
        self._uri = uri
        self._bucket = bucket
        self._client = client
        self._attempts = attempts
        client.meta.events.register("before-parse.s3.ListObjectsV2", _read)

    def pages(self, prefix: str, *, shallow: bool, after: str) -> Iterator[Page]:
        """Every page; those that the service gives empty are left out."""
        asked: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix, "EncodingType": "url"}
        if shallow:
            asked["Delimiter"] = "/"
        if after:
            asked["StartAfter"] = after
        while True:
            page, following = self._attempts(lambda asked=asked: self._page(asked))  # type: ignore[misc]
            if page.objects or page.folders:
                yield page
            if not following:
                return
            asked = {**asked, "ContinuationToken": following}

    def _page(self, asked: dict[str, Any]) -> tuple[Page, str]:
        with told(self._uri):
            read: tuple[Page, str] | None = self._client.list_objects_v2(**asked).get(_READ)
        if read is None:
            raise TransientError("no whole answer came", provider=self._uri, code="NoList")
        return read


def _read(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Read a page in the place of botocore, which then finds nothing to parse."""
    if response_dict["status_code"] != 200:
        return
    try:
        root = ET.fromstring(response_dict["body"])  # noqa: S314
    except ET.ParseError:
        return  # botocore finds the same, and tells it as its own error
    objects, folders, following, encoded = [], [], "", False
    for element in root:
        name = _name(element)
        if name == "Contents":
            objects.append({_name(field): field.text or "" for field in element})
        elif name == "CommonPrefixes":
            folders.append(element[0].text or "")
        elif name == "NextContinuationToken":
            following = element.text or ""
        elif name == "EncodingType":
            encoded = element.text == "url"
    decoded = unquote_plus if encoded else str
    page = Page(tuple(_entry(found, decoded(found["Key"])) for found in objects), tuple(map(decoded, folders)))
    customized_response_dict[_READ] = (page, following)
    response_dict["body"] = _EMPTY


def _entry(found: dict[str, str], key: str) -> ObjectInfo:
    return ObjectInfo(key, int(found["Size"]), found.get("ETag"), datetime.fromisoformat(found["LastModified"]))


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
