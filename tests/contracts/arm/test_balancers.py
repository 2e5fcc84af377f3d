"""Load balancers of the fake Azure and how their backends are, asked for with Azure's own SDKs."""

import pytest

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused

FILTER = "BackendIPAddress eq '*' and BackendPort eq '*'"


@pytest.fixture
def balanced(networked):
    """The SDKs at a fake with a balancer whose pool is empty."""
    networked.network.load_balancers.begin_create_or_update("group", "balancer", bodies.balancer()).result()
    return networked


def join(sdk):
    nic = bodies.interface(loadBalancerBackendAddressPools=[{"id": bodies.POOL}])
    sdk.network.network_interfaces.begin_create_or_update("group", "nic", nic).result()


def health(sdk, metric="DipAvailability", split=FILTER):
    answer = sdk.monitor.metrics.list(bodies.BALANCER, metricnames=metric, filter=split, aggregation="Average")
    series = answer.value[0].timeseries
    return {tuple(pair.value for pair in one.metadatavalues): one.data[0].average for one in series}


def test_a_balancer_tells_which_rules_use_its_parts(balanced):
    balancer = balanced.network.load_balancers.get("group", "balancer")
    for part in (balancer.probes[0], balancer.backend_address_pools[0], balancer.frontend_ip_configurations[0]):
        assert [rule.id for rule in part.load_balancing_rules] == [f"{bodies.BALANCER}/loadBalancingRules/rule"]
    address = balanced.network.public_ip_addresses.get("group", "address")
    assert address.ip_configuration.id == f"{bodies.BALANCER}/frontendIPConfigurations/front"


def test_a_pool_tells_the_interfaces_that_joined_it(balanced):
    join(balanced)
    pool = balanced.network.load_balancer_backend_address_pools.get("group", "balancer", "pool")
    assert [part.id.rpartition("/providers/")[2] for part in pool.backend_ip_configurations] == [
        "Microsoft.Network/networkInterfaces/nic/ipConfigurations/first"
    ]
    balanced.network.network_interfaces.begin_create_or_update("group", "nic", bodies.interface()).result()
    pool = balanced.network.load_balancer_backend_address_pools.get("group", "balancer", "pool")
    assert pool.backend_ip_configurations is None


def test_members_of_scale_sets_of_both_modes_join_a_pool(balanced):
    for flexible in (True, False):
        body = bodies.scale_set(capacity=1, flexible=flexible, pool=bodies.POOL)
        name = "flexible" if flexible else "uniform"
        balanced.compute.virtual_machine_scale_sets.begin_create_or_update("group", name, body).result()
    pool = balanced.network.load_balancers.get("group", "balancer").backend_address_pools[0]
    assert len(pool.backend_ip_configurations) == 2
    with Refused("LoadBalancerInUseByVirtualMachineScaleSet", 400):
        balanced.network.load_balancers.begin_delete("group", "balancer")


def test_uniform_members_join_a_pool_with_a_newer_model(balanced):
    sets = balanced.compute.virtual_machine_scale_sets
    sets.begin_create_or_update("group", "set", bodies.scale_set(flexible=False)).result()
    sets.begin_create_or_update("group", "set", bodies.scale_set(flexible=False, pool=bodies.POOL)).result()
    pools = balanced.network.load_balancer_backend_address_pools
    assert pools.get("group", "balancer", "pool").backend_ip_configurations is None
    sets.begin_update_instances("group", "set", {"instanceIds": ["*"]}).result()
    assert len(pools.get("group", "balancer", "pool").backend_ip_configurations) == 2


def test_backends_may_be_named_by_their_addresses(balanced):
    network = bodies.path("virtualNetworks", "net")
    backends = [{"name": "one", "properties": {"ipAddress": "10.0.0.77", "virtualNetwork": {"id": network}}}]
    pools = balanced.network.load_balancer_backend_address_pools
    body = {"properties": {"loadBalancerBackendAddresses": backends}}
    made = pools.begin_create_or_update("group", "balancer", "pool", body).result()
    assert made.load_balancer_backend_addresses[0].ip_address == "10.0.0.77"
    assert health(balanced) == {("10.0.0.77", "8080"): 0.0}


def test_a_probe_finds_machines_that_run_and_answer(arm, balanced):
    join(balanced)
    assert health(balanced) == {("10.0.0.4", "8080"): 0.0}
    balanced.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine()).result()
    assert health(balanced) == {("10.0.0.4", "8080"): 100.0}
    assert health(balanced, "VipAvailability", "FrontendPort eq '*'") == {("80",): 100.0}
    arm.options.unhealthy = {"10.0.0.4"}
    assert health(balanced) == {("10.0.0.4", "8080"): 0.0}


def test_an_unknown_metric_is_refused(balanced):
    with Refused("BadRequest", 400):
        health(balanced, "Happiness")


def test_interfaces_leave_the_pools_of_a_balancer_that_is_deleted(arm, balanced):
    join(balanced)
    balanced.network.load_balancers.begin_delete("group", "balancer").result()
    (nic,) = arm.things("networkInterfaces")
    assert "loadBalancerBackendAddressPools" not in nic["properties"]["ipConfigurations"][0]["properties"]
    assert arm.things("loadBalancers") == []


def test_a_pool_in_use_cannot_be_deleted(balanced):
    join(balanced)
    with Refused("InUseBackendAddressPoolCannotBeDeleted", 400):
        balanced.network.load_balancer_backend_address_pools.begin_delete("group", "balancer", "pool")
    body = bodies.balancer()
    body["properties"] |= {"backendAddressPools": [], "loadBalancingRules": []}
    with Refused("InUseBackendAddressPoolCannotBeDeleted", 400):
        balanced.network.load_balancers.begin_create_or_update("group", "balancer", body)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"backendAddressPool": {"id": f"{bodies.BALANCER}/backendAddressPools/absent"}}, "InvalidResourceReference"),
        ({"probe": {"id": f"{bodies.BALANCER}/probes/absent"}}, "InvalidResourceReference"),
    ],
)
def test_rules_refer_to_parts_that_are_there(networked, change, code):
    body = bodies.balancer()
    body["properties"]["loadBalancingRules"][0]["properties"] |= change
    with Refused(code, 400):
        networked.network.load_balancers.begin_create_or_update("group", "balancer", body)


def test_no_two_rules_have_the_same_port(networked):
    body = bodies.balancer()
    rules = body["properties"]["loadBalancingRules"]
    rules.append(rules[0] | {"name": "again"})
    with Refused("RulesUseSameFrontendPortProtocolAndIPConfig", 400):
        networked.network.load_balancers.begin_create_or_update("group", "balancer", body)


def test_a_balancer_and_its_address_are_of_one_sku(networked):
    with Refused("DifferentSkuLoadBalancersAndPublicIPAddressNotAllowed", 400):
        networked.network.load_balancers.begin_create_or_update(
            "group", "balancer", bodies.balancer() | {"sku": {"name": "Basic"}}
        )


def test_an_internal_balancer_has_a_private_address(networked):
    body = bodies.balancer()
    body["properties"]["frontendIPConfigurations"][0]["properties"] = {"subnet": {"id": bodies.SUBNET}}
    made = networked.network.load_balancers.begin_create_or_update("group", "balancer", body).result()
    assert made.frontend_ip_configurations[0].private_ip_address == "10.0.0.5"
