"""A machine's host key is made anew, and no crash on the way leaves a machine that nobody can reach."""

import pytest

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.refusals import HostKeyRefused
from cloudlayer.runtime.hosts.rotation import rotate_host_key
from cloudlayer.runtime.hosts.ssh import SshHost

pytestmark = pytest.mark.hosts


class Killed(BaseException):
    """The controller dies here; being no Exception, it meets no handler."""


@pytest.fixture
def box(hosts):
    """A host that starts anew afterwards, with the key that it had."""
    chosen = hosts(2)[1]
    yield chosen
    hosts.fail(chosen.name, "kill")


@pytest.fixture
def pins(box):
    """The pins, as a store keeps them."""
    return [(box.host_key,)]


def test_a_new_key_takes_the_place_of_the_old_one_while_the_connection_stands(connect, box, pins):
    host = connect(box.access("operator"))
    first = host.connection
    key = rotate_host_key(host, pins.append)
    assert key.startswith("ssh-ed25519 ")
    assert pins == [(box.host_key,), (box.host_key, key), (key,)]
    assert (host.connection, host.run(["echo", "on"])) == (first, b"on\n")
    assert connect(box.access(host_keys=(key,)), name="new").run(["true"]) == b""
    with pytest.raises(HostKeyRefused):
        connect(box.access(), name="old", wait=False).run(["true"])
    assert host.run(
        ["sh", "-c", "ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key; cat /etc/ssh/ssh_host_ed25519_key.pub"], root=True
    )
    assert b".next" not in host.run(["ls", "-a", "/etc/ssh"])


def test_a_rotation_that_is_killed_anywhere_is_made_good_by_the_next(connect, box, pins, monkeypatch):
    steps = {"count": 0, "at": 0}

    def dying(original):
        def step(*arguments, **options):
            answer = original(*arguments, **options)
            steps["count"] += 1
            if steps["count"] == steps["at"]:
                raise Killed
            return answer

        return step

    monkeypatch.setattr(SshHost, "run", dying(SshHost.run))
    monkeypatch.setattr(SshHost, "pin", dying(SshHost.pin))
    monkeypatch.setattr("cloudlayer.runtime.hosts.rotation._prove", dying(rotate_host_key.__globals__["_prove"]))
    keep, number, done = dying(pins.append), 0, False
    while not done:
        number, old = number + 1, pins[-1]
        steps.update(count=0, at=number)
        try:
            rotate_host_key(connect(box.access(host_keys=old), name=f"a{number}"), keep)
            done = True
        except Killed:
            pass
        steps.update(at=0)
        heir = connect(box.access(host_keys=pins[-1]), name=f"b{number}")
        if set(old) & set(pins[-1]):
            rotate_host_key(heir, keep)
        assert len(pins[-1]) == 1
        assert not set(old) & set(pins[-1])
    assert number > 6


def test_a_machine_that_cannot_make_a_key_keeps_the_old_one(connect, box, pins):
    host = connect(box.access())
    host.run(["mv", "/usr/bin/ssh-keygen", "/usr/bin/ssh-keygen.away"])
    try:
        with pytest.raises(EngineError, match="ssh-keygen"):
            rotate_host_key(host, pins.append, deadline=Deadline.after(10))
    finally:
        host.run(["mv", "/usr/bin/ssh-keygen.away", "/usr/bin/ssh-keygen"])
    assert pins == [(box.host_key,)]
    assert connect(box.access(), name="again").connected
