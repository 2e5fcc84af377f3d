"""Models in containers: sent to their machine once, seen by every replica there, written by none."""

import hashlib
import os
from contextlib import contextmanager
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.interfaces import Model
from cloudlayer.runtime.hosts.ssh import SshHost

LARGE = os.urandom(20 * 1024**2)
DIGEST = hashlib.sha256(LARGE).hexdigest()
READ = """
import hashlib, os
path = os.path.join(os.environ["CLOUDLAYER_MODELS"], {name!r})
result = [hashlib.sha256(open(path, "rb").read()).hexdigest(), os.stat(path).st_ino]
"""
WRITE = """
import os
try:
    open(os.path.join(os.environ["CLOUDLAYER_MODELS"], "new"), "w")
except OSError as error:
    result = error.strerror
"""


@pytest.fixture
def folder():
    with storage.connect({}) as client:
        yield client.dir(f"memory://{uuid4().hex}/models/")


def pinned(file, name):
    info = file.stat()
    return Model(file.uri, name, info.etag, info.size, info.crc32c)


@pytest.fixture
def models(folder):
    folder.file("large.bin").put(LARGE)
    folder.file("empty").put(b"")
    return pinned(folder.file("large.bin"), "v7/large.bin"), pinned(folder.file("empty"), "empty")


def test_replicas_read_one_file_and_write_none(fleet, engine, models):
    first, second = (fleet.ready(engine, models=each) for each in (models, models[:1]))

    seen = [fleet.look(status, READ.format(name="v7/large.bin")) for status in (first, second)]

    assert seen[0] == seen[1]
    assert seen[0][0] == DIGEST
    assert fleet.look(first, WRITE) == "Read-only file system"


def test_one_that_reads_none_sees_none(fleet, engine):
    status = fleet.ready(engine)

    assert fleet.look(status, 'import os; result = [os.path.exists("/models"), "CLOUDLAYER_MODELS" in os.environ]') == [
        False,
        False,
    ]


@pytest.mark.parametrize("host", [pytest.param("there", marks=pytest.mark.hosts)], indirect=True)
def test_a_model_whose_way_breaks_off_goes_on_where_it_was(fleet, engine, models, monkeypatch):
    sent = []
    monkeypatch.setattr("cloudlayer.runtime.models.shipped._PIECE", 4 * 1024**2)

    with broken_after(2, sent, monkeypatch), pytest.raises(ConnectionError):
        engine.prepare(fleet.spec(models=models))
    before = sum(sent)
    status = fleet.ready(engine, models=models)

    assert fleet.look(status, READ.format(name="v7/large.bin"))[0] == DIGEST
    assert 0 < before < len(LARGE)
    assert sum(sent) == len(LARGE)


@contextmanager
def broken_after(pieces, sent, monkeypatch):
    """Commands that carry a piece: each is counted, and after so many, for once, the way breaks."""
    run = SshHost.run

    def counted(self, command, *, input=b"", **options):
        if len(input) > 2**16:
            if len(sent) == pieces and not broken:
                broken.append(True)
                raise ConnectionError
            sent.append(len(input))
        return run(self, command, input=input, **options)

    broken = []
    monkeypatch.setattr(SshHost, "run", counted)
    yield
