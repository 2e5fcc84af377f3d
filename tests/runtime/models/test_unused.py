"""Models that nothing reads any more go after a day, here and on machines that are reached by SSH; no others do."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.interfaces import Model
from cloudlayer.runtime.hosts.local import LocalHost
from cloudlayer.runtime.models import models_folder, models_on, remove_unused, remove_unused_on, shipped, unused

LONG_AGO = unused.KEPT_SECONDS + 60
NOT_LONG_AGO = unused.KEPT_SECONDS - 3600


@pytest.fixture
def folder():
    with storage.connect({}) as client:
        yield client.dir(f"memory://{uuid4().hex}/models/")


@pytest.fixture
def model(folder):
    """A model of some text."""

    def made(text, name="words"):
        info = folder.file(text).put(text)
        return Model(folder.file(text).uri, name, info.etag, info.size, info.crc32c)

    return made


class There(LocalHost):
    """This host, as if it were reached by SSH."""

    is_here = False
    name = "there"


class Here:
    """The cache of this host."""

    def __init__(self, cache):
        self.cache, self.root = cache, cache / "models"

    def fetch(self, models):
        return models_folder(models, self.cache)

    def tidy(self, *wanted):
        remove_unused(self.cache, wanted)


class Elsewhere(Here):
    """What a machine has that models are sent to."""

    def __init__(self, cache, root):
        super().__init__(cache)
        self.root = root

    def fetch(self, models):
        return Path(models_on(There(), models, self.cache))

    def tidy(self, *wanted):
        remove_unused_on(There(), wanted)


@pytest.fixture(params=["here", "elsewhere"])
def machine(request, tmp_path, monkeypatch):
    if request.param == "here":
        return Here(tmp_path / "cache")
    monkeypatch.setattr(shipped, "REMOTE", str(tmp_path / "models"))
    monkeypatch.setattr(unused, "REMOTE", str(tmp_path / "models"))
    return Elsewhere(tmp_path / "cache", tmp_path / "models")


def aged(machine, seconds):
    """Let all that is there have been used that long ago."""
    for path in (*machine.root.glob("sets/*"), *machine.root.glob("files/*")):
        os.utime(path, (time.time() - seconds,) * 2)


def contents(machine):
    return sorted(path.read_text() for path in machine.root.glob("files/*") if path.suffix != ".lock")


def test_what_nothing_reads_goes_and_the_rest_stays(machine, model):
    old, new, shared = (model(text, text) for text in ("old", "new", "shared"))
    gone, kept = machine.fetch((old, shared)), machine.fetch((new, shared))
    aged(machine, LONG_AGO)

    machine.tidy((new, shared))

    assert not gone.exists()
    assert (kept / "new").read_text() == "new"
    assert contents(machine) == ["new", "shared"]


def test_what_was_read_not_long_ago_stays(machine, model):
    place = machine.fetch((model("words"),))
    aged(machine, NOT_LONG_AGO)

    machine.tidy()

    assert (place / "words").read_text() == "words"


def test_the_time_runs_from_when_it_was_wanted_last(machine, model):
    words = (model("words"),)
    place = machine.fetch(words)
    for _ in range(2):
        aged(machine, NOT_LONG_AGO)
        machine.tidy(words)
    machine.tidy()
    assert place.exists()

    aged(machine, LONG_AGO)
    machine.fetch(words)  # by whoever starts a replica
    machine.tidy()
    assert place.exists()

    aged(machine, LONG_AGO)
    machine.tidy()
    assert not place.exists()
    assert contents(machine) == []


def test_what_is_gone_is_fetched_again_when_it_is_needed(machine, model):
    words = (model("words"),)
    machine.fetch(words)
    aged(machine, LONG_AGO)
    machine.tidy()

    assert (machine.fetch(words) / "words").read_text() == "words"


def test_a_content_that_is_about_to_be_read_by_another_version_stays(tmp_path, model, monkeypatch):
    """Its own version is gone, and the other one is not there yet."""
    machine, shared = Here(tmp_path / "cache"), model("shared")
    machine.fetch((shared,))
    aged(machine, LONG_AGO)
    both, link = (shared, model("own", "own")), os.link

    def link_later(*given):
        monkeypatch.undo()
        machine.tidy()
        link(*given)

    monkeypatch.setattr(os, "link", link_later)
    place = machine.fetch(both)

    assert sorted(path.name for path in place.iterdir()) == ["own", "words"]


def test_what_a_fetch_left_that_broke_off_goes_too(machine, model):
    machine.fetch((model("words"),))
    for name in (f"files/{uuid4().hex}.new", f"files/{uuid4().hex}.part"):
        (machine.root / name).write_text("half")
    (machine.root / "sets/.new-broken").mkdir()
    aged(machine, LONG_AGO)

    machine.tidy()

    assert contents(machine) == []
    assert list(machine.root.glob("sets/*")) == []


def test_where_no_model_ever_was_nothing_is_made(machine):
    machine.tidy()

    assert not machine.root.exists()


@contextmanager
def seen_by_a_process(place, where):
    """A process that has the folder mounted in its sight, as a container has."""
    where.mkdir()
    script = f"mount --bind {place} {where} && echo mounted && read end"
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout.readline() != "mounted\n":
            pytest.skip("nothing can be mounted here")
        yield
    finally:
        process.communicate("end\n", timeout=30)


def test_what_a_process_has_in_its_sight_stays_whatever_is_wanted(machine, model, tmp_path):
    place = machine.fetch((model("words"),))
    with seen_by_a_process(place, tmp_path / "seen"):
        aged(machine, LONG_AGO)
        machine.tidy()
        assert (place / "words").read_text() == "words"
    aged(machine, LONG_AGO)

    machine.tidy()

    assert not place.exists()
