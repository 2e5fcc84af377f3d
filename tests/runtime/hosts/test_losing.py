"""A connection that is lost is seen, told, and made again; it outlives whoever made it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.forwards import Forwards
from tests.runtime.functions import until
from tests.runtime.hosts.conftest import ENGINE, ping

pytestmark = pytest.mark.hosts

OWNER = """
import sys, time
from pathlib import Path
from cloudlayer.interfaces import Access
from cloudlayer.runtime.hosts.ssh import SshHost
address, key, host_key, folder = sys.argv[1:]
host = SshHost(Access(address, user="root", key=Path(key), host_keys=(host_key,)), name="box", folder=Path(folder))
print(host.forward("unix:/run/docker.sock"), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["freeze", "partition", "kill"])
def test_a_host_that_is_lost_is_seen_within_seconds_and_found_again_at_the_same_addresses(hosts, box, connect, how):
    seen = []
    host = connect(box.access(), changed=lambda: seen.append(host.connected))
    local = host.forward(ENGINE)
    host.expose(local, "unix:/run/cloudlayer-test/x.sock")
    host.expose(local, "http://127.0.0.1:5124")
    first = host.connection
    hosts.fail(box.name, how)
    failed = time.monotonic()
    until(lambda: not host.connected, 6)
    with pytest.raises(TransientError, match="box"):
        host.run(["true"])
    assert time.monotonic() - failed < 7
    assert "box" in host.reason
    assert host.forward(ENGINE) == local
    hosts.heal(box.name)
    assert host.wait_connected(Deadline.after(10)), host.reason
    assert host.connection > first
    assert ping(local) == "OK"
    look = "curl -s --unix-socket /run/cloudlayer-test/x.sock http://engine/_ping; curl -s http://127.0.0.1:5124/_ping"
    assert host.run(["sh", "-c", look]) == b"OKOK"
    assert seen[-2:] == [False, True]


def test_a_host_that_cannot_be_reached_holds_nobody_up(hosts, box, connect, folder):
    hosts.fail(box.name, "partition")
    began = time.monotonic()
    host = connect(box.access(), wait=False)
    assert time.monotonic() - began < 0.2
    assert not host.connected
    with pytest.raises(TransientError):
        host.run(["true"], deadline=Deadline.after(0.5))
    assert time.monotonic() - began < 2
    hosts.heal(box.name)
    assert host.wait_connected(Deadline.after(15)), host.reason


def test_whoever_connects_again_first_each_finds_its_own_forwards(box, connect, folder):
    hosts = [connect(box.access()), connect(box.access())]
    ways = [hosts[0].forward(ENGINE), hosts[1].forward("unix:/var/run/docker.sock")]
    hosts[0].expose(ways[0], "unix:/run/cloudlayer-test/y.sock")
    for _ in range(3):
        before = [host.connection for host in hosts]
        os.kill(master_of(folder / "box"), signal.SIGKILL)
        for host, first in zip(hosts, before, strict=True):
            until(lambda host=host, first=first: host.connection > first, 10)
        assert [ping(way) for way in ways] == ["OK", "OK"]
        look = ["curl", "-s", "--unix-socket", "/run/cloudlayer-test/y.sock", "http://engine/_ping"]
        assert hosts[1].run(look) == b"OK"


def test_a_connection_whose_forwards_cannot_be_set_up_is_kept_and_they_are_tried_again(box, connect, folder, monkeypatch):
    host = connect(box.access())
    local, first, restore, masters = host.forward(ENGINE), host.connection, Forwards.restore, []

    def failing(self):
        masters.append(master_of(folder / "box"))
        if len(masters) < 3:
            raise EngineError("not now")
        restore(self)

    monkeypatch.setattr(Forwards, "restore", failing)
    os.kill(master_of(folder / "box"), signal.SIGKILL)
    until(lambda: host.connection > first, 10)
    assert len(set(masters)) == 1
    assert ping(local) == "OK"


def test_taking_over_twice_leaves_the_connection_that_stands(box, connect, folder):
    host = connect(box.access("operator"))
    os.kill(master_of(folder / "box"), signal.SIGKILL)
    until(lambda: host.connection > 1 and host.connected, 10)
    master = master_of(folder / "box")
    host._kept._succeed()
    assert host.run(["true"]) == b""
    assert master_of(folder / "box") == master


def test_what_cannot_be_exposed_after_a_loss_is_exposed_once_it_can_be(box, connect, folder, monkeypatch):
    monkeypatch.setattr("cloudlayer.runtime.hosts.kept._EXPOSE_AGAIN", 0.2)
    host, there = connect(box.access()), "unix:/run/cloudlayer-test/z/z.sock"
    host.expose(host.forward(ENGINE), there)
    first = host.connection
    box.ssh("rm -r /run/cloudlayer-test/z; touch /run/cloudlayer-test/z")
    os.kill(master_of(folder / "box"), signal.SIGKILL)
    until(lambda: host.connection > first, 10)
    assert not host.accepts(there)
    box.ssh("rm /run/cloudlayer-test/z")
    until(lambda: host.accepts(there), 5)
    assert host.connection == first + 1


def test_what_is_under_way_when_the_connection_breaks_ends_with_it(hosts, box, host):
    hosts.fail(box.name, "freeze")
    with pytest.raises(TransientError):
        host.run(["sleep", "30"], deadline=Deadline.after(20))
    assert not host.connected


def test_a_connection_outlives_whoever_made_it_and_is_adopted(box, connect, folder):
    arguments = [box.address, str(box.key), box.host_key, str(folder / "box")]
    with subprocess.Popen([sys.executable, "-c", OWNER, *arguments], stdout=subprocess.PIPE, text=True) as owner:
        local = owner.stdout.readline().strip()
        owner.send_signal(signal.SIGKILL)
    assert ping(local) == "OK"
    master = master_of(folder / "box")
    heir = connect(box.access())
    assert master_of(folder / "box") == master
    assert heir.forward(ENGINE) == local
    assert ping(local) == "OK"


def test_a_connection_stays_when_its_host_is_let_go_and_goes_when_it_is_ended(connect, box, folder):
    host = connect(box.access())
    local = host.forward(ENGINE)
    host.close()
    assert ping(local) == "OK"
    connect(box.access()).end()
    assert not (folder / "box").exists()
    with pytest.raises(OSError):
        ping(local)


def test_a_master_that_was_killed_is_replaced(connect, box, folder):
    host = connect(box.access())
    local, first = host.forward(ENGINE), host.connection
    os.kill(master_of(folder / "box"), signal.SIGKILL)
    until(lambda: host.connection > first, 6)
    assert ping(local) == "OK"


def test_another_way_to_the_machine_is_taken_by_a_new_connection(connect, box, folder):
    connect(box.access()).close()
    other = connect(box.access("operator"))
    assert other.run(["id", "-un"]) == b"operator\n"


def test_a_machine_that_was_tried_at_a_wrong_address_is_connected_to_at_the_right_one(connect, box):
    wrong = connect(box.access(address="192.0.2.1"), wait=False)
    until(wrong.client.control.parent.exists)
    wrong.close(wait=0.0)
    assert connect(box.access()).run(["hostname"]) == f"{box.name}\n".encode()
    assert not wrong.connected


def test_no_session_of_a_lost_connection_stays_on_the_machine(hosts, box, connect):
    host = connect(box.access("operator"))
    hosts.fail(box.name, "partition")
    until(lambda: not host.connected, 6)
    hosts.heal(box.name)
    assert host.wait_connected(Deadline.after(10))
    until(lambda: int(host.run(["sh", "-c", "ps -eo args | grep -c '^sshd: [o]perator@notty'"])) == 1, 5)


def master_of(folder):
    """The pid of the process that keeps a connection."""
    said = subprocess.run(["ssh", "-F", folder / "config", "-S", folder / "control", "-O", "check", "machine"],
                          capture_output=True, text=True, check=True).stderr  # fmt: skip
    return int(said.split("pid=")[1].split(")")[0])


def test_a_connection_that_is_ended_while_it_is_made_leaves_nothing(box, connect, folder):
    for _ in range(3):
        host = connect(box.access(), wait=False)
        host.end()
    until(lambda: not (folder / "box").exists(), 10)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(folder / "box") not in listed


def test_an_unused_connection_ends_by_itself_once_nobody_holds_it(box, connect, monkeypatch):
    monkeypatch.setattr("cloudlayer.runtime.hosts.client._UNUSED_SECONDS", 1)
    host = connect(box.access())
    first, local = host.connection, host.forward(ENGINE)
    time.sleep(1.5)  # that nothing happens is to be seen
    assert host.connected
    assert (host.connection, ping(local)) == (first, "OK")
    host.close()
    until(lambda: not host.client.control.exists(), 10)
