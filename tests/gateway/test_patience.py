"""Callers that are too slow, with the times made short: the server alone, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cloudlayer.gateway import http_server
from cloudlayer.gateway.answer import Answer
from cloudlayer.gateway.envelope import CallError
from cloudlayer.gateway.http_server import HttpServer, Request

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, HttpServer], Awaitable[None]]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "IDLE_SECONDS", "WRITE_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(http_server, name, 0.1)


def talk(body: bytes, conversation: Talk, *, seconds: float = 0.0) -> None:
    async def answer(request: Request) -> Answer:
        await asyncio.sleep(seconds)
        if isinstance(request.problem, CallError):
            return Answer(request.problem.message.encode(), "id", request.problem.status)
        return Answer(body, "id")

    async def main() -> None:
        server = HttpServer(answer)
        (url,) = await server.listen_tcp("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        async with asyncio.timeout(10):
            await conversation(reader, writer, server)
        writer.close()
        server.close()
        server.abort()

    asyncio.run(main())


@pytest.mark.parametrize("begun", [b"POST / HTT", b"POST / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n12"])
def test_a_request_that_takes_too_long_to_arrive_is_a_408(begun: bytes) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        writer.write(begun)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")

    talk(b"", conversation)


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\n\r\n"])
def test_an_idle_connection_is_closed(first: bytes) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        writer.write(first)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 " if first else b"")

    talk(b"", conversation)


def test_a_caller_that_does_not_take_its_answer_is_dropped() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 3)
        while not server.unsent:
            await asyncio.sleep(0.01)
        while server.connections:
            await asyncio.sleep(0.01)
        assert server.held == 0

    talk(b"x" * 30 * 1024**2, conversation)


def test_a_slow_answer_is_waited_for_even_if_the_next_request_is_there_already() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n" + b"POST / HTTP/1.1\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1")
        assert (await reader.read()).count(b"HTTP/1.1 200 OK") == 2

    talk(b"", conversation, seconds=1.3)


def test_too_many_connections_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "CONNECTION_LIMIT", 0)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")

    talk(b"", conversation)


def test_bodies_held_for_callers_are_bounded_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HELD_LIMIT", 4)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n12345")
        while server.held != 5:
            await asyncio.sleep(0.005)
        second_reader, second = await asyncio.open_connection(*writer.get_extra_info("peername"))
        second.write(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n1")
        assert (await second_reader.readline()).startswith(b"HTTP/1.1 503 ")
        second.close()
        writer.write(b"6789")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert server.held == 0

    talk(b"", conversation)
