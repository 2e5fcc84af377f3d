"""Target pools and their checks: what balancers were made of before there were backend services."""

import pytest

from tests.contracts.gce.bodies import BAD, REGION, USED, ZONE

POOL, CHECK = f"{REGION}/targetPools/pool", "global/httpHealthChecks/old"


@pytest.fixture
def pool(client, backends):
    client.do("POST", "global/httpHealthChecks", {"name": "old"})
    client.do("POST", f"{REGION}/targetPools", {"name": "pool", "healthChecks": [CHECK]})


@pytest.mark.usefixtures("pool")
def test_instances_are_put_in_checked_and_taken_out(client, gce):
    member = {"instance": f"{ZONE}/instances/one"}
    assert client.refused("POST", f"{POOL}/getHealth", member) == BAD
    client.do("POST", f"{POOL}/addInstance", {"instances": [member, member]})
    (told,) = client.ask("POST", f"{POOL}/getHealth", member).json()["healthStatus"]
    assert told["healthState"] == "HEALTHY"
    gce.sick.add("one")
    assert client.ask("POST", f"{POOL}/getHealth", member).json()["healthStatus"][0]["healthState"] == "UNHEALTHY"
    client.do("POST", f"{POOL}/removeInstance", {"instances": [member]})
    assert client.get(POOL)["instances"] == []
    assert client.refused("POST", f"{POOL}/addInstance", {"instances": [{"instance": f"{ZONE}/instances/none"}]})[0] == 404


@pytest.mark.usefixtures("pool")
def test_an_instance_that_goes_leaves_its_pool(client):
    client.do("POST", f"{POOL}/addInstance", {"instances": [{"instance": f"{ZONE}/instances/one"}]})
    client.do("POST", f"{ZONE}/instanceGroups/hand/removeInstances", {"instances": [{"instance": f"{ZONE}/instances/one"}]})
    client.do("DELETE", f"{ZONE}/instances/one")
    assert client.get(POOL)["instances"] == []


@pytest.mark.usefixtures("pool")
def test_checks_are_put_on_and_taken_off(client):
    assert client.refused("DELETE", CHECK) == USED
    client.do("POST", f"{POOL}/removeHealthCheck", {"healthChecks": [{"healthCheck": CHECK}]})
    client.do("POST", f"{POOL}/addHealthCheck", {"healthChecks": [{"healthCheck": CHECK}]})
    client.do("PATCH", CHECK, {"name": "old", "port": 81})
    assert client.get(CHECK) | {"port": 81, "requestPath": "/"} == client.get(CHECK)
    assert client.refused("PATCH", CHECK, {"timeoutSec": 9}) == BAD
    assert client.refused("POST", f"{REGION}/targetPools", {"name": "two", "healthChecks": [CHECK, CHECK]}) == BAD


@pytest.mark.usefixtures("pool")
def test_a_rule_sends_to_a_pool(client):
    body = {"name": "rule", "portRange": "80-90", "target": POOL}
    client.do("POST", f"{REGION}/forwardingRules", body)
    assert client.refused("DELETE", POOL) == USED
    assert client.refused("POST", f"{REGION}/forwardingRules", body | {"name": "b", "loadBalancingScheme": "INTERNAL"}) == BAD
