"""Lists of S3, page by page. What botocore's parser takes most of a list's time for, this reads several times faster.

botocore signs and sends the request, and tells an error; before it parses an answer, it gives its listeners the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cloudlayer.errors import TransientError
from cloudlayer.storage.objects import Page
from cloudlayer.storage.stores.s3.errors import told
from cloudlayer.storage.stores.s3.pages import Told, read
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
        # By this name it comes before botocore's own listener, which parses the whole of an answer to see whether it is an
        # error, for half of what a list takes. Were it called after that one, it would still do.
        client.meta.events.register("before-parse.*.ListObjectsV2", _read)

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

    def _page(self, asked: dict[str, Any]) -> Told:
        with told(self._uri):
            found: Told | None = self._client.list_objects_v2(**asked).get(_READ)
        if found is None:
            raise TransientError("no whole answer came", provider=self._uri, code="NoList")
        return found


def _read(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Read a page in the place of botocore, which then finds nothing to parse."""
    if response_dict["status_code"] != 200 or (told_of := read(response_dict["body"])) is None:
        return  # of what is no whole list botocore tells its own error, or else nothing: that is found by who asked
    customized_response_dict[_READ] = told_of
    response_dict["body"] = _EMPTY
