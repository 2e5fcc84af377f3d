"""Targets: instances, addresses and groups come and go, drain, and are as well as their worst listener says."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cloudlayer.errors import NotFound, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceSpec, Listener, LoadBalancerSpec, ScalingGroupSpec, TargetSpec

MACHINE = InstanceSpec(machine_type="e2-small", image="ubuntu-22.04")
WEB = LoadBalancerSpec(
    name="front",
    listeners=[Listener(port=80, protocol="http", target_port=8080), Listener(port=81, protocol="tcp", target_port=8081)],
    drain=30.0,
)
WIRE = LoadBalancerSpec(name="wire", listeners=[Listener(port=443, protocol="tcp", target_port=443)], drain=30.0)
ADDRESSES = [TargetSpec(address="10.0.0.251"), TargetSpec(address="10.0.0.252")]


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


@pytest.fixture
def web(balancers):
    return balancers.create(WEB, token=str(uuid4())).id


@pytest.fixture
def wire(balancers):
    return balancers.create(WIRE, token=str(uuid4())).id


@pytest.fixture
def group(cloud):
    template = MACHINE
    spec = ScalingGroupSpec(name="web", template=template, min=1, max=2)
    return cloud.autoscaling.wait(cloud.autoscaling.create(spec, token=str(uuid4())), "active")


def instance_in(compute, zone):
    spec = MACHINE.model_copy(update={"zone": zone})
    return TargetSpec(instance=compute.wait(compute.create(spec, token=str(uuid4())), "running").id)


def backends(gce):
    return [backend for service in gce.things("backendServices") for backend in service.get("backends", ())]


def states(balancers, balancer):
    return {health.target: health.state for health in balancers.health(balancer)}


def test_instances_of_a_zone_are_in_one_group_behind_every_listener(gce, compute, balancers, web):
    targets = [instance_in(compute, zone) for zone in ("us-central1-a", "us-central1-a", "us-central1-b")]
    balancers.register(web, targets)
    groups = gce.things("instanceGroups")
    assert sorted(one["zone"].rpartition("/")[2] for one in groups) == ["us-central1-a", "us-central1-b"]
    assert {port["port"] for one in groups for port in one["namedPorts"]} == {8080, 8081}
    assert len(backends(gce)) == 4
    assert set(states(balancers, web)) == {target.id for target in targets}


def test_targets_are_well_when_the_probes_get_through(gce, clock, compute, balancers, web):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target])
    clock.sleep(60)
    assert states(balancers, web) == {target.id: "healthy"}
    gce.sick.add(target.id.partition("/")[2])
    (health,) = balancers.health(web)
    assert (health.state, health.reason) == ("unhealthy", "Google's health check says UNHEALTHY")


def test_a_passthrough_balancer_sends_to_instances(gce, clock, compute, balancers, wire):
    target = instance_in(compute, "us-central1-a")
    balancers.register(wire, [target])
    clock.sleep(60)
    assert states(balancers, wire) == {target.id: "healthy"}
    assert [backend["balancingMode"] for backend in backends(gce)] == ["CONNECTION"]


def test_a_passthrough_balancer_takes_no_addresses_unless_it_is_told_to_have_proxies(gce, balancers, wire):
    with pytest.raises(Unsupported, match=r"overrides\.proxied"):
        balancers.register(wire, ADDRESSES)
    told = balancers.create(WIRE.model_copy(update={"overrides": {"proxied": True}}), token=str(uuid4()))
    balancers.register(told.id, ADDRESSES)
    assert set(states(balancers, told.id)) == {"10.0.0.251", "10.0.0.252"}


def test_a_balancer_that_is_made_for_addresses_has_proxies(gce, balancers):
    balancers.create(WIRE.model_copy(update={"targets": tuple(ADDRESSES)}), token=str(uuid4()))
    assert len(gce.things("targetTcpProxies")) == 1
    assert gce.things("networkEndpointGroups")[0]["networkEndpointType"] == "NON_GCP_PRIVATE_IP_PORT"


def test_each_listener_has_the_addresses_at_its_own_port(gce, balancers, web):
    balancers.register(web, ADDRESSES[:1])
    assert len(gce.things("networkEndpointGroups")) == 2
    attached = [
        call.body["networkEndpoints"][0]["port"] for call in gce.calls if call.method.endswith("attachNetworkEndpoints")
    ]
    assert sorted(attached) == [8080, 8081]


def test_addresses_and_machines_are_not_mixed_but_one_may_follow_the_other(compute, balancers, web):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target])
    with pytest.raises(Unsupported, match="has instances or groups"):
        balancers.register(web, ADDRESSES)
    balancers.deregister(web, [target])
    balancers.register(web, ADDRESSES)
    assert set(states(balancers, web)) == {"10.0.0.251", "10.0.0.252"}
    with pytest.raises(Unsupported, match="has addresses"):
        balancers.register(web, [target])


def test_a_group_and_an_instance_stand_side_by_side(compute, balancers, web, group):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target, TargetSpec(group=group.id)])
    assert set(states(balancers, web)) == {target.id, *(member.instance for member in group.members)}
    balancers.deregister(web, [TargetSpec(group=group.id)])
    assert set(states(balancers, web)) == {target.id}


def test_a_group_knows_its_balancers_whoever_attached_it(cloud, balancers, web, wire, group):
    for balancer in (web, wire):
        balancers.register(balancer, [TargetSpec(group=group.id)])
    assert set(cloud.autoscaling.get(group.id).balancers) == {web, wire}
    cloud.autoscaling.delete(group.id)
    assert balancers.health(web) == balancers.health(wire) == []


def test_two_balancers_may_take_one_group_at_once(gce, balancers, group):
    gce.fault(method="compute.regionInstanceGroups.setNamedPorts", code="conditionNotMet", status=412, times=1)
    token = str(uuid4())
    web = balancers.create(WEB.model_copy(update={"targets": (TargetSpec(group=group.id),)}), token=token)
    assert web.state == "active"
    assert gce.count("compute.regionInstanceGroups.setNamedPorts") >= 2


def test_a_deleted_balancer_lets_go_of_its_group(cloud, balancers, web, group):
    balancers.register(web, [TargetSpec(group=group.id)])
    balancers.delete(web)
    assert cloud.autoscaling.get(group.id).balancers == ()


def test_none_is_added_where_a_group_is_not_there(gce, compute, balancers, web):
    with pytest.raises(NotFound):
        balancers.register(web, [instance_in(compute, "us-central1-a"), TargetSpec(group="no-such-group")])
    assert gce.things("instanceGroups") == []


def test_taking_out_lasts_as_long_as_the_drain(clock, compute, balancers, web):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target])
    began = clock.monotonic()
    balancers.deregister(web, [target])
    assert clock.monotonic() - began >= 30
    assert balancers.health(web) == []


def test_who_is_broken_off_while_a_target_drains_goes_on_and_does_not_begin_again(clock, compute, balancers, web):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target])
    began = clock.monotonic()
    with pytest.raises(TransientError):
        balancers.deregister(web, [target], deadline=Deadline.after(15, clock))
    assert states(balancers, web) == {target.id: "draining"}
    balancers.deregister(web, [target])
    assert 30 <= clock.monotonic() - began < 45


def test_a_target_that_comes_back_drains_no_more(clock, compute, balancers, web):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target])
    with pytest.raises(TransientError):
        balancers.deregister(web, [target], deadline=Deadline.after(15, clock))
    balancers.register(web, [target])
    assert states(balancers, web)[target.id] != "draining"
    began = clock.monotonic()
    balancers.deregister(web, [target])
    assert clock.monotonic() - began >= 30


def test_what_is_not_there_is_taken_out_at_once(clock, balancers, web):
    began = clock.monotonic()
    balancers.deregister(web, [TargetSpec(instance="us-central1-a/no-such"), TargetSpec(group="none"), *ADDRESSES])
    assert clock.monotonic() - began < 30


def test_many_who_register_at_once_are_all_in(compute, balancers, web):
    targets = [instance_in(compute, f"us-central1-{letter}") for letter in "abc"]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda target: balancers.register(web, [target]), targets))
    assert set(states(balancers, web)) == {target.id for target in targets}


def test_an_instance_that_is_deleted_is_no_target_any_more(compute, balancers, web):
    target = instance_in(compute, "us-central1-a")
    balancers.register(web, [target])
    compute.delete([target.id])
    compute.wait(target.id, "deleted")
    assert balancers.health(web) == []
