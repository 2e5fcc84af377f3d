"""What the verbs for asyncio promise: the same as the others, without holding up the loop."""

from __future__ import annotations

import asyncio

import pytest

from cloudlayer import storage
from cloudlayer.errors import NotFound
from cloudlayer.storage.objects import PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.testing.objects.base import THREADS, Given, ObjectPromises, Stores, keys


class AsyncPromises(ObjectPromises):
    """Of every store."""

    def test_reading_is_the_same(self, store: Store, given: Given, prefix: str) -> None:
        """Whole, by range, told, streamed, and what is not there."""
        key = given("ten", b"0123456789")

        async def read() -> None:
            assert await store.get_async(key) == b"0123456789"
            assert await store.get_async(key, start=2, end=5) == b"234"
            assert await store.get_async(key, start=-2) == b"89"
            assert await store.head_async(key) == store.head(key)
            reader = await store.open_async(key, start=5)
            assert b"".join(await asyncio.to_thread(list, reader)) == b"56789"
            for verb in (store.get_async, store.head_async, store.open_async):
                with pytest.raises(NotFound):
                    await verb(f"{prefix}absent")

        asyncio.run(read())

    def test_writing_is_the_same(self, store: Store, place: str) -> None:
        """Put, list and delete, of what is not there too."""

        async def write() -> None:
            options = PutOptions(metadata={"a": "b"}) if store.capabilities["metadata"] else PutOptions()
            told = await store.put_async(f"{place}name", b"1", options)
            assert (told.key, told.size) == (f"{place}name", 1)
            assert store.head(f"{place}name").metadata == options.metadata
            listed = [item.key async for page in store.list_async(place) for item in page.objects]
            assert listed == keys(store.list(place)) == [f"{place}name"]
            await store.delete_async(f"{place}name")
            await store.delete_async(f"{place}name")
            with pytest.raises(NotFound):
                store.head(f"{place}name")

        asyncio.run(write())

    def test_many_calls_go_on_at_once(self, store: Store, given: Given) -> None:
        """In one loop, which goes on meanwhile: when each has begun, not all can have ended."""
        wanted = [(given(str(number), str(number).encode()), str(number).encode()) for number in range(THREADS)]

        async def read() -> None:
            calls = [asyncio.create_task(store.get_async(key)) for key, _ in wanted]
            await asyncio.sleep(0)
            assert not all(call.done() for call in calls)
            assert await asyncio.gather(*calls) == [data for _, data in wanted]

        asyncio.run(read())

    def test_files_are_the_same(self, stores: Stores, store: Store, given: Given, prefix: str) -> None:
        """As with the client that waits."""
        key = given("records.json", b'{"a": 1}')

        async def read() -> None:
            async with storage.connect_async(stores) as client:
                file = client.file(_uri(store, key))
                assert await file.get() == b'{"a": 1}'
                assert await file.json() == {"a": 1}
                assert await file.text() == '{"a": 1}'
                assert await file.exists()
                assert (await file.stat()).size == 8
                absent = client.file(_uri(store, f"{prefix}absent"))
                assert not await absent.exists()
                with pytest.raises(NotFound):
                    await absent.get()
                if store.capabilities["put"]:
                    await absent.put_json([1, 2])
                    assert await absent.json() == [1, 2]
                    found = [entry.name async for entry in client.dir(_uri(store, prefix)).list()]
                    assert sorted(found) == ["absent", "records.json"]
                    await absent.delete()
                    assert not await absent.exists()

        asyncio.run(read())


def _uri(store: Store, key: str) -> str:
    """The URI of a key, under the name that the tests' settings give the store."""
    return f"{store.uri}{key}"
