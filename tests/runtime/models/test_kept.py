"""Models in this machine's cache: fetched once, verified, shared, never half."""

import os
import threading
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Model
from cloudlayer.runtime.models import models_folder

BIG = os.urandom(9 * 1024**2)


@pytest.fixture
def folder():
    """A folder of a store, new for each test."""
    with storage.connect({}) as client:
        yield client.dir(f"memory://{uuid4().hex}/models/")


def pinned(file, name):
    info = file.stat()
    return Model(file.uri, name, info.etag, info.size, info.crc32c)


def test_models_lie_by_their_names_and_cannot_be_written_by_others(folder, tmp_path):
    folder.file("big.bin").put(BIG)
    folder.file("small.json").put(b"{}")
    models = (pinned(folder.file("big.bin"), "v7/big.bin"), pinned(folder.file("small.json"), "small.json"))

    place = models_folder(models, tmp_path)

    assert (place / "v7/big.bin").read_bytes() == BIG
    assert (place / "small.json").read_bytes() == b"{}"
    assert (place / "small.json").stat().st_mode & 0o777 == 0o644
    assert (place / "v7").stat().st_mode & 0o777 == 0o755


def test_what_several_versions_read_is_kept_once(folder, tmp_path):
    folder.file("shared").put(BIG)
    folder.file("own").put(b"own")
    shared, own = pinned(folder.file("shared"), "shared"), pinned(folder.file("own"), "own")

    one, other = models_folder((shared,), tmp_path), models_folder((shared, own), tmp_path)

    assert (one / "shared").samefile(other / "shared")


def test_what_is_there_is_not_asked_for_again(folder, tmp_path):
    folder.file("gone").put(b"was here")
    model = pinned(folder.file("gone"), "gone")
    first = models_folder((model,), tmp_path)
    folder.file("gone").delete()

    assert models_folder((model,), tmp_path) == first
    assert (first / "gone").read_bytes() == b"was here"


def test_an_object_that_has_changed_since_the_deploy_is_refused(folder, tmp_path):
    folder.file("model").put(b"one")
    model = pinned(folder.file("model"), "model")
    folder.file("model").put(b"two")

    with pytest.raises(EngineError, match="has changed since it was deployed: deploy it again"):
        models_folder((model,), tmp_path)
    assert not list((tmp_path / "models").rglob("model"))


def test_an_object_that_is_gone_is_named(folder, tmp_path):
    with pytest.raises(EngineError, match="absent"):
        models_folder((Model(folder.file("absent").uri, "absent"),), tmp_path)


def test_many_that_want_it_at_once_get_the_same(folder, tmp_path):
    folder.file("model").put(BIG)
    model, found = pinned(folder.file("model"), "model"), []
    threads = [threading.Thread(target=lambda: found.append(models_folder((model,), tmp_path))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert {path.name for path in found} == {found[0].name}
    assert (found[0] / "model").read_bytes() == BIG
    assert [path.name for path in (tmp_path / "models/sets").iterdir()] == [found[0].name]


def test_an_empty_object_is_a_model_as_well(folder, tmp_path):
    folder.file("empty").put(b"")

    assert (models_folder((pinned(folder.file("empty"), "empty"),), tmp_path) / "empty").read_bytes() == b""


@pytest.mark.parametrize("pins", [{"size": 4}, {"crc32c": 1}])
def test_an_object_without_an_etag_is_held_to_what_else_is_known(folder, tmp_path, pins):
    folder.file("model").put(b"other")

    with pytest.raises(EngineError):
        models_folder((Model(folder.file("model").uri, "model", **pins),), tmp_path)
    assert not list((tmp_path / "models").rglob("model"))
