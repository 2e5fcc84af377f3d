import pytest

from cloudlayer.storage.bulk import Tree
from cloudlayer.storage.registry import connect
from tests.storage.transfers.stand_ins import Watched


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """What runs remember is kept apart for each test."""
    path = tmp_path / "home"
    monkeypatch.setenv("CLOUDLAYER_HOME", str(path))
    return path


@pytest.fixture
def files():
    return connect("file", "", "file", {})


@pytest.fixture
def store(tmp_path):
    """A store in memory, of which the test sees and breaks what it wants."""
    return Watched(connect("memory", tmp_path.name, f"memory+{tmp_path.parent.name}", {}))


@pytest.fixture
def folder(tmp_path):
    """A folder with files in it, as a source."""
    path = tmp_path / "source"
    for name in ("a", "b/c", "b/d e#?%+", "b.txt", "z/é/y", "z/" + "x" * 100):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(f"what is in {name}")
    (path / "empty").write_bytes(b"")
    return path


@pytest.fixture
def source(files, folder):
    return Tree.at(files, str(folder)[1:])


@pytest.fixture
def target(store):
    return Tree.at(store, "some/place")


@pytest.fixture
def back(files, tmp_path):
    return Tree.at(files, str(tmp_path / "back")[1:])
