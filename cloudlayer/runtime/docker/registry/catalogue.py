"""What our own registry has: a file for each image, of its manifests and of the layers that it was made of."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from cloudlayer.runtime.files import replace

KEPT_SECONDS: Final = 14 * 86400.0
"""How long an image that nobody asks for is kept."""
MOST_RECENT: Final = 10
"""How many of the images that were used last are kept in any case."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer in the registry: what it unpacks to, and the blob that it is packed in, of `size` bytes."""

    diff_id: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An image in the registry. `manifests` are digests: those of its lower parts first, the whole one last.

    `layers` has its layers by the path that the engine's archive gives them.
    """

    reference: str
    manifests: tuple[str, ...]
    layers: dict[str, Layer] = field(default_factory=dict)


class Catalogue:
    """The entries of one registry. What another process writes is seen at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, reference: str) -> Entry | None:
        """The image of that name, which counts as used from now on; None if it is not there."""
        path = self._path(reference)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return self._read(path)

    def put(self, entry: Entry) -> None:
        """Add an image, or replace it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One that is damaged is as if not there, so none is waited for until it is on the disk.
        replace(self._path(entry.reference), json.dumps(asdict(entry)), lasting=False)

    def remove(self, reference: str) -> None:
        """Forget an image."""
        self._path(reference).unlink(missing_ok=True)

    def layers(self) -> dict[str, Layer]:
        """Every layer that is known, by the path that the engine gives it."""
        found: dict[str, Layer] = {}
        for path in self._files():
            if (entry := self._read(path)) is not None:
                found |= entry.layers
        return found

    def manifests(self) -> set[str]:
        """The digests of all manifests that belong to an image."""
        entries = [self._read(path) for path in self._files()]
        return {digest for entry in entries if entry is not None for digest in entry.manifests}

    def unused(self) -> list[Entry]:
        """The images that nobody has asked for in KEPT_SECONDS, the MOST_RECENT ones excepted."""
        old = self._files()[MOST_RECENT:]
        entries = [self._read(path) for path in old if time.time() - _used(path) > KEPT_SECONDS]
        return [entry for entry in entries if entry is not None]

    def _files(self) -> list[Path]:
        """The files of all entries, those used last first."""
        return sorted(self._folder.glob("*.json"), key=_used, reverse=True)

    def _path(self, reference: str) -> Path:
        return self._folder / f"{hashlib.sha256(reference.encode()).hexdigest()[:32]}.json"

    @staticmethod
    def _read(path: Path) -> Entry | None:
        try:
            document = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):  # removed meanwhile, or the disk was full
            return None
        layers = {name: Layer(**layer) for name, layer in document["layers"].items()}
        return Entry(document["reference"], tuple(document["manifests"]), layers)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
