import os
from dataclasses import replace

import pytest

from cloudlayer.errors import Changed, IntegrityError, InvalidSpec, NotFound
from cloudlayer.storage.objects import PutOptions
from cloudlayer.storage.registry import connect
from cloudlayer.storage.transfers import copy_object
from cloudlayer.storage.transfers.buffers import SMALL
from cloudlayer.storage.transfers.sources import ObjectSource
from cloudlayer.storage.transfers.uploads import send

SIZES = [0, 5, SMALL, 2 * SMALL + 5]


@pytest.fixture
def other(tmp_path):
    return connect("memory", "other", f"memory+{tmp_path.name}", {})


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_into_another_store_has_the_bytes_the_type_and_the_metadata(store, other, size):
    data, told = os.urandom(size), []
    store.put("key", data, PutOptions(content_type="a/b", metadata={"x": "y"}))
    info = copy_object(store, "key", other, "copy", progress=told.append)
    assert (other.get("copy") == data, info.content_type, info.metadata, sum(told)) == (True, "a/b", {"x": "y"}, size)


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_onto_this_host_and_back_is_equal(store, files, tmp_path, size):
    data, key = os.urandom(size), str(tmp_path / "file")[1:]
    store.put("key", data)
    assert copy_object(store, "key", files, key) == files.head(key)
    copy_object(files, key, store, "back")
    assert store.get("back") == data


def test_within_a_store_the_store_copies(store):
    store.put("key", b"x")
    copy_object(store, "key", store, "copy")
    assert (store.get("copy"), "copy" in store.calls) == (b"x", True)


def test_within_a_store_too_an_object_that_is_another_one_than_was_told_is_not_copied(store):
    info = store.put("key", b"one")
    store.put("key", b"two")
    with pytest.raises(Changed):
        copy_object(store, "key", store, "copy", info=info)
    with pytest.raises(NotFound):
        store.head("copy")


@pytest.mark.parametrize("size", SIZES[1:])
def test_an_object_that_is_another_one_than_was_told_is_not_copied(store, other, size):
    info = store.put("key", bytes(size))
    store.put("key", os.urandom(size))
    with pytest.raises(Changed):
        copy_object(store, "key", other, "copy", info=info)
    assert [page.objects for page in other.list() if page.objects] == []


def test_a_large_object_whose_bytes_are_not_those_that_were_put_is_not_copied(store, other):
    info = store.put("key", os.urandom(2 * SMALL))
    wrong = ObjectSource(store, replace(info, crc32c=1))
    with pytest.raises(IntegrityError):
        send(wrong, other, "copy", PutOptions(), progress=None)
    assert (list(other.uploads()), [page.objects for page in other.list() if page.objects]) == ([], [])


def test_a_key_that_is_no_path_is_told(store, files):
    store.put("a//b", b"x")
    with pytest.raises(InvalidSpec, match="//"):
        copy_object(store, "a//b", files, "tmp/a//b")
