"""A worker that serves a function of a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.functions import function
from tests.runtime.workers import Worker


@pytest.fixture
def serve(tmp_path: Path) -> Iterator:
    workers = []

    def start(code: str, **environment: str) -> Worker:
        workers.append(Worker(function(tmp_path / "source", code), tmp_path, **environment))
        return workers[-1]

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
