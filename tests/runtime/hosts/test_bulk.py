"""What is large goes over a connection of its own, which is there for as long as it is needed."""

import socketserver
import threading

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.runtime.hosts.local import LocalHost
from tests.runtime.functions import until

pytestmark = pytest.mark.hosts
PLACE = "http://127.0.0.1:23987"


def patient(doing):
    """A caller who has time."""


@pytest.fixture
def answering(folder):
    """A socket of this host that answers "here" to each connection."""

    class Here(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"here")

    with socketserver.ThreadingUnixStreamServer(str(folder / "here.sock"), Here) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix:{folder / 'here.sock'}"
        server.shutdown()


def asked(box):
    """What PLACE of the machine says."""
    return box.ssh("exec 3<>/dev/tcp/127.0.0.1/23987 && head -c 4 <&3")


def test_it_leads_here_within_and_not_after(host, box, answering):
    with host.exposing(answering, PLACE, patient):
        assert asked(box) == "here"
    until(lambda: not host.accepts(PLACE), 5)


def test_a_port_that_somebody_has_is_told_of_and_another_can_be_had(host, box, answering):
    with host.exposing(answering, PLACE, patient):
        with pytest.raises(EngineError, match="23987 cannot be had"), host.exposing(answering, PLACE, patient):
            pass
        with host.exposing(answering, "http://127.0.0.1:23988", patient):
            assert asked(box) == "here"


def test_the_kept_connection_has_no_part_in_it(host, box, answering):
    with host.exposing(answering, PLACE, patient):
        host._master.end()
        until(lambda: not host.connected or host.connection > 1, 10)
        assert asked(box) == "here"


def test_time_that_is_up_ends_the_attempt(host, answering):
    def impatient(doing):
        raise TransientError(f"out of time while {doing}", code="deadline")

    with pytest.raises(TransientError, match="out of time while connecting to box"), host.exposing(answering, PLACE, impatient):
        pass


def test_one_that_is_not_connected_is_not_waited_for(connect, box, answering):
    host = connect(box.access(port=1), wait=False)
    with pytest.raises(TransientError), host.exposing(answering, PLACE, patient):
        pass


def test_this_host_needs_no_way():
    with LocalHost().exposing(PLACE, PLACE, patient):
        pass
