"""How balancers are made: which of Google's kinds, from which pieces, with which firewall; and how they go."""

from uuid import uuid4

import pytest
from google.cloud import compute_v1

from cloudlayer.errors import CloudError, Conflict, InvalidSpec, NotFound, QuotaError, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import HealthCheck, InstanceSpec, Listener, LoadBalancerSpec, TargetSpec
from tests.conformance.gcp.holdings import sdk

PORTS = {
    "http": Listener(port=80, protocol="http", target_port=8080),
    "tcp": Listener(port=443, protocol="tcp", target_port=443),
}
WEB = LoadBalancerSpec(
    name="front",
    listeners=[PORTS["http"], Listener(port=81, protocol="http", target_port=8081)],
    health_check=HealthCheck(protocol="http", path="/well", interval=7.0, healthy_after=3),
    drain=20.0,
    labels={"team": "a"},
)
WIRE = LoadBalancerSpec(name="wire", listeners=[PORTS["tcp"]], drain=1.0, labels={"team": "a"})
PIECES = (
    *("healthChecks", "backendServices", "urlMaps", "targetHttpProxies", "targetHttpsProxies", "targetTcpProxies"),
    *("forwardingRules", "addresses", "firewalls", "instanceGroups", "networkEndpointGroups"),
)


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


@pytest.fixture
def instance(compute):
    made = compute.create(InstanceSpec(machine_type="e2-small", image="ubuntu-22.04"), token=str(uuid4()))
    return compute.wait(made, "running")


def spec_of(spec, **fields):
    return LoadBalancerSpec.model_validate({**spec.model_dump(), **fields})


def made(balancers, spec, token=None):
    return balancers.create(spec, token=token or str(uuid4()))


def counted(gce):
    return {kind: len(gce.things(kind)) for kind in PIECES if gce.things(kind)}


def certificate(gce, kind, **place):
    wanted = {"name": "site", "certificate": "-----BEGIN CERTIFICATE-----", "private_key": "-----BEGIN PRIVATE KEY-----"}
    sdk(gce, kind).insert_unary(project="proj", ssl_certificate_resource=compute_v1.SslCertificate(wanted), **place)
    return "site"


def test_tcp_that_keeps_its_port_goes_straight_through(gce, balancers):
    balancer = made(balancers, WIRE)
    (rule,), (service,) = gce.things("forwardingRules"), gce.things("backendServices")
    assert (rule["loadBalancingScheme"], rule["ports"], rule["backendService"]) == ("INTERNAL", ["443"], service["selfLink"])
    assert (service["protocol"], service["region"].rpartition("/")[2]) == ("TCP", "us-central1")
    assert balancer.address == rule["IPAddress"]
    assert counted(gce) == {"healthChecks": 1, "backendServices": 1, "forwardingRules": 1, "addresses": 1, "firewalls": 1}


def test_a_passthrough_balancers_firewall_opens_nothing_but_its_own_address(gce, balancers):
    balancer = made(balancers, spec_of(WIRE, public=True))
    (rule,) = gce.things("firewalls")
    assert rule["destinationRanges"] == [f"{balancer.address}/32"]
    assert rule["sourceRanges"] == ["0.0.0.0/0"]
    assert rule["allowed"] == [{"IPProtocol": "tcp", "ports": ["443"]}]
    assert gce.things("forwardingRules")[0]["loadBalancingScheme"] == "EXTERNAL"


def test_another_target_port_takes_a_proxy(gce, balancers):
    made(balancers, spec_of(WIRE, listeners=[{"port": 443, "protocol": "tcp", "target_port": 8443}]))
    (rule,), (proxy,) = gce.things("forwardingRules"), gce.things("targetTcpProxies")
    assert (rule["loadBalancingScheme"], rule["target"]) == ("INTERNAL_MANAGED", proxy["selfLink"])
    (firewall,) = gce.things("firewalls")
    assert len(firewall["sourceRanges"]) == 3
    assert "0.0.0.0/0" not in firewall["sourceRanges"]
    assert firewall["allowed"] == [{"IPProtocol": "tcp", "ports": ["8443"]}]


def test_a_public_balancer_of_proxies_is_global(gce, balancers):
    balancer = made(balancers, spec_of(WEB, public=True))
    assert all("/global/" in thing["selfLink"] for kind in PIECES for thing in gce.things(kind))
    assert {rule["IPAddress"] for rule in gce.things("forwardingRules")} == {balancer.address}
    assert {service["loadBalancingScheme"] for service in gce.things("backendServices")} == {"EXTERNAL_MANAGED"}


def test_listeners_of_different_protocols_share_one_address(gce, balancers):
    site = certificate(gce, compute_v1.RegionSslCertificatesClient, region="us-central1")
    https = Listener(port=8443, protocol="https", target_port=8080, certificate=site)
    balancer = made(balancers, spec_of(WEB, listeners=[PORTS["tcp"], PORTS["http"], https]))
    assert balancer.listeners == (PORTS["tcp"], PORTS["http"], https)
    assert {rule["IPAddress"] for rule in gce.things("forwardingRules")} == {balancer.address}
    assert counted(gce) == {
        **dict.fromkeys(("healthChecks", "backendServices", "forwardingRules"), 3),
        **dict.fromkeys(("targetTcpProxies", "targetHttpProxies", "targetHttpsProxies", "addresses", "firewalls"), 1),
        "urlMaps": 2,
    }


def test_a_public_balancers_certificate_is_a_global_one(gce, balancers):
    site = certificate(gce, compute_v1.SslCertificatesClient)
    https = Listener(port=443, protocol="https", target_port=8080, certificate=site)
    made(balancers, spec_of(WEB, listeners=[https], public=True))
    assert gce.things("targetHttpsProxies")[0]["sslCertificates"][0].endswith("/global/sslCertificates/site")


def test_an_absent_certificate_leaves_nothing(gce, balancers):
    https = Listener(port=443, protocol="https", target_port=8080, certificate="no-such-site")
    with pytest.raises(CloudError) as caught:
        made(balancers, spec_of(WEB, listeners=[https]))
    assert isinstance(caught.value, NotFound | InvalidSpec)
    assert counted(gce) == {}


def test_the_health_check_is_what_was_asked_for(gce, balancers):
    made(balancers, WEB)
    for check, port in zip(sorted(gce.things("healthChecks"), key=lambda check: check["name"]), (8080, 8081), strict=True):
        assert (check["type"], check["checkIntervalSec"], check["timeoutSec"]) == ("HTTP", 7, 5)
        assert (check["healthyThreshold"], check["unhealthyThreshold"]) == (3, 2)
        assert (check["httpHealthCheck"]["requestPath"], check["httpHealthCheck"]["port"]) == ("/well", port)
    assert {one["connectionDraining"]["drainingTimeoutSec"] for one in gce.things("backendServices")} == {20}


def test_a_port_of_its_own_for_the_check_is_opened_too(gce, balancers):
    made(balancers, spec_of(WIRE, health_check={"port": 9000}))
    assert gce.things("firewalls")[0]["allowed"][0]["ports"] == ["443", "9000"]


def test_proxies_in_a_network_without_a_proxy_only_subnet_are_refused_with_the_mend(gce, balancers):
    sdk(gce, compute_v1.SubnetworksClient).delete_unary(project="proj", region="us-central1", subnetwork="proxies")
    with pytest.raises(InvalidSpec) as caught:
        made(balancers, WEB)
    assert "gcloud compute networks subnets create" in str(caught.value)
    assert counted(gce) == {}
    assert made(balancers, WIRE).state == made(balancers, spec_of(WEB, public=True)).state == "active"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"drain": 3601.0}, "drain: 3601 s is more than Google takes, 3600 s"),
        ({"health_check": {"interval": 301.0}}, "health_check.interval: 301 s"),
        ({"health_check": {"healthy_after": 11}}, "health_check.healthy_after: 11"),
        ({"targets": [{"address": "example.com"}]}, "is no IP address"),
        ({"targets": [{"address": "8.8.8.8"}]}, "is no private IPv4 address"),
        ({"targets": [{"address": "fd00::1"}]}, "is no private IPv4 address"),
    ],
)
def test_what_google_refuses_is_told_before_any_call(gce, balancers, fields, fault):
    with pytest.raises(InvalidSpec, match=fault):
        made(balancers, spec_of(WEB, **fields))
    assert gce.calls == []


def test_addresses_beside_machines_are_unsupported_before_any_call(gce, balancers):
    mixed = [TargetSpec(address="10.0.0.7"), TargetSpec(instance="us-central1-a/vm")]
    with pytest.raises(Unsupported, match="make one for each"):
        made(balancers, spec_of(WEB, targets=mixed))
    assert gce.calls == []


def test_targets_that_are_not_there_make_no_balancer(gce, balancers):
    for target in (TargetSpec(instance="us-central1-a/no-such"), TargetSpec(group="no-such-group")):
        with pytest.raises(NotFound):
            made(balancers, spec_of(WIRE, targets=[target]))
    assert counted(gce) == {}


@pytest.mark.parametrize("spec", [WEB, spec_of(WEB, public=True), WIRE], ids=["internal", "public", "passthrough"])
def test_a_create_whose_caller_dies_after_any_call_is_completed_by_the_same_create(gce, balancers, instance, spec):
    wanted, token = spec_of(spec, targets=[TargetSpec(instance=instance.id)]), str(uuid4())
    for after in range(80):
        gce.fault(refuse=True, after=after)
        try:
            balancers.create(wanted, token=token, deadline=Deadline.after(5, balancers.clock))
        except TransientError:
            gce.rules.clear()
        else:
            break
    gce.rules.clear()
    assert after > 10
    balancer = balancers.create(wanted, token=token)
    assert [health.target for health in balancers.health(balancer.id)] == [instance.id]
    broken = counted(gce)
    balancers.delete(balancer.id)
    assert counted(gce) == {}
    made(balancers, wanted)
    assert counted(gce) == broken


def test_a_delete_that_breaks_off_anywhere_is_listed_as_deleting_and_goes_on(gce, balancers, instance):
    balancer = made(balancers, spec_of(WEB, targets=[TargetSpec(instance=instance.id)]))
    for after in range(80):
        gce.fault(refuse=True, after=after)
        try:
            balancers.delete(balancer.id, deadline=Deadline.after(5, balancers.clock))
        except TransientError:
            gce.rules.clear()
            listed = balancers.list({"team": "a"})
            assert listed or counted(gce) == {}
            assert after < 7 or all(found.state == "deleting" for found in listed)
        else:
            break
    gce.rules.clear()
    assert after > 6
    assert counted(gce) == {}


def test_a_balancer_that_is_being_deleted_is_not_made_again(gce, balancers):
    token = str(uuid4())
    balancer = made(balancers, WIRE, token)
    gce.fault(method="compute.forwardingRules.delete", refuse=True)
    with pytest.raises(TransientError):
        balancers.delete(balancer.id, deadline=Deadline.after(5, balancers.clock))
    gce.rules.clear()
    for change in (
        lambda: made(balancers, WIRE, token),
        lambda: balancers.register(balancer.id, [TargetSpec(instance="us-central1-a/vm")]),
    ):
        with pytest.raises(Conflict, match="being deleted"):
            change()


@pytest.mark.parametrize("method", ["addresses", "firewalls", "regionBackendServices", "forwardingRules"])
def test_a_piece_that_fails_late_gives_its_exact_error_and_leaves_nothing(gce, balancers, method):
    gce.options.late = {f"compute.{method}.insert": "QUOTA_EXCEEDED"}
    with pytest.raises(QuotaError):
        made(balancers, WIRE)
    assert counted(gce) == {}


def test_a_balancer_lives_in_the_network_of_its_overrides(gce, balancers):
    client = sdk(gce, compute_v1.NetworksClient)
    network = compute_v1.Network(name="inner", auto_create_subnetworks=False)
    client.insert_unary(project="proj", network_resource=network)
    wanted = {"name": "near", "network": "global/networks/inner", "ip_cidr_range": "10.77.0.0/20"}
    gce.cloud.timeline.settle()
    sdk(gce, compute_v1.GlobalOperationsClient).list(project="proj")
    sdk(gce, compute_v1.SubnetworksClient).insert_unary(
        project="proj", region="us-central1", subnetwork_resource=compute_v1.Subnetwork(wanted)
    )
    balancer = made(balancers, spec_of(WIRE, overrides={"network": "inner", "subnetwork": "near"}))
    assert balancer.address.startswith("10.77.")
    assert gce.things("firewalls")[0]["network"].endswith("/networks/inner")


def test_balancers_of_another_region_are_neither_listed_nor_leftovers(balancers, another):
    internal, public = made(balancers, WIRE), made(balancers, spec_of(WEB, public=True))
    elsewhere = another(region="europe-west4")
    assert elsewhere.load_balancing.list({"team": "a"}) == []
    assert elsewhere.leftovers({"team": "a"}) == []
    for balancer in (internal, public):
        with pytest.raises(NotFound):
            elsewhere.load_balancing.get(balancer.id)


def test_what_a_balancer_that_is_there_uses_is_no_leftover(cloud, balancers):
    made(balancers, WEB)
    assert cloud.leftovers({"team": "a"}) == []


def test_a_balancer_that_is_not_whole_says_so(gce, balancers):
    token = str(uuid4())
    gce.fault(method="compute.regionBackendServices.insert", refuse=True)
    with pytest.raises(TransientError):
        balancers.create(WIRE, token=token, deadline=Deadline.after(5, balancers.clock))
    gce.rules.clear()
    (listed,) = balancers.list({"team": "a"})
    assert (listed.state, listed.address) == ("creating", None)
    with pytest.raises(Conflict, match="repeat its create"):
        balancers.health(listed.id)
    assert balancers.create(WIRE, token=token).id == listed.id
    assert balancers.health(listed.id) == []
