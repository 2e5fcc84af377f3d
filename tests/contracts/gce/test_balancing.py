"""Passthrough load balancers: addresses and ports, what is in use, and what the probes find."""

import pytest

from tests.contracts.gce.bodies import BAD, GROUP, REGION, SERVICE, USED, ZONE, rule, service


@pytest.mark.usefixtures("balancer")
def test_a_passthrough_balancer_has_an_address_of_its_subnetwork(client):
    made = client.get(f"{REGION}/forwardingRules/rule")
    assert made["IPAddress"].startswith("10.128.")
    assert (made["IPProtocol"], made["ports"]) == ("TCP", ["80"])
    assert made["subnetwork"].endswith(f"{REGION}/subnetworks/default")
    assert client.get("aggregated/forwardingRules")["items"][REGION]["forwardingRules"] == [made]


@pytest.mark.usefixtures("balancer")
def test_members_are_healthy_when_they_run_for_a_while_and_are_not_sick(client, gce, clock):
    assert client.health(SERVICE, GROUP) == {"one": "HEALTHY", "two": "HEALTHY"}
    gce.sick.add("one")
    assert client.health(SERVICE, GROUP) == {"one": "UNHEALTHY", "two": "HEALTHY"}
    gce.sick.clear()
    client.do("POST", f"{ZONE}/instances/two/stop")
    assert client.health(SERVICE, GROUP) == {"one": "HEALTHY", "two": "UNHEALTHY"}
    client.do("POST", f"{ZONE}/instances/two/start")
    gce.options.delay = 5
    client.get("zones")
    assert client.health(SERVICE, GROUP)["two"] == "UNHEALTHY"
    clock.move(5)
    assert client.health(SERVICE, GROUP)["two"] == "HEALTHY"


@pytest.mark.usefixtures("balancer")
@pytest.mark.parametrize(
    "change",
    [
        {"disabled": True},
        {"sourceRanges": ["10.0.0.0/8"]},
        {"targetTags": ["web"]},
        {"allowed": [{"IPProtocol": "tcp", "ports": ["443", "8000-9000"]}]},
        {"allowed": [{"IPProtocol": "udp"}]},
    ],
)
def test_probes_that_no_rule_lets_in_find_nobody_well(client, change):
    client.do("PATCH", "global/firewalls/probes", {"name": "probes", **change})
    assert set(client.health(SERVICE, GROUP).values()) == {"UNHEALTHY"}


@pytest.mark.usefixtures("balancer")
@pytest.mark.parametrize("ports", [[], ["80"], ["70-90"]])
def test_probes_that_a_rule_lets_in_find_them_well(client, ports):
    allowed = [{"IPProtocol": "all"}] if not ports else [{"IPProtocol": "tcp", "ports": ports}]
    client.do("PATCH", "global/firewalls/probes", {"name": "probes", "allowed": allowed, "sourceRanges": ["0.0.0.0/0"]})
    assert set(client.health(SERVICE, GROUP).values()) == {"HEALTHY"}


@pytest.mark.usefixtures("balancer")
def test_everything_goes_from_the_front_to_the_back(client):
    for path in (SERVICE, f"{REGION}/healthChecks/check", GROUP):
        assert client.refused("DELETE", path) == USED
    for path in (f"{REGION}/forwardingRules/rule", SERVICE, f"{REGION}/healthChecks/check", GROUP, "global/firewalls/probes"):
        client.do("DELETE", path)


@pytest.mark.usefixtures("balancer")
def test_health_is_told_of_backends_alone(client):
    client.do("POST", f"{ZONE}/instanceGroups", {"name": "other"})
    assert client.refused("POST", f"{SERVICE}/getHealth", {"group": f"{ZONE}/instanceGroups/other"}) == BAD


@pytest.mark.usefixtures("balancer")
def test_a_service_changes_under_its_fingerprint(client):
    known = client.get(SERVICE)["fingerprint"]
    client.do("PATCH", SERVICE, {"fingerprint": known, "connectionDraining": {"drainingTimeoutSec": 30}})
    assert client.refused("PATCH", SERVICE, {"fingerprint": known, "backends": []}) == (412, "conditionNotMet")
    body = service(groups=[])
    assert client.refused("PUT", SERVICE, body) == (412, "conditionNotMet")
    client.do("PUT", SERVICE, body | {"fingerprint": client.get(SERVICE)["fingerprint"]})
    made = client.get(SERVICE)
    assert (made["backends"], made["connectionDraining"]) == ([], {"drainingTimeoutSec": 0})


@pytest.mark.usefixtures("balancer")
@pytest.mark.parametrize(
    "fields",
    [
        {"backendService": None},
        {"loadBalancingScheme": "EXTERNAL"},
        {"ports": ["1", "2", "3", "4", "5", "6"]},
        {"ports": [], "portRange": None},
        {"ports": ["70000"]},
        {"IPAddress": "192.168.1.1"},
        {"IPAddress": f"{REGION}/disks/none"},
        {"network": "global/networks/none"},
    ],
)
def test_a_rule_is_refused_for_its_fault(client, fields):
    body = {name: value for name, value in rule("other", **fields).items() if value is not None}
    assert client.refused("POST", f"{REGION}/forwardingRules", body) == BAD


@pytest.mark.usefixtures("balancer")
def test_one_internal_address_serves_several_rules_only_where_it_may(client):
    body = {"name": "alone", "addressType": "INTERNAL", "subnetwork": f"{REGION}/subnetworks/default"}
    client.do("POST", f"{REGION}/addresses", body)
    client.do("POST", f"{REGION}/addresses", body | {"name": "shared", "purpose": "SHARED_LOADBALANCER_VIP"})
    for name, good in (("alone", False), ("shared", True)):
        address = f"{REGION}/addresses/{name}"
        client.do("POST", f"{REGION}/forwardingRules", rule(f"{name}-80", IPAddress=address))
        assert client.get(address)["status"] == "IN_USE"
        second = rule(f"{name}-81", IPAddress=address, ports=["81"])
        same = rule(f"{name}-82", IPAddress=address)
        assert client.refused("POST", f"{REGION}/forwardingRules", same) == (400, "ipInUseByAnotherResource")
        if good:
            client.do("POST", f"{REGION}/forwardingRules", second)
        else:
            assert client.refused("POST", f"{REGION}/forwardingRules", second) == (400, "ipInUseByAnotherResource")
        assert client.refused("DELETE", address) == USED
        client.do("DELETE", f"{REGION}/forwardingRules/{name}-80")
    assert client.get(f"{REGION}/addresses/alone")["status"] == "RESERVED"
    assert client.get(f"{REGION}/addresses/shared")["status"] == "IN_USE"


def test_an_external_passthrough_balancer_has_a_reserved_address(client, backends):
    client.do("POST", f"{REGION}/backendServices", service(groups=[GROUP], loadBalancingScheme="EXTERNAL"))
    client.do("POST", f"{REGION}/addresses", {"name": "mine"})
    body = {"name": "rule", "loadBalancingScheme": "EXTERNAL", "portRange": "80-81", "backendService": SERVICE}
    client.do("POST", f"{REGION}/forwardingRules", body | {"IPAddress": f"{REGION}/addresses/mine"})
    made = client.get(f"{REGION}/forwardingRules/rule")
    assert (made["IPAddress"], made["portRange"]) == (client.get(f"{REGION}/addresses/mine")["address"], "80-81")
    client.do("POST", f"{REGION}/forwardingRules", body | {"name": "other", "portRange": "90", "IPAddress": made["IPAddress"]})
    overlapping = body | {"name": "third", "portRange": "81", "IPAddress": made["IPAddress"]}
    assert client.refused("POST", f"{REGION}/forwardingRules", overlapping) == (400, "ipInUseByAnotherResource")
