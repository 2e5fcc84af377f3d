"""The example fleet, as its README shows it: `cloudlayer up`, then calls by the PyPI client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from cloudlayer.testing.evidence import record_promise

from .deployment import Deployment, until

MANIFEST = Path(__file__).parents[2] / "examples" / "sentiment" / "fleet.toml"
SENTENCE = {"document": "I really like Algorithmia!"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Deployment]:
    deployment = Deployment(key="k")
    try:
        deployment.up(MANIFEST)
        yield deployment
    finally:
        deployment.close()


def test_up_shows_machines_placements_and_price_before_it_serves(fleet: Deployment) -> None:
    plan, _, _ = fleet.said().partition("serving sentiment")
    for shown in ("local", "nlp/SentimentAnalysis/1.0.4", "0 USD"):
        assert shown in plan, plan


def test_the_talks_example_is_answered_as_the_talk_shows_it(fleet: Deployment, request: pytest.FixtureRequest) -> None:
    record_promise(request.node, "local", "real service", ["engine:process"])
    answer = fleet.client().algo("nlp/SentimentAnalysis/1.0.4").pipe(SENTENCE)
    assert answer.result == {"sentiment": 0.474, "document": "I really like Algorithmia!"}
    assert answer.metadata.content_type == "json"


@pytest.mark.parametrize("version", ["", "/1.0.4", "/1.0.*", "/1.*"])
def test_a_version_may_be_exact_a_pattern_or_absent(fleet: Deployment, version: str) -> None:
    assert fleet.call(f"nlp/SentimentAnalysis{version}", SENTENCE)["sentiment"] == 0.474


def test_a_paragraph_is_scored_by_nested_calls(fleet: Deployment) -> None:
    before = calls(fleet)
    result = fleet.call("nlp/Sentences", {"document": "I love it. I hate that! It is a table."})
    assert [item["sentence"] for item in result["sentences"]] == ["I love it.", "I hate that!", "It is a table."]
    love, hate, table = (item["sentiment"] for item in result["sentences"])
    assert hate < table == 0.0 < love
    assert calls(fleet) == before + 3


def test_top_tells_what_each_replica_uses_of_what_it_may(fleet: Deployment) -> None:
    def both() -> dict[str, Any]:
        found = {one["function"]: one for one in fleet.document("top")}
        return found if set(found) == {"nlp/SentimentAnalysis", "nlp/Sentences"} else {}

    found = until(both, 20, "both functions are measured")
    for one in found.values():
        assert 0 < one["memory"] < one["memory_limit"]
        assert 0 <= one["cpu"] <= one["cpu_limit"] + 0.5
    assert "nlp/SentimentAnalysis" in fleet.run("top").stdout


def calls(fleet: Deployment) -> float:
    """How many calls nlp/SentimentAnalysis has answered, as the gateway counts them."""
    counted = 'cloudlayer_gateway_calls_total{function="nlp/SentimentAnalysis",outcome="success"'
    lines = requests.get(f"{fleet.url}/metrics", timeout=5).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(counted))


def test_ps_lists_replicas_whose_processes_exist(fleet: Deployment) -> None:
    fleet.call("nlp/Sentences", "It is fine.")
    replicas = fleet.replicas()
    assert {(one["function"], one["version"]) for one in replicas} == {
        ("nlp/SentimentAnalysis", "1.0.4"),
        ("nlp/Sentences", "0.1.0"),
    }
    for one in replicas:
        assert one["state"] == "ready"
        assert psutil.Process(one["pid"]).is_running()
        assert one["machine"]
    if os.geteuid() == 0:
        assert all(psutil.Process(one["pid"]).uids().real != 0 for one in replicas)


def test_the_command_line_calls_too(fleet: Deployment) -> None:
    called = fleet.run("call", "nlp/SentimentAnalysis", json.dumps(SENTENCE), "--port", str(fleet.port))
    assert json.loads(called.stdout)["sentiment"] == 0.474


def test_events_tell_what_was_done_and_cost_what_it_came_to(fleet: Deployment) -> None:
    happened = fleet.document("events")
    assert {event["fleet"] for event in happened} == {"sentiment"}
    assert all(event["message"] for event in happened)
    cost = fleet.document("cost")
    assert [entry["machine"] for entry in cost["entries"]]
    assert cost["totals"] == {"USD": 0.0}
    assert not cost["unknown"]


def test_up_of_a_fleet_that_is_served_is_refused_and_does_no_harm(fleet: Deployment) -> None:
    again = fleet.run("up", MANIFEST, "--yes", "--port", str(fleet.port), check=False)
    assert again.returncode == 7
    assert "cloudlayer deploy" in again.stderr
    assert fleet.call("nlp/SentimentAnalysis", SENTENCE)["sentiment"] == 0.474


def test_a_plan_of_what_runs_already_buys_nothing(fleet: Deployment) -> None:
    before = fleet.machines()
    fleet.run("plan", MANIFEST)
    assert fleet.machines() == before
