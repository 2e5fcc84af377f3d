"""Answers of servers of all kinds, and of those that are none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cloudlayer.runtime.router import client
from cloudlayer.runtime.router.client import BadAnswer, Broken, Client, Overran, Response, TooLate, Unreachable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*answers: bytes, hang_up: bool = False) -> Serve:
    """Sends one of `answers` for each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
            writer.write(answer)
        if hang_up:
            writer.close()
        else:
            await reader.read()
            writer.close()

    return serve


def ask(path: Path, serve: Serve, times: int = 1, seconds: float = 5.0) -> list[Response]:
    """The answers to some requests, one after the other."""

    async def run() -> list[Response]:
        server = await asyncio.start_unix_server(serve, str(path / "s"))
        asked = Client(f"unix:{path / 's'}")
        loop = asyncio.get_running_loop()
        try:
            return [await asked.send("POST", "/", ("A: b",), b"body", loop.time() + seconds) for _ in range(times)]
        finally:
            asked.close()
            server.close()

    return asyncio.run(run())


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    "answer",
    [
        LENGTH,
        b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH,
        b"HTTP/1.1 200 OK\r\ncontent-type:a/b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n",
    ],
)
def test_an_answer_is_whole_however_it_is_framed(tmp_path: Path, answer: bytes) -> None:
    found = ask(tmp_path, answering(answer, answer), times=2)
    assert [(each.status, each.headers["content-type"], each.body) for each in found] == [(200, "a/b", b"abc")] * 2


def test_an_answer_without_a_length_ends_with_its_connection(tmp_path: Path) -> None:
    (found,) = ask(tmp_path, answering(b"HTTP/1.0 200 OK\r\n\r\nabc", hang_up=True))
    assert found.body == b"abc"


def test_a_connection_that_is_to_be_closed_is_not_used_again(tmp_path: Path) -> None:
    answer = LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert len(ask(tmp_path, answering(answer, hang_up=True), times=3)) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_told_as_such(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        ask(tmp_path, answering(answer))


def test_an_answer_that_grows_without_end_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_LIMIT", 1000)
    with pytest.raises(BadAnswer, match="over 1000 bytes"):
        ask(tmp_path, answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000))


def test_an_end_before_the_answers_is_a_break(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        ask(tmp_path, answering(LENGTH[:-1], hang_up=True))
    with pytest.raises(Broken):
        ask(tmp_path, answering(b"", hang_up=True))


def test_a_deadline_ends_the_wait(tmp_path: Path) -> None:
    with pytest.raises(Overran):
        ask(tmp_path, answering(LENGTH[:-1]), seconds=0.1)


def test_where_nobody_listens_nothing_was_sent(tmp_path: Path) -> None:
    async def run(seconds: float) -> None:
        await Client(f"unix:{tmp_path / 'none'}").send("POST", "/", (), b"", asyncio.get_running_loop().time() + seconds)

    with pytest.raises(Unreachable):
        asyncio.run(run(5.0))
    with pytest.raises((TooLate, Unreachable)):
        asyncio.run(run(0.0))
