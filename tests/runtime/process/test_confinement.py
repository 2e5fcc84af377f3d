"""What a replica on this host may see and use."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import psutil
import pytest

from cloudlayer.interfaces import ReplicaExit
from cloudlayer.runtime.process import users
from tests.runtime.functions import post

MIB = 1024**2
PYTHON = """
    import os, socket, sys, threading
    def apply(input):
        return eval(input)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(params=["forked", "spawned"])
def ask(request, host, monkeypatch):
    if request.param == "spawned":
        monkeypatch.setenv("CLOUDLAYER_FORK", "0")
    engine = host.engine()

    def asker(expression: str, **fields):
        status = host.run(engine, host.spec(PYTHON, **fields))
        return post(status.address, expression)[1]

    asker.start = lambda **fields: host.run(engine, host.spec(PYTHON, **fields))
    return asker


def test_its_environment_is_its_own_alone(ask) -> None:
    status = ask.start(environment={"MINE": "1"}, concurrency=2)
    kept = Path(f"/proc/{status.handle}/environ").read_bytes().split(b"\0")
    assert {entry.partition(b"=")[0] for entry in kept if entry} == {b"PATH", b"LANG", b"OMP_NUM_THREADS"}
    seen = json.loads(json.dumps(post(status.address, "dict(os.environ)")[1]))
    assert seen.pop("MINE") == "1"
    folder = seen.pop("HOME")
    assert seen.pop("TMPDIR") == folder
    assert folder.endswith(f"{status.id}/tmp")
    assert seen.pop("CLOUDLAYER_REPLICA") == status.id
    assert seen == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "CLOUDLAYER_CONCURRENCY": "2",
        "CUDA_VISIBLE_DEVICES": "",
    }


def test_no_open_file_of_the_controllers_reaches_it(ask, tmp_path) -> None:
    with (tmp_path / "secret").open("w") as secret, socket.socket() as listening:
        os.set_inheritable(secret.fileno(), True)
        os.set_inheritable(listening.fileno(), True)
        links = ask(
            "[os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')]"
        )
        socket_of_ours = str(Path(f"/proc/self/fd/{listening.fileno()}").readlink())
    assert not any("secret" in link or link == socket_of_ours for link in links), links


@as_root
def test_it_runs_as_a_user_without_rights(ask) -> None:
    ours = os.getgroups()
    os.setgroups([*ours, 4])
    try:
        status = ask.start()
    finally:
        os.setgroups(ours)
    process = psutil.Process(int(status.handle))
    user = process.uids().real
    assert users.FIRST <= user <= users.LAST
    assert (set(process.uids()), set(process.gids())) == ({user}, {user})
    lines = dict(line.split(":\t") for line in Path(f"/proc/{status.handle}/status").read_text().splitlines() if ":\t" in line)
    assert (lines["Groups"].strip(), lines["CapEff"], lines["CapPrm"], lines["NoNewPrivs"]) == ("", "0" * 16, "0" * 16, "1")
    assert post(status.address, "os.system('exit $(id -u | grep -c ^0$)')") == (200, 0)


@as_root
def test_functions_have_users_of_their_own_and_keep_them(host, engine) -> None:
    def user(**fields) -> int:
        return psutil.Process(int(host.run(engine, host.spec(**fields)).handle)).uids().real

    first = user(function="a/One")
    assert user(function="a/Two") != first
    assert user(function="a/One", version="2.0.0") == first
    assert user(function="a/One", labels={"cloudlayer-owner": "another"}) != first


@as_root
def test_roots_home_and_other_replicas_folders_are_hidden(ask, host) -> None:
    other = ask.start(function="test/Other")
    status = ask.start()
    if not Path("/root").stat().st_mode & 0o001 and str(Path(os.__file__)).startswith("/root"):
        assert post(status.address, "os.listdir('/root')")[1] == [".pyenv"]
    listing = post(status.address, f"os.listdir({str(host.root / 'm' / other.id)!r})")[1]
    assert "Permission" in listing["error"]["message"] or "No such file" in listing["error"]["message"]
    writing = post(status.address, "open(os.__file__, 'a')")[1]
    assert writing["error"]["message"].startswith(("[Errno 30]", "[Errno 13]"))


@as_root
def test_it_can_connect_to_no_other_functions_socket(ask) -> None:
    other, status = ask.start(function="test/Other"), ask.start()
    path = other.address.removeprefix("unix:")
    answer = post(status.address, f"socket.socket(socket.AF_UNIX).connect({path!r})")[1]
    assert answer["error"]["error_type"] == "AlgorithmError"


def test_its_folder_is_its_own_and_writable(ask) -> None:
    status = ask.start()
    assert post(status.address, "open('kept', 'w').write('x') and os.getcwd()")[1].decode().endswith(f"{status.id}/tmp")
    assert post(status.address, "oct(os.stat('.').st_mode & 0o777)")[1] == b"0o700"


@as_root
def test_without_internet_it_has_a_loopback_and_nothing_else(ask) -> None:
    status = ask.start(internet=False)
    assert post(status.address, "[name for _, name in socket.if_nameindex()]")[1] == ["lo"]
    talk = "[s := socket.create_server(('127.0.0.1', 0)), socket.create_connection(s.getsockname()).close()][1]"
    assert post(status.address, talk) == (200, None)
    unreachable = post(status.address, "socket.create_connection(('192.0.2.1', 80), 2)")[1]
    assert "unreachable" in unreachable["error"]["message"]


@as_root
def test_without_internet_the_gateway_is_reached_by_its_socket(ask, host) -> None:
    folder = host.root / "closed" / "gateway"
    folder.mkdir(parents=True)
    (host.root / "closed").chmod(0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s"))
        (folder / "s").chmod(0o666)
        listening.listen()
        status = ask.start(internet=False, gateway_socket=folder / "s")
        connect = "[s := socket.socket(socket.AF_UNIX), s.connect(os.environ['CLOUDLAYER_GATEWAY_SOCKET'])][1]"
        assert post(status.address, connect) == (200, None)


def test_without_internet_but_without_the_means_it_is_refused(host, engine, monkeypatch) -> None:
    from cloudlayer.errors import Unsupported
    from cloudlayer.runtime.process import plan

    monkeypatch.setattr(plan, "may_administer", lambda: False)
    with pytest.raises(Unsupported, match='engine = "docker"'):
        engine.prepare(host.spec(internet=False))


@as_root
def test_its_processor_share_holds_for_all_it_starts(ask, engine) -> None:
    if not engine._groups.hierarchies.cpu:
        pytest.skip("no control groups here")
    status = ask.start(cpu=0.2, concurrency=2)
    process = psutil.Process(int(status.handle))
    began, before = time.monotonic(), sum(process.cpu_times()[:2])
    burn = "[t := os.times(), [0 for _ in iter(lambda: os.times().elapsed - t.elapsed < 0.6, False)]][0] and 1"
    post(status.address, burn)
    used = sum(process.cpu_times()[:2]) - before
    assert used < 0.35 * (time.monotonic() - began) + 0.1


@as_root
def test_what_its_children_use_counts_as_its_memory(host, engine) -> None:
    if not engine._groups.hierarchies.memory:
        pytest.skip("no control groups here")
    code = """
        import subprocess, sys
        def apply(input):
            hog = "x = [bytearray(b'x' * 2**20) for _ in range(400)]"
            return subprocess.run([sys.executable, "-c", hog]).returncode
    """
    status = host.run(engine, host.spec(code, memory=64 * MIB))
    try:
        assert post(status.address, None)[1] != 0
    except OSError:
        assert host.until_ended(engine, status.id).exit is ReplicaExit.OUT_OF_MEMORY


def test_two_forks_do_not_draw_the_same_random_numbers(host, engine) -> None:
    code = "import random\ndef apply(input):\n    return random.random()\n"
    spec = host.spec(code)
    engine.prepare(spec)
    drawn = set()
    for number in range(3):
        from dataclasses import replace

        drawn.add(post(host.run(engine, replace(spec, id=f"copy-{number}")).address)[1])
    assert len(drawn) == 3


def test_gpus_are_hidden_but_for_its_own(ask) -> None:
    assert ask("os.environ['CUDA_VISIBLE_DEVICES']", devices=(1, 3)) == b"1,3"
