"""Models of replicas that are processes here: read by all, written by none."""

from __future__ import annotations

import dataclasses
import os
import time
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.interfaces import Model
from cloudlayer.runtime.models import remove_unused
from cloudlayer.runtime.models.unused import KEPT_SECONDS
from tests.runtime.functions import post

READER = """
    import os

    def apply(input):
        path = os.path.join(os.environ["CLOUDLAYER_MODELS"], input["name"])
        if "write" in input:
            try:
                open(path, "w").close()
            except OSError as error:
                return type(error).__name__
            return "written"
        found = os.stat(path)
        return {"text": open(path).read(), "inode": found.st_ino}
"""


@pytest.fixture
def model():
    with storage.connect({}) as client:
        file = client.file(f"memory://{uuid4().hex}/models/words.txt")
        info = file.put(b"seafood")
        yield Model(file.uri, "v7/words.txt", info.etag, info.size, info.crc32c)


def test_two_versions_read_one_file(host, engine, model) -> None:
    specs = [host.spec(READER, version=version, models=(model,)) for version in ("1.0.0", "1.0.1")]

    answers = [post(host.run(engine, spec).address, {"name": "v7/words.txt"}) for spec in specs]

    assert [answer["text"] for _, answer in answers] == ["seafood", "seafood"]
    assert len({answer["inode"] for _, answer in answers}) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="replicas are users of their own only where root starts them")
def test_no_replica_writes_a_model(host, engine, model) -> None:
    status = host.run(engine, host.spec(READER, models=(model,)))

    assert post(status.address, {"name": "v7/words.txt", "write": True})[1] in (b"PermissionError", b"OSError")
    assert post(status.address, {"name": "v7/words.txt"})[1]["text"] == "seafood"


def test_models_that_were_removed_meanwhile_are_there_for_the_next_replica(host, engine, model) -> None:
    first = host.spec(READER, models=(model,))
    assert post(host.run(engine, first).address, {"name": "v7/words.txt"})[1]["text"] == "seafood"
    engine.stop(first.id)
    for path in (host.context.cache / "models").glob("*/*"):
        os.utime(path, (time.time() - KEPT_SECONDS - 60,) * 2)

    remove_unused(host.context.cache, [])
    second = host.run(engine, dataclasses.replace(first, id=str(uuid4())))

    assert post(second.address, {"name": "v7/words.txt"})[1]["text"] == "seafood"
