"""The store of this host's files, and a folder in it."""

import pytest

from cloudlayer.storage import registry


@pytest.fixture
def store():
    return registry.connect("file", "", "file", {})


@pytest.fixture
def root(tmp_path):
    """What the keys of this test start with."""
    return f"{tmp_path}/"[1:]
