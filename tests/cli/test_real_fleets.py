"""The commands with the real fleets behind them: the simulated cloud first, then functions that truly run on this host."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from cloudlayer.providers.simulated import World

SIMULATED = """
[fleet]
name = "seefood"
providers = ["simulated:sim-east"]
[[function]]
name = "nlp/Echo"
version = "1.0.0"
source = "echo"
resources = { cpu = 1.0, memory = "512MiB" }
scale = { min = 2 }
"""
LOCAL = """
[fleet]
name = "here"
providers = ["local"]
[[function]]
name = "nlp/Echo"
version = "1.0.0"
source = "echo"
resources = { cpu = 0.1, memory = "128MiB", disk = "64MiB" }
scale = { min = 1, max = 1 }
"""
ECHO = """
import os


def load():
    print("loaded", flush=True)


def apply(input):
    return [input, sorted(os.environ)]
"""


@pytest.fixture
def folder(cli, tmp_path, monkeypatch):
    """A folder with the function, whose fleets live in a home of this test's own."""
    monkeypatch.setenv("CLOUDLAYER_SIMULATED", str(tmp_path / "world.json"))
    World(tmp_path / "world.json", clock="real", boot_seconds=0.2, delete_seconds=0.2)
    monkeypatch.setenv("CLOUDLAYER_API_KEY", "k")
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "echo.py").write_text(ECHO)
    return tmp_path


@pytest.fixture
def written(folder):
    """Write a manifest down and return its path."""

    def written(text):
        path = folder / "fleet.toml"
        path.write_text(text)
        return str(path)

    return written


@contextmanager
def served(manifest, *arguments, signal_number=signal.SIGTERM):
    """A fleet that `cloudlayer up` serves in a process of its own: its document at once, its exit code and words later."""
    command = [sys.executable, "-m", "cloudlayer.cli", "up", manifest, "--yes", "--json", "--port", "0", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    words = []
    reader = threading.Thread(target=lambda: words.extend(child.stderr))
    reader.start()
    watchdog = threading.Timer(90, child.kill)
    watchdog.start()
    up = SimpleNamespace(code=None, words=words)
    try:
        lines = []
        while not lines or lines[-1] != "}":
            line = child.stdout.readline()
            assert line, f"it ended before it served: {''.join(words)}"
            lines.append(line.rstrip("\n"))
        up.document = json.loads("\n".join(lines))
        yield up
    finally:
        child.send_signal(signal_number)
        up.rest = child.stdout.read()
        up.code = child.wait(timeout=60)
        watchdog.cancel()
        reader.join()
        child.stdout.close()
        child.stderr.close()


def test_a_fleet_on_the_simulated_cloud_is_planned_served_shown_and_taken_down(cli, written, folder):
    manifest = written(SIMULATED)
    plan = cli("plan", manifest, "--json").document
    assert plan["buy"]
    assert {placed["function"] for placed in plan["placements"]} == {"nlp/Echo/1.0.0"}
    assert cli("up", manifest).code == 3
    assert cli("ps", "--json").document == []
    with served(manifest) as up:
        assert up.document["fleet"] == "seefood"
        replicas = cli("ps", "--json").document
        assert [(item["function"], item["state"]) for item in replicas] == [("nlp/Echo", "ready")] * 2
        again = cli("up", manifest, "--yes")
        assert again.code == 7
        assert f"process {up.document['pid']}" in again.err
        assert {event["fleet"] for event in cli("events", "--json").document} == {"seefood"}
        cost = cli("cost", "--json").document
        assert len(cost["entries"]) == len(plan["buy"])
        assert cost["totals"]["USD"] > 0
    assert (up.code, up.rest) == (0, "")
    down = cli("down", "--yes", "--json")
    assert len(down.document["machines"]) == len(plan["buy"])
    assert cli("down", "--yes").code == 4
    assert cli("cost", "--fleet", "seefood", "--json").document["entries"]
    assert cli("events", "--fleet", "seefood", "--json").document
    assert cli("ps", "--json").document == []
    assert cli("sweep", "--json").document == []


def test_functions_on_this_host_are_called_shown_and_leave_nothing_behind(cli, written, monkeypatch):
    manifest = written(LOCAL)
    with served(manifest, signal_number=signal.SIGINT) as up:
        monkeypatch.setenv("CLOUDLAYER_URL", up.document["url"])
        answer, variables = cli("call", "nlp/Echo", "[1, 2]", "--timeout", "60").document
        assert answer == [1, 2]
        assert not [name for name in variables if "KEY" in name]
        (replica,) = cli("ps", "--fleet", "here", "--json").document
        assert (replica["engine"], replica["state"], replica["container"]) == ("process", "ready", None)
        os.kill(replica["pid"], 0)
        assert "loaded" in cli("logs", replica["id"][:8]).out
        assert any(line["line"] == "loaded" for line in cli("logs", "nlp/Echo", "--json").document)
        assert cli("logs", "nlp/Nothing").code == 4
    assert up.code == 0
    assert wait_for(lambda: not Path(f"/proc/{replica['pid']}").exists())  # whose parent died is reaped a moment later
    assert cli("down", "--yes").code == 0


def test_a_change_is_taken_up_by_who_serves_the_fleet(cli, written):
    with served(written(SIMULATED)):
        changed = SIMULATED.replace("min = 2", "min = 3").replace("1.0.0", "1.1.0")
        assert cli("deploy", written(changed), "--yes", "--json").document["pid"]
        assert wait_for(lambda: versions(cli) == {"1.1.0": 3})
    cli("down", "--yes")


def versions(cli):
    found = [item["version"] for item in cli("ps", "--json").document if item["state"] == "ready"]
    return {version: found.count(version) for version in found}


def wait_for(condition, seconds=30.0):
    done = threading.Event()
    for _ in range(int(seconds / 0.2)):
        if condition():
            return True
        done.wait(0.2)
    return False


def test_single_machines_are_made_listed_shown_and_deleted(cli, folder):
    made = cli("instance", "create", "--provider", "simulated", "--gpu", "L4", "--count", "2", "--yes", "--json")
    assert made.code == 0, made.err
    ids = sorted(item["id"] for item in made.document)
    assert sorted(item["id"] for item in cli("instance", "list", "--json").document) == ids
    assert cli("instance", "show", ids[0], "--json").document["machine_type"] == "l4-1"
    assert cli("instance", "delete", *ids).code == 3
    assert cli("instance", "delete", *ids, "--yes").code == 0
    assert [item for item in cli("instance", "list", "--json").document if item["state"] not in ("deleting", "deleted")] == []
    assert cli("instance", "show", "no-such-machine").code == 4
