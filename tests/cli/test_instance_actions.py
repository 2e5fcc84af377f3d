"""The commands that change a machine, against the simulated cloud."""

import pytest

from tests.cli.waits import settled

HERE = ("--provider", "simulated")


@pytest.fixture
def machine(cli, cloud):
    """A machine that was made here and runs; its id."""
    outcome = cli("instance", "create", *HERE, "--machine-type", "cpu-2", "--yes", "--json")
    settled(cloud)
    return outcome.document[0]["id"]


def state(cloud):
    return [one.state.value for one in cloud.instances(live=True)]


def test_a_machine_is_stopped_resized_and_started_with_a_question_where_it_costs(cli, cloud, machine):
    assert cli("instance", "resize", "m1", "cpu-4", "--yes").code == 7, "it runs"
    stopped = cli("instance", "stop", "m1", "--wait", "--json")
    assert (stopped.code, [one["state"] for one in stopped.document]) == (0, ["stopped"])
    asked = cli("instance", "resize", machine, "cpu-4")
    assert (asked.code, "Make it 1 x cpu-4 (on_demand) of simulated:sim-east for " in asked.err) == (3, True)
    assert cli("instance", "resize", machine, "cpu-4", "--yes", "--json").document[0]["machine_type"] == "cpu-4"
    asked = cli("instance", "start", "m1")
    assert (asked.code, "Start 1 x " in asked.err) == (3, True)
    assert cli("instance", "start", "m1", "--yes").code == 0
    settled(cloud)
    assert state(cloud) == ["running"]


def test_a_machine_type_that_nobody_sells_is_refused(cli, cloud, machine):
    outcome = cli("instance", "resize", "m1", "none-such", "--yes")
    assert outcome.code == 2
    assert "cloudlayer offers lists what there is" in outcome.err


def test_a_machine_is_rebooted_and_its_console_read(cli, cloud, machine):
    assert cli("instance", "reboot", "m1").code == 0
    assert "reboot" in {entry["call"] for entry in cloud.journal()}
    text = cloud.connect().compute.console_log(machine)
    assert cli("instance", "console", "m1").out == text + "\n"
    assert cli("instance", "console", "m1", "--json").document == {"id": machine, "console": text}


@pytest.mark.parametrize("command", ["start", "stop", "reboot", "console"])
def test_one_that_was_not_made_here_is_not_touched(cli, cloud, command):
    outcome = cli("instance", command, "sim-1")
    assert outcome.code == 4
    assert "no instance that was made here is called sim-1" in outcome.err


def test_a_machine_comes_out_of_a_reservation(cli, cloud):
    kind = cloud.connect().compute.offers()[0].machine_type
    cloud.sell(kind, price=0.01, purchase="reserved", reservation="ours", available=1)
    outcome = cli("instance", "create", *HERE, "--reserved", "ours", "--yes", "--wait", "--json")
    assert outcome.code == 0
    assert [(one["purchase"], one["state"]) for one in outcome.document] == [("reserved", "running")]
    both = cli("instance", "create", *HERE, "--reserved", "ours", "--spot", "--yes")
    assert (both.code, "two ways to buy" in both.err) == (2, True)
