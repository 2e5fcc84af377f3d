"""The connections to one replica, in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cloudlayer.gateway import replica_client
from cloudlayer.gateway.replica_client import ReplicaClient
from cloudlayer.runtime.router.client import BadAnswer, Broken, Overran, TooLate, Unreachable

from .stand_ins import http

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def post(client: ReplicaClient, seconds: float = 5.0) -> bytes:
    deadline = asyncio.get_running_loop().time() + seconds
    return (await client.post(b"1", b"application/json", "id", deadline, time.time() + seconds)).body


def with_replica(path: Path, serve: Serve, conversation: Callable[[ReplicaClient], Awaitable[None]]) -> int:
    """How many connections the replica saw."""
    seen = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer)
        await serve(reader, writer)

    async def main() -> None:
        server = await asyncio.start_unix_server(count, str(path / "r"))
        client = ReplicaClient(f"unix:{path / 'r'}")
        async with asyncio.timeout(10):
            await conversation(client)
        client.close()
        server.close()
        for writer in seen:
            writer.close()

    asyncio.run(main())
    return len(seen)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n1"):
        writer.write(http(b"1"))


async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def test_calls_one_after_the_other_share_a_connection_and_calls_at_once_do_not(tmp_path: Path) -> None:
    async def conversation(client: ReplicaClient) -> None:
        for _ in range(3):
            assert await post(client) == b"1"
        assert await asyncio.gather(post(client), post(client)) == [b"1", b"1"]

    assert with_replica(tmp_path, echo, conversation) == 2


def test_what_comes_unasked_between_two_calls_is_nobodys_answer(tmp_path: Path) -> None:
    sent = asyncio.Event()

    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n1"):
            writer.write(http(b"1"))
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(http(b"666"))
            await writer.drain()
            sent.set()

    async def conversation(client: ReplicaClient) -> None:
        assert await post(client) == b"1"
        await sent.wait()
        await asyncio.sleep(0.02)
        assert await post(client) == b"1"

    assert with_replica(tmp_path, chatty, conversation) == 2


def test_a_connection_that_was_idle_for_long_is_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_client, "IDLE_SECONDS", 0.01)

    async def conversation(client: ReplicaClient) -> None:
        await post(client)
        await asyncio.sleep(0.03)
        await post(client)

    assert with_replica(tmp_path, echo, conversation) == 2


def test_a_call_that_overruns_takes_its_connection_with_it(tmp_path: Path) -> None:
    async def conversation(client: ReplicaClient) -> None:
        for _ in range(2):
            with pytest.raises(Overran):
                await post(client, 0.05)

    assert with_replica(tmp_path, quietly, conversation) == 2


def test_a_connection_that_ends_before_the_answer_is_told_from_one_that_never_was(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n1")
        writer.close()

    async def conversation(client: ReplicaClient) -> None:
        with pytest.raises(Broken):
            await post(client)
        with pytest.raises(Unreachable):
            await post(ReplicaClient(f"unix:{tmp_path / 'none'}"))
        with pytest.raises(TooLate):
            await post(ReplicaClient("http://127.0.0.1:9"), -1.0)

    with_replica(tmp_path, hang_up, conversation)


def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_client, "ANSWER_LIMIT", 10)

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n1")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11)
        await reader.read()

    async def conversation(client: ReplicaClient) -> None:
        with pytest.raises(BadAnswer, match="over 10 bytes"):
            await post(client)

    with_replica(tmp_path, endless, conversation)
