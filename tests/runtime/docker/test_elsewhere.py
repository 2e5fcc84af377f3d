"""Replicas on a machine that is reached by SSH alone: what differs from this host."""

import shutil
import tempfile
from pathlib import Path

import pytest

from cloudlayer.errors import EngineError, TransientError, Unsupported
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaExit, ReplicaState
from cloudlayer.runtime.hosts.ssh import SshHost
from cloudlayer.runtime.registry import connect_engine
from tests.runtime.functions import until

pytestmark = [pytest.mark.hosts, pytest.mark.parametrize("host", ["there"], indirect=True)]

RULE = "-A INPUT -i cldi-+ -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP"
REACH = """
import socket
result = "nothing"
try:
    with socket.create_connection(({!r}, {}), timeout=1):
        result = "connected"
except OSError:
    pass
"""


@pytest.fixture
def box(hosts):
    return hosts(1)[0]


@pytest.fixture
def commands(host, monkeypatch):
    """The commands that run on the machine from now on."""
    made, run = [], type(host).run

    def noted(self, command, **options):
        made.append(command)
        return run(self, command, **options)

    monkeypatch.setattr(type(host), "run", noted)
    return made


def test_a_replica_is_called_through_a_socket_here_and_known_by_its_own_address_there(fleet, engine, box):
    status = fleet.ready(engine)
    assert status.address.startswith("unix:/")
    assert status.inner_address.startswith("http://1")
    assert fleet.call(status, "result = 6 * 7") == (200, "[42]")
    assert f"cloudlayer-{status.id}" in box.ssh("docker ps --format '{{.Names}}'")
    assert engine.get(status.id) == status == engine.list()[0]


def test_a_stopped_replica_leaves_no_way_to_it(fleet, engine):
    status = fleet.ready(engine)
    path = Path(status.address.removeprefix("unix:"))
    assert path.exists()
    engine.stop(status.id)
    assert not path.exists()


def test_the_way_to_an_address_stays_with_whoever_has_it_now(fleet, engine):
    first = fleet.ready(engine)
    engine._client.kill(first.handle)
    engine._client.wait(first.handle)
    second = fleet.ready(engine)
    assert second.inner_address == first.inner_address
    assert engine.get(first.id).state is ReplicaState.EXITED
    engine.stop(first.id)
    assert fleet.call(second, "result = 1") == (200, "[1]")


def test_a_replica_that_is_awaited_costs_few_commands_and_the_next_start_none(fleet, engine, commands):
    fleet.ready(engine)
    commands.clear()
    spec = fleet.spec()
    engine.start(spec)
    assert commands == []
    engine.wait(spec.id, deadline=Deadline.after(20))
    assert len(commands) <= 2
    commands.clear()
    assert {status.state for status in engine.list()} == {ReplicaState.READY}
    assert commands == []


def test_another_controller_sees_who_is_ready_by_one_command(fleet, engine, commands):
    for _ in range(3):
        fleet.ready(engine)
    heir = fleet.engine()
    commands.clear()
    assert [status.state for status in heir.list()] == [ReplicaState.READY] * 3
    assert len(commands) == 1


def test_a_replica_that_ends_while_it_starts_is_not_waited_for(fleet, engine, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "broken.py").write_text("raise SystemExit(7)\n")
    spec = fleet.spec(source=source)
    engine.start(spec)
    deadline = Deadline.after(30)
    assert engine.wait(spec.id, deadline=deadline).state is ReplicaState.EXITED
    assert deadline.remaining() > 20


def test_it_reaches_neither_the_metadata_service_nor_the_machine(fleet, engine, box):
    opened, closed = fleet.ready(engine, internet=True), fleet.ready(engine)
    box.ssh("ip addr replace 169.254.77.77/32 dev lo")
    gateway = opened.inner_address.removeprefix("http://").rsplit(".", 1)[0] + ".1"
    assert fleet.look(opened, REACH.format("169.254.77.77", 22)) == "nothing"
    assert fleet.look(opened, REACH.format(gateway, 22)) == "connected"
    for address in ("169.254.77.77", box.address, gateway):
        assert fleet.look(closed, REACH.format(address, 22)) == "nothing"


def test_the_machines_rules_are_set_again_after_it_started_anew(fleet, engine, host, hosts, box):
    fleet.ready(engine)
    before = host.connection
    hosts.fail(box.name, "kill")
    hosts.heal(box.name)
    until(lambda: host.connection > before and host.connected, 15)
    assert RULE not in box.ssh("iptables -S")
    (ended,) = engine.list()
    assert ended.state is ReplicaState.EXITED
    fleet.ready(engine)
    assert RULE in box.ssh("iptables -S")


@pytest.mark.parametrize("how", ["partition", "freeze"])
def test_replicas_of_a_machine_that_was_cut_off_are_there_again_at_the_same_address(fleet, engine, host, hosts, box, how):
    status = fleet.ready(engine)
    hosts.fail(box.name, how)
    until(lambda: not host.connected, 6)
    for asked in (
        engine.list,
        lambda: engine.get(status.id),
        lambda: engine.start(fleet.spec()),
        lambda: engine.stop(status.id),
    ):
        with pytest.raises(TransientError, match="box"):
            asked()
    hosts.heal(box.name)
    assert host.wait_connected(Deadline.after(10))
    assert fleet.call(status, "result = 1") == (200, "[1]")
    found = engine.get(status.id)
    assert (found.state, found.address) == (ReplicaState.READY, status.address)


def test_where_no_engine_answers_it_says_what_to_do_there(fleet, engine, host, box):
    box.ssh("mv /run/docker.sock /run/docker.away")
    try:
        with pytest.raises(Unsupported, match="no Docker Engine answers on box: install and start Docker there"):
            fleet.engine()
    finally:
        box.ssh("mv /run/docker.away /run/docker.sock")
    box.ssh("chmod 600 /run/docker.sock")
    try:
        with pytest.raises(Unsupported, match="on box: may the user that we are there use it"):
            fleet.engine()
    finally:
        box.ssh("chmod 660 /run/docker.sock")


def test_who_may_not_become_root_is_told_so(fleet, engine, box):
    box.ssh("mv /etc/sudoers.d/operator /root/operator")
    try:
        with pytest.raises(EngineError, match=r"must be kept from .* not become root without a password"):
            engine.start(fleet.spec())
    finally:
        box.ssh("mv /root/operator /etc/sudoers.d/operator")


def test_what_this_host_is_told_of_its_own_engine_does_not_count(fleet, engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:1")
    assert fleet.engine().list() == []


def test_the_process_engine_starts_nothing_on_another_machine(host, tmp_path):
    with pytest.raises(Unsupported, match="on box, which is another machine: use the docker engine"):
        connect_engine("process", MachineContext("m", tmp_path, tmp_path, host))


def test_a_replica_that_took_too_much_memory_is_told(fleet, engine):
    ended = fleet.provoke(engine, "result = bytearray(2**30)")
    assert ended.exit is ReplicaExit.OUT_OF_MEMORY


def test_a_machine_that_cannot_be_reached_gets_no_engine(host, box, tmp_path):
    folder = Path(tempfile.mkdtemp(prefix="ch-"))
    away = SshHost(box.access(port=1), name="away", folder=folder)
    try:
        with pytest.raises(TransientError, match="away cannot be reached"):
            connect_engine("docker", MachineContext("m", tmp_path, tmp_path, away))
    finally:
        away.end()
        shutil.rmtree(folder, ignore_errors=True)
