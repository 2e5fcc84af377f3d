"""What puts and deletes under a condition promise: of two writers one wins, and the other is told so."""

from __future__ import annotations

import json

import pytest

from cloudlayer.errors import AlreadyExists, Changed, InvalidSpec, NotFound
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import ObjectInfo, PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import THREADS, ObjectPromises, at_once
from cloudlayer.testing.skips import need

ABSENT = PutOptions(if_absent=True)
ROUNDS = 4
"""How often a race is run."""


class ConditionPromises(ObjectPromises):
    """Of stores with `create_if_absent`, `compare_and_swap`, or both."""

    @proves("create_if_absent")
    def test_a_create_is_refused_where_an_object_is(self, store: Store, place: str) -> None:
        """And the object stays as it is; one that was deleted may be created again."""
        need(store, "create_if_absent")
        key = f"{place}first"
        store.put(key, b"first", ABSENT)
        with pytest.raises(AlreadyExists) as caught:
            store.put(key, b"second", ABSENT)
        assert caught.value.provider == store.uri
        assert store.get(key) == b"first"
        store.delete(key)
        store.put(key, b"third", ABSENT)
        assert store.get(key) == b"third"

    @proves("create_if_absent")
    def test_of_many_creators_one_alone_wins(self, store: Store, another: Store, place: str) -> None:
        """All others are told AlreadyExists, and what is there is the winner's."""
        need(store, "create_if_absent")
        for number in range(ROUNDS):
            key = f"{place}race-{number}"

            def create(writer: int, key: str = key) -> ObjectInfo:
                return (store, another)[writer % 2].put(key, f"writer {writer}".encode(), ABSENT)

            ended = at_once(create, range(THREADS))
            won = [writer for writer, end in enumerate(ended) if isinstance(end, ObjectInfo)]
            assert len(won) == 1
            assert {type(end) for end in ended} == {ObjectInfo, AlreadyExists}
            assert store.get(key) == f"writer {won[0]}".encode()

    @proves("create_if_absent")
    def test_an_upload_that_is_to_be_the_first_is_refused(self, store: Store, place: str) -> None:
        """At the latest when it is completed, and the object stays."""
        need(store, "create_if_absent")
        key = f"{place}first"
        store.put(key, b"first")
        with pytest.raises(AlreadyExists):
            _uploaded(store, key, b"second", ABSENT)
        assert store.get(key) == b"first"

    @proves("compare_and_swap")
    def test_a_put_goes_through_with_the_right_etag_alone(self, store: Store, place: str) -> None:
        """Changed otherwise, and the object stays."""
        need(store, "compare_and_swap")
        key = f"{place}state"
        old = store.put(key, b"1")
        new = store.put(key, b"2", PutOptions(if_match=old.etag))
        assert new.etag != old.etag
        for etag in (old.etag, "no-such-etag"):
            with pytest.raises(Changed) as caught:
                store.put(key, b"3", PutOptions(if_match=etag))
            assert caught.value.provider == store.uri
            assert store.get(key) == b"2"
        store.put(key, b"3", PutOptions(if_match=store.head(key).etag))
        assert store.get(key) == b"3"

    def test_a_put_over_what_is_not_there_is_refused(self, store: Store, place: str) -> None:
        """If it is to replace an object with an etag: nothing is put."""
        need(store, "compare_and_swap")
        etag = store.put(f"{place}gone", b"1").etag
        store.delete(f"{place}gone")
        with pytest.raises((Changed, NotFound)):
            store.put(f"{place}gone", b"2", PutOptions(if_match=etag))
        with pytest.raises(NotFound):
            store.head(f"{place}gone")

    @proves("compare_and_swap")
    def test_no_step_of_a_counter_is_lost(self, store: Store, another: Store, place: str) -> None:
        """Though many count at once: each reads, adds one, and puts if nobody else has."""
        need(store, "compare_and_swap")
        key, counters, steps = f"{place}counter", 4, 5
        store.put(key, json.dumps(0).encode())

        def count(counter: int) -> None:
            mine, done = (store, another)[counter % 2], 0
            while done < steps:
                reader = mine.open(key)
                value = int(b"".join(reader))
                try:
                    mine.put(key, json.dumps(value + 1).encode(), PutOptions(if_match=reader.info.etag))
                except Changed:
                    continue
                done += 1

        assert [error for error in at_once(count, range(counters)) if error is not None] == []
        assert store.get(key) == str(counters * steps).encode()

    @proves("compare_and_swap")
    def test_a_delete_goes_through_with_the_right_etag_alone(self, store: Store, place: str) -> None:
        """Changed otherwise, and the object stays; NotFound where there is none."""
        need(store, "compare_and_swap")
        key = f"{place}state"
        old = store.put(key, b"1").etag
        new = store.put(key, b"2").etag
        with pytest.raises(Changed):
            store.delete(key, if_match=old)
        assert store.get(key) == b"2"
        store.delete(key, if_match=new)
        with pytest.raises(NotFound):
            store.head(key)
        with pytest.raises(NotFound):
            store.delete(key, if_match=new)

    def test_a_get_of_another_object_than_was_meant_is_refused(self, store: Store, place: str) -> None:
        """Of the whole, of a range, and by a stream: a reader of pieces never gets pieces of two objects."""
        need(store, "compare_and_swap")
        key = f"{place}state"
        old = store.put(key, b"old one").etag
        assert store.get(key, if_match=old) == b"old one"
        new = store.put(key, b"new one").etag
        assert store.get(key, start=0, end=3, if_match=new) == b"new"
        for start, end in ((None, None), (0, 3)):
            with pytest.raises(Changed):
                store.get(key, start=start, end=end, if_match=old)
        with pytest.raises(Changed):
            b"".join(store.open(key, if_match=old))

    def test_an_upload_over_another_object_than_was_meant_is_refused(self, store: Store, place: str) -> None:
        """At the latest when it is completed, and the object stays."""
        need(store, "compare_and_swap")
        key = f"{place}state"
        old = store.put(key, b"1").etag
        new = store.put(key, b"2").etag
        with pytest.raises(Changed):
            _uploaded(store, key, b"3", PutOptions(if_match=old))
        assert store.get(key) == b"2"
        _uploaded(store, key, b"3", PutOptions(if_match=new))
        assert store.get(key) == b"3"

    def test_two_conditions_at_once_are_refused(self, store: Store, place: str) -> None:
        """Nothing can be absent and have an etag."""
        need(store, "create_if_absent", "compare_and_swap")
        with pytest.raises(InvalidSpec):
            store.put(f"{place}both", b"1", PutOptions(if_absent=True, if_match="x"))
        with pytest.raises(NotFound):
            store.head(f"{place}both")


def _uploaded(store: Store, key: str, data: bytes, options: PutOptions) -> ObjectInfo:
    upload = store.upload(key, options, size=len(data))
    try:
        upload.part(1, data)
        return upload.complete(size=len(data), crc32c=crc32c(data))
    finally:
        upload.abort()
