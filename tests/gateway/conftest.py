from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import Algorithmia
import pytest

from .stand_ins import KEY, Gateway, Received, Replica, Worker, http, start_gateway


@pytest.fixture
def fresh_gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with its controller; no snapshot was sent yet."""
    started = start_gateway(tmp_path)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def _running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    started = start_gateway(tmp_path_factory.mktemp("gateway"))
    yield started
    started.stop()


@pytest.fixture
def gateway(_running_gateway: Gateway) -> Gateway:
    """A gateway that the tests of a file share; what it told its controller before is forgotten."""
    _running_gateway.controller.received.clear()
    return _running_gateway


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts real workers."""
    started: list[Worker] = []

    def start(name: str = "worker-1", concurrency: int = 4) -> Worker:
        started.append(Worker(tmp_path, name, concurrency))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Callable[..., Replica]]:
    """Starts replicas that answer as a script says; without one, `null`."""
    started: list[Replica] = []

    def start(script: Callable[[Received], bytes | None] = lambda request: http(b"null")) -> Replica:
        started.append(Replica(tmp_path / f"replica-{len(started) + 1}", script))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def client(gateway: Gateway) -> Any:
    """The Algorithmia client from PyPI, as it is."""
    return Algorithmia.client(KEY, gateway.url)
