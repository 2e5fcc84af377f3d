"""Groups made by hand, network endpoint groups, and how what leaves them drains."""

import pytest

from tests.contracts.gce.bodies import (
    BAD,
    ENDPOINTS,
    GROUP,
    MANAGED,
    REGION,
    SERVICE,
    USED,
    ZONE,
    check,
    group,
    instance,
    service,
    template,
)


@pytest.mark.usefixtures("backends")
def test_a_group_made_by_hand_has_the_instances_it_is_given(client):
    body = {"instances": [{"instance": f"{ZONE}/instances/one"}]}
    assert client.refused("POST", f"{GROUP}/addInstances", body) == (400, "memberAlreadyExists")
    client.do("POST", f"{GROUP}/removeInstances", body)
    assert client.refused("POST", f"{GROUP}/removeInstances", body) == (400, "memberNotFound")
    client.do("DELETE", f"{ZONE}/instances/two")
    assert client.get(GROUP)["size"] == 0
    other = instance("far", zone="zones/us-central1-b", disks=[instance()["disks"][0]])
    client.do("POST", "zones/us-central1-b/instances", other)
    far = {"instances": [{"instance": "zones/us-central1-b/instances/far"}]}
    assert client.refused("POST", f"{GROUP}/addInstances", far) == BAD
    client.do("POST", "global/instanceTemplates", template())
    client.do("POST", f"{ZONE}/instanceGroupManagers", group())
    assert client.refused("POST", f"{ZONE}/instanceGroups/group/addInstances", body) == BAD


def endpoints(client, **query):
    """What a list of endpoints tells of each instance: its states."""
    answer = client.ask("POST", f"{ENDPOINTS}/listNetworkEndpoints", {"healthStatus": "SHOW"}, **query).json()
    found = answer.get("items", ())
    return {one["networkEndpoint"]["instance"]: [state["healthState"] for state in one["healths"]] for one in found}


@pytest.mark.usefixtures("backends")
def test_endpoints_are_attached_checked_and_drained(client, clock):
    client.do("POST", f"{ZONE}/networkEndpointGroups", {"name": "ends", "defaultPort": 80})
    both = {"networkEndpoints": [{"instance": name} for name in ("one", "two")]}
    client.do("POST", f"{ENDPOINTS}/attachNetworkEndpoints", both)
    client.do("POST", f"{ENDPOINTS}/attachNetworkEndpoints", both)
    backend = {"group": ENDPOINTS, "balancingMode": "RATE", "maxRatePerEndpoint": 10}
    draining = {"connectionDraining": {"drainingTimeoutSec": 30}}
    client.do("POST", f"{REGION}/backendServices", service(**MANAGED, **draining, backends=[backend]))
    assert endpoints(client) == {"one": ["HEALTHY"], "two": ["HEALTHY"]}
    assert client.health(SERVICE, ENDPOINTS) == {"one": "HEALTHY", "two": "HEALTHY"}
    one = {"networkEndpoints": [{"instance": "one"}]}
    client.do("POST", f"{ENDPOINTS}/detachNetworkEndpoints", one)
    assert endpoints(client) == {"one": ["DRAINING"], "two": ["HEALTHY"]}
    assert client.health(SERVICE, ENDPOINTS) == {"two": "HEALTHY"}
    assert client.get(ENDPOINTS)["size"] == 1
    clock.move(30)
    assert endpoints(client) == {"two": ["HEALTHY"]}
    assert client.refused("POST", f"{ENDPOINTS}/detachNetworkEndpoints", one) == BAD
    client.do("DELETE", f"{ZONE}/instances/two")
    assert endpoints(client) == {}
    assert client.refused("DELETE", ENDPOINTS) == USED


@pytest.mark.usefixtures("backends")
@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        ({}, BAD),
        ({"instance": "none"}, (404, "notFound")),
        ({"instance": "one", "port": 70000}, BAD),
        ({"instance": "one", "ipAddress": "10.0.0.1"}, BAD),
    ],
)
def test_an_endpoint_is_refused_for_its_fault(client, endpoint, answer):
    client.do("POST", f"{ZONE}/networkEndpointGroups", {"name": "ends", "defaultPort": 80})
    assert client.refused("POST", f"{ENDPOINTS}/attachNetworkEndpoints", {"networkEndpoints": [endpoint]}) == answer


@pytest.mark.usefixtures("backends")
def test_endpoints_are_of_the_kind_that_their_balancer_takes(client):
    client.do("POST", f"{ZONE}/networkEndpointGroups", {"name": "ends", "defaultPort": 80})
    assert client.refused("POST", f"{REGION}/backendServices", service(groups=[ENDPOINTS])) == BAD
    addresses = {"name": "plain", "networkEndpointType": "GCE_VM_IP"}
    client.do("POST", f"{ZONE}/networkEndpointGroups", addresses)
    client.do("POST", f"{REGION}/backendServices", service(groups=[f"{ZONE}/networkEndpointGroups/plain"]))
    assert client.refused("POST", f"{REGION}/networkEndpointGroups", addresses) == BAD


def test_members_of_a_group_behind_a_balancer_drain_before_they_go(client, gce, clock):
    client.do("POST", "global/instanceTemplates", template())
    client.do("POST", f"{ZONE}/instanceGroupManagers", group(size=2))
    client.do("POST", f"{REGION}/healthChecks", check())
    draining = {"connectionDraining": {"drainingTimeoutSec": 30}}
    client.do("POST", f"{REGION}/backendServices", service(groups=[f"{ZONE}/instanceGroups/group"], **draining))
    client.do("POST", f"{ZONE}/instanceGroupManagers/group/resize", size=1)
    assert len([one for one in gce.things("instances") if one["status"] == "RUNNING"]) == 2
    clock.move(30)
    assert len(gce.things("instances")) == 1
    assert client.refused("DELETE", f"{ZONE}/instanceGroupManagers/group") == USED
