import pytest

from tests.cli.rows import event, machine, replica


@pytest.fixture
def standing(fleets):
    fleets.known = {"seefood": ([machine("m-1"), machine("m-2")], [replica("r-1")])}
    fleets.events_ = [event(1, "the fleet goes down")]
    return fleets


def test_what_is_deleted_is_shown_and_each_step_told(cli, standing):
    outcome = cli("down", "--yes")
    assert outcome.code == 0
    assert ("down", "seefood") in standing.calls
    assert [line.split()[0] for line in outcome.out.splitlines()] == ["MACHINE", "m-1", "m-2"]
    assert "the fleet goes down" in outcome.err
    assert outcome.err.splitlines()[-1] == "seefood is down, and nothing of it is left"


def test_nothing_is_deleted_without_a_yes(cli, standing):
    outcome = cli("down")
    assert outcome.code == 3
    assert "Delete seefood with 2 machines and 1 replica?" in outcome.err
    assert ("down", "seefood") not in standing.calls


def test_in_json_it_says_what_was_deleted(cli, standing):
    outcome = cli("down", "--fleet", "seefood", "--yes", "--json")
    assert outcome.document == {"fleet": "seefood", "machines": ["m-1", "m-2"], "replicas": ["r-1"]}


def test_a_fleet_that_is_not_there_is_not_found(cli, standing):
    assert cli("down", "--fleet", "nothing", "--yes").code == 4


def test_which_fleet_must_be_said_where_there_are_several(cli, standing):
    standing.known["other"] = ([], [])
    assert cli("down", "--yes").code == 2
    assert not [call for call in standing.calls if call[0] == "down"]
