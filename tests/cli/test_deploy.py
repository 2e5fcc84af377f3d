from tests.cli.rows import buying


def test_a_change_is_written_down_for_who_serves_the_fleet(cli, fleets, manifest):
    fleets.pid = 4711
    outcome = cli("deploy", manifest)
    assert outcome.code == 0
    assert fleets.calls == [("preview", "seefood"), ("deploy", "seefood"), "closed"]
    assert "cloudlayer events --follow --fleet seefood" in outcome.err


def test_a_fleet_that_nobody_serves_is_told_with_the_mend(cli, fleets, manifest):
    outcome = cli("deploy", manifest)
    assert outcome.code == 0
    assert f"nobody serves it now: cloudlayer up {manifest}" in outcome.err


def test_in_json_it_says_which_generation_and_who_takes_it_up(cli, fleets, manifest):
    fleets.previews = buying(0.5)
    assert cli("deploy", manifest, "--yes", "--json").document == {"fleet": "seefood", "generation": 3, "pid": None}


def test_a_change_that_costs_is_refused_where_nobody_can_be_asked(cli, fleets, manifest):
    fleets.previews = buying(0.5)
    outcome = cli("deploy", manifest)
    assert (outcome.code, fleets.calls) == (3, [("preview", "seefood"), "closed"])
    assert "buys 1 machine for 0.5000 USD/h" in outcome.err


def test_a_change_after_which_nothing_finds_a_place_is_refused(cli, fleets, manifest):
    fleets.previews = buying(unplaced=1)
    assert cli("deploy", manifest, "--yes").code == 6
    assert ("deploy", "seefood") not in fleets.calls
