import pytest

from cloudlayer.errors import Conflict
from cloudlayer.fleet.findings import Finding

UNKNOWN = Finding("shop:here", "unknown", "i-1", "seefood", "no store knows it")
LOST = Finding("shop:here", "lost", "m-2", "seefood", "the cloud has it no more")


@pytest.fixture
def found(monkeypatch, fleets):
    """What there is to find; `asked` are the providers that were looked at, `swept` what was dealt with."""

    class Found(list):
        asked = swept = others = None
        failures, young = (), 0

    found = Found([UNKNOWN, LOST])

    def find(_fleets, providers, *, others):
        found.asked, found.others = providers, others
        return list(found)

    def spared(_fleets, providers, *, others):
        assert (providers, others) == (found.asked, found.others)
        return found.young

    def sweep(_fleets, findings):
        found.swept = findings
        return [(finding, Conflict(f"{finding.subject} is in use")) for finding in found.failures]

    monkeypatch.setattr("cloudlayer.fleet.findings.find", find)
    monkeypatch.setattr("cloudlayer.fleet.findings.spared", spared)
    monkeypatch.setattr("cloudlayer.fleet.sweep.sweep", sweep)
    return found


def test_what_it_would_do_is_listed_and_nothing_done_without_a_yes(cli, found):
    outcome = cli("sweep")
    assert outcome.code == 3
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == ["delete", "forget"]
    assert found.swept is None


def test_with_a_yes_it_is_done(cli, found):
    outcome = cli("sweep", "--yes", "--provider", "shop:here")
    assert outcome.code == 0
    assert (found.asked, found.swept) == (["shop:here"], [UNKNOWN, LOST])


def test_the_providers_of_the_stores_things_are_looked_at_unless_some_are_named(cli, found):
    cli("sweep")
    assert (found.asked, found.others) == ([], True)
    cli("sweep", "--provider", "shop:here")
    assert (found.asked, found.others) == (["shop:here"], False)


def test_in_json_it_says_what_it_found_whether_or_not_it_may_deal_with_it(cli, found):
    outcome = cli("sweep", "--json")
    assert (outcome.code, [item["kind"] for item in outcome.document]) == (3, ["unknown", "lost"])
    assert cli("sweep", "--json", "--yes").code == 0


def test_nothing_found_needs_no_yes(cli, found):
    found.clear()
    outcome = cli("sweep")
    assert (outcome.code, outcome.err) == (0, "nothing is unknown and nothing is lost\n")
    assert cli("sweep", "--json").document == []


def test_what_is_too_young_to_judge_is_told(cli, found):
    found.clear()
    found.young = 2
    outcome = cli("sweep", "--json")
    assert (outcome.code, outcome.document) == (0, [])
    assert outcome.err == "2 things begun less than 2 minutes ago: spared, look again then\n"


def test_what_cannot_be_mended_is_told_each_and_the_exit_says_why(cli, found):
    found.failures = [UNKNOWN, LOST]
    outcome = cli("sweep", "--yes")
    assert outcome.code == 7
    assert "swept 0 things" in outcome.err
    assert [line for line in outcome.err.splitlines() if line.startswith("error: ")] == [
        "error: instance i-1: i-1 is in use",
        "error: m-2 is in use",
    ]
