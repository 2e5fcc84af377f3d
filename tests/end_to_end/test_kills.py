"""`kill -9` of any part: what ran is taken over, nothing is there twice, and the next call works."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import psutil
import pytest

from .deployment import Deployment, manifest, until

pytestmark = pytest.mark.crashes
ECHO = 'name = "kill/Pid"\nversion = "1.0.0"\nidempotent = true\nscale = { min = 1, max = 1, concurrency = 4 }'
PID = "import os\ndef apply(input):\n    return os.getpid()\n"
CONTROLLER = "cloudlayer.fleet.controller"
GATEWAY = "cloudlayer.gateway"
EVENT = re.compile(r"^\d{4}-\d\d-\d\d ", re.MULTILINE)


@pytest.fixture
def fleet(deployment: Deployment) -> Path:
    return manifest(deployment.folder, "killed", ECHO, code=PID)


def one_replica(deployment: Deployment) -> int:
    """The pid of the one replica; no other process is one, and the machine is the only one."""
    pid = deployment.call("kill/Pid")
    until(lambda: deployment.pids() == {pid}, 20, "the replica that answers is the only one that ps lists")
    replicas = [process for process in deployment.processes() if process.pid == pid or is_replica(process)]
    assert [process.pid for process in replicas] == [pid]
    assert len(deployment.machines()) == 1
    return pid


def is_replica(process: psutil.Process) -> bool:
    """Whether a process works in a replica's own folder."""
    try:
        return process.cwd().endswith("/tmp")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def test_a_killed_controller_is_replaced_and_its_replica_taken_over(deployment: Deployment, fleet: Path) -> None:
    deployment.up(fleet)
    before = one_replica(deployment)
    killed = deployment.part(CONTROLLER)
    killed.kill()
    assert deployment.call("kill/Pid") == before
    until(lambda: deployment.part(CONTROLLER).pid != killed.pid, 10, "another controller runs")
    assert one_replica(deployment) == before
    # The new controller is at work: it sees a replica die, and starts another.
    os.kill(before, signal.SIGKILL)
    until(lambda: deployment.pids() not in (set(), {before}), 20, "another replica runs")
    one_replica(deployment)
    deployment.stop()
    deployment.assert_nothing_runs()


def test_a_killed_gateway_is_replaced_and_calls_work_again(deployment: Deployment, fleet: Path) -> None:
    deployment.up(fleet)
    before = one_replica(deployment)
    killed = deployment.part(GATEWAY)
    killed.kill()
    killed.wait(5)
    until(deployment.healthy, 10, "the gateway serves again")
    assert one_replica(deployment) == before
    deployment.stop()
    deployment.assert_nothing_runs()


def test_after_a_killed_up_the_next_one_takes_over_what_runs(deployment: Deployment, fleet: Path) -> None:
    up = deployment.up(fleet)
    one_replica(deployment)
    machines = deployment.machines()
    up.kill()
    up.wait(5)
    deployment.up(fleet)
    one_replica(deployment)
    assert deployment.machines() == machines
    deployment.stop()
    deployment.assert_nothing_runs()


def test_after_all_parts_are_killed_at_once_the_next_up_takes_over_what_runs(deployment: Deployment, fleet: Path) -> None:
    kill_all_parts(deployment, fleet)
    deployment.up(fleet)
    one_replica(deployment)
    deployment.stop()
    deployment.assert_nothing_runs()


def test_after_all_parts_are_killed_at_once_down_leaves_nothing(deployment: Deployment, fleet: Path) -> None:
    kill_all_parts(deployment, fleet)
    deployment.down()
    deployment.assert_nothing_is_left()


def kill_all_parts(deployment: Deployment, fleet: Path) -> None:
    up = deployment.up(fleet)
    one_replica(deployment)
    deployment.remember()
    parts = [deployment.part(CONTROLLER), deployment.part(GATEWAY), psutil.Process(up.pid)]
    for part in parts:
        part.send_signal(signal.SIGSTOP)
    for part in parts:
        part.kill()
    up.wait(5)


def test_an_up_that_is_killed_while_it_brings_up_a_fleet_is_made_good_by_the_next(deployment: Deployment, fleet: Path) -> None:
    for _ in range(3):
        up = deployment.up(fleet, ready=False)
        until(lambda: EVENT.search(deployment.said()) or deployment.url in deployment.said(), 30, "up has begun")
        for process in deployment.processes():
            process.kill()
        up.wait(5)
    deployment.up(fleet)
    one_replica(deployment)
    deployment.down()
    deployment.assert_nothing_is_left()
