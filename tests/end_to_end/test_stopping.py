"""What is left when a fleet stops: of processes nothing, whoever started them; after `down`, of anything nothing."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from .deployment import Deployment, manifest, runs, until

ECHO = 'name = "stop/Echo"\nversion = "1.0.0"\nscale = { min = 1, max = 1 }'
PARENT = """
import subprocess, sys, time
def apply(input):
    if input == "slow":
        time.sleep(1.5)
        return "done"
    code = "import time; time.sleep(600)"
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True).pid
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process_and_the_next_up_serves_again(deployment: Deployment, number: signal.Signals) -> None:
    fleet = manifest(deployment.folder, "stopped", ECHO, code=PARENT)
    up = deployment.up(fleet)
    grandchild = deployment.call("stop/Echo")
    assert runs(grandchild)
    deployment.stop(number)
    assert up.returncode == 0, deployment.said()
    deployment.assert_nothing_runs()
    assert not runs(grandchild)
    assert deployment.machines()
    deployment.up(fleet)
    assert runs(deployment.call("stop/Echo"))


def test_a_call_that_runs_when_the_fleet_stops_is_answered(deployment: Deployment) -> None:
    deployment.up(manifest(deployment.folder, "drained", ECHO, code=PARENT))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(deployment.call, "stop/Echo", "slow")
        until(lambda: in_flight(deployment), 5, "the call runs")
        deployment.stop()
        assert slow.result() == "done"
    deployment.assert_nothing_runs()


def in_flight(deployment: Deployment) -> bool:
    """Whether a replica works on a call, as the gateway tells it."""
    text = requests.get(f"{deployment.url}/metrics", timeout=5).text
    return 'cloudlayer_gateway_in_flight{function="stop/Echo",version="1.0.0"} 1.0' in text


def test_down_ends_what_serves_and_leaves_nothing(deployment: Deployment) -> None:
    up = deployment.up(manifest(deployment.folder, "gone", ECHO, code=PARENT))
    grandchild = deployment.call("stop/Echo")
    deployment.down()
    assert up.wait(10) == 0
    deployment.assert_nothing_is_left()
    assert not runs(grandchild)
    assert deployment.document("ps") == []
    assert deployment.run("down", "--fleet", "gone", "--yes", check=False).returncode in (0, 4)


def test_down_while_a_fleet_comes_up_leaves_nothing(deployment: Deployment) -> None:
    fleet = manifest(deployment.folder, "early", ECHO)
    (fleet.parent / "source" / "requirements.txt").write_text("vaderSentiment==3.3.2\n")
    up = deployment.up(fleet, ready=False)
    until(lambda: any("pip" in process.cmdline() for process in deployment.processes()), 30, "requirements are installed")
    deployment.down()
    assert up.wait(10) == 0
    deployment.assert_nothing_is_left()
