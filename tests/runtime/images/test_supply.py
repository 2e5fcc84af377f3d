"""The engine of this host as the builder of all: it is waited for a little, and by nobody for longer."""

import threading
import time

import pytest

from cloudlayer.errors import Unsupported
from cloudlayer.runtime.docker import supply
from cloudlayer.runtime.docker.supply import Supply
from tests.runtime.images.test_persistence import Builder


class Engines:
    """Answers when `go` is set, as `answer` has it."""

    def __init__(self):
        self.go, self.answer, self.asked = threading.Event(), None, 0
        self.closed = threading.Event()

    def connect(self, host):
        self.asked += 1
        assert self.go.wait(20)
        if self.answer is None:
            raise Unsupported("no Docker Engine answers")
        return self.answer

    def close(self):
        self.closed.set()


@pytest.fixture
def engines(monkeypatch):
    made = Engines()
    monkeypatch.setattr(supply, "Daemon", made)
    monkeypatch.setattr(supply, "Networks", lambda daemon, machine: None)
    monkeypatch.setattr(supply, "Builder", lambda daemon, cache, networks, pruning: daemon)
    monkeypatch.setattr(supply, "of_this_host", lambda daemon, cache: None)
    monkeypatch.setattr(supply, "connect_registry", lambda folder: None)
    yield made
    made.go.set()


def test_an_engine_that_hangs_delays_nobody_for_longer_than_it_has(tmp_path, engines, monkeypatch):
    monkeypatch.setattr(supply, "_PATIENCE", 0.2)
    made, found = Supply(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(made.here())) for _ in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [None] * 4
    assert made.here() is None
    assert time.monotonic() - began < 5
    assert engines.asked == 1


def test_all_wait_for_one_that_answers_in_time(tmp_path, engines):
    engines.answer = Builder("this host")
    made, found = Supply(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(made.here())) for _ in range(4)]
    for thread in threads:
        thread.start()
    engines.go.set()
    for thread in threads:
        thread.join(10)
    assert found == [engines.answer] * 4
    assert engines.asked == 1


def test_one_that_answers_late_builds_from_then_on(tmp_path, engines, monkeypatch):
    monkeypatch.setattr(supply, "_PATIENCE", 0.01)
    engines.answer = Builder("this host")
    made = Supply(tmp_path)
    assert made.here() is None
    engines.go.set()
    assert made._asked.wait(10)
    assert made.here() is engines.answer


def test_one_that_does_not_answer_is_asked_again_after_a_while_and_not_before(tmp_path, engines, monkeypatch):
    engines.go.set()
    made = Supply(tmp_path)
    assert made.here() is made.here() is None
    assert engines.asked == 1
    made._ask_at = 0.0
    made.here()
    assert engines.asked == 2


def test_one_that_answers_after_the_end_is_let_go_of(tmp_path, engines, monkeypatch):
    monkeypatch.setattr(supply, "_PATIENCE", 0.01)
    engines.answer = engines
    made = Supply(tmp_path)
    assert made.here() is None
    made.close()
    engines.go.set()
    assert engines.closed.wait(10)
