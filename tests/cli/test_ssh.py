"""`cloudlayer ssh` leads to one machine, by our key and to the host key that is pinned, and tells no secret."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cloudlayer.cli import ssh
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import BY_HAND
from cloudlayer.interfaces import Access
from tests.cli.rows import machine

PINNED = "ssh-ed25519 AAAA"


@pytest.fixture
def reached(fleets, tmp_path):
    """Two machines, reached by SSH."""
    fleets.home = Home(tmp_path)
    rows = [replace(machine("m1"), instance="box-1"), replace(machine("m2"), instance="box-2")]
    fleets.known = {"seefood": (rows, []), BY_HAND: ([], [])}
    (tmp_path / "key").write_text("PRIVATE")
    fleets.way = Access("10.0.0.1", port=2200, user="me", key=tmp_path / "key", host_keys=(PINNED,))
    fleets.clouds = SimpleNamespace(reach=SimpleNamespace(access=lambda _: fleets.way))
    yield fleets
    for row in rows:
        fleets.home.forget_machine("seefood", row.id)
    fleets.home.forget_machine("other", "m1")


@pytest.fixture
def executed(monkeypatch):
    """What the command turned into."""
    made = []
    monkeypatch.setattr(ssh.os, "execvp", lambda program, arguments: made.append((program, arguments)))
    return made


def options(arguments):
    """The configuration that the client is given."""
    return Path(arguments[arguments.index("-F") + 1]).read_text()


@pytest.mark.parametrize("name", ["m1", "box-1"])
def test_a_shell_is_opened_on_the_machine_that_is_named(cli, reached, executed, name):
    assert cli("ssh", name).code == 0
    ((program, arguments),) = executed
    assert program == arguments[0]
    assert "ssh" in arguments
    told = options(arguments)
    for line in ("HostName 10.0.0.1", "Port 2200", "User me", "StrictHostKeyChecking yes", "IdentitiesOnly yes"):
        assert line in told
    assert not any("10.0.0.1" in argument or "PRIVATE" in argument for argument in arguments)


def test_a_command_is_run_there_word_for_word(cli, reached, executed):
    cli("ssh", "m1", "--", "cat", "a b")
    cli("ssh", "m1", "--", "ls | wc -l")
    assert [arguments[-1] for _, arguments in executed] == ["cat 'a b'", "ls | wc -l"]


def test_in_json_it_tells_how_it_would_connect_and_connects_to_nothing(cli, reached, executed):
    outcome = cli("ssh", "m2", "--json")
    assert executed == []
    assert "PRIVATE" not in outcome.out
    found = outcome.document
    assert (found["machine"], found["instance"]) == ("m2", "box-2")
    assert found["access"] == {"address": "10.0.0.1", "port": 2200, "user": "me", "host_keys": [PINNED], "jump": []}
    assert "ssh" in found["command"]


def test_a_machine_that_is_not_there_is_told_with_those_that_are(cli, reached, executed):
    outcome = cli("ssh", "m9")
    assert outcome.code == 4
    assert "m1 (box-1), m2 (box-2)" in outcome.err


def test_a_name_that_several_machines_have_is_not_guessed_at(cli, reached, executed):
    reached.known["other"] = ([replace(machine("m1", fleet="other"), instance="box-3")], [])
    outcome = cli("ssh", "m1")
    assert outcome.code == 2
    assert "box-1 of seefood, box-3 of other" in outcome.err
    assert cli("ssh", "m1", "--fleet", "other").code == 0


def test_a_part_of_this_host_needs_no_connection(cli, reached, executed):
    reached.way = None
    outcome = cli("ssh", "m1")
    assert outcome.code == 8
    assert executed == []
