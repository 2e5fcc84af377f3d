import pytest

from cloudlayer.fleet.store.rows import ReplicaRowState
from tests.cli.rows import replica


@pytest.fixture
def running(fleets):
    ended = replica("r-ended", ReplicaRowState.ENDED, exit="crashed", reason="exit code 3")
    fleets.known = {
        "seefood": ([], [replica("r-process"), ended]),
        "sentiment": ([], [replica("r-docker", engine="docker", handle="c0ffee", fleet="sentiment")]),
    }
    return fleets


def test_replicas_of_all_fleets_are_listed(cli, running):
    lines = cli("ps").out.splitlines()
    assert [line.split()[:2] for line in lines] == [["FLEET", "ID"], ["seefood", "r-proces"], ["sentiment", "r-docker"]]


def test_in_json_each_has_its_function_version_machine_state_and_pid_or_container(cli, running):
    process, docker = cli("ps", "--json").document
    assert process["fleet"] == "seefood"
    assert process["id"] == "r-process"
    assert (process["function"], process["version"], process["machine"]) == ("nlp/Echo", "1.0.0", "m-1")
    assert (process["engine"], process["state"], process["pid"], process["container"]) == ("process", "ready", 4711, None)
    assert process["address"] == "unix:/run/r.sock"
    assert process["age_s"] > 0
    assert (docker["engine"], docker["pid"], docker["container"]) == ("docker", None, "c0ffee")


def test_one_fleet_can_be_named_and_a_wrong_name_is_not_found(cli, running):
    assert [item["fleet"] for item in cli("ps", "--fleet", "sentiment", "--json").document] == ["sentiment"]
    assert cli("ps", "--fleet", "nothing").code == 4


def test_those_that_ended_are_shown_where_they_are_asked_for_with_the_reason(cli, running):
    ended = next(item for item in cli("ps", "--all", "--json").document if item["state"] == "ended")
    assert (ended["exit"], ended["reason"]) == ("crashed", "exit code 3")
    assert "exit code 3" in cli("ps", "--all").out


def test_what_is_not_there_yet_is_told_beside_the_list(cli, running):
    running.missing = ("nlp/Echo/1.0.0: waits for a machine",)
    outcome = cli("ps", "--fleet", "seefood", "--json")
    assert outcome.err == "seefood: nlp/Echo/1.0.0: waits for a machine\n"
    assert len(outcome.document) == 1


def test_no_fleet_at_all_is_an_empty_list(cli, fleets):
    assert cli("ps", "--json").document == []
    assert cli("ps").err == "no replica runs\n"
