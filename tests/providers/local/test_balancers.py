"""Balancers of this host: who gets a connection, what goes through it, and the process that carries it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.local import proxies
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import HealthCheck, InstanceSpec, Listener, LoadBalancerSpec, LoadBalancerState, TargetSpec
from cloudlayer.units import GIB, MIB
from tests.providers.local.servers import WITHIN, asked, echo, free_port, named, until

HOST = HostFigures(millicores=8000, memory=32 * GIB, disk=64 * GIB)
QUICK = HealthCheck(interval=0.1)


def token():
    return str(uuid4())


@pytest.fixture
def provider(tmp_path):
    provider = LocalProvider(tmp_path / "state", lambda: HOST)
    yield provider
    for balancer in provider.load_balancing.list():
        provider.load_balancing.delete(balancer.id)


@pytest.fixture
def balancers(provider):
    return provider.load_balancing


@pytest.fixture
def port():
    """Of the targets."""
    return free_port()


def balancer_of(balancers, port, targets=(), **fields):
    """A balancer that listens on the port next to that of its targets."""
    fields = {"health_check": QUICK, "drain": 0.5, **fields}
    listener = Listener(port=port + 1, protocol="tcp", target_port=port)
    return balancers.create(LoadBalancerSpec(name="front", listeners=(listener,), targets=targets, **fields), token=token())


def addresses(*texts):
    return tuple(TargetSpec(address=text) for text in texts)


def states(balancers, balancer):
    return {health.target: health.state for health in balancers.health(balancer.id)}


def all_are(balancers, balancer, state):
    found = states(balancers, balancer)
    return bool(found) and set(found.values()) == {state}


def answers(balancer, times=20):
    return Counter(asked(balancer.address, balancer.listeners[0].port) for _ in range(times))


def test_connections_are_spread_over_machines_each_at_an_address_of_its_own(provider, balancers, port):
    machines = provider.compute.create_batch([InstanceSpec(machine_type="eighth")] * 3, token=token())
    at = [machine.private_address for machine in machines]
    assert len(set(at)) == 3
    with ExitStack() as servers:
        for address in at:
            servers.enter_context(named(address, port))
        balancer = balancer_of(balancers, port, [TargetSpec(instance=machine.id) for machine in machines])
        until(lambda: all_are(balancers, balancer, "healthy"))
        assert answers(balancer, 30) == dict.fromkeys(at, 10)


def test_a_target_that_fails_its_check_gets_nothing_until_it_is_well_again(balancers, port):
    with named("127.0.0.2", port):
        with named("127.0.0.3", port):
            balancer = balancer_of(balancers, port, addresses("127.0.0.2", "127.0.0.3"))
            until(lambda: all_are(balancers, balancer, "healthy"))
        until(lambda: states(balancers, balancer)["127.0.0.3"] == "unhealthy")
        assert answers(balancer).keys() == {"127.0.0.2"}
        with named("127.0.0.3", port):
            until(lambda: all_are(balancers, balancer, "healthy"))
            assert answers(balancer).keys() == {"127.0.0.2", "127.0.0.3"}


def test_a_check_over_http_wants_a_good_status(balancers, port):
    check = HealthCheck(protocol="http", path="/health", interval=0.1)
    with named("127.0.0.2", port, status=503), named("127.0.0.3", port):
        balancer = balancer_of(balancers, port, addresses("127.0.0.2", "127.0.0.3"), health_check=check)
        until(lambda: states(balancers, balancer) == {"127.0.0.2": "unhealthy", "127.0.0.3": "healthy"})
        (sick,) = (health for health in balancers.health(balancer.id) if health.state == "unhealthy")
        assert "503" in sick.reason


def test_a_target_that_refuses_is_passed_over_before_its_check_tells(balancers, port):
    with named("127.0.0.2", port):
        with named("127.0.0.3", port):
            slow = HealthCheck(interval=60.0)
            balancer = balancer_of(balancers, port, addresses("127.0.0.2", "127.0.0.3"), health_check=slow)
            until(lambda: all_are(balancers, balancer, "healthy"))
        assert answers(balancer).keys() == {"127.0.0.2"}


def test_with_no_target_that_is_well_a_connection_is_closed(balancers, port):
    balancer = balancer_of(balancers, port)
    with socket.create_connection((balancer.address, balancer.listeners[0].port), timeout=WITHIN) as connection:
        assert closed(connection)


def closed(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_all_that_is_sent_arrives_both_ways_and_an_end_is_passed_on(balancers, port):
    content = os.urandom(MIB) * 24
    with echo("127.0.0.2", port):
        balancer = balancer_of(balancers, port, addresses("127.0.0.2"))
        until(lambda: all_are(balancers, balancer, "healthy"))
        with socket.create_connection((balancer.address, balancer.listeners[0].port), timeout=WITHIN) as connection:

            def send():
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            received = bytearray()
            while part := connection.recv(1 << 18):
                received += part
            sender.join()
    assert bytes(received) == content


def opened(balancers, port, drain):
    """A balancer with one target, and a connection through it that is in use."""
    balancer = balancer_of(balancers, port, addresses("127.0.0.2"), drain=drain)
    until(lambda: all_are(balancers, balancer, "healthy"))
    connection = socket.create_connection((balancer.address, balancer.listeners[0].port), timeout=WITHIN)
    connection.sendall(b"hello")
    assert connection.recv(5) == b"hello"
    return balancer, connection


def test_a_target_that_is_taken_out_finishes_what_it_has_begun(balancers, port):
    with echo("127.0.0.2", port):
        balancer, connection = opened(balancers, port, drain=60.0)
        with pytest.raises(TransientError):
            balancers.deregister(balancer.id, addresses("127.0.0.2"), deadline=Deadline.after(0.5))
        assert states(balancers, balancer) == {"127.0.0.2": "draining"}
        with socket.create_connection((balancer.address, balancer.listeners[0].port), timeout=WITHIN) as new:
            assert closed(new)
        connection.sendall(b"still")
        assert connection.recv(5) == b"still"
        connection.close()
        balancers.deregister(balancer.id, addresses("127.0.0.2"), deadline=Deadline.after(WITHIN))
        assert states(balancers, balancer) == {}


def test_what_does_not_finish_in_time_is_cut(balancers, port):
    with echo("127.0.0.2", port):
        balancer, connection = opened(balancers, port, drain=0.5)
        with connection:
            balancers.deregister(balancer.id, addresses("127.0.0.2"), deadline=Deadline.after(WITHIN))
            assert closed(connection)


def test_a_target_that_is_registered_again_while_it_drains_stays(balancers, port):
    with echo("127.0.0.2", port):
        balancer, connection = opened(balancers, port, drain=60.0)
        with connection, pytest.raises(TransientError):
            balancers.deregister(balancer.id, addresses("127.0.0.2"), deadline=Deadline.after(0.2))
        balancers.register(balancer.id, addresses("127.0.0.2"))
        until(lambda: all_are(balancers, balancer, "healthy"))


MAKER = """
import sys
from cloudlayer import connect
from cloudlayer.resources import Listener, LoadBalancerSpec, TargetSpec
provider = connect("local", state=sys.argv[1])
listener = Listener(port=int(sys.argv[2]) + 1, protocol="tcp", target_port=int(sys.argv[2]))
spec = LoadBalancerSpec(name="front", listeners=[listener], targets=[TargetSpec(address="127.0.0.2")])
print(provider.load_balancing.create(spec, token=sys.argv[3]).id, flush=True)
sys.stdin.read()
"""


def test_a_balancer_outlives_its_maker_and_has_nothing_of_its_environment(provider, balancers, port, tmp_path):
    command = [sys.executable, "-c", MAKER, str(tmp_path / "state"), str(port), token()]
    environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "hush"}
    with named("127.0.0.2", port):
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
            made = maker.stdout.readline().strip()
            maker.kill()
        pid = process_of(balancers, made)
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        balancer = balancers.get(made)
        until(lambda: all_are(balancers, balancer, "healthy"))
        assert answers(balancer).keys() == {"127.0.0.2"}
    assert process_of(balancers, made) == pid


def process_of(balancers, id):
    return proxies.holder(balancers.kept.shelf.path(id))


def test_a_process_that_was_killed_is_started_again_by_who_looks(balancers, port):
    with named("127.0.0.2", port):
        balancer = balancer_of(balancers, port, addresses("127.0.0.2"))
        os.kill(process_of(balancers, balancer.id), signal.SIGKILL)
        until(lambda: process_of(balancers, balancer.id) is None)
        assert balancers.get(balancer.id).state is LoadBalancerState.ACTIVE
        until(lambda: all_are(balancers, balancer, "healthy"))
        assert answers(balancer).keys() == {"127.0.0.2"}


def test_a_deleted_balancer_leaves_no_process_and_no_file(balancers, port):
    balancer = balancer_of(balancers, port)
    pid = process_of(balancers, balancer.id)
    balancers.delete(balancer.id)
    until(lambda: not Path(f"/proc/{pid}").exists() or b"Z" in Path(f"/proc/{pid}/stat").read_bytes().split())
    assert list(balancers.kept.shelf.folder.iterdir()) == []


def test_a_process_that_is_stopped_is_killed_with_its_balancer(balancers, port):
    balancer = balancer_of(balancers, port)
    os.kill(process_of(balancers, balancer.id), signal.SIGSTOP)
    balancers.delete(balancer.id)
    assert list(balancers.kept.shelf.folder.iterdir()) == []


def test_two_balancers_listen_on_one_port_since_each_has_an_address(balancers, port):
    first, second = (balancer_of(balancers, port) for _ in range(2))
    assert first.listeners == second.listeners
    assert first.address != second.address


def test_a_port_that_is_taken_on_all_addresses_is_a_conflict_and_nothing_is_made(balancers):
    with socket.create_server(("0.0.0.0", 0)) as other:
        with pytest.raises(Conflict, match="another port"):
            balancer_of(balancers, other.getsockname()[1] - 1)
        assert balancers.list() == []


def test_a_port_that_is_taken_later_fails_the_balancer_until_it_is_free(balancers, port):
    balancer = balancer_of(balancers, port)
    os.kill(process_of(balancers, balancer.id), signal.SIGKILL)
    until(lambda: process_of(balancers, balancer.id) is None)
    with socket.create_server(("0.0.0.0", balancer.listeners[0].port)):
        failed = balancers.get(balancer.id)
        assert (failed.state, "port" in failed.reason) == (LoadBalancerState.FAILED, True)
        with pytest.raises(Conflict, match="port"):
            balancers.wait(balancer, "active", timeout=WITHIN)
    assert balancers.wait(balancer, "active", timeout=WITHIN).reason is None


def test_a_machine_that_is_deleted_is_an_unhealthy_target(provider, balancers, port):
    machine = provider.compute.create(InstanceSpec(machine_type="eighth"), token=token())
    balancer = balancer_of(balancers, port, [TargetSpec(instance=machine.id)])
    provider.compute.delete([machine.id])
    assert states(balancers, balancer) == {machine.id: "unhealthy"}
    balancers.deregister(balancer.id, [TargetSpec(instance=machine.id)])
    assert states(balancers, balancer) == {}


def test_an_address_that_is_none_is_refused(balancers, port):
    with pytest.raises(InvalidSpec, match="not an IP address"):
        balancer_of(balancers, port, addresses("example.org"))


def test_a_balancer_at_rest_takes_no_processor(balancers, port):
    balancer = balancer_of(balancers, port, addresses("127.0.0.2"), health_check=HealthCheck(interval=60.0))
    stat = Path(f"/proc/{process_of(balancers, balancer.id)}/stat")

    def used():
        return sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    before, began = used(), time.monotonic()
    until(lambda: time.monotonic() - began > 1.5)
    assert (used() - before) / (time.monotonic() - began) < 0.1
