"""What `docker save` writes: an image as a tar archive, read as it comes, by engines of any age.

Old engines write `ID/layer.tar` and `CONFIG.json`, new ones `blobs/sha256/DIGEST`; both name them in `manifest.json`, which
comes last. So what is large is handed out as it passes, under its path, and what is small is kept until it is known what it is.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any, Final

from cloudlayer.errors import EngineError
from cloudlayer.runtime.chunks import BUFFER, readable

SMALL: Final = 1024**2
"""Bytes of a file that is kept in memory until the manifest has come."""
_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Saved:
    """An image's configuration, as the bytes that its id is made of, and the paths of its layers, lowest first.

    `small` has the content of those layers that were not handed out.
    """

    config: bytes
    layers: tuple[str, ...]
    small: dict[str, bytes]

    def diff_ids(self) -> list[str]:
        """What each layer unpacks to, by digest, lowest first."""
        found: list[str] = json.loads(self.config)["rootfs"]["diff_ids"]
        return found


def read_saved(chunks: Iterable[bytes], large: Callable[[str, IO[bytes]], None]) -> Saved:
    """Read an archive of one image to its end. `large` gets each file above SMALL and may read it, or not.

    Raises EngineError for what is no such archive.
    """
    small: dict[str, bytes] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=readable(chunks), mode="r|", bufsize=BUFFER) as archive:
            for member in archive:
                path = posixpath.normpath(member.name)
                if member.issym():
                    links[path] = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname))
                elif (file := archive.extractfile(member)) is None:
                    continue
                elif member.size > SMALL:
                    large(path, file)
                else:
                    small[path] = file.read()
    except tarfile.TarError as error:
        raise EngineError(f"the engine's archive of the image cannot be read: {error}") from error
    return _understood(small, links)


def _understood(small: dict[str, bytes], links: dict[str, str]) -> Saved:
    if _MANIFEST not in small:
        raise EngineError(
            "the engine's archive of the image has no manifest: is the engine too old? Docker 20.10 or newer will do"
        )
    images: list[dict[str, Any]] = json.loads(small[_MANIFEST])
    if len(images) != 1:
        raise EngineError(f"the engine's archive has {len(images)} images, and one was asked for")
    paths = [posixpath.normpath(path) for path in images[0]["Layers"] or ()]
    layers = tuple(links.get(path, path) for path in paths)
    return Saved(
        small[posixpath.normpath(images[0]["Config"])], layers, {path: small[path] for path in layers if path in small}
    )
