"""A client, and a folder of a store in memory and of this host's disk."""

import pytest

from cloudlayer import storage


@pytest.fixture
def client():
    with storage.connect({"blob": {"uri": "memory://client/alias"}}) as client:
        yield client


@pytest.fixture(params=["memory", "file"])
def root(request, tmp_path):
    """A folder that is empty."""
    return f"file://{tmp_path}/" if request.param == "file" else f"memory://client/{request.node.name}/"


@pytest.fixture
def folder(client, root):
    return client.dir(root)
