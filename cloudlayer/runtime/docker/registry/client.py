"""What is said to a registry on a unix socket: as much as is needed of the OCI distribution specification 1.0."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.runtime.unix_http import UnixConnection

MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
BROKEN: Final = "registry"
"""The code of a TransientError that tells of a broken connection to the registry."""
_TRIES: Final = 3
_PAUSE: Final = 0.2
_SECONDS: Final = 120.0
_BROKEN: Final = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest ("sha256:…"), and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One repository of a registry, for one thread. A broken connection is made anew; an upload does not survive it.

    `check` is asked before each request, and raises when time is up. Raises TransientError where the registry does not
    answer, and EngineError where it refuses.
    """

    def __init__(self, path: Path, repository: str, check: Callable[[str], None] = lambda doing: None) -> None:
        self._connection = UnixConnection(path, _SECONDS)
        self._base = f"/v2/{repository}"
        self._check = check

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has that content."""
        return self._there(f"{self._base}/blobs/{digest}")

    def has_manifest(self, reference: str) -> bool:
        """Whether the repository has the manifest of that digest or tag."""
        return self._there(f"{self._base}/manifests/{reference}")

    def manifest(self, digest: str) -> Any:
        """The document of a manifest."""
        return json.loads(self._ask("GET", f"{self._base}/manifests/{digest}", headers={"Accept": MANIFEST}, expected=200).body)

    def blob(self, digest: str) -> bytes:
        """The content of that digest; for what is small."""
        return self._ask("GET", f"{self._base}/blobs/{digest}", expected=200).body

    def upload(self, content: Iterable[bytes]) -> Blob:
        """Store content, chunk by chunk.

        Where a chunk breaks off, the registry has a part of it, and refuses whatever comes after: it is TransientError then.
        """
        location = self._located(self._ask("POST", f"{self._base}/blobs/uploads/", expected=202))
        total, size = hashlib.sha256(), 0
        for chunk in content:
            headers = {"Content-Type": "application/octet-stream"}
            location = self._located(self._ask("PATCH", location, chunk, headers, expected=202, tries=1))
            total.update(chunk)
            size += len(chunk)
        blob = Blob(f"sha256:{total.hexdigest()}", size)
        mark = "&" if "?" in location else "?"
        self._ask("PUT", f"{location}{mark}digest={blob.digest}", expected=201, tries=1)
        return blob

    def put_manifest(self, content: bytes, tag: str = "") -> str:
        """Store a manifest, under a tag if one is given; its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        path = f"{self._base}/manifests/{tag or digest}"
        self._ask("PUT", path, content, {"Content-Type": MANIFEST}, expected=201)
        return digest

    def delete_manifest(self, digest: str) -> None:
        """Forget a manifest and its tags; one that is not there is no error."""
        self._ask("DELETE", f"{self._base}/manifests/{digest}", expected=(202, 404))

    def _there(self, path: str) -> bool:
        return self._ask("HEAD", path, headers={"Accept": MANIFEST}, expected=(200, 404)).status == 200

    @staticmethod
    def _located(answer: _Answer) -> str:
        parts = urlsplit(answer.headers["location"])
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        expected: int | tuple[int, ...],
        tries: int = _TRIES,
    ) -> _Answer:
        wanted = (expected,) if isinstance(expected, int) else expected
        while True:
            tries -= 1
            try:
                return self._once(method, path, body, headers or {}, wanted)
            except _BROKEN as error:
                self._connection.close()
                if not tries:
                    raise TransientError(f"the registry does not answer: {error}", code=BROKEN) from error
                time.sleep(_PAUSE)

    def _once(self, method: str, path: str, body: bytes, headers: Mapping[str, str], wanted: tuple[int, ...]) -> _Answer:
        self._check("talking to the registry")
        self._connection.request(method, path, body, dict(headers))
        got = self._connection.getresponse()
        answer = _Answer(got.status, {key.lower(): value for key, value in got.getheaders()}, got.read())
        if answer.status in wanted:
            return answer
        said = answer.body.decode("utf-8", "replace")[:200]
        reason = f"the registry refuses {method} {urlsplit(path).path}: {answer.status} {said}"
        if answer.status >= 500 or answer.status == 429:
            raise TransientError(reason, code=str(answer.status))
        raise EngineError(reason)
