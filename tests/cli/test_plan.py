from tests.cli.rows import buying


def test_a_plan_is_shown_and_nothing_is_done(cli, fleets, manifest):
    fleets.previews = buying(0.5)
    outcome = cli("plan", manifest)
    assert outcome.code == 0
    assert "0.5000 USD  1 x nlp/Echo/1.0.0" in outcome.out
    assert fleets.calls == [("preview", "seefood"), "closed"]


def test_a_cheaper_mix_is_looked_for_as_long_as_one_says(cli, fleets, manifest):
    fleets.previews = buying(0.5)
    assert cli("plan", manifest, "--search", "2.5").code == 0
    assert fleets.calls == [("preview", "seefood", 2.5), "closed"]
    assert cli("plan", manifest, "--search", "-1").code == 2


def test_in_json_it_is_one_document(cli, fleets, manifest):
    fleets.previews = buying(0.5, unplaced=1)
    outcome = cli("plan", manifest, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert [machine["id"] for machine in outcome.document["buy"]] == ["new-0"]
    assert outcome.document["unplaced"][0]["reason"] == "no GPU is on sale"


def test_a_fleet_of_which_nothing_finds_a_place_is_shown_and_exits_with_6(cli, fleets, manifest):
    fleets.previews = buying(unplaced=1)
    outcome = cli("plan", manifest, "--json")
    assert outcome.code == 6
    assert outcome.document["unplaced"]
    assert "nothing of this fleet finds a place" in outcome.err


def test_a_manifest_that_is_not_there_is_told(cli, fleets, tmp_path):
    outcome = cli("plan", str(tmp_path / "none.toml"))
    assert outcome.code == 2
    assert "none.toml: cannot be read" in outcome.err
