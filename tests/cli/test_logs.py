import pytest


@pytest.fixture
def written(fleets):
    fleets.known = {"seefood": ([], [])}
    fleets.lines = [("0123456789abcdef", "one"), ("0123456789abcdef", "  two"), ("fedcba9876543210", "[other]")]
    return fleets


def test_each_line_stands_behind_its_replica(cli, written):
    assert cli("logs").out == "01234567  one\n01234567    two\nfedcba98  [other]\n"
    assert ("logs", "seefood", None, 100) in written.calls


def test_a_subject_and_a_number_of_lines_are_handed_on(cli, written):
    cli("logs", "nlp/Echo/1.0.0", "--tail", "5", "--fleet", "seefood")
    assert ("logs", "seefood", "nlp/Echo/1.0.0", 5) in written.calls


def test_in_json_a_line_is_whole_and_so_is_its_replica(cli, written):
    assert cli("logs", "--json").document[1] == {"replica": "0123456789abcdef", "line": "  two"}


def test_which_fleet_must_be_said_where_there_are_several(cli, written):
    written.known["other"] = ([], [])
    outcome = cli("logs")
    assert outcome.code == 2
    assert "--fleet" in outcome.err


def test_nothing_written_is_no_error(cli, written):
    written.lines = []
    assert cli("logs").err == "nothing was written\n"
    assert cli("logs", "--json").document == []
