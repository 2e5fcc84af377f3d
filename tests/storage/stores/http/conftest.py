"""A server of the web that does what a test says, and a client of it."""

import os

import pytest

from cloudlayer import storage
from cloudlayer.storage.stores import retries
from tests.storage.stores.http.web import Page, Web

DATA = os.urandom(3_000_000)


@pytest.fixture
def web():
    with Web() as web:
        yield web
        web.shutdown()


@pytest.fixture
def other():
    with Web() as other:
        yield other
        other.shutdown()


@pytest.fixture
def client():
    with storage.connect({"http": {"timeout": "5s", "headers": {"Authorization": "Bearer hidden"}}}) as client:
        yield client


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Tries follow each other at once; how often they are made is as ever."""
    waits = []
    monkeypatch.setattr(retries._RETRYING, "sleep", waits.append)
    return waits


@pytest.fixture
def page(web):
    web.pages["/a/b.bin"] = page = Page(
        DATA, headers={"Content-Type": "text/csv", "Last-Modified": "Sun, 29 Nov 2026 07:00:00 GMT"}
    )
    return page


@pytest.fixture
def file(web, page, client):
    return client.file(f"{web.uri}a/b.bin")
