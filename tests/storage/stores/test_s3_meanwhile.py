# ruff: noqa: F811  (a test names the fixtures that it takes)
"""What s3:// promises where another writer comes between: a copy or a read is of one version, and never told as damaged."""

import asyncio
import threading

import pytest

from cloudlayer.errors import AlreadyExists, Changed
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.units import MIB
from tests.storage.lossy import Fault
from tests.storage.stores.meanwhile import CopiesOfOneVersion, after_a_look, before_a_look
from tests.storage.stores.test_s3 import behind, bucket, lossy, server, settings, store  # noqa: F401

ABSENT = PutOptions(if_absent=True)


class TestCopies(CopiesOfOneVersion):
    """While another writes."""


def test_a_condition_on_the_target_is_told_apart_from_a_source_that_was_written_over(store, monkeypatch):
    store.put("source", b"x" * (9 * MIB))
    after_a_look(monkeypatch, store, lambda: store.put("source", b"new"))
    assert store.copy("source", "copy", ABSENT).size == 3
    with pytest.raises(AlreadyExists):
        store.copy("source", "copy", ABSENT)


def test_what_is_too_large_for_one_request_is_copied_in_parts(behind, lossy, monkeypatch):
    data = b"x" * (6 * MIB)
    behind.put("source", data)
    monkeypatch.setattr("cloudlayer.storage.stores.s3.copies._LARGEST", 5 * MIB)
    lossy.faults = [Fault("refuse", "PUT", 400, {}, b"<Error><Code>InvalidRequest</Code></Error>")]
    assert behind.copy("source", "copy").crc32c == crc32c(data)
    assert behind.get("copy") == data


def uploaded(store, key, data):
    """An object whose sum the service keeps, since it was not known when it was begun."""
    upload = store.upload(key, size=len(data))
    upload.part(1, data)
    return upload.complete(size=len(data), crc32c=crc32c(data))


@pytest.mark.parametrize("next_one", [b"new", b"next"])
def test_an_object_that_was_written_over_while_it_was_read_is_not_told_as_damaged(store, monkeypatch, next_one):
    readers = {
        "get": lambda **asked: store.get("key", **asked),
        "get_async": lambda **asked: asyncio.run(store.get_async("key", **asked)),
        "open": lambda **asked: b"".join(store.open("key", **asked)),
    }
    for read in readers.values():
        for condition in (False, True):
            etag = uploaded(store, "key", b"old").etag
            with monkeypatch.context() as patched:
                before_a_look(patched, store._requests, lambda: uploaded(store, "key", next_one))
                if condition:
                    with pytest.raises(Changed):
                        read(if_match=etag)
                else:
                    assert read() == next_one


def test_no_request_is_waited_for_on_the_loop(store, monkeypatch):
    uploaded(store, "key", b"data")
    head, threads = store._requests.head, []
    monkeypatch.setattr(store._requests, "head", lambda key: threads.append(threading.get_ident()) or head(key))

    async def read():
        return await store.get_async("key"), (await store.head_async("key")).size

    assert asyncio.run(read()) == (b"data", 4)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
