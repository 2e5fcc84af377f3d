"""Autoscalers: they keep a group within its limits, and are the only ones to set its size."""

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, group, template


@pytest.fixture(params=[ZONE, REGION])
def scope(request, client):
    """A group of two, and where it is."""
    client.do("POST", "global/instanceTemplates", template())
    client.do("POST", f"{request.param}/instanceGroupManagers", group())
    return request.param


def body(scope, name="scaler", **policy):
    known = {"minNumReplicas": 1, "maxNumReplicas": 5}
    return {"name": name, "target": f"{scope}/instanceGroupManagers/group", "autoscalingPolicy": known | policy}


def size(client, scope):
    return client.get(f"{scope}/instanceGroupManagers/group")["targetSize"]


def test_an_autoscaler_is_completed(client, scope):
    client.do("POST", f"{scope}/autoscalers", body(scope))
    made = client.get(f"{scope}/autoscalers/scaler")
    assert (made["status"], made["recommendedSize"]) == ("ACTIVE", 2)
    assert made["autoscalingPolicy"] == {
        "minNumReplicas": 1,
        "maxNumReplicas": 5,
        "mode": "ON",
        "coolDownPeriodSec": 60,
        "cpuUtilization": {"utilizationTarget": 0.6},
    }
    assert client.get(f"{scope}/instanceGroupManagers/group")["status"]["autoscaler"] == made["selfLink"]
    assert client.get("aggregated/autoscalers")["items"][scope]["autoscalers"] == [made]


def test_a_group_is_brought_within_its_limits(client, gce, scope):
    client.do("POST", f"{scope}/autoscalers", body(scope, minNumReplicas=4))
    assert size(client, scope) == len(gce.things("instances")) == 4
    limits = {"minNumReplicas": 1, "maxNumReplicas": 3}
    client.do("PATCH", f"{scope}/autoscalers", {"autoscalingPolicy": limits}, autoscaler="scaler")
    assert size(client, scope) == len(gce.things("instances")) == 3
    client.do("PUT", f"{scope}/autoscalers", body(scope, maxNumReplicas=2))
    assert size(client, scope) == 2


def test_nobody_else_sets_the_size_while_it_is_on(client, scope):
    client.do("POST", f"{scope}/autoscalers", body(scope))
    manager = f"{scope}/instanceGroupManagers/group"
    assert client.refused("POST", f"{manager}/resize", size=3) == (400, "invalid")
    assert client.refused("PATCH", manager, {"targetSize": 3}) == (400, "invalid")
    assert client.refused("POST", f"{manager}/createInstances", {"instances": [{"name": "one"}]}) == (400, "invalid")
    client.do("PATCH", f"{scope}/autoscalers", {"autoscalingPolicy": {"mode": "OFF"}}, autoscaler="scaler")
    client.do("POST", f"{manager}/resize", size=7)
    assert size(client, scope) == 7
    client.do("PATCH", f"{scope}/autoscalers", {"autoscalingPolicy": {"mode": "ON"}}, autoscaler="scaler")
    assert size(client, scope) == 5


def test_one_that_only_grows_a_group_never_shrinks_it(client, scope):
    client.do("POST", f"{scope}/autoscalers", body(scope, mode="ONLY_SCALE_OUT", minNumReplicas=1, maxNumReplicas=1))
    assert size(client, scope) == 2


def test_a_member_that_is_deleted_comes_back_below_the_least(client, scope):
    client.do("POST", f"{scope}/autoscalers", body(scope, minNumReplicas=2))
    members = client.ask("POST", f"{scope}/instanceGroupManagers/group/listManagedInstances").json()["managedInstances"]
    client.do("POST", f"{scope}/instanceGroupManagers/group/deleteInstances", {"instances": [members[0]["instance"]]})
    assert size(client, scope) == 2


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"minNumReplicas": 6}, "invalid"),
        ({"minNumReplicas": -1}, "invalid"),
        ({"cpuUtilization": {"utilizationTarget": 1.5}}, "invalid"),
        ({"customMetricUtilizations": [{"utilizationTarget": 1.0}]}, "required"),
    ],
)
def test_a_policy_is_refused_for_its_fault(client, scope, policy, reason):
    assert client.refused("POST", f"{scope}/autoscalers", body(scope, **policy)) == (400, reason)


def test_a_group_has_one_autoscaler_and_goes_after_it(client, scope):
    client.do("POST", f"{scope}/autoscalers", body(scope))
    used = (400, "resourceInUseByAnotherResource")
    assert client.refused("POST", f"{scope}/autoscalers", body(scope, "second")) == used
    assert client.refused("DELETE", f"{scope}/instanceGroupManagers/group") == used
    client.do("DELETE", f"{scope}/autoscalers/scaler")
    client.do("DELETE", f"{scope}/instanceGroupManagers/group")


def test_an_autoscaler_needs_a_most_and_a_group_of_its_place(client, scope):
    one = body(scope)
    del one["autoscalingPolicy"]["maxNumReplicas"]
    assert client.refused("POST", f"{scope}/autoscalers", one) == (400, "required")
    other = REGION if scope == ZONE else ZONE
    assert client.refused("POST", f"{other}/autoscalers", body(scope)) == (400, "invalid")
    assert client.refused("PATCH", f"{scope}/autoscalers", {}) == (400, "required")


def test_a_regional_group_that_does_not_redistribute_is_not_scaled(client, scope):
    if scope == REGION:
        client.do("PATCH", f"{scope}/instanceGroupManagers/group", {"updatePolicy": {"instanceRedistributionType": "NONE"}})
        assert client.refused("POST", f"{scope}/autoscalers", body(scope)) == (400, "invalid")
