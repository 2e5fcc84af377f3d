"""The client for asyncio does what the other one does, and leaves the loop to others meanwhile."""

import asyncio
import inspect
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudlayer import storage
from cloudlayer.errors import AlreadyExists, Changed, InvalidSpec, NotFound, Unsupported
from cloudlayer.storage import registry
from cloudlayer.storage.aio import AsyncClient, AsyncDirectory, AsyncFile
from cloudlayer.storage.client import Client
from cloudlayer.storage.directories import Directory
from cloudlayer.storage.files import File
from cloudlayer.storage.stores.memory import MemoryStore

LARGE = os.urandom(9 * 2**20 + 17)


def public(kind):
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


@pytest.mark.parametrize(("one", "other"), [(Client, AsyncClient), (File, AsyncFile), (Directory, AsyncDirectory)])
def test_both_clients_have_the_same_names_with_the_same_arguments(one, other):
    assert public(one) == public(other)
    for name in public(one) - {"key", "store", "uri"}:
        parameters = inspect.signature(getattr(one, name)).parameters
        assert [*inspect.signature(getattr(other, name)).parameters] == [*parameters]


@pytest.fixture(params=["memory", "file"])
def root(request, tmp_path):
    return f"file://{tmp_path}/" if request.param == "file" else f"memory://aio/{request.node.name}/"


def run(body):
    async def within():
        async with storage.connect_async({}) as client:
            return await asyncio.wait_for(body(client), 60)

    return asyncio.run(within())


@pytest.mark.parametrize("data", [b"", b"x", bytearray(b"x"), memoryview(b"xyz")[1:], "ü", LARGE])
def test_what_is_put_is_got_whole_in_ranges_and_piece_by_piece(root, data):
    expected = data.encode() if isinstance(data, str) else bytes(data)

    async def body(client):
        file = client.file(f"{root}x")
        put = await file.put(data)
        assert await file.get() == await file.get(if_match=put.etag) == expected
        async with await file.stream() as reader:
            assert b"".join([piece async for piece in reader]) == expected
            assert reader.info.size == len(expected)
        if expected:
            assert await file.get(0, 1) == expected[:1]
            async with await file.stream(start=-1) as reader:
                assert b"".join([piece async for piece in reader]) == expected[-1:]
        assert (await file.stat()).etag == put.etag
        with pytest.raises(AlreadyExists):
            await file.put(data, if_absent=True)
        with pytest.raises(Changed):
            await file.put(data, if_match="other")
        with pytest.raises(Changed):
            await file.delete(if_match="other")

    run(body)


def test_texts_and_json_are_put_and_got(root):
    async def body(client):
        file = client.file(f"{root}x")
        await file.put_json({"a": "ü"})
        assert await file.json() == {"a": "ü"}
        assert await file.text() == '{"a": "ü"}'
        await file.put(b"\xff")
        with pytest.raises(InvalidSpec, match="is not utf-8"):
            await file.text()
        with pytest.raises(InvalidSpec, match="is not JSON"):
            await file.json()

    run(body)


def test_streams_that_are_asynchronous_and_those_that_are_not_are_put(root):
    async def pieces():
        for at in range(0, len(LARGE), 1_000_000):
            await asyncio.sleep(0)
            yield LARGE[at : at + 1_000_000]

    async def failing():
        yield LARGE
        raise RuntimeError("the source broke")

    async def body(client):
        file = client.file(f"{root}x")
        assert (await file.put_stream(pieces())).size == len(LARGE)
        assert await file.get() == LARGE
        with pytest.raises(RuntimeError, match="the source broke"):
            await file.put_stream(failing())
        assert await file.get() == LARGE
        await file.put_stream([b"a", b"", b"b"])
        assert await file.get() == b"ab"

    run(body)


def test_as_many_streams_as_the_loop_has_threads_are_put_into_each_other():
    async def body(client):
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))

        async def one(number):
            await client.file(f"memory://aio/from/{number}").put(LARGE)
            reader = await client.file(f"memory://aio/from/{number}").stream()
            return await client.file(f"memory://aio/to/{number}").put_stream(reader)

        infos = await asyncio.gather(*map(one, range(4)))
        assert [info.size for info in infos] == [len(LARGE)] * 4

    run(body)


@pytest.mark.parametrize("first", [b"1", LARGE])
def test_a_stream_that_is_cancelled_while_its_source_waits_puts_nothing(root, first):
    async def body(client):
        file, waiting, ended = client.file(f"{root}x"), asyncio.Event(), []

        async def pieces():
            yield first
            waiting.set()
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("source")

        putting = asyncio.create_task(file.put_stream(pieces()))
        await waiting.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert "cloudlayer-stream" not in [thread.name for thread in threading.enumerate()]
        assert (ended, await file.exists(), [*file.store.uploads(file.key)]) == (["source"], False, [])

    run(body)


def test_a_stream_that_is_cancelled_puts_nothing_though_its_source_comes_to_its_end(root):
    async def body(client):
        file, waiting, go_on = client.file(f"{root}x"), asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def pieces():
            yield b"1"
            loop.call_soon_threadsafe(waiting.set)
            assert go_on.wait(30)

        putting = asyncio.create_task(file.put_stream(pieces()))
        await waiting.wait()
        putting.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert not await file.exists()

    run(body)


def test_stores_are_connected_in_a_thread_when_they_are_first_needed(monkeypatch):
    """To connect may be to import a library, or to ask for credentials."""
    connected, connect = [], registry.connect
    monkeypatch.setattr(registry, "connect", lambda *place: connected.append(threading.get_ident()) or connect(*place))

    async def body(client):
        file, folder = client.file("memory://late/x"), client.dir("memory://later")
        assert (folder.uri, folder.file("y").uri, connected) == ("memory://later/", "memory://later/y", [])
        await asyncio.gather(file.put(b"1"), folder.file("y").put(b"2"), client.file("memory://late/z").put(b"3"))
        assert len(connected) == 2
        assert threading.get_ident() not in connected
        assert client.file("memory://late/x").store is file.store
        assert [entry.name async for entry in client.dir("memory://late").list()] == ["x", "z"]
        with pytest.raises(InvalidSpec, match="is no scheme"):
            await client.file("ftp://host/x").get()

    run(body)


def test_files_copies_and_moves(root, tmp_path):
    (tmp_path / "there").write_bytes(LARGE)

    async def body(client):
        file, other = client.file(f"{root}x"), client.file("memory://aio/other")
        await file.put_file(tmp_path / "there")
        await file.get_file(tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == LARGE
        await file.copy(other)
        await file.move(f"{root}y")
        assert await other.get() == await client.file(f"{root}y").get() == LARGE
        assert not await file.exists()
        with pytest.raises(NotFound):
            await file.get()
        await other.delete()

    run(body)


def test_directories_are_listed_and_deleted(root):
    async def body(client):
        folder = client.dir(f"{root}tree")
        for name in ("a.csv", "sub/b.csv", "sub/deep/c.txt"):
            await folder.file(name).put(name)
        assert [entry.name async for entry in folder.list()] == ["a.csv", "sub/b.csv", "sub/deep/c.txt"]
        assert [entry.name async for entry in folder.list(shallow=True)] == ["a.csv", "sub/"]
        assert [entry.uri async for entry in folder.list(glob="**/*.csv")] == [f"{root}tree/a.csv", f"{root}tree/sub/b.csv"]
        assert await folder.dir("sub").exists()
        assert await folder.delete() == 3
        assert not await folder.exists()

    run(body)


def test_tags_and_signed_urls():
    async def body(client):
        file = client.file("memory://aio/tags")
        await file.put(b"1", tags={"a": "b"})
        await file.set_tags({**await file.tags(), "c": "d"})
        assert await file.tags() == {"a": "b", "c": "d"}
        with pytest.raises(Unsupported):
            await file.sign()

    run(body)


def test_many_calls_are_under_way_at_once_and_the_loop_is_free_meanwhile(monkeypatch):
    """Each get waits for the other one, and both for the loop."""
    meeting, get = asyncio.Event(), MemoryStore.get
    loops = []

    def slow(store, key, **options):
        asyncio.run_coroutine_threadsafe(meeting.wait(), loops[0]).result(30)
        return get(store, key, **options)

    async def body(client):
        loops.append(asyncio.get_running_loop())
        file = client.file("memory://aio/slow")
        await file.put(b"1")
        monkeypatch.setattr(MemoryStore, "get", slow)
        both = asyncio.gather(file.get(), file.get())
        await asyncio.sleep(0)
        meeting.set()
        assert await both == [b"1", b"1"]

    run(body)
