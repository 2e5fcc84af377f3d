"""Networks, subnetworks, firewall rules and addresses."""

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, firewall, instance

OTHER = "global/networks/other"


def test_an_automatic_network_has_a_subnetwork_in_every_region(client):
    client.do("POST", "global/networks", {"name": "other"})
    made = client.get(OTHER)
    assert len(made["subnetworks"]) == 2
    client.do("POST", f"{ZONE}/instances", instance(networkInterfaces=[{"network": OTHER}]))
    assert client.refused("DELETE", OTHER) == (400, "resourceInUseByAnotherResource")
    client.do("DELETE", f"{ZONE}/instances/vm")
    client.do("DELETE", OTHER)
    assert client.refused("GET", f"{REGION}/subnetworks/other") == (404, "notFound")


def test_a_custom_network_needs_a_subnetwork_that_is_named(client):
    client.do("POST", "global/networks", {"name": "other", "autoCreateSubnetworks": False})
    assert client.refused("POST", f"{ZONE}/instances", instance(networkInterfaces=[{"network": OTHER}])) == (400, "invalid")
    client.do("POST", f"{REGION}/subnetworks", {"name": "sub", "network": OTHER, "ipCidrRange": "10.9.0.0/24"})
    client.do("POST", f"{ZONE}/instances", instance(networkInterfaces=[{"subnetwork": f"{REGION}/subnetworks/sub"}]))
    (interface,) = client.get(f"{ZONE}/instances/vm")["networkInterfaces"]
    assert interface["networkIP"].startswith("10.9.0.")
    assert client.refused("DELETE", f"{REGION}/subnetworks/sub") == (400, "resourceInUseByAnotherResource")
    client.do("DELETE", f"{ZONE}/instances/vm")
    client.do("DELETE", f"{REGION}/subnetworks/sub")
    assert client.get(OTHER)["subnetworks"] == []


def test_a_subnetwork_has_a_range(client):
    body = {"name": "sub", "network": "global/networks/default"}
    assert client.refused("POST", f"{REGION}/subnetworks", body) == (400, "required")
    assert client.refused("POST", f"{REGION}/subnetworks", body | {"ipCidrRange": "10.9.0.1/24"}) == (400, "invalid")


def test_a_firewall_rule_is_completed_and_changed(client):
    client.do("POST", "global/firewalls", {"name": "fw", "allowed": [{"IPProtocol": "tcp", "ports": ["22", "80-90"]}]})
    made = client.get("global/firewalls/fw")
    assert (made["sourceRanges"], made["direction"], made["priority"]) == (["0.0.0.0/0"], "INGRESS", 1000)
    client.do("PATCH", "global/firewalls/fw", {"name": "fw", "sourceRanges": ["10.0.0.0/8"], "description": "inside"})
    client.do("PATCH", "global/firewalls/fw", {"name": "fw", "description": None})
    made = client.get("global/firewalls/fw")
    assert (made["sourceRanges"], made["allowed"][0]["ports"]) == (["10.0.0.0/8"], ["22", "80-90"])
    assert "description" not in made
    whole = {"network": "global/networks/default", "direction": "INGRESS", "priority": 5, "disabled": False}
    client.do("PUT", "global/firewalls/fw", firewall("fw", **whole))
    other = firewall("fw", **whole) | {"direction": "EGRESS"}
    assert client.refused("PUT", "global/firewalls/fw", other) == (400, "invalid")
    assert client.get("global/firewalls/fw")["priority"] == 5
    client.do("DELETE", "global/firewalls/fw")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"allowed": []}, "invalid"),
        ({"denied": [{"IPProtocol": "udp"}]}, "invalid"),
        ({"allowed": [{"ports": ["80"]}]}, "required"),
        ({"allowed": [{"IPProtocol": "tcp", "ports": ["http"]}]}, "invalid"),
        ({"allowed": [{"IPProtocol": "tcp", "ports": ["90-80"]}]}, "invalid"),
        ({"allowed": [{"IPProtocol": "tcp", "ports": ["65536"]}]}, "invalid"),
        ({"allowed": [{"IPProtocol": "icmp", "ports": ["80"]}]}, "invalid"),
        ({"sourceRanges": ["10.0.0.1/8"]}, "invalid"),
        ({"priority": 65536}, "invalid"),
        ({"network": "global/networks/none"}, "invalid"),
    ],
)
def test_a_firewall_rule_is_refused_for_its_fault(client, fields, reason):
    assert client.refused("POST", "global/firewalls", firewall(**fields)) == (400, reason)


@pytest.mark.parametrize("scope", [REGION, "global"])
def test_addresses_are_reserved(client, scope):
    client.do("POST", f"{scope}/addresses", {"name": "mine", "labels": {"team": "red"}})
    made = client.get(f"{scope}/addresses/mine")
    assert (made["status"], made["addressType"], made["labels"]) == ("RESERVED", "EXTERNAL", {"team": "red"})
    assert client.get("aggregated/addresses")["items"][scope]["addresses"][0]["name"] == "mine"
    client.do("DELETE", f"{scope}/addresses/mine")


def test_internal_addresses_are_of_their_subnetwork(client):
    body = {"name": "mine", "addressType": "INTERNAL", "subnetwork": f"{REGION}/subnetworks/default"}
    client.do("POST", f"{REGION}/addresses", body | {"address": "10.128.0.77"})
    assert client.get(f"{REGION}/addresses/mine")["address"] == "10.128.0.77"
    assert client.refused("POST", f"{REGION}/addresses", body | {"name": "b", "address": "10.1.0.1"}) == (400, "invalid")
    assert client.refused("POST", f"{REGION}/addresses", body | {"name": "b", "addressType": "EXTERNAL"}) == (400, "invalid")
