"""SIGTERM: what runs may end, what waits is turned away, then the process ends with 0."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cloudlayer.runtime.worker.client import AlgorithmException, Client

from .stand_ins import KEY, TOKEN, Gateway, Received, Replica, Worker, eventually, http, start_gateway, version


@pytest.fixture
def gateway(fresh_gateway: Gateway) -> Gateway:
    return fresh_gateway


def call(gateway: Gateway, name: str = "Echo", session: requests.Session | None = None) -> requests.Response:
    post = (session or requests).post
    return post(f"{gateway.url}/v1/algo/nlp/{name}", json=1, headers={"Authorization": KEY}, timeout=20)


def slow(gate: threading.Event) -> Callable[[Received], bytes]:
    def answer(request: Received) -> bytes:
        assert gate.wait(15)
        return http(b"1")

    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_calls_in_flight_end_and_waiting_ones_are_told_to_come_back(
    gateway: Gateway, replica: Callable[..., Replica], number: signal.Signals
) -> None:
    gate = threading.Event()
    busy = replica(slow(gate))
    gateway.show(version("nlp/Echo/1.0.0", busy.route), version("nlp/Cold/1.0.0"))
    with ThreadPoolExecutor(2) as pool, requests.Session() as kept:
        assert kept.get(f"{gateway.url}/healthz", timeout=5).status_code == 200
        running, waiting = pool.submit(call, gateway), pool.submit(call, gateway, "Cold")
        eventually(lambda: busy.received)
        eventually(lambda: any(each.waiting for load in gateway.controller.loads() for each in load.versions))
        gateway.process.send_signal(number)
        refused = waiting.result()
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        with pytest.raises(requests.ConnectionError):
            call(gateway)
        gate.set()
        assert running.result().json()["result"] == 1
    assert gateway.process.wait(5) == 0


def test_calls_that_outlast_the_grace_are_broken_off(tmp_path: Path, replica: Callable[..., Replica]) -> None:
    gate = threading.Event()
    busy = replica(slow(gate))
    gateway = start_gateway(tmp_path, "--grace", "0.2")
    try:
        gateway.show(version("nlp/Echo/1.0.0", busy.route))
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(call, gateway)
            eventually(lambda: busy.received)
            gateway.process.terminate()
            assert gateway.process.wait(5) == 0
            with pytest.raises(requests.ConnectionError):
                running.result()
    finally:
        gate.set()
        gateway.stop()


def test_functions_call_each_other_over_a_unix_socket_that_is_open_to_all(
    tmp_path: Path, worker: Callable[..., Worker]
) -> None:
    path = tmp_path / "gateway.sock"
    gateway = start_gateway(tmp_path, "--socket", str(path))
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        gateway.show(version("nlp/Echo/1.0.0", worker().route), version("nlp/Other/1.0.0"))
        client = Client(TOKEN, "http://localhost", str(path))
        assert client.algo("nlp/Echo").pipe({"a": 1}).result == {"a": 1}
        with pytest.raises(AlgorithmException, match="may not call nlp/Other"):
            client.algo("nlp/Other").pipe(1)
        gateway.process.terminate()
        assert gateway.process.wait(5) == 0
        assert not path.exists()
    finally:
        gateway.stop()


def test_a_port_that_is_taken_is_told_in_one_line(gateway: Gateway, tmp_path: Path) -> None:

    command = [sys.executable, "-m", "cloudlayer.gateway", "--controller", str(tmp_path / "none"), "--port", str(gateway.port)]
    second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "--port" in second.stderr
    assert "Traceback" not in second.stderr
