"""Targets of balancers: interfaces and addresses, whoever changes them at the same time, and what their probes say."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cloudlayer.errors import InvalidSpec, NotFound, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec, TargetSpec

MACHINE = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04")
SPEC = LoadBalancerSpec(name="front", listeners=[{"port": 80, "protocol": "tcp", "target_port": 8080}], drain=1.0)
NEAR, NEARER = (TargetSpec(address=f"10.117.0.{number}") for number in (251, 252))


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


@pytest.fixture
def balancer(balancers):
    return balancers.wait(balancers.create(SPEC, token=str(uuid4())), "active", timeout=300).id


@pytest.fixture
def machines(compute):
    made = [compute.create(MACHINE, token=str(uuid4())) for _ in range(3)]
    return [TargetSpec(instance=compute.wait(one, "running", timeout=300).id) for one in made]


def inside(balancers, balancer):
    return {target.target: target.state for target in balancers.health(balancer)}


def test_probes_say_who_is_well(arm, balancers, balancer, machines, compute):
    balancers.register(balancer, machines)
    first, second, third = (target.instance for target in machines)
    assert inside(balancers, balancer) == dict.fromkeys((first, second, third), "healthy")
    arm.options.unhealthy = {compute.get(first).private_address}
    compute.stop(second)
    compute.wait(second, "stopped", timeout=300)
    assert inside(balancers, balancer) == {first: "unhealthy", second: "unhealthy", third: "healthy"}


def test_a_target_without_a_figure_of_its_probes_yet_is_new(arm, balancers, balancer, machines, monkeypatch):
    balancers.register(balancer, machines[:1])
    monkeypatch.setattr("tests.fakes.arm.health._probed", lambda cloud, found: [])
    assert inside(balancers, balancer) == {machines[0].instance: "initial"}


def test_an_address_is_as_well_as_its_probes_say(balancers, balancer):
    balancers.register(balancer, [NEAR])
    assert inside(balancers, balancer) == {NEAR.address: "unhealthy"}


def test_probes_of_all_targets_are_told_however_many_they_are(balancers, balancer):
    many = [TargetSpec(address=f"10.117.1.{number}") for number in range(12)]
    balancers.register(balancer, many)
    assert inside(balancers, balancer) == dict.fromkeys((target.address for target in many), "unhealthy")


def test_registering_at_the_same_time_loses_nobody(balancers, balancer, machines):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda target: balancers.register(balancer, [target]), machines))
    assert inside(balancers, balancer).keys() == {target.instance for target in machines}


def test_registering_addresses_at_the_same_time_loses_none(balancers, balancer):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda target: balancers.register(balancer, [target]), (NEAR, NEARER)))
    assert inside(balancers, balancer).keys() == {NEAR.address, NEARER.address}


def test_an_interface_that_somebody_changes_meanwhile_is_read_again(arm, balancers, balancer, machines):
    arm.fault(method="NetworkInterfaces_CreateOrUpdate", code="PreconditionFailed", status=412, times=1)
    balancers.register(balancer, machines[:1])
    assert inside(balancers, balancer).keys() == {machines[0].instance}


def test_a_machine_can_be_behind_two_balancers_and_leaves_one(balancers, balancer, machines):
    other = balancers.wait(balancers.create(SPEC, token=str(uuid4())), "active", timeout=300).id
    for id in (balancer, other):  # noqa: A001
        balancers.register(id, machines[:1])
    balancers.deregister(other, machines[:1])
    assert inside(balancers, balancer).keys() == {machines[0].instance}
    assert inside(balancers, other) == {}


@pytest.mark.parametrize("addresses_first", [True, False])
def test_addresses_are_beside_nothing_else(balancers, balancer, machines, addresses_first):
    first, second = ([NEAR], machines[:1]) if addresses_first else (machines[:1], [NEAR])
    with pytest.raises(Unsupported, match="a balancer for each"):
        balancers.register(balancer, [*first, *second])
    balancers.register(balancer, first)
    with pytest.raises(Unsupported, match="a balancer for each"):
        balancers.register(balancer, second)
    balancers.deregister(balancer, first)
    balancers.register(balancer, second)
    assert inside(balancers, balancer).keys() == {target.id for target in second}


def test_what_is_no_address_is_refused_before_any_call(arm, balancers, balancer):
    arm.calls.clear()
    with pytest.raises(InvalidSpec, match="no IP address"):
        balancers.register(balancer, [TargetSpec(address="web.example.com")])
    assert arm.calls == []


def test_a_target_that_is_taken_out_is_left_its_time(balancers, machines, clock):
    spec = SPEC.model_copy(update={"drain": 90.0})
    id = balancers.wait(balancers.create(spec, token=str(uuid4())), "active", timeout=300).id  # noqa: A001
    balancers.register(id, machines)
    begun = clock.now()
    balancers.deregister(id, machines[:1])
    assert clock.now() - begun >= 90


def test_the_time_goes_on_with_the_next_call(balancers, machines, clock):
    spec = SPEC.model_copy(update={"drain": 90.0})
    id = balancers.wait(balancers.create(spec, token=str(uuid4())), "active", timeout=300).id  # noqa: A001
    balancers.register(id, machines)
    begun = clock.now()
    with pytest.raises(TransientError):
        balancers.deregister(id, machines[:1], deadline=Deadline.after(30, clock))
    assert machines[0].instance not in inside(balancers, id)
    balancers.deregister(id, machines[:1])
    assert 90 <= clock.now() - begun < 120


def test_a_deleted_machine_is_no_target_any_more(balancers, balancer, machines, compute):
    balancers.register(balancer, machines)
    compute.delete([machines[0].instance])
    compute.wait(machines[0].instance, "deleted", timeout=300)
    assert inside(balancers, balancer).keys() == {target.instance for target in machines[1:]}
    balancers.deregister(balancer, machines[:1])


def test_targets_of_a_balancer_that_is_deleted_are_in_no_pool(arm, balancers, balancer, machines):
    balancers.register(balancer, machines)
    balancers.delete(balancer)
    assert arm.things("loadBalancers") == []
    for card in arm.things("networkInterfaces"):
        assert not card["properties"]["ipConfigurations"][0]["properties"].get("loadBalancerBackendAddressPools")


@pytest.mark.parametrize("mode", ["flexible", "uniform"])
def test_a_group_brings_its_members_and_takes_them_out(cloud, balancers, balancer, mode):
    groups = cloud.autoscaling
    spec = ScalingGroupSpec(name="web", template=MACHINE, desired=2, max=3, overrides={"orchestration": mode})
    group = groups.wait(groups.create(spec, token=str(uuid4())), "active", timeout=300)
    balancers.register(balancer, [TargetSpec(group=group.id)])
    groups.set_desired(group.id, 3)
    group = groups.wait(group, "active", timeout=300)
    assert inside(balancers, balancer).keys() == {member.instance for member in group.members}
    balancers.deregister(balancer, [TargetSpec(group=group.id)])
    assert inside(balancers, balancer) == {}
    balancers.register(balancer, [TargetSpec(group=group.id)])
    balancers.delete(balancer)
    assert groups.wait(group, "active", timeout=300).balancers == ()


def test_a_member_of_a_uniform_set_is_a_target_through_its_group_alone(balancers, balancer):
    with pytest.raises(NotFound, match="name the group"):
        balancers.register(balancer, [TargetSpec(instance="set/0")])
