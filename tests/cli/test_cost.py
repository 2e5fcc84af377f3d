import pytest

from tests.cli.rows import entry


@pytest.fixture
def bought(fleets):
    fleets.known = {"seefood": ([], []), "sentiment": ([], [])}
    fleets.entries = [
        entry("m-1", 0.5),
        entry("m-2", None),
        entry("m-3", 1.0, fleet="sentiment"),
        entry("m-4", 2.0, fleet="sentiment", currency="EUR"),
    ]
    return fleets


def test_each_machine_and_the_sum_are_told_and_what_is_unknown_is_counted(cli, bought):
    outcome = cli("cost")
    assert [line.split()[1] for line in outcome.out.splitlines()] == ["MACHINE", "m-1", "m-2", "m-3", "m-4"]
    assert outcome.out.splitlines()[1].split()[-5:] == ["0.5000", "USD", "2h", "1.0000", "USD"]
    assert outcome.err == "together 4.0000 EUR and 3.0000 USD and 1 machine of unknown price\n"


def test_in_json_there_are_entries_and_totals_by_currency(cli, bought):
    document = cli("cost", "--json").document
    assert [item["cost"] for item in document["entries"]] == [1.0, None, 2.0, 4.0]
    assert document["totals"] == {"USD": 3.0, "EUR": 4.0}
    assert document["unknown"] == 1


def test_one_fleet_can_be_named_and_a_wrong_name_is_not_found(cli, bought):
    assert cli("cost", "--fleet", "seefood", "--json").document["totals"] == {"USD": 1.0}
    assert cli("cost", "--fleet", "nothing").code == 4


def test_nothing_bought_costs_nothing(cli, fleets):
    assert cli("cost", "--json").document == {"entries": [], "totals": {}, "unknown": 0}
    assert cli("cost").err == "no machine was bought\n"
