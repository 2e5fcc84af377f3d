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
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.registry.catalogue import Catalogue, Entry, Layer
from cloudlayer.runtime.docker.registry.client import MANIFEST, Client
from cloudlayer.runtime.docker.registry.packing import CHUNK, is_packed, packed
from cloudlayer.runtime.docker.registry.saved import Saved, read_saved

PART: Final = "cloudlayer-part"
"""The label of an image that is the lower part of another."""
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
    manifests = tuple(_manifest(client, config, each) for config, each in _images(saved, ordered))
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
        self._found[path] = known if known is not None and there else self._upload(_chunks(file))
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
        first = next(chunks, b"")
        raw = hashlib.sha256()

        def seen() -> Iterator[bytes]:
            for chunk in chain([first], chunks):
                raw.update(chunk)
                yield chunk

        as_it_is = is_packed(first)
        blob = self._client.upload(seen() if as_it_is else packed(seen()))
        self.sent += blob.size
        # What an engine keeps packed does not tell what it unpacks to; whoever pulls it sees whether that is right.
        return Layer("" if as_it_is else f"sha256:{raw.hexdigest()}", blob.digest, blob.size)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _images(saved: Saved, layers: Sequence[Layer]) -> Iterator[tuple[bytes, Sequence[Layer]]]:
    """The configuration and the layers of each part that is worth keeping, and of the whole."""
    whole = json.loads(saved.config)
    least = max(_PART_SIZE, sum(layer.size for layer in layers) // _MOST_PARTS)
    since = 0
    for count, layer in enumerate(layers[:-1], 1):
        since += layer.size
        if since >= least:
            since = 0
            yield _part(whole, layers[:count]), layers[:count]
    yield saved.config, layers


def _part(whole: dict[str, Any], layers: Sequence[Layer]) -> bytes:
    platform = {key: whole[key] for key in ("architecture", "os", "variant") if key in whole}
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return json.dumps({**platform, "config": {"Labels": {PART: "true"}}, "rootfs": rootfs}, sort_keys=True).encode()


def _manifest(client: Client, config: bytes, layers: Sequence[Layer]) -> str:
    blob = client.upload([config])
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": _KIND, "size": blob.size, "digest": blob.digest},
        "layers": [{"mediaType": _LAYER, "size": layer.size, "digest": layer.digest} for layer in layers],
    }
    return client.put_manifest(json.dumps(document, sort_keys=True).encode())
