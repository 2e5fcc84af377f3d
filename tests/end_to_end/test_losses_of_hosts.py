"""A real host dies, stands still, is cut off or drained while calls come in: few of them fail, and soon all is as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.failures import AGAIN, KEY, KINDS, ONCE, REPLICAS, Fleet, Hosts, measure
from benchmarks.steady import Steady

pytestmark = [pytest.mark.hosts, pytest.mark.docker, pytest.mark.timeout(300)]
RATE = 20.0


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_host_that_is_lost_few_calls_fail_none_that_may_be_repeated_and_the_fleet_is_soon_whole(
    hosts: Any, kind: str
) -> None:
    hosts(3)
    found = measure(kind, Hosts(), rate=RATE)
    assert found["failed"] <= found["in_flight"]
    assert set(found["errors"]) <= {"ReplicaLostError"}, "each failed call says what happened"
    assert found["failed_idempotent"] == 0
    assert found["whole_again_s"] <= 20
    assert found["doubles"] == 0


def test_of_a_host_that_is_drained_no_call_fails(hosts: Any, tmp_path: Path) -> None:
    hosts(3)
    fleet = Fleet(tmp_path, Hosts())
    try:
        fleet.start()
        drained = fleet.machines()[0].id
        steady = Steady(fleet.port, KEY, (ONCE, AGAIN), RATE)
        steady.begin()
        fleet.command("drain", drained, "--yes")
        fleet.wait(lambda: drained not in {row.id for row in fleet.machines()}, "the machine is empty and given back")
        assert fleet.ready() == {ONCE: REPLICAS, AGAIN: REPLICAS}
        calls = steady.end()
        assert calls and steady.errors() == {}
    finally:
        fleet.stop()
