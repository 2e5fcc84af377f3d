"""Waiting for the simulated cloud to have done what was asked of it."""

import time

BUSY = {"creating", "pending", "updating", "deleting", "stopping"}


def settled(cloud):
    """Wait, at most ten seconds, until nothing is under way."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        there = [*cloud.instances(), *cloud.groups(), *cloud.balancers(), *cloud.volumes(), *cloud.snapshots(), *cloud.shares()]
        if not any(one.state.value in BUSY for one in there):
            return
        time.sleep(0.02)
    raise AssertionError("something is still under way")
