"""Replicas come when calls do, and go when they stay away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .deployment import Deployment, manifest, runs, until

SLEEPER = "import os, time\ndef apply(seconds):\n    time.sleep(seconds)\n    return os.getpid()\n"


def test_a_function_is_started_by_its_first_call_and_ended_when_it_is_idle(deployment: Deployment) -> None:
    lines = 'name = "scale/Sleeper"\nversion = "1.0.0"\nscale = { max = 2, idle = "1s" }'
    deployment.up(manifest(deployment.folder, "scaled", lines, code=SLEEPER))
    assert deployment.replicas() == []
    first = deployment.call("scale/Sleeper", 0)
    assert runs(first)
    until(lambda: not deployment.replicas(), 20, "the idle replica is gone")
    assert not runs(first)
    with ThreadPoolExecutor(2) as pool:
        pids = set(pool.map(lambda _: deployment.call("scale/Sleeper", 1.5), range(2)))
    assert len(pids) == 2
    assert first not in pids
    until(lambda: not deployment.replicas(), 20, "both replicas are gone")
    deployment.stop()
    deployment.assert_nothing_runs()
