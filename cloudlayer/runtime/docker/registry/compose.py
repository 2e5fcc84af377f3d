"""An image of a source folder put together in the registry, from its parts and not from an engine's archive of the whole.

Its environment comes from the engine, once. Large files go straight from the source's snapshot into layers; the engine sees
nothing of them. The code is compiled in a container of the environment. So a second version costs what is new in it, however
large the rest is, and lower parts can be pulled while upper ones are still on their way.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final

from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.runtime.chunks import readable
from cloudlayer.runtime.docker.build import MADE_BY, large_files, layer_of
from cloudlayer.runtime.docker.builder import Builder, label_of
from cloudlayer.runtime.docker.registry.catalogue import Catalogue, Entry, Layer
from cloudlayer.runtime.docker.registry.client import Client
from cloudlayer.runtime.docker.registry.push import chunks_of, part, part_lengths, push, put_manifest, upload_layer

_AT_ONCE: Final = 2
"""How many layers of large files are packed at once."""
_IN_MEMORY: Final = 64 * 1024**2

_log = logging.getLogger(__name__)


class Composer:
    """Composes images in one registry. `connect` gives a client of it, for one thread; `arrived` hears each lower part."""

    def __init__(self, connect: Callable[[], Client], catalogue: Catalogue, arrived: Callable[[str], None]) -> None:
        self._connect = connect
        self._catalogue = catalogue
        self._arrived = arrived
        self._known = {layer.diff_id: layer for layer in catalogue.layers().values()}
        self._found: dict[str, Layer] = {}
        self._lock = threading.Lock()

    def compose(self, spec: ReplicaSpec, reference: str, builder: Builder, deadline: Deadline | None) -> Entry:
        """Bring the image into registry and catalogue. Again after a break: layers that are there are not sent again."""
        source = builder.source(spec)
        groups = large_files(source)

        def large(files: Sequence[Path]) -> Layer:
            with builder.daemon.until(deadline):
                return self._stored(reference, lambda: layer_of(source, files))

        def code(environment: str) -> Layer:
            with builder.daemon.until(deadline), tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
                builder.code(spec, environment, file)
                return self._stored(reference, lambda: _from_the_start(file))

        with ThreadPoolExecutor(_AT_ONCE + 1, thread_name_prefix="layer") as threads:
            coming = [threads.submit(large, files) for files in groups]
            try:
                environment = builder.environment(spec, deadline)
                config, lowest = self._environment(environment, builder)
                coming.append(threads.submit(code, environment))
                sizes = [
                    *(layer.size for layer in lowest),
                    *(sum((source / path).stat().st_size for path in files) for files in groups),
                    0,
                ]
                manifests, layers = self._parts(config, lowest, coming, set(part_lengths(sizes)))
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        with closing(self._connect()) as client:
            whole = put_manifest(client, _configured(config, layers, label_of(spec)), layers)
        entry = Entry(reference, (*manifests, whole), {layer.diff_id: layer for layer in layers})
        self._catalogue.put(entry)
        return entry

    def _environment(self, name: str, builder: Builder) -> tuple[dict[str, Any], list[Layer]]:
        """The configuration and the layers of an environment, which is pushed if the registry does not have it."""
        with closing(self._connect()) as client:
            entry = self._catalogue.get(name)
            if entry is None or not entry.manifests or not client.has_manifest(entry.manifests[-1]):
                entry = push(builder.daemon, name, client, self._catalogue)
            document = client.manifest(entry.manifests[-1])
            config: dict[str, Any] = json.loads(client.blob(document["config"]["digest"]))
        blobs = zip(config["rootfs"]["diff_ids"], document["layers"], strict=True)
        return config, [Layer(diff_id, blob["digest"], blob["size"]) for diff_id, blob in blobs]

    def _parts(
        self, config: dict[str, Any], lowest: list[Layer], coming: Sequence[Future[Layer]], lengths: set[int]
    ) -> tuple[list[str], list[Layer]]:
        """The manifests of the lower parts, each told of as soon as its layers are there, and all layers."""
        layers, manifests, whole = list(lowest), [], json.dumps(config).encode()
        with closing(self._connect()) as client:
            for future in (None, *coming):
                if future is not None:
                    layers.append(future.result())
                if len(layers) in lengths or future is None:
                    manifests.append(put_manifest(client, part(whole, layers), layers))
                    self._arrived(manifests[-1])
        return manifests, layers

    def _stored(self, reference: str, content: Callable[[], Iterator[bytes]]) -> Layer:
        """The layer of that content, which is read once more where the registry does not have it."""
        total = hashlib.sha256()
        for chunk in content():
            total.update(chunk)
        diff_id = f"sha256:{total.hexdigest()}"
        layer = self._known.get(diff_id)
        with closing(self._connect()) as client:
            if layer is not None and client.has_blob(layer.digest):
                return layer
            layer = upload_layer(client, chunks_of(readable(content())))
        with self._lock:
            # Without manifests it is no image yet, but what is there is known, should this break off.
            self._found[diff_id] = layer
            self._catalogue.put(Entry(reference, (), dict(self._found)))
        return layer


def _from_the_start(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    return chunks_of(file)


def _configured(environment: dict[str, Any], layers: Sequence[Layer], label: str) -> bytes:
    """The configuration of the whole: that of its environment, with all layers."""
    settings = environment.get("config") or {}
    labels = {**(settings.get("Labels") or {}), MADE_BY: label}
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    whole = {**environment, "config": {**settings, "Labels": labels}, "rootfs": rootfs}
    whole.pop("history", None)  # it tells of the environment's layers alone
    return json.dumps(whole, sort_keys=True).encode()
