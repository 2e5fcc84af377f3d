"""A replica is healthy when it answers on its function's path; one that stops doing so ends."""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cloudlayer.fleet.health import FAILURES, Patrol, ailment, examined
from cloudlayer.fleet.store import ReplicaRowState
from cloudlayer.interfaces import Deadline, ReplicaExit, ReplicaState, ReplicaStatus, SystemClock
from tests.fleet.test_rollouts import OLD, desired, replica


@dataclass
class Served:
    """A server at "unix:/path" that answers `status` to every GET."""

    address: str
    status: int = 200


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(f"unix:{tmp_path / 's'}")

    class Handler(http.server.BaseHTTPRequestHandler):
        def address_string(self) -> str:
            return "unix"

        def do_GET(self) -> None:
            self.send_response(found.status if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(b"out of\n order")

        def log_message(self, *_: object) -> None:
            pass

    server = UnixServer(str(tmp_path / "s"), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def test_what_is_wrong_is_told_in_the_replicas_own_words(served: Served, tmp_path: Path) -> None:
    assert ailment(served.address, "/healthz", 5) is None
    served.status = 503
    assert ailment(served.address, "/healthz", 5) == "GET /healthz answered 503 out of order"
    assert "was not answered within 5 s" in str(ailment(f"unix:{tmp_path / 'nobody'}", "/healthz", 5))


def function(**health: object):
    spec = desired({"version": "1.0.0", "health": health}).manifest.of(OLD)
    assert spec is not None
    return spec


def test_a_replica_is_ready_once_it_is_healthy_and_has_failed_if_it_never_is(served: Served) -> None:
    ready = ReplicaStatus("r", ReplicaState.READY, served.address)
    wanted = function(path="/healthz", within="200ms")
    assert examined(ready, wanted, Deadline.after(5), SystemClock()) == ready
    served.status = 500
    failed = examined(ready, wanted, Deadline.after(5), SystemClock())
    assert failed.exit is ReplicaExit.FAILED_TO_LOAD
    assert failed.message == "it is not healthy: GET /healthz answered 500 out of order"
    assert examined(ready, function(), Deadline.after(5), SystemClock()) == ready


def test_one_that_fails_again_and_again_is_given_up_once_and_one_that_recovers_is_not(served: Served) -> None:
    told: list[str] = []
    wanted = desired({"version": "1.0.0", "health": {"path": "/healthz"}})
    rows = [
        replace(replica(wanted, OLD, id="unknown"), spec={"of": "another version"}),
        replica(wanted, OLD, id="sick", address="unix:/nowhere"),
        replica(wanted, OLD, id="well", address=served.address),
        replica(wanted, OLD, id="leaving", address="unix:/nowhere", state=ReplicaRowState.DRAINING),
        replace(replica(desired({"version": "1.0.0"}), OLD, id="unasked"), address="unix:/nowhere"),
    ]
    patrol = Patrol(lambda one, why: told.append(f"{one}: {why}"))
    with ThreadPoolExecutor(2) as executor:
        for number in range(FAILURES + 2):
            served.status = 503 if number < FAILURES - 1 else 200
            patrol.round(rows, executor)
    assert len(told) == 1
    assert told[0].startswith("sick: it is not healthy any more: GET /healthz was not answered")
