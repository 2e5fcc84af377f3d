"""Recorded Azure traffic: against the schemas, and through today's SDKs."""

from collections import Counter

import pytest
import requests

from tests.fakes.arm import schema, swagger
from tests.fakes.arm.recorded import cassettes
from tests.fakes.arm.recorded.drive import drive
from tests.fakes.arm.recorded.replay import Replay

pytestmark = pytest.mark.recordings


@pytest.fixture(scope="module")
def tapes():
    return cassettes.tapes()


@pytest.fixture
def replay():
    server = Replay.of("network-16.0.0/test_cli_mgmt_network_load_balancer.test_network")
    yield server
    server.close()


def test_recorded_requests_conform_and_most_answers_do(tapes):
    """Of 660 answers 98 depart, mostly by properties that are not documented: a client must take more than the schema has."""
    known = [one for tape in tapes.values() for one in tape if not one.is_poll and swagger.find(one.method, one.url)]
    faults = [schema.check_request(one.method, one.url, one.asked, version=False) for one in known]
    departing = [one for one in known if schema.check_answer(swagger.find(one.method, one.url)[0], one.status, one.answered)]
    assert (len(tapes), len(known), sum(map(bool, faults)), len(departing)) == (73, 660, 0, 98)


def test_todays_sdks_get_along_with_what_azure_answered(tapes):
    results = [result for name, tape in tapes.items() for result in drive(name, tape)]
    assert [result for result in results if result.state == "fail"] == []
    assert Counter(result.state for result in results)["ok"] == 612


def test_a_replay_answers_what_was_recorded_and_nothing_else(replay):
    answer = requests.get(f"{replay.url}/subscriptions/x", timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotRecorded")
    assert replay.misses == [("GET", "/subscriptions/x")] and replay.unused
    verb, path = next(asked for asked in replay.unused if asked[0] == "GET")
    assert requests.get(f"{replay.url}{path}", timeout=10).json() and (verb, path) not in replay.unused


def test_polls_of_a_replay_lead_to_the_replay(replay):
    _, path = next(asked for asked in replay.unused if asked[0] == "PUT")
    answer = requests.put(f"{replay.url}{path}", json={}, timeout=10)
    polls = [answer.headers[name] for name in ("azure-asyncoperation", "location") if name in answer.headers]
    assert polls and all(poll.startswith(replay.url) for poll in polls) and answer.headers["retry-after"] == "0"


def test_a_name_that_is_not_one_cassettes_is_refused():
    with pytest.raises(LookupError, match="names 0 cassettes"):
        cassettes.load("no such cassette")
