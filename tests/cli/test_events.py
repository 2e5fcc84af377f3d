import pytest

from tests.cli.rows import event


@pytest.fixture
def happened(fleets):
    """Five events, of which the store hands out two at a time."""
    fleets.known = {"seefood": ([], [])}
    fleets.events_ = [event(number) for number in range(1, 6)]
    return fleets


def test_all_events_are_listed_oldest_first_with_the_reason(cli, happened):
    lines = cli("events").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]
    assert lines[1].endswith("machine bought  m-1  because")


def test_only_what_is_new_can_be_had(cli, happened):
    assert [item["number"] for item in cli("events", "--after", "3", "--json").document] == [4, 5]


def test_one_fleet_can_be_named_and_a_wrong_name_is_not_found(cli, happened):
    cli("events", "--fleet", "seefood")
    assert ("events", "seefood", 0) in happened.calls
    assert cli("events", "--fleet", "nothing").code == 4


def test_following_shows_what_comes_while_it_comes(cli, happened, monkeypatch):
    def pause(_seconds):
        if len(happened.events_) == 6:
            raise KeyboardInterrupt
        happened.events_.append(event(6, "at last"))

    monkeypatch.setattr("cloudlayer.cli.events.time.sleep", pause)
    outcome = cli("events", "--follow", "--after", "4")
    assert outcome.code == 130
    assert [line.split()[4] for line in outcome.out.splitlines()] == ["m-5", "m-6"]


def test_what_never_ends_is_no_json_document(cli, happened):
    assert cli("events", "--follow", "--json").code == 2


def test_nothing_happened_is_no_error(cli, fleets):
    assert cli("events", "--json").document == []
