"""The commands that change a machine, against the simulated cloud."""

import pytest

from cloudlayer.providers.simulated import Fault
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
    outcome = cli("instance", "resize", "m1", "cpu-3", "--yes")
    assert outcome.code == 2
    assert "no machine type is called cpu-3; near to it are cpu-" in outcome.err
    assert "cloudlayer offers lists what there is" in outcome.err


def test_a_machine_is_rebooted_and_its_console_read(cli, cloud, machine):
    assert cli("instance", "reboot", "m1").code == 0
    assert "reboot" in {entry["call"] for entry in cloud.journal()}
    text = cloud.connect().compute.console_log(machine)
    assert cli("instance", "console", "m1").out == text + "\n"
    assert cli("instance", "console", "m1", "--json").document == {"id": machine, "console": text}


def test_a_machine_is_known_by_its_name_before_the_number_of_another(cli, cloud):
    ids = []
    for name in ("box", "m1", "twin", "twin"):
        made = cli("instance", "create", *HERE, "--machine-type", "cpu-2", "--name", name, "--yes", "--json")
        ids.append(made.document[0]["id"])
    settled(cloud)
    assert cli("instance", "show", "box", "--json").document["id"] == ids[0]
    assert cli("instance", "show", "m1", "--json").document["id"] == ids[1], "not the first, of the store's number m1"
    assert cli("instance", "show", "m3", "--json").document["id"] == ids[2]
    twins = cli("instance", "delete", "twin", "--yes")
    assert twins.code == 2
    assert f"2 instances are called twin: give the id of one: {ids[2]} of simulated:sim-east, {ids[3]} of" in twins.err
    assert cli("instance", "delete", "box", ids[0], "m1", "--yes", "--json").document == {"deleted": ids[:2]}
    assert {one.id for one in cloud.instances(live=True)} == {*ids[2:]}


def test_one_whose_create_was_broken_off_is_told_of_with_what_takes_it_away(cli, cloud):
    cloud.inject(Fault("lost", "create", times=None))
    assert cli("instance", "create", *HERE, "--machine-type", "cpu-2", "--name", "box", "--yes").code == 75
    (machine,) = cli("instance", "list", "--json").document
    for command in ("show", "delete"):
        for ref in (machine["id"], "box"):
            outcome = cli("instance", command, ref)
            assert outcome.code == 4
            assert f"the create of instance {ref} was broken off: cloudlayer sweep takes away what it left" in outcome.err


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
