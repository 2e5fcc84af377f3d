"""The archive of an image is read as it comes, in the form of old engines and of new ones."""

import io
import json
import random
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.errors import EngineError
from cloudlayer.runtime.docker.registry.saved import SMALL, read_saved
from tests.runtime.images.conftest import digest, saved

LAYERS = [random.Random(seed).randbytes(size) for seed, size in enumerate([SMALL + 1, 300, SMALL * 2])]


def read(chunks):
    """(what was handed out, what the archive was understood to be)."""
    found = {}
    understood = read_saved(chunks, lambda path, file: found.update({path: file.read()}))
    return found, understood


@pytest.mark.parametrize("old", [True, False])
def test_layers_come_in_the_image_s_order_whatever_the_archive_s(old):
    large, image = read([saved(LAYERS, old=old)])
    assert [{**large, **image.small}[path] for path in image.layers] == LAYERS
    assert image.diff_ids() == [digest(layer) for layer in LAYERS]


def test_only_what_is_small_is_kept_in_memory():
    large, image = read([saved(LAYERS)])
    assert (len(large), len(image.small)) == (2, 1)


@settings(max_examples=25)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=20))
def test_it_does_not_matter_how_the_archive_is_cut_into_chunks(sizes):
    content, chunks, start = saved([b"one", b"two"]), [], 0
    for size in [*sizes, len(content)]:
        chunks.append(content[start : start + size])
        start += size
    assert read(chunks)[1].small == read([content])[1].small


def test_a_layer_that_occurs_twice_may_be_a_link():
    made, config = io.BytesIO(), json.dumps({"rootfs": {"diff_ids": [digest(b"x"), digest(b"x")]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in {"a/layer.tar": b"x", "c.json": config, "manifest.json": manifest}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../a/layer.tar"
        archive.addfile(link)
    assert read([made.getvalue()])[1].layers == ("a/layer.tar", "a/layer.tar")


@pytest.mark.parametrize("content", [b"no archive at all" * 100, saved([b"x"])[:700]])
def test_what_is_no_whole_archive_is_an_error(content):
    with pytest.raises(EngineError, match="archive"):
        read([content])
