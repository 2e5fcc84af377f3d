"""What a host does: it runs commands, takes files, and leads to what listens there and back."""

import threading
import time
import uuid

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.once import run_once
from cloudlayer.runtime.hosts.remote import writing as WRITING  # noqa: N812
from tests.runtime.functions import until
from tests.runtime.hosts.conftest import ENGINE, ping

pytestmark = pytest.mark.hosts


@pytest.fixture(params=["root", "operator"])
def host(connect, box, request):
    return connect(box.access(request.param))


def test_a_command_runs_there_with_its_arguments_and_input_as_they_are(host, box):
    assert host.run(["hostname"]) == f"{box.name}\n".encode()
    awkward = ["a b", "$HOME", "'", '"', "*", "\\", "é", "-n", ""]
    assert host.run(["printf", "%s\\n", *awkward]).decode().split("\n")[:-1] == awkward
    assert host.run(["cat"], input=b"\x00\xff" * 100_000) == b"\x00\xff" * 100_000


def test_what_the_users_own_shell_says_first_is_no_part_of_an_answer(host, box):
    user = host.access.user
    box.ssh("echo 'echo To the machine; echo -n Welcome' >~/.bashrc", user)
    try:
        assert box.ssh("true", user).endswith("Welcome")
        assert host.run(["echo", "x"]) == b"x\n"
        assert run_once(host.access, "box", ["echo", "x"]) == b"x\n"
        assert host.run(["cat"], input=b"\x00\xff") == b"\x00\xff"
    finally:
        box.ssh("rm ~/.bashrc", user)


def test_whoever_is_asked_for_root_is_root(host):
    assert host.run(["id", "-u"], root=True) == b"0\n"


def test_a_command_that_fails_says_what_it_said_last(host):
    with pytest.raises(EngineError, match=r"box: sh ended with code 3: first \| second"):
        host.run(["sh", "-c", "echo printed; echo first >&2; echo second >&2; exit 3"])
    with pytest.raises(EngineError, match="box has no nonesuch: install it there"):
        host.run(["nonesuch"])


def test_a_command_whose_time_is_up_is_ended_there_too(host, box):
    mark = f"0.{uuid.uuid4().int % 10**9}"
    with pytest.raises(TransientError, match="running sleep"):
        host.run(["sleep", f"60{mark}"], deadline=Deadline.after(0.3))
    until(lambda: mark not in box.ssh("ps -eo args"), 4)


def test_a_command_that_is_cancelled_ends_at_once(host):
    deadline = Deadline.after(30)
    threading.Timer(0.2, deadline.cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(TransientError, match="cancelled"):
        host.run(["sleep", "20"], deadline=deadline)
    assert time.monotonic() - began < 3


def test_many_commands_at_once_are_all_run(host):
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(host.run(["echo", str(n)]))) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(int, answers)) == list(range(30))


def test_a_file_is_put_with_its_mode(host, box):
    path = f"/tmp/{uuid.uuid4().hex} x"
    host.put(b"one", path)
    host.put(b"another" * 1000, path, mode=0o640)
    assert host.run(["stat", "-c", "%a %s", path]) == b"640 7000\n"
    assert host.run(["cat", path]) == b"another" * 1000


def test_a_file_that_is_cut_short_is_not_there_and_the_old_one_stays(host, monkeypatch):
    folder = f"/tmp/{uuid.uuid4().hex}"
    host.run(["mkdir", folder])
    host.put(b"old", f"{folder}/file")
    monkeypatch.setattr("cloudlayer.runtime.hosts.ssh.writing", lambda path, size, mode: WRITING(path, size + 1, mode))
    with pytest.raises(EngineError):
        host.put(b"new", f"{folder}/file")
    assert host.run(["cat", f"{folder}/file"]) == b"old"
    assert host.run(["ls", folder]) == b"file\n"


def test_a_file_where_no_folder_is_is_refused(host):
    with pytest.raises(EngineError, match=r"writing .* No such file"):
        host.put(b"x", "/no/such/folder/file")


def test_what_listens_accepts_and_what_does_not_does_not(host):
    assert host.accepts(ENGINE)
    assert not host.accepts("unix:/run/nobody.sock")
    assert host.accepts("http://127.0.0.1:22")
    assert not host.accepts("http://127.0.0.1:1")


def test_a_socket_file_that_nobody_listens_at_does_not_accept(host):
    path = f"/tmp/{uuid.uuid4().hex}.sock"
    host.run(["python3", "-c", f"import socket; socket.socket(socket.AF_UNIX).bind({path!r})"])
    assert not host.accepts(f"unix:{path}")


def test_a_forward_leads_there_and_is_the_same_for_the_same_address(host):
    local = host.forward(ENGINE)
    assert ping(local) == "OK"
    assert host.forward(ENGINE) == local
    assert host.forward("http://127.0.0.1:22") != local


def test_a_forward_that_is_not_wanted_leads_nowhere(host):
    local = host.forward(ENGINE)
    host.unforward(ENGINE)
    with pytest.raises(OSError):
        ping(local)
    host.unforward(ENGINE)
    host.unforward("unix:/never/led/to.sock")
    assert ping(host.forward(ENGINE)) == "OK"


def test_nobody_but_our_user_may_use_a_forward(host):
    local = host.forward(ENGINE).removeprefix("unix:")
    folder = host.client.folder
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / local).stat().st_mode & 0o077 == 0


def test_what_is_exposed_leads_from_there_to_here(host):
    here, there = host.forward(ENGINE), f"unix:/run/{uuid.uuid4().hex}/x.sock"
    host.expose(here, there)
    host.expose(here, there)
    look = ["curl", "--silent", "--unix-socket", there.removeprefix("unix:"), "http://engine/_ping"]
    assert host.run(look) == b"OK"
    assert host.run(["setpriv", "--reuid", "65534", "--clear-groups", *look], root=True) == b"OK"
    host.expose(here, "http://127.0.0.1:5123")
    assert host.run(["curl", "--silent", "http://127.0.0.1:5123/_ping"]) == b"OK"


def test_a_port_that_is_taken_cannot_be_exposed(host):
    with pytest.raises(EngineError, match="listen port 22"):
        host.expose(host.forward(ENGINE), "http://127.0.0.1:22")


@pytest.mark.parametrize(
    "address", ["", "/run/x.sock", "unix:relative", "unix:/a:b", "http://x", "https://x:1", "http://x:1/y:2"]
)
def test_what_is_no_address_is_refused(host, address):
    with pytest.raises(EngineError, match=r"unix:/path|absolute"):
        host.forward(address)


def test_one_command_runs_without_a_kept_connection(box):
    assert run_once(box.access("operator"), "box", ["id", "-u"], root=True) == b"0\n"
    with pytest.raises(EngineError, match="box: false ended with code 1"):
        run_once(box.access(), "box", ["false"])
