"""An image from an engine into a registry: each layer that is not there yet, packed on its way, and then the manifests.

Beside the image itself, its lower parts become images of their own. An engine that is cut off in the middle of a pull throws
away all that is in no image; one that pulls the lower parts too keeps each that it has whole.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import IO, Any, Final

from cloudlayer.errors import EngineError
from cloudlayer.runtime.docker.build import PART
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.registry.catalogue import Catalogue, Entry, Layer
from cloudlayer.runtime.docker.registry.client import MANIFEST, Client
from cloudlayer.runtime.docker.registry.packing import CHUNK, is_packed, packed
from cloudlayer.runtime.docker.registry.saved import Saved, read_saved

_KIND: Final = "application/vnd.docker.container.image.v1+json"
_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_PART_SIZE: Final = 32 * 1024**2
_MOST_PARTS: Final = 8

_log = logging.getLogger(__name__)


def push(daemon: Daemon, reference: str, client: Client, catalogue: Catalogue) -> Entry:
    """Bring an image of `daemon` into the registry of `client`, and into its catalogue. Again after a break: it goes on."""
    what = f"pushing the image {reference}"
    _log.info(what)
    # Without manifests it is no image yet, but what is there is known, should this break off.
    layers = _Layers(client, catalogue.layers(), lambda found: catalogue.put(Entry(reference, (), found)))
    saved = read_saved(daemon.read(what, daemon.client.get_image, reference), layers.take)
    ordered = layers.ordered(saved, reference)
    manifests = tuple(put_manifest(client, config, each) for config, each in _images(saved.config, ordered))
    entry = Entry(reference, manifests, dict(zip(saved.layers, ordered, strict=True)))
    catalogue.put(entry)
    _log.info("%s: %d bytes of %d were new", what, layers.sent, sum(layer.size for layer in ordered))
    return entry


class _Layers:
    """The layers of one image, as they come; those that are in the registry under a known name are not even read."""

    def __init__(self, client: Client, known: dict[str, Layer], keep: Callable[[dict[str, Layer]], None]) -> None:
        self._client = client
        self._known = known
        self._keep = keep
        self._found: dict[str, Layer] = {}
        self.sent = 0

    def take(self, path: str, file: IO[bytes]) -> None:
        known = self._known.get(path)
        there = known is not None and self._client.has_blob(known.digest)
        self._found[path] = known if known is not None and there else self._upload(chunks_of(file))
        self._keep(self._found)

    def ordered(self, saved: Saved, reference: str) -> list[Layer]:
        """All layers, lowest first."""
        by_content = {layer.diff_id: layer for layer in self._known.values()}
        found = []
        for path, diff_id in zip(saved.layers, saved.diff_ids(), strict=True):
            layer = self._found.get(path) or self._small(saved.small[path], by_content.get(diff_id))
            if layer.diff_id not in ("", diff_id):
                raise EngineError(
                    f"the engine saved other layers of {reference} than it has: remove the image, so that it is built anew"
                )
            found.append(Layer(diff_id, layer.digest, layer.size))
        return found

    def _small(self, content: bytes, known: Layer | None) -> Layer:
        there = known is not None and self._client.has_blob(known.digest)
        return known if known is not None and there else self._upload(iter([content]))

    def _upload(self, chunks: Iterator[bytes]) -> Layer:
        layer = upload_layer(self._client, chunks)
        self.sent += layer.size
        return layer


def upload_layer(client: Client, chunks: Iterator[bytes]) -> Layer:
    """Store a layer, packed on its way if it is not packed yet."""
    first = next(chunks, b"")
    raw = hashlib.sha256()

    def seen() -> Iterator[bytes]:
        for chunk in chain([first], chunks):
            raw.update(chunk)
            yield chunk

    as_it_is = is_packed(first)
    blob = client.upload(seen() if as_it_is else packed(seen()))
    # What an engine keeps packed does not tell what it unpacks to; whoever pulls it sees whether that is right.
    return Layer("" if as_it_is else f"sha256:{raw.hexdigest()}", blob.digest, blob.size)


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file's content from where it stands, in pieces of CHUNK bytes."""
    while chunk := file.read(CHUNK):
        yield chunk


def _images(whole: bytes, layers: Sequence[Layer]) -> Iterator[tuple[bytes, Sequence[Layer]]]:
    """The configuration and the layers of each part that is worth keeping, and of the whole."""
    for count in part_lengths([layer.size for layer in layers]):
        yield part(whole, layers[:count]), layers[:count]
    yield whole, layers


def part_lengths(sizes: Sequence[int]) -> list[int]:
    """Of how many layers each lower part is that is worth keeping, for layers of these sizes in bytes."""
    found, since, least = [], 0, max(_PART_SIZE, sum(sizes) // _MOST_PARTS)
    for count, size in enumerate(sizes[:-1], 1):
        since += size
        if since >= least:
            since = 0
            found.append(count)
    return found


def part(whole: bytes, layers: Sequence[Layer]) -> bytes:
    """The configuration of an image of the lowest layers of another one."""
    document: dict[str, Any] = json.loads(whole)
    platform = {key: document[key] for key in ("architecture", "os", "variant") if key in document}
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return json.dumps({**platform, "config": {"Labels": {PART: "true"}}, "rootfs": rootfs}, sort_keys=True).encode()


def put_manifest(client: Client, config: bytes, layers: Sequence[Layer]) -> str:
    """Store an image of layers that are there; its digest."""
    blob = client.upload([config])
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": _KIND, "size": blob.size, "digest": blob.digest},
        "layers": [{"mediaType": _LAYER, "size": layer.size, "digest": layer.digest} for layer in layers],
    }
    return client.put_manifest(json.dumps(document, sort_keys=True).encode())
