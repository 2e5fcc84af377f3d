"""Single requests to Azure Storage by its own library."""

from __future__ import annotations

from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import BlobProperties, ContainerClient, ContentSettings

from cloudlayer.errors import Changed, NotFound, RejectedSpec
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.stores.az.errors import told
from cloudlayer.storage.stores.through_obstore_requests import Found, Requests, Writing, found


class AzureRequests(Requests):
    """One container, each call one request."""

    def __init__(self, uri: str, container: ContainerClient) -> None:
        self._uri = uri
        self._container = container

    def get(self, key: str, start: int | None, end: int | None, if_match: str | None) -> tuple[ObjectInfo, bytes]:
        """Get Blob, read to its end."""
        first = start if start is not None or end is None else 0
        length = None if end is None else end - (first or 0)
        with told(self._uri):
            blob = self._container.get_blob_client(key)
            arriving = blob.download_blob(offset=first, length=length, **unless_changed(if_match))
            data = arriving.readall()
        if first is not None and not data:  # the library takes the refusal of a range for an empty blob
            raise RejectedSpec(f'"{key}" has no bytes there', provider=self._uri, code="InvalidRange")
        return _found(key, arriving.properties).info, data

    def head(self, key: str) -> Found:
        """Get Blob Properties."""
        with told(self._uri):
            return _found(key, self._container.get_blob_client(key).get_blob_properties())

    def put(self, writing: Writing) -> str:
        """Put Blob, with its MD5, which the service compares."""
        with told(self._uri, if_absent=writing.options.if_absent):
            answer = self._container.get_blob_client(writing.key).upload_blob(
                bytes(writing.data),
                validate_content=True,
                overwrite=True,
                max_concurrency=1,
                **kept(writing.kept, writing.content_type, writing.options),
                **conditions(writing.options),
            )
        return quoted(str(answer["etag"]))

    def delete(self, key: str, if_match: str | None) -> None:
        """Delete Blob, and its snapshots."""
        try:
            with told(self._uri):
                blob = self._container.get_blob_client(key)
                blob.delete_blob(delete_snapshots="include", **unless_changed(if_match))
        except Changed:
            self.head(key)  # NotFound, where the service takes a missing blob for a changed one
            raise
        except NotFound:
            if if_match is not None:
                raise


def kept(metadata: Any, content_type: str, options: PutOptions) -> dict[str, Any]:
    """What is kept with a blob; names of metadata have no hyphen there, but an underscore."""
    names = {name.replace("-", "_"): value for name, value in metadata.items()}
    given: dict[str, Any] = {"metadata": names, "content_settings": ContentSettings(content_type=content_type)}
    if options.tags:
        given["tags"] = dict(options.tags)
    return given


def conditions(options: PutOptions) -> dict[str, Any]:
    """The condition of a write."""
    return {"match_condition": MatchConditions.IfMissing} if options.if_absent else unless_changed(options.if_match)


def unless_changed(etag: str | None) -> dict[str, Any]:
    """The condition that the blob is still this one."""
    return {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def quoted(etag: str) -> str:
    """An etag as HTTP has it; lists of Azure tell it without its quotes."""
    return etag if etag.startswith('"') else f'"{etag}"'


def _found(key: str, properties: BlobProperties) -> Found:
    names = {name.replace("_", "-").lower(): value for name, value in (properties.metadata or {}).items()}
    return found(
        key,
        names,
        size=properties.size,
        etag=quoted(str(properties.etag)),
        modified=properties.last_modified,
        content_type=properties.content_settings.content_type,
    )
