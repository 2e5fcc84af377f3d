"""A machine's way to the registry: one for all who deliver there at once, and another where it breaks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.runtime.docker.registry import way
from cloudlayer.runtime.docker.registry.way import Ways

SOCKET = Path("/registry.sock")


class Host:
    """A machine on which a port leads to one place at a time; all of them are `taken` where that is None."""

    name = "box"

    def __init__(self, taken=()):
        self.taken = None if taken is None else set(taken)
        self.lock = threading.Lock()

    @contextmanager
    def exposing(self, address, there, check):
        with self.lock:
            if self.taken is None or there in self.taken:
                raise EngineError(f"{there} cannot be had")
            self.taken.add(there)
        yield
        self.taken.remove(there)


def nothing(doing):
    pass


def test_many_images_come_to_a_machine_at_once_over_one_way():
    host, ways, barrier = Host(), Ways(), threading.Barrier(20)

    def deliver(_):
        with ways.to(host, SOCKET, nothing) as opened:
            address = opened.address()
            barrier.wait(10)  # none is done before all are under way
            return address

    with ThreadPoolExecutor(20) as threads:
        assert len(set(threads.map(deliver, range(20)))) == 1
    assert host.taken == set(), "the way is there for deliveries alone"


def test_after_an_error_the_next_one_gets_another_way_and_who_is_under_way_keeps_his():
    host, ways = Host(), Ways()
    with ways.to(host, SOCKET, nothing) as kept:
        first = kept.address()
        with pytest.raises(TransientError), ways.to(host, SOCKET, nothing) as broken:
            assert broken.address() == first
            raise TransientError("the connection broke")
        with ways.to(host, SOCKET, nothing) as other:
            assert other.address() != first
        assert host.taken == {f"http://{first}"}
    assert host.taken == set()


def test_ports_that_former_connections_still_hold_are_passed_over(monkeypatch):
    monkeypatch.setattr(way, "_first_port", lambda name, socket: 20000)
    host = Host(f"http://127.0.0.1:{20000 + 37 * count}" for count in range(5))
    with Ways().to(host, SOCKET, nothing) as opened:
        assert opened.address()


def test_that_no_port_is_to_be_had_now_is_no_end_of_it():
    with pytest.raises(TransientError, match="AllowTcpForwarding"), Ways().to(Host(None), SOCKET, nothing) as opened:
        opened.address()
