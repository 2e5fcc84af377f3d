"""What is asked of Azure for a balancer, and what goes with it."""

from uuid import uuid4

import pytest

from cloudlayer.errors import InvalidSpec, QuotaError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.marks import YOUNG
from cloudlayer.resources import LoadBalancerSpec

LISTENERS = [{"port": 80, "protocol": "tcp", "target_port": 8080}, {"port": 443, "protocol": "tcp", "target_port": 8443}]
SPEC = LoadBalancerSpec(name="front", listeners=LISTENERS, labels={"team": "blue"}, drain=1.0)


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


def changed(spec=SPEC, **fields):
    return type(spec).model_validate({**spec.model_dump(), **fields})


def made(balancers, **fields):
    return balancers.wait(balancers.create(changed(**fields), token=str(uuid4())), "active", timeout=300)


def asked(arm):
    """The properties of the balancer that was asked for last."""
    return [call.body for call in arm.calls if call.method == "LoadBalancers_CreateOrUpdate"][-1]["properties"]


def test_each_listener_has_a_rule_and_a_probe_of_its_own(arm, balancers):
    made(balancers)
    properties = asked(arm)
    rules = [rule["properties"] for rule in properties["loadBalancingRules"]]
    assert [(rule["frontendPort"], rule["backendPort"], rule["protocol"]) for rule in rules] == [
        (80, 8080, "Tcp"),
        (443, 8443, "Tcp"),
    ]
    assert [rule["probe"]["id"].rpartition("/")[2] for rule in rules] == ["check-80", "check-443"]
    assert [probe["properties"]["port"] for probe in properties["probes"]] == [8080, 8443]
    assert all(rule["enableTcpReset"] for rule in rules)


def test_a_health_check_by_http_has_its_path_port_and_figures(arm, balancers):
    check = {"protocol": "http", "path": "/well", "port": 9000, "interval": 7.5, "unhealthy_after": 3}
    made(balancers, health_check=check)
    for probe in asked(arm)["probes"]:
        assert probe["properties"] == {
            "protocol": "Http",
            "port": 9000,
            "requestPath": "/well",
            "intervalInSeconds": 8,
            "numberOfProbes": 3,
        }


def test_a_private_balancer_has_an_address_of_the_subnet(arm, balancers):
    assert made(balancers).address.startswith("10.117.")
    assert arm.things("publicIPAddresses") == []


def test_a_public_balancer_has_an_address_that_is_labelled_and_goes_with_it(arm, balancers):
    balancer = made(balancers, public=True)
    (address,) = arm.things("publicIPAddresses")
    assert (address["properties"]["ipAddress"], address["sku"]["name"]) == (balancer.address, "Standard")
    assert address["tags"]["team"] == "blue"
    (listed,) = balancers.list({"team": "blue"})
    assert listed == balancer
    balancers.delete(balancer.id)
    assert arm.things("publicIPAddresses") == arm.things("loadBalancers") == []


def test_a_refused_balancer_takes_its_address_back(arm, balancers):
    arm.fault(method="LoadBalancers_CreateOrUpdate", code="LoadBalancersCountLimitReached", status=409)
    with pytest.raises(QuotaError):
        balancers.create(changed(public=True), token=str(uuid4()))
    assert arm.things("publicIPAddresses") == []


def test_a_young_address_without_a_balancer_is_spared_and_an_old_one_is_told(arm, cloud, balancers, clock):
    arm.fault(method="LoadBalancers_CreateOrUpdate", refuse=True)
    with pytest.raises(TransientError):
        balancers.create(changed(public=True), token=str(uuid4()), deadline=Deadline.after(20, clock))
    arm.rules.clear()
    assert cloud.leftovers({"team": "blue"}) == []
    clock.sleep(YOUNG)
    (found,) = cloud.leftovers({"team": "blue"})
    cloud.delete_leftover(found)
    assert arm.things("publicIPAddresses") == []


def test_a_leftover_whose_balancer_came_to_be_stays(arm, cloud, balancers, clock):
    token = str(uuid4())
    arm.fault(method="LoadBalancers_CreateOrUpdate", refuse=True)
    with pytest.raises(TransientError):
        balancers.create(changed(public=True), token=token, deadline=Deadline.after(20, clock))
    arm.rules.clear()
    clock.sleep(YOUNG)
    (found,) = cloud.leftovers({})
    balancer = balancers.create(changed(public=True), token=token)
    cloud.delete_leftover(found)
    assert balancers.wait(balancer, "active", timeout=300).address


@pytest.mark.parametrize(
    ("fields", "mend"),
    [
        ({"health_check": {"interval": 1.0}}, "Azure's shortest, 5 s"),
        ({"listeners": [LISTENERS[0], {**LISTENERS[1], "target_port": 8080}]}, "a target port of its own"),
    ],
)
def test_what_azure_would_refuse_is_refused_before_any_call(arm, balancers, fields, mend):
    with pytest.raises(InvalidSpec, match=mend):
        balancers.create(changed(**fields), token=str(uuid4()))
    assert arm.calls == []


def test_a_named_subnet_is_where_the_address_is_from(arm, cloud, balancers):
    network = {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}
    network["properties"]["subnets"] = [{"name": "inner", "properties": {"addressPrefix": "10.9.0.0/24"}}]
    networks = cloud.native("network").virtual_networks
    networks.begin_create_or_update("group", "mine", network, api_version="2021-02-01", polling=False)
    arm.settle()
    balancer = made(balancers, overrides={"subnet": "mine/inner"})
    assert balancer.address.startswith("10.9.0.")
    with pytest.raises(InvalidSpec, match="not there"):
        made(balancers, overrides={"subnet": "mine/outer"})
