"""What the SSH client is told, what it says, and this host in the place of another. No other machine is needed."""

import re
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.errors import EngineError, TransientError, Unsupported
from cloudlayer.interfaces import Access, Deadline, Host
from cloudlayer.runtime.hosts.client import Client
from cloudlayer.runtime.hosts.commands import execute
from cloudlayer.runtime.hosts.local import LocalHost
from cloudlayer.runtime.hosts.refusals import HostKeyRefused, KeyRefused, explained
from cloudlayer.runtime.hosts.remote import accepting, output, shell, writing
from cloudlayer.runtime.hosts.ssh import SshHost

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwxYbFOvrQq8iVtJm0j4K9oWcv4BqGkQv3v3Zr0zUeX"
MACHINE = Access("192.0.2.7", key=Path("/keys/id"), host_keys=(KEY,))


def settled(client, alias="machine"):
    """What the real client makes of its configuration."""
    said = subprocess.run(
        ["ssh", "-G", "-F", client.folder / "config", alias], capture_output=True, text=True, check=True
    ).stdout
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def test_the_client_trusts_pinned_keys_alone_and_offers_one_key_alone(folder):
    client = Client(MACHINE, folder / "m")
    assert client.write()
    found = settled(client)
    wanted = {"stricthostkeychecking": "true", "globalknownhostsfile": "/dev/null", "identitiesonly": "yes", "batchmode": "yes",
              "identityagent": "none", "forwardagent": "no", "preferredauthentications": "publickey",
              "hostname": "192.0.2.7", "user": "cloudlayer", "hostkeyalias": "machine", "identityfile": "/keys/id",
              "userknownhostsfile": str(folder / "m" / "known_hosts"), "serveraliveinterval": "1"}  # fmt: skip
    assert wanted.items() <= found.items()
    assert client.known_hosts.read_text() == f"machine {KEY}\n"
    assert {path.stat().st_mode & 0o077 for path in [client.folder, *client.folder.iterdir()]} == {0}


def test_files_with_awkward_names_are_used(folder):
    client = Client(Access("h", key=Path("/a b/%h/id"), host_keys=(KEY,)), folder / "a b%")
    client.write()
    assert settled(client)["identityfile"] == "/a b/%%h/id"


def test_the_same_access_is_no_other_way_to_the_machine(folder):
    assert Client(MACHINE, folder / "m").write()
    assert not Client(MACHINE, folder / "m").write()
    assert Client(Access("192.0.2.8", key=Path("/keys/id"), host_keys=(KEY,)), folder / "m").write()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host_keys": ()}, "no host key of 192.0.2.7 is known"),
        ({"key": None}, "no private key"),
        ({"address": "-oProxyCommand=x"}, "names no machine"),
        ({"address": "a b"}, "names no machine"),
        ({"user": "x\nProxyCommand y"}, "names no machine"),
        ({"key": Path('/a"b')}, "rename it"),
        ({"key": Path("/a`b`")}, "rename it"),
        ({"host_keys": (f"{KEY}\n* {KEY}",)}, "more than one line"),
    ],
)
def test_an_access_that_would_say_something_else_is_refused(folder, fields, words):
    access = {"address": "192.0.2.7", "key": Path("/keys/id"), "host_keys": (KEY,)} | fields
    with pytest.raises(EngineError, match=words):
        Client(Access(**access), folder)
    with pytest.raises(EngineError):
        Client(Access("192.0.2.1", key=Path("/keys/id"), host_keys=(KEY,), jump=(Access(**access),)), folder)


def test_a_folder_whose_name_is_too_long_for_sockets_is_refused():
    with pytest.raises(EngineError, match="use one of at most 70 characters"):
        Client(MACHINE, Path("/" + "x" * 70))


def test_without_the_ssh_program_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match="install the OpenSSH client"):
        Client(MACHINE, folder / "m").write()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n@@@\nHost key verification failed.\r", HostKeyRefused),
        ("No ED25519 host key is known for machine and you\nHost key verification failed.", HostKeyRefused),
        ("cloudlayer@192.0.2.7: Permission denied (publickey).", KeyRefused),
        ("Load key \"/k\": bad permissions\ncloudlayer@192.0.2.7: Permission denied (publickey).", KeyRefused),
        ("ssh: connect to host 192.0.2.7 port 22: Connection refused", TransientError),
        ("ssh: connect to host 192.0.2.7 port 22: Connection timed out", TransientError),
        ("ssh: Could not resolve hostname h: Temporary failure in name resolution", TransientError),
        ("Connection closed by 192.0.2.7 port 22", TransientError),
        ("", TransientError),
    ],
)  # fmt: skip
def test_what_the_client_says_is_told_in_our_words(said, kind):
    error = explained("m1", said)
    assert type(error) is kind
    assert "m1" in str(error)
    assert "\n" not in str(error)


@given(st.text(max_size=300))
def test_whatever_the_client_says_becomes_one_line(said):
    error = explained("m1", said)
    assert isinstance(error, EngineError | TransientError)
    assert len(str(error).splitlines()) == 1


@settings(max_examples=25, deadline=None)
@given(name=st.text(st.characters(exclude_characters="/\x00", codec="utf-8"), max_size=40), content=st.binary(max_size=50))
def test_a_file_of_any_name_is_written_by_the_machines_shell(tmp_path_factory, name, content):
    path = tmp_path_factory.mktemp("files") / f"x{name}"
    ended = execute(["sh", "-c", writing(str(path), len(content), 0o640)], doing="writing", input=content)
    assert ended.code == 0, ended.errors
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


@given(noise=st.binary(max_size=50), said=st.binary(max_size=50))
def test_what_a_users_shell_says_first_is_no_part_of_an_answer(noise, said):
    assert output(noise + b"cloudlayer begins\n" + said) == said


def test_a_script_tells_where_its_answer_begins_and_how_it_ended():
    ended = execute(["bash", "-c", f"echo -n Welcome; {shell('cat; exit 3')}"], doing="saying", input=b"\x00\xff")
    assert (output(ended.output), ended.code) == (b"\x00\xff", 3)


@pytest.mark.parametrize("name", ["plain.sock", 'a"b', "a\\b", "a$b"])
def test_a_socket_of_any_name_is_seen_to_listen_once_it_does(folder, name):
    path = str(folder / name)
    look = ["sh", "-c", accepting(f"unix:{path}")]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert execute(look, doing="looking").code == 1
        server.listen()
        assert execute(look, doing="looking").code == 0


@pytest.fixture
def here():
    return LocalHost()


def test_both_kinds_are_hosts(here):
    kinds: list[type[Host]] = [LocalHost, SshHost]
    for name in (name for name in vars(Host) if not name.startswith("_")):
        assert all(hasattr(kind, name) for kind in kinds if name not in ("name",)), name
    assert (here.is_here, SshHost.is_here) == (True, False)


def test_this_host_runs_commands(here):
    assert here.run(["cat"], input=b"x") == b"x"
    with pytest.raises(EngineError, match="this host: sh ended with code 2: no"):
        here.run(["sh", "-c", "echo no >&2; exit 2"])
    with pytest.raises(EngineError, match="nonesuch cannot be started"):
        here.run(["nonesuch"])
    with pytest.raises(TransientError, match="out of time"):
        here.run(["sleep", "5"], deadline=Deadline.after(0.1))


def test_this_host_takes_files(here, tmp_path):
    here.put(b"x", str(tmp_path / "f"), mode=0o640)
    assert ((tmp_path / "f").read_bytes(), (tmp_path / "f").stat().st_mode & 0o777) == (b"x", 0o640)
    with pytest.raises(EngineError, match="cannot be written: No such file"):
        here.put(b"x", str(tmp_path / "no" / "f"))


def test_this_host_knows_what_accepts(here, folder):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(folder / "s"))
        port = server.getsockname()[1]
        assert here.accepts(f"http://127.0.0.1:{port}")
        assert not here.accepts(f"unix:{folder / 's'}")
        local.listen()
        assert here.accepts(f"unix:{folder / 's'}")
    assert not here.accepts(f"http://127.0.0.1:{port}")


def test_addresses_of_this_host_lead_to_themselves(here):
    assert here.forward("http://127.0.0.1:1") == "http://127.0.0.1:1"
    here.expose("unix:/a", "unix:/a")
    with pytest.raises(Unsupported, match=re.escape("unix:/b of this host cannot be made to lead to unix:/a")):
        here.expose("unix:/a", "unix:/b")


def test_a_program_that_takes_its_time_to_read_gets_all_of_its_input():
    ended = execute(["sh", "-c", "sleep 0.5; wc -c"], doing="counting", input=b"x" * 4_000_000)

    assert ended.output.split() == [b"4000000"]


def test_a_program_that_reads_none_of_its_input_ends_as_it_likes():
    assert execute(["sh", "-c", "exit 3"], doing="ending", input=b"x" * 4_000_000).code == 3
