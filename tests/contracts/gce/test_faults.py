"""Faults that tests bring about: errors, throttling, dropped connections and lost answers."""

import pytest
import requests

from tests.contracts.gce.bodies import ZONE, disk, instance

INSERT = "compute.disks.insert"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("quotaExceeded", 403),
        ("rateLimitExceeded", 403),
        ("forbidden", 403),
        ("authError", 401),
        ("backendError", 503),
        ("internalError", 500),
        ("notFound", 404),
        ("alreadyExists", 409),
        ("conditionNotMet", 412),
        ("resourceNotReady", 400),
        ("neverHeardOf", 400),
    ],
)
def test_an_error_has_the_status_of_its_reason(client, gce, code, status):
    gce.fault(method=INSERT, code=code, times=1)
    assert client.refused("POST", f"{ZONE}/disks", disk()) == (status, code)
    assert gce.things("disks") == []
    client.do("POST", f"{ZONE}/disks", disk())


def test_the_status_and_the_words_may_be_others(client, gce):
    gce.fault(code="neverHeardOf", status=500, message="perhaps")
    answer = client.ask("GET", f"{ZONE}/disks")
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "perhaps")


def test_limits_are_errors_of_the_usage_domain(client, gce):
    gce.fault(code="rateLimitExceeded")
    assert client.ask("GET", f"{ZONE}/disks").json()["error"]["errors"][0]["domain"] == "usageLimits"


def test_throttling_says_when_to_come_again(client, gce):
    gce.fault(code="rateLimitExceeded", retry_after=7, times=2)
    assert client.ask("GET", f"{ZONE}/disks").headers["Retry-After"] == "7"
    assert client.refused("GET", f"{ZONE}/disks") == (403, "rateLimitExceeded")
    assert client.ask("GET", f"{ZONE}/disks").status_code == 200


def test_a_call_whose_answer_is_lost_has_its_effect(client, gce):
    gce.fault(method=INSERT, lost_response=True, times=1)
    with pytest.raises(requests.ConnectionError):
        client.ask("POST", f"{ZONE}/disks", disk())
    assert [one["name"] for one in gce.things("disks")] == ["data"]


def test_a_call_that_is_dropped_has_none(client, gce):
    gce.fault(method=INSERT, refuse=True, times=1)
    with pytest.raises(requests.ConnectionError):
        client.ask("POST", f"{ZONE}/disks", disk())
    assert gce.things("disks") == []


def test_a_fault_can_begin_after_some_calls(client, gce):
    gce.fault(method="compute.disks.*", code="backendError", after=1)
    assert client.ask("GET", f"{ZONE}/disks").status_code == 200
    assert client.refused("GET", f"{ZONE}/disks") == (503, "backendError")


def test_the_code_may_hang_on_the_call(client, gce):
    gce.fault(code=lambda call: "forbidden" if call.verb == "POST" else "backendError")
    assert client.refused("POST", f"{ZONE}/disks", disk()) == (403, "forbidden")
    assert client.refused("GET", f"{ZONE}/disks") == (503, "backendError")


def test_calls_are_counted_by_their_methods(client, gce):
    client.do("POST", f"{ZONE}/disks", disk())
    client.refused("POST", f"{ZONE}/disks", disk())
    assert gce.count(INSERT) == 2
    assert [call.status for call in gce.calls if call.method == INSERT] == [200, 409]


def test_quotas_of_a_region_are_kept(client, gce):
    gce.options.quotas["CPUS"] = 3.0
    client.do("POST", f"{ZONE}/instances", instance("one"))
    quotas = {one["metric"]: one for one in client.get("regions/us-central1")["quotas"]}
    assert quotas["CPUS"] == {"metric": "CPUS", "limit": 3.0, "usage": 2.0}
    assert client.refused("POST", f"{ZONE}/instances", instance("two")) == (403, "quotaExceeded")
    spot = instance("spot", scheduling={"provisioningModel": "SPOT"})
    client.do("POST", f"{ZONE}/instances", spot)
    client.do("POST", f"{ZONE}/instances/one/stop")
    client.do("POST", f"{ZONE}/instances", instance("two"))


def test_a_fault_of_the_fakes_own_is_not_hidden(client, gce, monkeypatch):
    monkeypatch.setattr(gce.cloud["disks"], "list", lambda ask: 1 / 0)
    assert client.refused("GET", f"{ZONE}/disks") == (500, "internalError")
    assert "ZeroDivisionError" in gce.unsound.pop()
