"""Objects too large to pass through the gateway, and stores too slow to wait for: neither is anything to a function's call."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import Algorithmia
import pytest
import requests

from cloudlayer.fleet.routes import DataAccess, Routes
from cloudlayer.gateway.data import AT_ONCE, WAITING_LIMIT
from cloudlayer.gateway.http_server import BODY_LIMIT
from tests.storage.servers import Moto, moto_s3

from .data_worlds import ask, start_with_data
from .machines import Machine
from .stand_ins import CREDENTIALS, KEY, PEPPER, Gateway, Worker, eventually, version

__all__ = ["moto_s3"]
LARGE = BODY_LIMIT + 1


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this host, open to be read and written."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Gateway]:
    """A gateway of that folder."""
    started = start_with_data(tmp_path_factory.mktemp("gateway"), "", DataAccess(write=(f"file://{files}",)))
    yield started
    started.stop()


def test_a_file_of_10_mib_passes_both_ways(gateway: Gateway, files: Path) -> None:
    content = bytes(range(256)) * (BODY_LIMIT // 256)
    assert ask(gateway, "PUT", f"/v1/data/file://{files}/most", content)[0] == 200
    assert (files / "most").read_bytes() == content
    assert ask(gateway, "GET", f"/v1/data/file://{files}/most")[2] == content


@pytest.mark.parametrize("expect", [False, True])
def test_a_larger_one_is_refused_with_what_to_do_and_changes_nothing(gateway: Gateway, files: Path, expect: bool) -> None:
    (files / "kept").write_bytes(b"old")
    more = "Expect: 100-continue\r\n" if expect else ""
    head = f"PUT /v1/data/file://{files}/kept HTTP/1.1\r\nAuthorization: {KEY}\r\n{more}Content-Length: {LARGE}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as line:
        line.sendall(head.encode() + (b"" if expect else b"x" * LARGE))
        answer = line.recv(65536).decode()
    assert answer.split()[1] == "413"
    assert "cloudlayer data cp" in answer
    assert (files / "kept").read_bytes() == b"old"


def test_a_large_object_of_a_store_that_signs_no_urls_is_told_and_not_sent(gateway: Gateway, files: Path) -> None:
    (files / "large").write_bytes(bytes(LARGE))
    assert ask(gateway, "HEAD", f"/v1/data/file://{files}/large")[1]["Content-Length"] == str(LARGE)
    status, _, body = ask(gateway, "GET", f"/v1/data/file://{files}/large")
    assert (status, "cloudlayer data cp" in json.loads(body)["error"]["message"]) == (413, True)


def test_a_large_object_of_s3_is_fetched_from_there_by_the_client_with_no_key_of_ours(
    tmp_path: Path,
    moto_s3: Moto,
) -> None:
    place = moto_s3.fresh()
    content = bytes(range(256)) * (LARGE // 256 + 1)
    place.connect().put("large", content)
    place.connect().put("small", b"small")
    settings = "".join(f"{name} = {json.dumps(value)}\n" for name, value in place.settings.items())
    gateway = start_with_data(tmp_path, f"[stores.s3]\n{settings}", DataAccess(open=(place.uri,)))
    try:
        status, headers, body = ask(gateway, "GET", f"/v1/data/{place.uri}large")
        assert (status, body, headers["Cache-Control"]) == (307, b"", "no-store")
        assert urlsplit(headers["Location"]).netloc == urlsplit(moto_s3.address).netloc
        client: Any = Algorithmia.client(KEY, gateway.url)
        assert client.file(f"{place.uri}large").getBytes() == content
        fetched = client.file(f"{place.uri}large").get()
        assert "Authorization" not in fetched.request.headers
        assert client.file(f"{place.uri}small").getString() == "small"
        assert "Signature" not in "".join(gateway.text)
    finally:
        gateway.stop()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield server


def test_a_store_that_never_answers_holds_up_no_call_and_its_queue_is_bounded(
    tmp_path: Path, silent: socket.socket, worker: Callable[..., Worker]
) -> None:
    store = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    access = DataAccess(open=(store,))
    gateway = start_with_data(tmp_path, "", access)
    lines = list[socket.socket]()
    try:
        gateway.show(version("nlp/Echo/1.0.0", worker().route), data=access)
        asking = f"GET /v1/data/{store}x HTTP/1.1\r\nAuthorization: {KEY}\r\n\r\n".encode()
        for _ in range(AT_ONCE + WAITING_LIMIT + 3):
            lines.append(socket.create_connection(("127.0.0.1", gateway.port), timeout=20))
            lines[-1].sendall(asking)
        refused = eventually(lambda: len(found := select.select(lines, [], [], 0)[0]) == 3 and found, 20)
        for line in refused:
            answer = line.recv(65536)
            assert answer.startswith(b"HTTP/1.1 429 ")
            assert b"Retry-After: 1" in answer
        for number in range(50):
            call = requests.post(f"{gateway.url}/v1/algo/nlp/Echo", json=number, headers={"Authorization": KEY}, timeout=5)
            assert call.json()["result"] == number
    finally:
        for line in lines:
            line.close()
        gateway.stop()


def test_a_function_on_another_machine_asks_by_its_machines_router(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    try:
        machine.show()
        number = (machine.gateway.controller.newest or Routes(0, "")).number + 1
        access = DataAccess(write=(f"file://{tmp_path}/data",))
        machine.gateway.controller.send(Routes(number, PEPPER, CREDENTIALS, data=access))
        machine.gateway.controller.await_snapshot(number)
        for method, status, name, said in (
            ("HEAD", 404, "X-Error-Message", "is not there"),
            ("PUT", 200, "Content-Type", "application/json"),
            ("HEAD", 200, "X-Data-Type", "file"),
            ("GET", 200, "ETag", '"'),
        ):
            connection = HTTPConnection("localhost", timeout=20)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(20)
            connection.sock.connect(str(machine.socket))
            body = b"text" if method == "PUT" else None
            connection.request(method, f"/v1/data/file://{tmp_path}/data/x", body, {"Authorization": KEY})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            assert (answer.status, said in (answer.headers[name] or "")) == (status, True), (method, answer.headers, content)
        assert content == b"text"
    finally:
        machine.close()
