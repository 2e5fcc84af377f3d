"""Machines that are to take no more replicas, take them again, or are emptied: written down, for whoever serves the fleet."""

from dataclasses import replace

import pytest

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import Lease, MachineState, writes
from tests.cli.rows import machine
from tests.fleet.controllers import manifest


@pytest.fixture
def served(cli):
    """A fleet of one machine, in a real store."""
    with Fleets() as fleets:
        fleets.store.want("seefood", Desired(manifest()).document(), after=0, now=0.0)
        lease = Lease(fleets.store.database, "seefood", fleets.home.locks, fleets.clock)
        lease.acquire("test")
        with lease.write() as connection:
            writes.add_machines(connection, [replace(machine("m1"), instance="i-1")])
        yield fleets
        lease.release()


def row(fleets):
    return fleets.store.read("seefood", ended=True).machines[0]


def test_a_machine_is_cordoned_and_uncordoned(cli, served):
    assert cli("cordon", "m1").err == "m1 (i-1) takes no more replicas\n"
    assert row(served).cordoned and row(served).emptying is None
    assert "running, cordoned" in cli("ps", "--machines").out
    assert cli("uncordon", "i-1").err == "m1 (i-1) takes replicas again\n"
    assert not row(served).cordoned
    assert [event.kind for event in served.events("seefood")] == ["cordon machine", "uncordon machine"]


def test_in_json_the_machine_is_told_as_it_is_then(cli, served):
    told = cli("cordon", "m1", "--json").document
    assert (told["machine"], told["cordoned"], told["draining"]) == ("m1", True, False)
    drained = cli("drain", "m1", "--yes", "--json").document
    assert (drained["draining"], drained["replicas"]) == (True, [])


def test_a_machine_is_drained_only_after_a_yes(cli, served):
    assert cli("drain", "m1").code == 3
    assert row(served).emptying is None
    assert cli("drain", "m1", "--yes").code == 0
    assert row(served).goes and row(served).reason == "drained by hand"
    assert "being drained" in cli("ps", "--machines").out


def test_a_drain_is_called_off_by_uncordon_and_not_by_cordon(cli, served):
    cli("drain", "m1", "--yes")
    cli("cordon", "m1")
    assert row(served).goes
    cli("uncordon", "m1")
    assert row(served).emptying is None and row(served).reason == ""


def test_a_machine_that_does_not_answer_is_shown_as_that(cli, served):
    with served.store.database.write() as connection:
        writes.change_machine(connection, row(served), 0.0, unreachable=served.clock.now() - 3.0)
    assert "running, unreachable for 3" in cli("ps", "--machines").out
    assert "machine m1 is running, unreachable" in cli("ps").err


def test_a_machine_that_is_on_its_way_out_is_a_conflict_and_an_unknown_one_not_found(cli, served):
    assert cli("cordon", "m9").code == 4
    with served.store.database.write() as connection:
        writes.change_machine(connection, row(served), 0.0, state=MachineState.DELETING, reason="idle")
    outcome = cli("drain", "m1", "--yes")
    assert outcome.code == 7 and "m1 is being deleted: idle" in outcome.err
