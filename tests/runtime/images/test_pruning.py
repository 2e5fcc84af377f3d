"""Room on a machine's disk: what was used longest ago goes first, and never what is used."""

import os
import threading
import time

import docker
import pytest
import requests

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.pruning import MARK, SPARED, Pruning
from cloudlayer.runtime.docker.pulling import NO_SPACE, full
from cloudlayer.runtime.hosts.local import LocalHost


def refused(status):
    answer = requests.Response()
    answer.status_code = status
    return docker.errors.APIError("refused", response=answer)


class Engine:
    """An engine whose disk holds ten images, of which `images` are there; `running` are in use."""

    limits = threading.local()

    def __init__(self, images, running=()):
        self.there, self.running = list(images), set(running)

    def info(self):
        return {"DockerRootDir": "/var/lib/docker"}

    def images(self, filters):
        return [{"Id": each, "RepoTags": [each]} for each in self.there if filters["label"] == "cloudlayer-function"]

    def remove_image(self, reference):
        if reference in self.running:
            raise refused(409)
        self.there.remove(reference)


class Host(LocalHost):
    def __init__(self, engine):
        self.engine = engine

    def run(self, command, **_):
        return f"1B-blocks Avail\n100 {100 - 10 * len(self.engine.there)}\n".encode()


@pytest.fixture
def pruning(tmp_path):
    """`pruning(engine, ages)`: its images were used that many seconds ago."""

    def make(engine, ages, **options):
        made = Pruning(Host(engine), Daemon(engine, "a test", LocalHost()), tmp_path / "images", **options)
        for reference, age in ages.items():
            made.used(reference)
            os.utime(made._path(reference), (time.time() - age,) * 2)
        return made

    return make


def nothing(doing):
    pass


def test_below_the_mark_nothing_goes(pruning):
    engine = Engine("abcdefgh")
    assert not pruning(engine, {}).make_room(nothing)
    assert len(engine.there) == 8
    assert MARK == 0.85


def test_the_one_used_longest_ago_goes_until_there_is_room(pruning):
    engine = Engine("abcdefghij")
    ages = {name: SPARED * (number + 2) for number, name in enumerate("abcdefghij")}
    assert pruning(engine, ages).make_room(nothing)
    assert "".join(engine.there) == "abcdefgh"


def test_what_runs_or_is_about_to_run_stays(pruning):
    engine = Engine("abcdefghij", running="abcdefgh")
    assert not pruning(engine, {"i": 0, "j": SPARED / 2}).make_room(nothing)
    assert len(engine.there) == 10


def test_when_the_disk_was_full_all_that_is_unused_goes(pruning):
    engine = Engine("abc", running="a")
    assert pruning(engine, {"c": 1}).make_room(nothing, at_any_mark=True)
    assert engine.there == ["a", "c"]


def test_a_note_that_another_thread_removes_is_no_error(pruning, tmp_path):
    engine = Engine("abc")
    made = pruning(engine, {"a": 2 * SPARED, "b": 0, "c": 0})
    (tmp_path / "images" / "gone").symlink_to("nothing")  # is listed, and cannot be read
    assert made.make_room(nothing, at_any_mark=True)
    assert engine.there == ["b", "c"]


def test_what_is_asked_for_while_others_go_stays(pruning):
    engine = Engine("abc")
    made = pruning(engine, {"a": 3 * SPARED, "b": 2 * SPARED, "c": 0})
    remove = engine.remove_image

    def asked_for_meanwhile(reference):
        remove(reference)
        made.used("b")
        made.used(reference)

    engine.remove_image = asked_for_meanwhile
    assert made.make_room(nothing, at_any_mark=True)
    assert engine.there == ["b", "c"]
    assert made._path("a").exists(), "it is about to be brought again"


def test_images_of_the_user_s_that_we_pulled_go_too(pruning):
    engine = Engine(["x:1"])
    engine.images = lambda filters: []
    made = pruning(engine, {})
    made.used("x:1")
    made.pulled("x:1")
    os.utime(made._path("x:1"), (time.time() - 2 * SPARED,) * 2)
    assert made.make_room(nothing, at_any_mark=True)
    assert engine.there == []


def test_a_machine_that_does_not_tell_is_taken_to_have_room(pruning, monkeypatch):
    engine = Engine("abcdefghij")
    made = pruning(engine, {})

    def cannot(*_, **__):
        raise EngineError("df: unrecognized option")

    monkeypatch.setattr(made._host, "run", cannot)
    assert not made.make_room(nothing)


def test_a_full_disk_is_told_by_the_machine_s_name_and_may_be_tried_again():
    told = full(EngineError("write /var/lib/docker/x: no space left on device"), "m1")
    assert isinstance(told, TransientError)
    assert told.code == NO_SPACE
    assert "no space on m1" in str(told)
    assert full(EngineError("manifest unknown"), "m1") is None


def test_on_an_engine_that_others_use_too_theirs_are_let_be(pruning):
    engine = Engine([*(f"theirs:{number}" for number in range(8)), "ours:old", "ours:new"])
    made = pruning(engine, {"ours:old": 7000, "ours:new": 5000}, shared=True)
    assert made.make_room(nothing)
    assert set(engine.there) == {f"theirs:{number}" for number in range(8)}
