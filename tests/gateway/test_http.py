"""What callers may send that is no proper request."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .stand_ins import KEY, Gateway, Replica, http, start_gateway, version

CALL = f"POST /v1/algo/nlp/Echo HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\n".encode()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    started = start_gateway(tmp_path_factory.mktemp("gateway"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def up(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    echo = Replica(tmp_path_factory.mktemp("replica") / "echo", lambda request: http(request.body))
    gateway.show(version("nlp/Echo/1.0.0", echo.route))
    yield echo
    echo.close()


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=10)


def send(gateway: Gateway, data: bytes) -> bytes:
    """All that is answered until the gateway closes the connection."""
    with connect(gateway) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def read_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    assert len(body) == length
    return head, body


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        CALL + b"Content-Length: x\r\n\r\n",
        CALL + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        CALL + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CALL + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        CALL + b"Bad Header: x\r\n\r\n",
        CALL + b"Folded: a\x00b\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_400_in_the_envelope(gateway: Gateway, up: Replica, data: bytes) -> None:
    calls = len(up.received)
    head, _, body = send(gateway, data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in head
    error = json.loads(body)["error"]
    assert f"X-Request-Id: {error['request_id']}".encode() in head
    assert len(up.received) == calls


def test_a_head_that_never_ends_is_a_431(gateway: Gateway, up: Replica) -> None:
    assert send(gateway, CALL + b"X: " + b"x" * 70_000).startswith(b"HTTP/1.1 431 ")
    assert send(gateway, CALL + b"X: x\r\n" * 20_000 + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_trailers_change_nothing_and_do_not_go_on_for_ever(gateway: Gateway, up: Replica) -> None:
    chunked = CALL + b"Transfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n"
    with connect(gateway) as connection:
        connection.sendall(chunked + b"Authorization: other\r\n\r\n")
        assert json.loads(read_answer(connection)[1])["result"] == 7
    assert send(gateway, chunked + b"X: " + b"x" * 400_000).startswith(b"HTTP/1.1 431 ")


def test_requests_sent_in_one_go_are_answered_in_order(gateway: Gateway, up: Replica) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"".join(CALL + b"Content-Length: 2\r\n\r\n%02d" % (number + 10) for number in range(40)))
        stream = connection.makefile("rb")
        results = []
        for _ in range(40):
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            results.append(json.loads(stream.read(length))["result"])
    assert results == list(range(10, 50))


def test_nonsense_after_a_request_does_not_cost_it_its_answer(gateway: Gateway, up: Replica) -> None:
    received = send(gateway, CALL + b"Content-Length: 1\r\n\r\n5" + b"nonsense\r\n\r\n")
    assert b'{"result":5' in received
    assert received.index(b"HTTP/1.1 200") < received.index(b"HTTP/1.1 400")


def test_a_client_that_asks_first_is_told_to_go_on(gateway: Gateway, up: Replica) -> None:
    with connect(gateway) as connection:
        connection.sendall(CALL + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"5")
        assert json.loads(read_answer(connection)[1])["result"] == 5
    refused = send(gateway, CALL + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
    assert b"TooLargeError" in refused
    assert b"100 Continue" not in refused


def test_a_body_without_end_is_refused_at_some_point(gateway: Gateway, up: Replica) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with connect(gateway) as connection:
        connection.sendall(CALL + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(85):
            connection.sendall(chunk)
        assert b"TooLargeError" in read_answer(connection)[1]


@pytest.mark.parametrize("framing", [b"Content-Length: 1\r\n\r\n5", b"Transfer-Encoding: chunked\r\n\r\n1\r\n5\r\n0\r\n\r\n"])
def test_an_offer_of_another_protocol_is_declined_and_the_request_served(gateway: Gateway, up: Replica, framing: bytes) -> None:
    offer = CALL + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n" + framing
    with connect(gateway) as connection:
        for _ in range(2):
            connection.sendall(offer)
            assert json.loads(read_answer(connection)[1])["result"] == 5


def test_old_clients_keep_their_connection_only_if_they_ask(gateway: Gateway, up: Replica) -> None:
    old = CALL.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Content-Length: 1\r\n"
    assert b'"result":5' in send(gateway, old + b"\r\n5")
    with connect(gateway) as connection:
        for _ in range(2):
            connection.sendall(old + b"Connection: keep-alive\r\n\r\n5")
            assert b"Connection: keep-alive" in read_answer(connection)[0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 400), max_size=8))
def test_a_request_may_arrive_in_any_pieces(gateway: Gateway, up: Replica, cuts: list[int]) -> None:
    data = CALL + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[1,2\r\n3\r\n,3]\r\n0\r\n\r\n"
    with connect(gateway) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
            connection.sendall(data[start:end] if start < end else b"")
        assert json.loads(read_answer(connection)[1])["result"] == [1, 2, 3]
