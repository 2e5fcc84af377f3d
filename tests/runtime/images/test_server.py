"""The registry that a controller runs: one a home, for its user alone, found again by the next controller."""

import base64
import http.client
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.docker.registry import process
from cloudlayer.runtime.docker.registry.client import Client
from cloudlayer.runtime.docker.registry.server import USER, Server
from tests.runtime.functions import until
from tests.runtime.images.conftest import patient

pytestmark = pytest.mark.registry


def ask(path, method="GET", where="/v2/", password=None):
    """The status that a registry answers with."""
    connection = http.client.HTTPConnection("localhost")
    with socket.socket(socket.AF_UNIX) as connection.sock:
        connection.sock.connect(str(path))
        key = base64.b64encode(f"{USER}:{password}".encode()).decode()
        connection.request(method, where, headers={"Authorization": f"Basic {key}"} if password else {})
        return connection.getresponse().status


def pid(server, name):
    (found,) = getattr(server, f"_{name}").running()
    return found


def test_machines_read_with_the_secret_alone(server):
    assert ask(server.reader) == 401
    assert ask(server.reader, password="guessed") == 401
    assert ask(server.reader, password=server.secret) == 200


def test_machines_can_change_nothing(server):
    assert ask(server.reader, "POST", "/v2/function/blobs/uploads/", server.secret) == 405
    assert ask(server.writer, "POST", "/v2/function/blobs/uploads/") == 202


def test_nobody_else_on_this_host_can_reach_it(server):
    for path in (server.writer, server.reader):
        assert path.parent.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_uid == os.geteuid()
    assert server._folder.stat().st_mode & 0o077 == 0


def test_the_secret_is_in_no_log_and_no_process_list(server):
    said = b"".join(path.read_bytes() for path in server._folder.glob("*.log"))
    shown = b"".join(
        Path(f"/proc/{pid(server, name)}/{file}").read_bytes()
        for name in ("writer", "reader")
        for file in ("cmdline", "environ")
    )
    assert server.secret.encode() not in said + shown


def test_the_next_controller_adopts_the_one_that_runs(server):
    before, second = pid(server, "writer"), Server(server._folder)
    second.ensure(patient)
    try:
        assert pid(server, "writer") == before
    finally:
        second.release()
    assert ask(server.writer) == 200  # the first one still needs it


@pytest.mark.parametrize("name", ["writer", "reader"])
def test_one_that_died_is_started_anew_with_the_same_secret(server, name):
    secret, before = server.secret, pid(server, name)
    os.kill(before, signal.SIGKILL)
    server.ensure(patient)
    assert pid(server, name) != before
    assert ask(server.reader, password=secret) == 200


def test_one_that_hangs_is_ended_and_started_anew(server, monkeypatch):
    monkeypatch.setattr(process, "_PATIENCE", (0.1, 0.1))
    os.kill(pid(server, "reader"), signal.SIGSTOP)
    server.ensure(patient)
    assert ask(server.reader, password=server.secret) == 200


def test_one_that_is_slow_stays_and_cuts_nobody(server, monkeypatch):
    monkeypatch.setattr(process, "_PATIENCE", (0.1, 20.0))
    before = pid(server, "writer")
    os.kill(before, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (before, signal.SIGCONT)).start()
    server.ensure(patient)
    assert pid(server, "writer") == before


def test_what_a_controller_left_that_died_before_it_noted_anything_is_found_and_ended(server):
    server._reader.stop()
    command = [process.program(), "serve", str(server._reader.settings)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as orphan:
        try:
            until(lambda: orphan.pid in server._reader.running())  # a program that has just begun has no command line yet
            server._reader._start(server._settings(True))
            assert pid(server, "reader") != orphan.pid
            assert orphan.wait(10) is not None
        finally:
            orphan.kill()


def test_waiting_for_another_who_holds_it_ends_with_the_callers_time(server):
    soon = Deadline.after(0.2).check
    with server.pushing(patient), pytest.raises(TransientError, match="out of time while waiting for pushes to end"):
        server.collect(soon)


def test_tidying_that_takes_too_long_is_broken_off_and_nobody_waits_for_it_any_more(server, tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr("cloudlayer.runtime.docker.registry.server.program", lambda: str(slow))
    with pytest.raises(TransientError, match="out of time while tidying"):
        server.collect(Deadline.after(0.5).check)
    with server.pushing(Deadline.after(5).check):
        pass


def test_it_ends_with_the_last_who_needs_it(tmp_path):
    first, second = Server(tmp_path / "r"), Server(tmp_path / "r")
    first.ensure(patient)
    second.ensure(patient)
    first.release()
    assert second._writer.answers()
    second.release()
    assert not second._writer.answers()
    assert not second._reader.answers()
    assert not second.writer.parent.exists()


def test_one_that_a_killed_controller_left_ends_too(server):
    os.close(server._users)  # as the kernel does
    server._users = None
    Server(server._folder).release()
    assert not server._writer.answers()


def test_a_program_that_does_not_start_says_why(tmp_path, monkeypatch):
    server = Server(tmp_path / "r")
    monkeypatch.setattr("cloudlayer.runtime.docker.registry.process.program", lambda: "/bin/false")
    with pytest.raises(EngineError, match=r"does not start; see .*writer\.log"):
        server.ensure(patient)


def test_what_is_stored_outlives_a_restart(server, client):
    blob = client.upload([b"kept"])
    server.release()
    server.ensure(patient)
    again = Client(server.writer, "function")
    assert again.has_blob(blob.digest)
    again.close()
