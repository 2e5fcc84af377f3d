"""Whom a host lets in, whom we take for a host, and what others can see of it."""

import subprocess
from pathlib import Path

import pytest

from cloudlayer.errors import TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.once import run_once
from cloudlayer.runtime.hosts.refusals import HostKeyRefused, KeyRefused
from tests.runtime.functions import until
from tests.runtime.hosts.conftest import ENGINE, ping

pytestmark = pytest.mark.hosts


@pytest.fixture
def new_key(folder):
    """Makes a key pair, and gives the private one's file."""

    def make(name):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        return folder / name

    return make


def public(path):
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def test_a_changed_host_key_is_refused_and_nothing_connects_until_another_is_pinned(connect, box, new_key):
    other = public(new_key("other"))
    host = connect(box.access(host_keys=(other,)), wait=False)
    with pytest.raises(HostKeyRefused, match="box has another host key than the one that is pinned"):
        host.run(["true"])
    assert not host.wait_connected(Deadline.after(1))
    with pytest.raises(HostKeyRefused, match="before you pin it"):
        host.forward(ENGINE)
    host.pin((box.host_key,))
    assert host.wait_connected(Deadline.after(5))


def test_a_host_key_that_changes_later_is_refused_at_the_next_connection(connect, hosts, box, new_key):
    host = connect(box.access())
    host.client.pin((public(new_key("other")),))
    hosts.fail(box.name, "partition")
    until(lambda: not host.connected, 6)
    hosts.heal(box.name)
    until(lambda: "another host key" in host.reason, 10)


def test_a_key_that_the_machine_does_not_know_is_refused_with_the_mend(connect, box, new_key):
    host = connect(box.access(key=new_key("stranger")), wait=False)
    with pytest.raises(KeyRefused, match="box does not let our key in: add its public part to authorized_keys"):
        host.run(["true"])
    with pytest.raises(KeyRefused):
        run_once(box.access(key=new_key("another")), "box", ["true"])


def test_a_machine_where_nothing_listens_cannot_be_reached_for_now(connect, box):
    host = connect(box.access(port=1), wait=False)
    with pytest.raises(TransientError, match=r"box cannot be reached: .*refused"):
        host.run(["true"])


def test_a_machine_behind_others_is_reached_through_them(connect, hosts):
    near, far = hosts(2)
    host = connect(far.access("operator", jump=(near.access("operator"),)))
    assert host.run(["hostname"]) == f"{far.name}\n".encode()
    assert near.address in host.run(["sh", "-c", "echo $SSH_CONNECTION"]).decode()
    assert ping(host.forward(ENGINE)) == "OK"
    twice = connect(far.access(jump=(near.access(), far.access("operator"))), name="twice")
    assert twice.run(["hostname"]) == f"{far.name}\n".encode()


def test_the_host_key_of_a_machine_on_the_way_is_pinned_too(connect, hosts, new_key):
    near, far = hosts(2)
    host = connect(far.access(jump=(near.access(host_keys=(public(new_key("other")),)),)), wait=False)
    with pytest.raises(HostKeyRefused, match="machine 1 on the way to box has another host key"):
        host.run(["true"])


def test_no_port_but_ssh_is_open_on_a_host(connect, hosts):
    box, neighbour = hosts(2)
    connect(box.access()).expose("unix:/nowhere", "http://127.0.0.1:5125")
    scan = f"""
import socket
for port in range(1, 65536):
    with socket.socket() as one:
        one.settimeout(1)
        if one.connect_ex(({box.address!r}, port)) == 0:
            print(port)
"""
    assert connect(neighbour.access(), name="neighbour").run(["python3", "-c", scan]).split() == [b"22"]


def test_nothing_of_a_machine_is_in_the_process_list_but_names_of_files(connect, box, folder):
    host = connect(box.access())
    host.forward(ENGINE)
    host.put(b"s3cret", "/tmp/secret")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if str(folder) in line]
    assert ours
    assert not any(box.address in line or str(box.key) in line or "s3cret" in line for line in ours)
    assert "s3cret" not in box.ssh("ps -eo args")


def test_the_environment_of_the_controller_is_not_handed_on(connect, box, folder, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    host = connect(box.access())
    pid = int(subprocess.run(["pgrep", "-f", f"{folder}/box/control.*-N"], capture_output=True, check=True).stdout.split()[0])
    assert b"s3cret" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert b"s3cret" not in host.run(["env"])
