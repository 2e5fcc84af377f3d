"""Networks, security groups, addresses and interfaces of the fake Azure, asked for with Azure's own SDKs."""

import pytest

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused


def test_interfaces_get_the_addresses_that_their_subnet_has_free(networked):
    networked.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    found = [nic.ip_configurations[0].private_ip_address for nic in networked.network.network_interfaces.list("group")]
    assert found == ["10.0.0.4", "10.0.0.5"]


def test_a_freed_address_is_given_again(networked):
    networked.network.network_interfaces.begin_delete("group", "nic").result()
    made = networked.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface()).result()
    assert made.ip_configurations[0].private_ip_address == "10.0.0.4"


def test_an_address_tells_whose_it_is(networked):
    address = {"publicIPAddress": {"id": bodies.path("publicIPAddresses", "address")}}
    networked.network.network_interfaces.begin_create_or_update("group", "nic", bodies.interface(**address)).result()
    told = networked.network.public_ip_addresses.get("group", "address")
    assert told.ip_address and told.ip_configuration.id.endswith("/networkInterfaces/nic/ipConfigurations/first")
    with Refused("PublicIPAddressInUse", 400):
        networked.network.network_interfaces.begin_create_or_update("group", "nic2", bodies.interface(**address))


def test_what_is_used_cannot_be_deleted(running):
    network = running.network
    with Refused("NicInUse", 400):
        network.network_interfaces.begin_delete("group", "nic")
    with Refused("InUseSubnetCannotBeDeleted", 400):
        network.virtual_networks.begin_delete("group", "net")
    with Refused("InUseSubnetCannotBeDeleted", 400):
        network.subnets.begin_delete("group", "net", "default")


def test_a_group_and_an_address_in_use_cannot_be_deleted(networked):
    network = networked.network
    group = network.network_security_groups.begin_create_or_update("group", "rules", bodies.located()).result()
    body = bodies.interface(publicIPAddress={"id": bodies.path("publicIPAddresses", "address")})
    body["properties"]["networkSecurityGroup"] = {"id": group.id}
    network.network_interfaces.begin_create_or_update("group", "nic", body).result()
    with Refused("InUseNetworkSecurityGroupCannotBeDeleted", 400):
        network.network_security_groups.begin_delete("group", "rules")
    with Refused("PublicIPAddressCannotBeDeleted", 400):
        network.public_ip_addresses.begin_delete("group", "address")
    assert network.network_security_groups.get("group", "rules").network_interfaces[0].id.endswith("/nic")


def test_subnets_come_and_go_by_themselves(arm, networked):
    subnets = networked.network.subnets
    body = {"properties": {"addressPrefix": "10.0.1.0/24", "serviceEndpoints": [{"service": "Microsoft.Storage"}]}}
    assert subnets.begin_create_or_update("group", "net", "more", body).result().address_prefix == "10.0.1.0/24"
    arm.options.page = 1
    assert [subnet.name for subnet in subnets.list("group", "net")] == ["default", "more"]
    subnets.begin_delete("group", "net", "more").result()
    assert [subnet.name for subnet in subnets.list("group", "net")] == ["default"]


@pytest.mark.parametrize(
    ("prefixes", "code"),
    [
        (["10.0.0.0/24", "10.0.0.128/25"], "NetcfgSubnetRangesOverlap"),
        (["10.1.0.0/24"], "NetcfgInvalidSubnet"),
        (["10.0.0.1/24"], "InvalidAddressPrefixFormat"),
    ],
)
def test_subnets_lie_in_their_network_and_not_on_each_other(sdk, prefixes, code):
    with Refused(code, 400):
        sdk.network.virtual_networks.begin_create_or_update("group", "net", bodies.network(*prefixes))


def test_a_network_takes_one_change_at_a_time(arm, networked, clock):
    arm.options.delay = 5
    body = {"properties": {"addressPrefix": "10.0.1.0/24"}}
    networked.network.subnets.begin_create_or_update("group", "net", "more", body, polling=False)
    with Refused("AnotherOperationInProgress", 409):
        networked.network.subnets.begin_delete("group", "net", "default")
    clock.now += 5
    assert networked.network.subnets.get("group", "net", "more").provisioning_state == "Succeeded"


def test_rules_come_and_go_by_themselves_and_have_priorities_of_their_own(sdk):
    groups, rules = sdk.network.network_security_groups, sdk.network.security_rules
    body = bodies.located(properties={"securityRules": [{"name": "ssh", "properties": bodies.rule(100)}]})
    made = groups.begin_create_or_update("group", "rules", body).result()
    assert len(made.default_security_rules) == 6
    rules.begin_create_or_update("group", "rules", "web", {"properties": bodies.rule(110, "80")}).result()
    with Refused("SecurityRuleConflict", 400):
        rules.begin_create_or_update("group", "rules", "more", {"properties": bodies.rule(110, "81")})
    with Refused("SecurityRuleInvalidPriority", 400):
        rules.begin_create_or_update("group", "rules", "more", {"properties": bodies.rule(5, "81")})
    rules.begin_delete("group", "rules", "ssh").result()
    assert [rule.name for rule in rules.list("group", "rules")] == ["web"]


def test_preconditions_are_held(arm, networked, ask):
    address = bodies.path("networkInterfaces", "nic")
    etag = ask("GET", address, version="2021-02-01").json()["etag"]
    exists = ask("PUT", address, bodies.interface(), "2021-02-01", **{"If-None-Match": "*"})
    stale = ask("PUT", address, bodies.interface(), "2021-02-01", **{"If-Match": 'W/"stale"'})
    assert [answer.json()["error"]["code"] for answer in (exists, stale)] == ["PreconditionFailed"] * 2
    assert (exists.status_code, stale.status_code) == (412, 412)
    assert ask("PUT", address, bodies.interface(), "2021-02-01", **{"If-Match": etag}).status_code == 200
    absent = ask("PUT", address + "2", bodies.interface(), "2021-02-01", **{"If-Match": "*"})
    assert absent.status_code == 412


def test_a_private_address_may_be_chosen_where_nobody_has_it(networked):
    chosen = bodies.interface(privateIPAddress="10.0.0.4", privateIPAllocationMethod="Static")
    with Refused("PrivateIPAddressInUse", 400):
        networked.network.network_interfaces.begin_create_or_update("group", "nic2", chosen)
    chosen = bodies.interface(privateIPAddress="10.0.0.9", privateIPAllocationMethod="Static")
    made = networked.network.network_interfaces.begin_create_or_update("group", "nic2", chosen).result()
    assert made.ip_configurations[0].private_ip_address == "10.0.0.9"


def test_what_is_not_there_or_not_made_yet_cannot_be_referred_to(arm, sdk, clock):
    with Refused("InvalidResourceReference", 400):
        sdk.network.network_interfaces.begin_create_or_update("group", "nic", bodies.interface())
    arm.options.delay = 5
    sdk.network.virtual_networks.begin_create_or_update("group", "net", bodies.network(), polling=False)
    with Refused("ReferencedResourceNotProvisioned", 409):
        sdk.network.network_interfaces.begin_create_or_update("group", "nic", bodies.interface())
    clock.now += 5
    sdk.network.network_interfaces.begin_create_or_update("group", "nic", bodies.interface(), polling=False)


def test_a_standard_address_is_static(sdk):
    with Refused("StandardSkuPublicIPAddressesMustBeStatic", 400):
        sdk.network.public_ip_addresses.begin_create_or_update("group", "address", bodies.located(sku={"name": "Standard"}))
