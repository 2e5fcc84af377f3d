"""What the data API does with objects and folders. It waits for stores, so that it is run in threads."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from cloudlayer import storage
from cloudlayer.errors import CloudLayerError, InvalidSpec, NotFound
from cloudlayer.fleet.routes import DataAccess
from cloudlayer.gateway.answer import Answer
from cloudlayer.gateway.data_errors import told
from cloudlayer.gateway.data_folders import listing, of_json
from cloudlayer.gateway.data_requests import Asked
from cloudlayer.gateway.envelope import FORBIDDEN, CallError
from cloudlayer.gateway.http_server import BODY_LIMIT
from cloudlayer.storage.client import Client
from cloudlayer.storage.files import File
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.paths import check_segments, folder, holds
from cloudlayer.storage.uri import Location

SIGNED_SECONDS: Final = 900.0
"""How long a URL is good that a large object is sent for by."""
_BINARY: Final = "application/octet-stream"
_IN_HEADERS: Final = re.compile(r"[ -~]+", re.ASCII)
_ACL: Final = {"acl": {"read": list[str]()}}


@dataclass(frozen=True, slots=True)
class Gates:
    """What is open, aliases resolved. A prefix that no configuration knows opens nothing."""

    read: tuple[Location, ...]
    write: tuple[Location, ...]

    @classmethod
    def of(cls, client: Client, access: DataAccess) -> Gates:
        """By the configuration of the client."""
        write = _located(client, access.write)
        return cls((*_located(client, access.open), *write), write)

    def readable(self, location: Location) -> bool:
        """Whether it may be read."""
        return any(holds(prefix, location) for prefix in self.read)

    def check(self, location: Location, uri: str, *, write: bool = False) -> None:
        """CallError (2001) unless it may be read, or written."""
        if any(holds(prefix, location) for prefix in (self.write if write else self.read)):
            return
        name = "write" if write else "open"
        verb = "written" if write else "read"
        mend = f'the manifest names what may be in "{name}" of [fleet.data], and of a function\'s data for its tokens'
        raise CallError("AuthorizationError", f"{uri} may not be {verb} here: {mend}", status=403, code=FORBIDDEN)


class Objects:
    """Every store that the gateway's configuration file knows, behind what `DataAccess` opens of it."""

    def __init__(self) -> None:
        try:
            self._client = storage.connect()
        except InvalidSpec as error:
            raise CallError("UnavailableError", f"the gateway's configuration is wrong: {error}", status=500) from None

    def perform(self, asked: Asked) -> Answer:
        """The answer to a request; CallError for all that goes wrong on the way."""
        try:
            location = self._client.locate(asked.uri)
            check_segments(location.key)
            gates = Gates.of(self._client, asked.access)
            if asked.method == "GET":
                return self._get(asked, location, gates)
            if asked.method == "HEAD":
                return self._head(asked, location, gates)
            if asked.method == "PUT":
                return self._put(asked, location, gates)
            if asked.method == "DELETE":
                return self._delete(asked, location, gates)
            return self._create(asked, location, gates) if asked.method == "POST" else _no_acl()
        except CloudLayerError as error:
            raise told(error) from error

    def _get(self, asked: Asked, location: Location, gates: Gates) -> Answer:
        place = folder(location)
        if "acl" in asked.query:
            gates.check(place, asked.uri)
            return of_json(_ACL, asked)
        if gates.readable(location) and location.key and not asked.is_folder:
            try:
                return _file(asked, self._file(location))
            except NotFound:
                found = listing(asked, self._file(place), always=False)
                if found is None:
                    raise
                return found
        gates.check(place, asked.uri)
        found = listing(asked, self._file(place), always=_is_root(place, gates.read))
        if found is None:
            raise CallError("EntityNotFoundError", f"{asked.uri}: no folder of this name has an object", status=404)
        return found

    def _head(self, asked: Asked, location: Location, gates: Gates) -> Answer:
        gates.check(location, asked.uri)
        _need_name(asked, location)
        info = self._file(location).stat()
        return Answer(b"", asked.request_id, content_type=_content_type(info), headers=_headers(info), length=info.size)

    def _put(self, asked: Asked, location: Location, gates: Gates) -> Answer:
        gates.check(location, asked.uri, write=True)
        _need_name(asked, location)
        if b"if-match" in asked.headers or asked.headers.get(b"if-none-match", b"*") != b"*":
            raise CallError("UnsupportedError", "the one condition of a put is `If-None-Match: *`", status=501)
        file = self._file(location)
        kind = asked.headers.get(b"content-type", b"").decode("latin-1")
        known = bool(file.store.capabilities["content_type"]) and _IN_HEADERS.fullmatch(kind)
        file.put(asked.body, if_absent=b"if-none-match" in asked.headers, content_type=kind if known else None)
        return of_json({"result": asked.uri}, asked)

    def _delete(self, asked: Asked, location: Location, gates: Gates) -> Answer:
        if asked.force or asked.is_folder:
            if count := self._delete_folder(asked, folder(location), gates):
                return _deleted(asked, count)
            if asked.is_folder:
                raise CallError("EntityNotFoundError", f"{asked.uri}: no folder of this name has an object", status=404)
        gates.check(location, asked.uri, write=True)
        file = self._file(location)
        try:
            file.stat()
        except NotFound:
            self._delete_folder(asked, folder(location), gates)
            raise
        file.delete()
        return _deleted(asked, 1)

    def _delete_folder(self, asked: Asked, place: Location, gates: Gates) -> int:
        """How many objects it had; CallError (409) for one that is not empty where nobody forced it."""
        gates.check(place, asked.uri, write=True)
        directory = self._client.dir(str(place))
        if _is_root(place, gates.write):
            raise CallError("InputError", f"{asked.uri} is all that is open here: name a folder in it", status=400)
        if asked.force:
            return directory.delete()
        if directory.exists():
            raise CallError("InputError", f"{asked.uri} is not empty: delete it with force=true", status=409)
        return 0

    def _create(self, asked: Asked, location: Location, gates: Gates) -> Answer:
        """Folders are not made. The answer says that one may be filled, under rights that it will have."""
        document = asked.json()
        name, acl = document.get("name"), document.get("acl") or {}
        if not isinstance(name, str) or "/" in name or not isinstance(acl, dict):
            raise CallError("InputError", 'a folder is made by {"name": "its name"}, without a slash', status=400)
        if acl.get("read"):
            return _no_acl()
        parent = folder(location)
        place, uri = replace(parent, key=parent.key + name), asked.uri + ("" if asked.uri.endswith("/") else "/") + name
        check_segments(place.key)
        gates.check(folder(place), uri, write=True)
        return of_json({"result": uri}, asked)

    def _file(self, location: Location) -> File:
        return self._client.file(str(location))


def _is_root(place: Location, prefixes: tuple[Location, ...]) -> bool:
    """Whether a folder is all that one of the prefixes opens."""
    return any(folder(prefix) == place for prefix in prefixes)


def _located(client: Client, uris: tuple[str, ...]) -> tuple[Location, ...]:
    found = []
    for uri in uris:
        try:
            found.append(client.locate(uri))
        except InvalidSpec:  # told to whoever asks for it
            continue
    return tuple(found)


def _file(asked: Asked, file: File) -> Answer:
    reader = file.stream()
    try:
        info = reader.info
        if info.size <= BODY_LIMIT:
            body = b"".join(reader)
            return Answer(body, asked.request_id, content_type=_with_charset(_content_type(info), body), headers=_headers(info))
    finally:
        reader.close()
    if not file.store.capabilities["sign"]:
        mend = "its store signs no URLs: read it with `cloudlayer data cp`"
        raise CallError("TooLargeError", f"{asked.uri} has over {BODY_LIMIT} bytes, and {mend}", status=413)
    where = ("Location", file.sign("GET", SIGNED_SECONDS))
    return Answer(b"", asked.request_id, 307, headers=(where, ("Cache-Control", "no-store"), ("X-Data-Type", "file")))


def _headers(info: ObjectInfo) -> tuple[tuple[str, str], ...]:
    etag = info.etag or ""
    if not _IN_HEADERS.fullmatch(etag):
        return (("X-Data-Type", "file"),)
    return (("X-Data-Type", "file"), ("ETag", etag if etag.endswith('"') else f'"{etag}"'))


def _content_type(info: ObjectInfo) -> str:
    return info.content_type if info.content_type and _IN_HEADERS.fullmatch(info.content_type) else _BINARY


def _with_charset(kind: str, body: bytes) -> str:
    """With its charset, for text that is UTF-8: the protocol's client guesses where none is told."""
    if "charset" in kind or not (kind == _BINARY or kind.startswith("text/")):
        return kind
    try:
        body.decode()
    except UnicodeDecodeError:
        return kind
    return f"{kind}; charset=utf-8"


def _need_name(asked: Asked, location: Location) -> None:
    if not location.key or asked.is_folder:
        raise CallError("EntityNotFoundError", f"{asked.uri} names a folder, and no object", status=404)


def _deleted(asked: Asked, count: int) -> Answer:
    return of_json({"result": {"deleted": count}}, asked)


def _no_acl() -> Answer:
    message = "objects have no rights of their own here: what is open is said in [fleet.data] of the fleet's manifest"
    raise CallError("UnsupportedError", message, status=501)
