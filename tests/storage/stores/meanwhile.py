"""Another writer, who comes right before or right after a store has looked at an object."""

import pytest

from cloudlayer.errors import Changed, NotFound, TransientError
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions


def after_a_look(monkeypatch, store, *writes, verb="head"):
    """Let each of `writes` be called after one of the store's next looks, in order."""
    left, look = list(writes), getattr(store, verb)

    def looked(key):
        found = look(key)
        if left:
            left.pop(0)()
        return found

    monkeypatch.setattr(store, verb, looked)


def before_a_look(monkeypatch, store, *writes, verb="head"):
    """Let each of `writes` be called before one of the store's next looks, in order."""
    left, look = list(writes), getattr(store, verb)

    def looked(key):
        if left:
            left.pop(0)()
        return look(key)

    monkeypatch.setattr(store, verb, looked)


class CopiesOfOneVersion:
    """Of a store whose own copies can be bound to a version."""

    def test_a_copy_never_has_the_sum_of_an_earlier_object(self, store, monkeypatch):
        store.put("source", b"old")
        after_a_look(monkeypatch, store, lambda: store.put("source", b"new"))
        told = store.copy("source", "copy", PutOptions(metadata={"who": "me"}))
        assert (store.get("copy"), told.crc32c, told.metadata) == (b"new", crc32c(b"new"), {"who": "me"})

    def test_a_copy_is_of_the_version_that_was_named_or_none(self, store, monkeypatch):
        named = store.put("source", b"old").etag
        after_a_look(monkeypatch, store, lambda: store.put("source", b"new"))
        with pytest.raises(Changed):
            store.copy("source", "copy", if_match=named)
        with pytest.raises(NotFound):
            store.head("copy")

    def test_a_copy_of_what_is_written_over_each_time_is_told(self, store, monkeypatch):
        store.put("source", b"old")
        writes = [lambda number=number: store.put("source", str(number).encode()) for number in range(20)]
        after_a_look(monkeypatch, store, *writes)
        with pytest.raises(TransientError, match="written over"):
            store.copy("source", "copy", PutOptions(metadata={"who": "me"}))
