import os

import pytest

from cloudlayer.storage.registry import connect
from tests.storage.transfers.stand_ins import Watched


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """What transfers remember is kept apart for each test."""
    path = tmp_path / "home"
    monkeypatch.setenv("CLOUDLAYER_HOME", str(path))
    return path


@pytest.fixture
def store(tmp_path):
    """A store in memory, of which the test sees and breaks every part and range."""
    return Watched(connect("memory", tmp_path.name, f"memory+{tmp_path.parent.name}", {}))


@pytest.fixture
def files():
    return connect("file", "", "file", {})


@pytest.fixture
def large(tmp_path):
    """A file of some parts."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(LARGE))
    return path


LARGE = 5 * 8 * 2**20 + 17
