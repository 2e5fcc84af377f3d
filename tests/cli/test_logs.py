import pytest

from cloudlayer.interfaces import LogLine


@pytest.fixture
def written(fleets):
    fleets.known = {"seefood": ([], [])}
    fleets.lines = [
        ("0123456789abcdef", LogLine("one", "call-1")),
        ("0123456789abcdef", LogLine("  two")),
        ("fedcba9876543210", LogLine("[other]")),
    ]
    return fleets


def test_each_line_stands_behind_its_replica(cli, written):
    assert cli("logs").out == "01234567  one\n01234567    two\nfedcba98  [other]\n"
    assert ("logs", "seefood", None, 100, None) in written.calls


def test_a_subject_and_a_number_of_lines_are_handed_on(cli, written):
    cli("logs", "nlp/Echo/1.0.0", "--tail", "5", "--fleet", "seefood")
    assert ("logs", "seefood", "nlp/Echo/1.0.0", 5, None) in written.calls


def test_the_lines_of_one_call_are_asked_for_by_its_id(cli, written):
    cli("logs", "--call", "call-1")
    assert ("logs", "seefood", None, 100, "call-1") in written.calls


def test_in_json_a_line_is_whole_and_so_are_its_replica_and_its_call(cli, written):
    first, second, _ = cli("logs", "--json").document
    assert first == {"replica": "0123456789abcdef", "call": "call-1", "line": "one"}
    assert second == {"replica": "0123456789abcdef", "call": None, "line": "  two"}


def test_which_fleet_must_be_said_where_there_are_several(cli, written):
    written.known["other"] = ([], [])
    outcome = cli("logs")
    assert outcome.code == 2
    assert "--fleet" in outcome.err


def test_nothing_written_is_no_error(cli, written):
    written.lines = []
    assert cli("logs").err == "nothing was written\n"
    assert cli("logs", "--json").document == []
