"""How a fleet comes to be served: in the background, by one `up` alone, or not at all, with the reason."""

from __future__ import annotations

import signal
import socket

from .deployment import Deployment, free_port, manifest, runs, until

ECHO = 'name = "start/Echo"\nversion = "1.0.0"\nscale = { min = 1, max = 1 }'


def test_a_detached_up_serves_until_down(deployment: Deployment) -> None:
    fleet = manifest(deployment.folder, "detached", ECHO)
    started = deployment.document("up", fleet, "--yes", "--detach", "--port", str(deployment.port))
    assert started["url"] == deployment.url
    assert runs(started["pid"])
    assert deployment.call("start/Echo", [1]) == [1]
    deployment.down()
    assert not deployment.healthy()
    deployment.assert_nothing_is_left()


def test_an_up_whose_port_is_taken_says_so_and_leaves_nothing(deployment: Deployment) -> None:
    with socket.create_server(("127.0.0.1", deployment.port)):
        up = deployment.up(manifest(deployment.folder, "deaf", ECHO), ready=False)
        assert up.wait(60) not in (0, -signal.SIGKILL)
    assert "another port" in deployment.said()
    deployment.assert_nothing_runs()
    deployment.port = free_port()


def test_of_two_ups_at_once_one_serves_and_the_other_says_who_does(deployment: Deployment) -> None:
    fleet = manifest(deployment.folder, "twice", ECHO)
    ups = [deployment.up(fleet, ready=False)]
    deployment.port = free_port()
    ups.append(deployment.up(fleet, ready=False))
    said = [deployment.folder / f"up-{number}.txt" for number in (0, 1)]
    until(lambda: any("serving twice" in path.read_text() for path in said), 60, "one of them serves")
    until(lambda: any(up.poll() is not None for up in ups), 20, "the other has given up")
    (refused,) = (number for number in (0, 1) if ups[number].returncode is not None)
    assert ups[refused].returncode == 7
    assert f"by process {ups[1 - refused].pid}" in said[refused].read_text()
    assert len(deployment.pids()) == len(deployment.machines()) == 1
