import json
import os
import pty
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from cloudlayer.cli.exits import Refused
from cloudlayer.cli.output import confirm, plain, print_table
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, Price

TABLE = "from cloudlayer.cli.output import print_table; print_table(['NAME', '>SIZE'], [['[red]a', 1], ['b' * 200, 20]])"


def test_things_become_plain_json():
    price = Price(0.5, "USD", "list", date(2026, 1, 2))
    given = {"price": price, "states": (InstanceState.RUNNING,), "path": Path("/a"), 3: {"deep": [None, True, 1.5, "text"]}}
    assert json.loads(json.dumps(plain(given))) == {
        "price": {"amount": 0.5, "currency": "USD", "source": "list", "as_of": "2026-01-02"},
        "states": ["running"],
        "path": "/a",
        "3": {"deep": [None, True, 1.5, "text"]},
    }


def test_what_a_thing_does_not_show_of_itself_is_not_in_its_json_either():
    instance = Instance("i", "p", "r", "z", InstanceState.RUNNING, "t", native=object())
    assert "native" not in plain(instance)
    assert "user_data" not in plain(InstanceSpec(user_data="secret"))


def test_a_table_in_a_pipe_is_whole_and_plain(capsys):
    print_table(["NAME", ">SIZE"], [["[red]a", 1], ["b" * 200, 20]])
    assert capsys.readouterr().out.splitlines() == [
        "NAME" + " " * 196 + "  SIZE",
        "[red]a" + " " * 194 + "     1",
        "b" * 200 + "    20",
    ]


def test_a_table_without_rows_leaves_standard_output_empty(capsys):
    print_table(["NAME"], [], empty="no offer is like that")
    assert capsys.readouterr() == ("", "no offer is like that\n")


def on_terminal(code, *, answer=b"", **environment):
    """What a program shows on a terminal of 60 columns, and its exit code."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": "xterm-256color", **environment}
    environment.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
    os.write(controller, answer)
    child = subprocess.Popen([sys.executable, "-c", code], stdin=terminal, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(controller, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal's other end is closed
    os.close(controller)
    return shown.decode(), child.wait(timeout=30)


def test_a_table_on_a_terminal_fits_it():
    shown, code = on_terminal(TABLE)
    assert code == 0
    plain_lines = [line for line in shown.splitlines() if "\x1b" not in line]
    assert all(len(line.rstrip()) <= 60 for line in plain_lines)
    assert "[red]a" in shown


def test_colours_are_off_where_they_are_not_wanted():
    code = "from cloudlayer.cli.output import complain; complain('no')"
    assert "\x1b[31m" in on_terminal(code)[0]
    assert "\x1b" not in on_terminal(code, NO_COLOR="1")[0]


def test_a_question_without_a_terminal_is_refused_with_the_mend(monkeypatch):
    with pytest.raises(Refused, match="give --yes"):
        confirm("Delete all?", yes=False)


def test_a_question_that_is_answered_beforehand_is_not_asked(capsys):
    confirm("Delete all?", yes=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"Yes\n", 0), (b"\n", 1), (b"n\n", 1), (b"yeah\n", 1)])
def test_only_a_clear_yes_is_a_yes(answer, code):
    shown, result = on_terminal("from cloudlayer.cli.output import confirm; confirm('Delete all?', yes=False)", answer=answer)
    assert "Delete all? [y/N]" in shown
    assert result == code
