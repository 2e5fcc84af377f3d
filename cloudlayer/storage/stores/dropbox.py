"""dropbox://KEY: files of Dropbox, by its SDK.

Dropbox compares the content hash of what arrives, and tells it of what is read. An etag is Dropbox's `rev`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from typing import Any, Final

import requests
from dropbox import files  # type: ignore[import-untyped]
from dropbox.content_hash import DropboxContentHasher  # type: ignore[import-untyped]
from pydantic import SecretStr

from cloudlayer.errors import (
    AlreadyExists,
    Changed,
    CloudError,
    Conflict,
    IntegrityError,
    InvalidSpec,
    NotFound,
    OutcomeUnknown,
    TransientError,
)
from cloudlayer.specs import Duration, Size, Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.limits import check_path, check_put, is_path
from cloudlayer.storage.objects import PLAIN, ObjectInfo, Page, PutOptions, UploadInfo
from cloudlayer.storage.ranges import check, resolve
from cloudlayer.storage.readers import CheckedReader
from cloudlayer.storage.store import Data, Method, Reader, Store, Upload
from cloudlayer.storage.stores.deleting import each
from cloudlayer.storage.stores.dropbox_calls import Calls
from cloudlayer.storage.stores.dropbox_uploads import DropboxUpload
from cloudlayer.storage.stores.retries import retried
from cloudlayer.storage.stores.roots import absolute
from cloudlayer.units import MIB

_LACKS: Final = {
    "metadata": "files of Dropbox have no metadata",
    "content_type": "files of Dropbox have no content type",
    "tags": "Dropbox has tags for some accounts alone, and only of one word",
    "sign": "a temporary link of Dropbox lives for four hours, whatever is asked",
    "resume": "Dropbox does not tell what has arrived of an upload",
    "uploads": "Dropbox does not tell which uploads were begun; it forgets them by itself",
    "parallel_parts": "the parts of an upload are appended in their order",
    "ordered_list": "Dropbox lists in no certain order",
    "list_after": "Dropbox lists a folder from its beginning alone",
    "case_sensitive": "Dropbox takes upper and lower case for the same",
    "any_key": "keys are paths that differ by more than case, without backslashes and empty, `.` and `..` parts",
    "key_is_no_folder": "folders of Dropbox are real",
    "no_empty_folders": "folders of Dropbox stay when they are empty",
}
_PIECE: Final = 1 * MIB
_REV: Final = re.compile(r"[0-9a-f]{9,}")
_LARGEST_PUT: Final = 150 * MIB
_LIMIT: Final = 1000
_AT_ONCE: Final = 4


class Settings(Spec):
    """What may be set for an account of dropbox://: an access token, or a refresh token with the app's key.

    `root` is the folder at which keys start.
    """

    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    app_key: str | None = None
    app_secret: SecretStr | None = None
    root: str = "/"
    endpoint: str | None = None
    part_size: Size = 8 * MIB
    timeout: Duration = 60.0
    connect_timeout: Duration = 10.0


def connect(authority: str, account: str, settings: Mapping[str, Any]) -> Store:
    """The files of one account; `authority` is empty."""
    made = checked(Settings, settings, f"stores.{account}")
    if made.access_token is None and (made.refresh_token is None or made.app_key is None):
        raise InvalidSpec(f"stores.{account}: give access_token, or refresh_token with app_key")
    given = {
        "oauth2_access_token": made.access_token.get_secret_value() if made.access_token else None,
        "oauth2_refresh_token": made.refresh_token.get_secret_value() if made.refresh_token else None,
        "app_key": made.app_key,
        "app_secret": made.app_secret.get_secret_value() if made.app_secret else None,
    }
    credentials = {name: value for name, value in given.items() if value is not None}
    uri = f"{account}://"
    calls = Calls(uri, credentials, made.endpoint, max(made.timeout, made.connect_timeout))
    return DropboxStore(calls, absolute(uri, made.root), made.part_size)


class DropboxStore(Store):
    """The files of one account."""

    def __init__(self, calls: Calls, root: str, part_size: int) -> None:
        self.uri = calls.uri
        self.capabilities = declare(self.uri, **_LACKS)
        self.calls = calls
        self._root = root
        self._part_size = part_size

    def get(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> bytes:
        """By one call; what broke off is asked for anew."""
        return retried(lambda: b"".join(self._open(key, start, end, if_match)))

    def open(self, key: str, *, start: int | None = None, end: int | None = None, if_match: str | None = None) -> Reader:
        """By one call, for a range by two."""
        return retried(lambda: self._open(key, start, end, if_match))

    def _open(self, key: str, start: int | None, end: int | None, if_match: str | None) -> CheckedReader:
        self._check(key)
        check(self.uri + key, start, end)
        if start is None and end is None:
            found, answer = self._named(key, lambda: self.calls(lambda sdk: sdk.files_download(self._path(key))))
            self._check_found(key, found, if_match, answer.close)
            pieces = _checked(self.uri, key, self.calls.pieces(answer, _PIECE), found.content_hash)
            return self._reader(self._info(key, found), answer, pieces, found.size)
        found = self._found(key)
        self._check_found(key, found, if_match)
        first, stop = resolve(self.uri + key, found.size, start, end)
        headers = {"Range": f"bytes={first}-{stop - 1}"}
        _, answer = self.calls(lambda sdk: sdk.files_download(f"rev:{found.rev}", extra_headers=headers))
        return self._reader(self._info(key, found), answer, self.calls.pieces(answer, _PIECE), stop - first)

    def _reader(self, info: ObjectInfo, answer: requests.Response, pieces: Iterator[bytes], length: int) -> CheckedReader:
        return CheckedReader(self.uri + info.key, info, pieces, expected=length, whole=False, close=answer.close)

    def _check_found(
        self, key: str, found: files.FileMetadata, if_match: str | None, close: Callable[[], object] = lambda: None
    ) -> None:
        try:
            if if_match not in {None, self._info(key, found).etag}:
                raise self._changed(key)
        except CloudError:
            close()
            raise

    def head(self, key: str) -> ObjectInfo:
        """By one call."""
        self._check(key)
        return self._info(key, self._found(key))

    def _found(self, key: str) -> files.FileMetadata:
        found = self._named(key, lambda: retried(lambda: self.calls(lambda sdk: sdk.files_get_metadata(self._path(key)))))
        if not isinstance(found, files.FileMetadata):
            raise NotFound(f"{key} is a folder", provider=self.uri)
        return found

    def _named(self, key: str, call: Callable[[], Any]) -> Any:
        """What a call gives; its NotFound tells the key."""
        try:
            return call()
        except NotFound as error:
            raise NotFound(f"{key} is not there", provider=self.uri, code=error.code, request_id=error.request_id) from None

    def _info(self, key: str, found: files.FileMetadata) -> ObjectInfo:
        if found.name != key.rpartition("/")[2]:  # a name of other letters, upper and lower case
            raise NotFound(f"{key} is not there, and {found.name} is", provider=self.uri)
        return ObjectInfo(key, found.size, found.rev, found.server_modified.replace(tzinfo=UTC))

    def put(self, key: str, data: Data, options: PutOptions = PLAIN) -> ObjectInfo:
        """By one call, of at most 150 MiB."""
        self._check(key)
        check_put(self.uri, self.capabilities, options)
        if len(data) > _LARGEST_PUT:
            raise InvalidSpec(f"{self.uri}{key}: Dropbox takes 150 MiB at once: put a file or a stream, which goes in parts")
        content = bytes(data)
        self._check_target(key, options)

        def call() -> files.FileMetadata:
            return self.calls(
                lambda sdk: sdk.files_upload(
                    content, self._path(key), mode(options), autorename=False, mute=True, strict_conflict=True
                )
            )

        return self.written(key, options, call)

    def written(self, key: str, options: PutOptions, call: Any) -> ObjectInfo:
        """What a call that writes gives, tried again where that does no harm; its conflicts as those of `put`."""
        conditional = options.if_absent or options.if_match is not None
        try:
            return self._info(key, call() if conditional else retried(call))
        except AlreadyExists as error:
            if options.if_match is None:
                raise AlreadyExists(f"{key} is there already", provider=self.uri, code=error.code) from None
            self.head(key)
            raise self._changed(key) from None
        except Conflict as error:
            if options.if_match is not None and not isinstance(error, Changed):
                self.head(key)
            raise Conflict(
                f"{key}, or what is above it, is there as something else", provider=self.uri, code=error.code
            ) from None
        except TransientError as error:
            if not conditional:
                raise
            told = f"{key}: the answer was lost, and whether it was put is not known"
            raise OutcomeUnknown(told, provider=self.uri, code=error.code) from None

    def upload(self, key: str, options: PutOptions = PLAIN, *, size: int | None = None, resume: str | None = None) -> Upload:
        """An upload session."""
        self._check(key)
        check_put(self.uri, self.capabilities, options)
        if resume is not None:
            self.capabilities.require("resume")
        self._check_target(key, options)
        if options.if_absent and self._is_there(key):
            raise AlreadyExists(f"{key} is there already", provider=self.uri)
        return DropboxUpload(self, key, options, self._part_size)

    def uploads(self, prefix: str = "") -> Iterator[UploadInfo]:
        """Unsupported."""
        raise self.lacks("uploads")

    def discard(self, upload: UploadInfo) -> None:
        """Unsupported."""
        raise self.lacks("uploads")

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Delete the file, of the `rev` that was looked at: never a folder that has come in its place."""
        self._check(key)
        try:
            found = self._info(key, self._found(key))
        except NotFound:
            if if_match is not None:
                raise
            return
        if if_match not in {None, found.etag}:
            raise self._changed(key)
        self._delete(key, found.etag, if_match)

    def _delete(self, key: str, rev: str | None, if_match: str | None) -> None:
        try:
            retried(lambda: self.calls(lambda sdk: sdk.files_delete_v2(self._path(key), parent_rev=rev)))
        except NotFound:
            return
        except Conflict:
            if if_match is not None:
                raise self._changed(key) from None
            self.delete(key)

    def delete_many(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Two calls a key, some at once."""
        return each(self.delete, keys, _AT_ONCE)

    def copy(self, key: str, target: str, options: PutOptions = PLAIN, *, if_match: str | None = None) -> ObjectInfo:
        """By the server; onto a file that is there, through this process, since the server replaces none."""
        self._check(target)
        check_put(self.uri, self.capabilities, options)
        found = self._found(key)
        source = self._info(key, found)
        if if_match not in {None, source.etag}:
            raise self._changed(key)
        if key == target:
            return source
        if options.if_match is None:
            with suppress(AlreadyExists):
                return self._copied(key, target, found.content_hash if if_match else None)
            if options.if_absent:
                raise AlreadyExists(f"{target} is there already", provider=self.uri)
        upload = self.upload(target, options)
        total = 0
        for number, piece in enumerate(self._parts(key, source), 1):
            total = crc32c(piece, total)
            upload.part(number, piece)
        return upload.complete(size=source.size, crc32c=total)

    def _copied(self, key: str, target: str, expected: str | None) -> ObjectInfo:
        """A copy of the server, which takes whatever is there by then: one of other content than expected is deleted again."""
        made = self.calls(lambda sdk: sdk.files_copy_v2(self._path(key), self._path(target), autorename=False)).metadata
        if expected not in {None, made.content_hash}:
            self._delete(target, made.rev, None)
            raise self._changed(key)
        return self._info(target, made)

    def _parts(self, key: str, source: ObjectInfo) -> Iterator[bytes]:
        for start in range(0, source.size, self._part_size):
            yield self.get(key, start=start, end=start + self._part_size, if_match=source.etag)

    def list(self, prefix: str = "", *, shallow: bool = False, after: str = "") -> Iterator[Page]:
        """As Dropbox pages them. A folder below the one asked for may be told in another case than it was put in."""
        folder = prefix.rpartition("/")[0]
        if folder and not is_path(folder):
            return
        place = self._path(folder).rstrip("/")
        try:
            found = retried(lambda: self.calls(lambda sdk: sdk.files_list_folder(place, recursive=not shallow, limit=_LIMIT)))
            while True:
                page = self._page(found.entries, folder, prefix, shallow, after)
                if page.objects or page.folders:
                    yield page
                if not found.has_more:
                    return
                cursor = found.cursor
                found = retried(
                    lambda cursor=cursor: self.calls(lambda sdk: sdk.files_list_folder_continue(cursor))  # type: ignore[misc]
                )
        except NotFound:
            return

    def _page(self, entries: Sequence[files.Metadata], folder: str, prefix: str, shallow: bool, after: str) -> Page:
        objects, folders = [], []
        depth = self._path(folder).rstrip("/").count("/") + 1
        for entry in entries:
            below = str(entry.path_display).split("/")[depth:]
            # the folder is spelt as it was asked for: of a path, Dropbox keeps the case of the last part alone
            key = "/".join([folder, *below] if folder else below)
            if isinstance(entry, files.FileMetadata) and key.startswith(prefix) and key > after:
                objects.append(self._info(key, entry))
            elif isinstance(entry, files.FolderMetadata) and shallow and self._is_listed(key, prefix, after):
                folders.append(f"{key}/")
        return Page(tuple(objects), tuple(folders))

    def _is_listed(self, folder: str, prefix: str, after: str) -> bool:
        """Whether a folder has a key that comes after `after`."""
        if not f"{folder}/".startswith(prefix):
            return False
        if not after.startswith(f"{folder}/"):
            return f"{folder}/" > after
        return next(self.list(f"{folder}/", after=after), None) is not None

    def sign(self, key: str, method: Method, expires: float) -> str:
        """Unsupported."""
        raise self.lacks("sign")

    def tags(self, key: str) -> dict[str, str]:
        """Unsupported."""
        raise self.lacks("tags")

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Unsupported."""
        raise self.lacks("tags")

    def close(self) -> None:
        """Let go of connections."""
        self.calls.close()

    def commit(self, key: str, options: PutOptions) -> files.CommitInfo:
        """How an upload session ends."""
        return files.CommitInfo(self._path(key), mode(options), autorename=False, mute=True, strict_conflict=True)

    def _path(self, key: str) -> str:
        return f"{self._root}{key}"

    def _check(self, key: str) -> None:
        check_path(self.uri, key)
        if "\\" in key:
            raise InvalidSpec(f"{self.uri}{key} is no key here: Dropbox has no backslash in its names")

    def _check_target(self, key: str, options: PutOptions) -> None:
        """Conflict where a put would write over a file whose name has other letters, upper and lower case."""
        if options.if_absent:
            return
        if options.if_match is not None and not _REV.fullmatch(options.if_match):
            self.head(key)
            raise self._changed(key)
        with suppress(NotFound):
            found = self._found(key)
            if found.name != key.rpartition("/")[2]:
                told = f"{key} is {found.name} already: Dropbox takes upper and lower case for the same"
                raise Conflict(told, provider=self.uri)

    def _is_there(self, key: str) -> bool:
        with suppress(NotFound):
            self.head(key)
            return True
        return False

    def _changed(self, key: str) -> Changed:
        return Changed(f"{key} is another one by now: its etag is not the one asked for", provider=self.uri)


def mode(options: PutOptions) -> files.WriteMode:
    """What Dropbox is told of the conditions of a put."""
    if options.if_absent:
        return files.WriteMode.add
    return files.WriteMode.overwrite if options.if_match is None else files.WriteMode.update(options.if_match)


def _checked(uri: str, key: str, pieces: Iterator[bytes], expected: str | None) -> Iterator[bytes]:
    """Pieces as they come; IntegrityError at their end, if they are not those whose content hash Dropbox tells."""
    hasher = DropboxContentHasher()
    for piece in pieces:
        hasher.update(piece)
        yield piece
    if expected is not None and hasher.hexdigest() != expected:
        raise IntegrityError(f"{uri}{key} is damaged: its content hash is another one", provider=uri, code="ContentHash")
