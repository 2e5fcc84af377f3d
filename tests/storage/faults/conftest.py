"""Servers, and time that passes faster: a store waits before it tries again, here for a hundredth of that."""

import time
from types import SimpleNamespace

import pytest
import tenacity.nap

from benchmarks.objects_server import serving
from tests.storage.servers import azurite
from tests.storage.servers_others import hdfs, sshd, swift

__all__ = ["azurite", "hdfs", "sshd", "swift"]


@pytest.fixture
def waited(monkeypatch):
    """How long was waited, each time, in seconds that passed for the store."""
    waits, sleep = [], time.sleep

    def wait(seconds):
        waits.append(seconds)
        sleep(seconds / 100)

    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=wait))
    return waits


@pytest.fixture(scope="session")
def look_alike():
    """The server of the benchmarks, which speaks S3 and checks what it is sent."""
    with serving() as server:
        yield server
