import os
import socket
from types import SimpleNamespace

import pytest

from cloudlayer.errors import CloudLayerError
from tests.cli.rows import buying, event


@pytest.fixture
def port(monkeypatch):
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    monkeypatch.setenv("CLOUDLAYER_PORT", str(number))
    return number


@pytest.fixture
def supervisor(monkeypatch, port):
    """What serves: it comes up at once, tells one event, and ends with an exit code."""
    seen = SimpleNamespace(served=None, detached=None, code=0, pid=4711)

    def serve(home, fleet, *, host, port, progress, ready):
        seen.served = (home, fleet, host, port)
        progress(event(1))
        ready(f"http://{host}:{port}")
        return seen.code

    def detach(home, fleet, *, host, port):
        seen.detached = (home, fleet, host, port)
        return seen.pid

    monkeypatch.setattr("cloudlayer.fleet.supervisor.serve", serve)
    monkeypatch.setattr("cloudlayer.fleet.supervisor.detach", detach)
    return seen


def test_a_fleet_that_costs_nothing_is_deployed_and_served_without_a_question(cli, fleets, supervisor, manifest, port):
    fleets.previews = buying(0.0)
    outcome = cli("up", manifest)
    assert outcome.code == 0
    assert fleets.calls == [("preview", "seefood"), ("ensure_key", None), ("deploy", "seefood"), "closed"]
    assert supervisor.served == (fleets.home, "seefood", "127.0.0.1", port)


def test_it_shows_the_plan_the_progress_and_at_last_the_address(cli, fleets, supervisor, manifest, port):
    fleets.previews = buying(0.0)
    outcome = cli("up", manifest)
    assert "1 x nlp/Echo/1.0.0" in outcome.out
    assert outcome.out.splitlines()[-1] == f"serving seefood at http://127.0.0.1:{port}"
    assert "machine bought  m-1  because" in outcome.err


def test_in_json_the_one_document_says_where_and_by_which_process(cli, fleets, supervisor, manifest, port):
    fleets.previews = buying(0.0)
    outcome = cli("up", manifest, "--json")
    assert outcome.document == {"fleet": "seefood", "url": f"http://127.0.0.1:{port}", "pid": os.getpid()}
    assert "1 x nlp/Echo/1.0.0" in outcome.err


@pytest.mark.parametrize("amount", [0.5, None])
def test_what_costs_or_may_cost_is_refused_where_nobody_can_be_asked(cli, fleets, supervisor, manifest, amount):
    fleets.previews = buying(amount)
    outcome = cli("up", manifest)
    assert outcome.code == 3
    assert "give --yes" in outcome.err
    assert ("deploy", "seefood") not in fleets.calls
    assert supervisor.served is None


def test_yes_agrees_to_what_it_costs(cli, fleets, supervisor, manifest):
    fleets.previews = buying(0.5, None)
    assert cli("up", manifest, "--yes").code == 0
    assert supervisor.served is not None


def test_the_exit_code_is_that_of_who_served(cli, fleets, supervisor, manifest):
    supervisor.code = 7
    assert cli("up", manifest).code == 7


def test_a_fleet_that_comes_up_in_part_says_so_and_goes_on(cli, fleets, supervisor, manifest):
    fleets.previews = buying(0.0, unplaced=1)
    outcome = cli("up", manifest)
    assert outcome.code == 0
    assert "no place for 1 x nlp/Echo/1.0.0: no GPU is on sale" in outcome.err
    assert "comes up without what finds no place" in outcome.err


def test_a_fleet_of_which_nothing_finds_a_place_does_not_come_up(cli, fleets, supervisor, manifest):
    fleets.previews = buying(unplaced=2)
    outcome = cli("up", manifest, "--yes")
    assert outcome.code == 6
    assert "no place for 2 x nlp/Echo/1.0.0: no GPU is on sale" in outcome.err
    assert ("deploy", "seefood") not in fleets.calls


def test_a_fleet_that_is_served_already_is_a_conflict_with_the_mend(cli, fleets, supervisor, manifest):
    fleets.pid = 4711
    outcome = cli("up", manifest, "--yes")
    assert outcome.code == 7
    assert f"served by process 4711: change it by cloudlayer deploy {manifest}" in outcome.err
    assert fleets.calls == ["closed"]


def test_a_key_that_was_made_is_shown_once_beside_the_result(cli, fleets, supervisor, manifest):
    fleets.new_key = "fresh"
    outcome = cli("up", manifest, "--json")
    assert outcome.err.count("fresh") == 1
    assert "fresh" not in outcome.out


def test_a_key_of_the_environment_is_taken_and_never_shown(cli, fleets, supervisor, manifest, monkeypatch):
    monkeypatch.setenv("CLOUDLAYER_API_KEY", "k-secret")
    outcome = cli("up", manifest)
    assert ("ensure_key", "k-secret") in fleets.calls
    assert "k-secret" not in outcome.out + outcome.err


def test_the_port_and_the_host_are_options(cli, fleets, supervisor, manifest, port, monkeypatch):
    monkeypatch.delenv("CLOUDLAYER_PORT")
    cli("up", manifest, "--port", str(port), "--host", "::1")
    assert supervisor.served[2:] == ("::1", port)


def test_port_0_is_one_that_is_free_and_told(cli, fleets, supervisor, manifest):
    outcome = cli("up", manifest, "--port", "0", "--json")
    assert outcome.document["url"] == f"http://127.0.0.1:{supervisor.served[-1]}"
    assert supervisor.served[-1] > 0


def test_a_port_that_is_taken_is_told_before_anything_is_done(cli, fleets, supervisor, manifest):
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        outcome = cli("up", manifest, "--yes", "--port", str(number))
    assert (outcome.code, fleets.calls) == (7, ["closed"])
    assert f"http://127.0.0.1:{number} cannot be served: Address already in use; choose another port" in outcome.err


def test_detached_it_comes_back_with_the_process_that_serves(cli, fleets, supervisor, manifest, port):
    outcome = cli("up", manifest, "--detach", "--json")
    assert supervisor.detached == (fleets.home, "seefood", "127.0.0.1", port)
    assert outcome.document == {"fleet": "seefood", "url": f"http://127.0.0.1:{port}", "pid": 4711}
    outcome = cli("up", manifest, "--detach", "--host", "::1")
    assert outcome.out.splitlines()[-1] == f"serving seefood at http://[::1]:{port}"


def test_what_keeps_the_detached_from_coming_up_is_told(cli, fleets, monkeypatch, manifest, port):
    def detach(*_, **__):
        raise CloudLayerError("seefood did not come up: the port is taken")

    monkeypatch.setattr("cloudlayer.fleet.supervisor.detach", detach)
    outcome = cli("up", manifest, "--detach")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (1, "error: seefood did not come up: the port is taken")


def test_a_manifest_with_a_fault_is_told_line_by_line_before_anything_is_done(cli, fleets, tmp_path):
    path = tmp_path / "fleet.toml"
    path.write_text('[fleet]\nname = "Seefood"\nproviders = []\n')
    outcome = cli("up", str(path))
    assert outcome.code == 2
    assert outcome.err.count("error: fleet.toml: fleet.") == 2
    assert fleets.calls == []
