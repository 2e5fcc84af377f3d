"""An image is put together from its parts: each is stored once, and an unchanged part is not stored again."""

import contextlib
import gzip
import io
import json
import random
import tarfile
import threading

import pytest

from cloudlayer.errors import TransientError
from cloudlayer.interfaces import ReplicaSpec
from cloudlayer.runtime.docker.build import code_files, layer_of
from cloudlayer.runtime.docker.registry import push as pushing
from cloudlayer.runtime.docker.registry.arrivals import Arrivals
from cloudlayer.runtime.docker.registry.client import Client
from cloudlayer.runtime.docker.registry.compose import Composer
from cloudlayer.runtime.docker.registry.own import REPOSITORY
from cloudlayer.runtime.sources import snapshot
from tests.runtime.images.conftest import digest, saved
from tests.runtime.images.test_push import fetch, layers_of

pytestmark = pytest.mark.registry
MIB = 2**20


class Builder:
    """An engine that has an environment of two layers, and compiles nothing."""

    def __init__(self, engine, cache):
        self._cache, self._engine = cache, engine

    @property
    def daemon(self):
        made = self._engine({"environment:1": saved([b"base" * 1000, b"worker" * 1000])})
        made.until = lambda deadline: contextlib.nullcontext()
        return made

    def source(self, spec):
        return snapshot(spec.source, self._cache, spec.source_digest)

    def environment(self, spec, deadline):
        return "environment:1"

    def code(self, spec, environment, layer):
        source = self.source(spec)
        layer.writelines(layer_of(source, code_files(source)))


@pytest.fixture
def function(tmp_path):
    """`function(words, sizes)`: a replica of a function with that code and large files of these sizes."""

    def make(words="hello", sizes=(3 * MIB,)):
        folder = tmp_path / words
        folder.mkdir()
        (folder / "main.py").write_text(words)
        for number, size in enumerate(sizes):
            (folder / f"weights{number}").write_bytes(bytes([number]) * size)
        return ReplicaSpec("id", "a/B", "1.0.0", 1.0, 1, source=folder)

    return make


@pytest.fixture
def compose(engine, server, catalogue, tmp_path):
    """`compose(spec, reference)`: the entry; `compose.arrived` has what was told of, `compose.uploads` the sizes stored."""
    builder = Builder(engine, tmp_path / "cache")

    class Counting(Client):
        def upload(self, content):
            blob = super().upload(content)
            made.uploads.append(blob.size)
            return blob

    def made(spec, reference="function:1", path=None):
        made.uploads, made.arrived = [], []
        composer = Composer(lambda: Counting(path or server.writer, REPOSITORY), catalogue, made.arrived.append)
        return composer.compose(spec, reference, builder, None)

    return made


def unpacked(layers):
    """name: content of all files, by the order of the layers."""
    found = {}
    for layer in layers:
        with contextlib.suppress(tarfile.ReadError), tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            found |= {each.name: archive.extractfile(each).read() for each in archive if each.isreg()}
    return found


def test_the_parts_lie_from_what_changes_least_to_what_changes_most(compose, function, server):
    spec = function("hello", (3 * MIB, 40 * MIB))
    layers, diff_ids = layers_of(server, compose(spec).manifests[-1])
    assert list(map(digest, layers)) == diff_ids
    assert layers[:2] == [b"base" * 1000, b"worker" * 1000]
    assert [sorted(unpacked([each])) for each in layers[2:]] == [
        ["function/weights1"], ["function/weights0"], ["function/main.py"],
    ]  # fmt: skip
    assert unpacked(layers)["function/weights1"] == bytes([1]) * 40 * MIB


def test_the_image_bears_the_function_s_label(compose, function, server):
    manifest = json.loads(fetch(server, f"manifests/{compose(function()).manifests[-1]}"))
    config = json.loads(fetch(server, f"blobs/{manifest['config']['digest']}"))
    assert config["config"]["Labels"] == {"cloudlayer-function": "a/B/1.0.0"}


def test_another_line_of_code_stores_that_layer_alone(compose, function):
    first = compose(function("hello"), "function:1")
    second = compose(function("good bye"), "function:2")
    assert set(first.layers) - set(second.layers) != set()
    assert len(set(first.layers) & set(second.layers)) == 3
    assert sum(compose.uploads) < 10_000


def test_lower_parts_are_told_of_as_they_come_and_are_images(compose, function, server, monkeypatch):
    monkeypatch.setattr(pushing, "_PART_SIZE", MIB)
    entry = compose(function("hello", (3 * MIB, 40 * MIB, 41 * MIB)))
    assert tuple(compose.arrived) == entry.manifests[:-1]
    counts = [len(layers_of(server, each)[0]) for each in entry.manifests]
    assert counts == sorted(set(counts))
    assert counts[-1] == 6


def test_after_a_break_what_was_stored_is_not_stored_again(compose, function, wire):
    spec = function("hello", (40 * MIB, 3 * MIB))
    for number, size in enumerate((40, 3)):
        (spec.source / f"weights{number}").write_bytes(random.Random(size).randbytes(size * MIB))  # does not shrink
    with pytest.raises(TransientError, match="does not answer"):
        compose(spec, path=wire(30 * MIB, 100).path)
    compose(spec)
    assert 39 * MIB < sum(compose.uploads) < 41 * MIB
    compose(spec)
    assert sum(compose.uploads) < 10_000


def test_a_layer_is_the_same_bytes_for_the_same_files(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "weights").write_bytes(b"x" * 1000)
    files = code_files(tmp_path / "one")
    one, two = (b"".join(layer_of(tmp_path / name, files)) for name in ("one", "two"))
    assert one == two
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        assert [(each.name, each.mode) for each in archive] == [
            ("function", 0o755), ("function/deep", 0o755), ("function/deep/weights", 0o644),
        ]  # fmt: skip


def test_who_follows_an_image_hears_of_each_part_once_and_waits_for_all():
    arrivals, fetched, go = Arrivals(), [], threading.Event()

    def fetch(part):
        assert go.wait(10)
        fetched.append(part)

    with arrivals.followed("function:1", fetch) as follower:
        arrivals.add("function:1", "a")
        arrivals.add("function:2", "other")
        follower.hear("a")
        follower.hear("b")
        go.set()
    assert sorted(fetched) == ["a", "b"]
    arrivals.add("function:1", "too late")
    assert sorted(fetched) == ["a", "b"]


def test_compressed_layers_unpack_to_what_was_stored(compose, function, server):
    entry = compose(function())
    for layer in entry.layers.values():
        assert digest(gzip.decompress(fetch(server, f"blobs/{layer.digest}"))) == layer.diff_id
