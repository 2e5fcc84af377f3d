"""Targets come, are watched, and go with the time to finish; a balancer takes one kind of them at a time."""

from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, NotFound, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceSpec, Listener, LoadBalancerSpec, ScalingGroupSpec, TargetSpec
from tests.fakes.aws import holdings

LABELS = {"team": "a"}
TEMPLATE = InstanceSpec(machine_type="m7i.large", image="ami-0a01")
LISTENERS = [Listener(port=port, protocol="tcp", target_port=port + 8000) for port in (80, 81)]
SPEC = LoadBalancerSpec(name="wire", listeners=LISTENERS, drain=20.0, labels=LABELS)
ADDRESS = TargetSpec(address="172.31.0.99")


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


@pytest.fixture
def native(cloud):
    return cloud.native("elbv2")


@pytest.fixture
def instance(compute):
    made = compute.create(TEMPLATE, token=str(uuid4()))
    return TargetSpec(instance=compute.wait(made, "running").id)


@pytest.fixture
def group(cloud):
    spec = ScalingGroupSpec(name="behind", template=TEMPLATE, min=2, max=3)
    return cloud.autoscaling.wait(cloud.autoscaling.create(spec, token=str(uuid4())), "active", timeout=60)


def made(balancers, *targets, **fields):
    wanted = LoadBalancerSpec.model_validate({**SPEC.model_dump(), "targets": targets, **fields})
    return balancers.create(wanted, token=str(uuid4())).id


def states(balancers, id):
    return {found.target: found.state for found in balancers.health(id)}


def routes(native):
    return native.describe_target_groups()["TargetGroups"]


def test_every_listener_sends_to_its_own_port(balancers, native, instance):
    made(balancers, instance)
    found = {route["Port"]: route["TargetGroupArn"] for route in routes(native)}
    assert found.keys() == {8080, 8081}
    for port, arn in found.items():
        (target,) = native.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        assert (target["Target"]["Id"], int(target["Target"]["Port"])) == (instance.id, port)


def test_addresses_and_instances_are_not_had_of_one_balancer(balancers, instance):
    with pytest.raises(Unsupported, match="one for each"):
        made(balancers, instance, ADDRESS)
    for first, second in ((instance, ADDRESS), (ADDRESS, instance)):
        id = made(balancers, first)  # noqa: A001
        with pytest.raises(Unsupported, match="nothing else beside"):
            balancers.register(id, [second])
        assert states(balancers, id).keys() == {first.id}


def test_a_balancer_without_targets_turns_to_the_kind_that_comes(balancers, native, instance):
    id = made(balancers, instance, drain=1.0)  # noqa: A001
    before = {route["Port"]: route for route in routes(native)}
    balancers.deregister(id, [instance])
    balancers.register(id, [ADDRESS])
    assert states(balancers, id).keys() == {ADDRESS.id}
    after = {route["Port"]: route for route in routes(native)}
    assert after.keys() == before.keys()
    for port, route in after.items():
        changed = {name for name in route if route[name] != before[port].get(name)}
        assert changed == {"TargetGroupArn", "TargetGroupName", "TargetType"}
    assert balancers.get(id).listeners == tuple(LISTENERS)
    assert holdings.count(LABELS) == {"balancer": 1, "listener": 2, "target-group": 2}
    balancers.delete(id)
    assert holdings.count(LABELS) == {}


def test_a_turn_whose_caller_dies_after_any_call_is_completed_by_the_same_register(aws, balancers):
    for number in range(40):
        aws.reset()
        id = made(balancers, listeners=LISTENERS[:1])  # noqa: A001
        aws.fault(lost_response=True, after=number, times=1)
        aws.fault(refuse=True, after=number)
        try:
            balancers.register(id, [ADDRESS], deadline=Deadline.after(1, balancers.clock))
            died = False
        except TransientError:
            died = True
        aws.rules.clear()
        balancers.register(id, [ADDRESS])
        assert states(balancers, id).keys() == {ADDRESS.id}, f"after {number} calls"
        balancers.delete(id)
        assert holdings.count(LABELS) == {}
        if not died:
            return
    pytest.fail("a register never came to an end")


def test_a_group_attached_while_it_is_empty_keeps_the_balancer_its_own(cloud, balancers):
    spec = ScalingGroupSpec(name="empty", template=TEMPLATE, max=1)
    id = made(balancers, TargetSpec(group=cloud.autoscaling.create(spec, token=str(uuid4())).id))  # noqa: A001
    with pytest.raises(Unsupported):
        balancers.register(id, [ADDRESS])


def test_an_address_outside_of_the_network_is_told_as_such(aws, balancers):
    made(balancers, TargetSpec(address="10.9.8.7"))
    made(balancers, ADDRESS)
    told = [call.parameters.get("Targets.member.1.AvailabilityZone") for call in aws.calls if call.action == "RegisterTargets"]
    assert told == ["all", "all", None, None]


def test_an_instance_that_does_not_run_yet_is_a_conflict(aws, compute, balancers):
    aws.options.pending = 5
    pending = compute.create(TEMPLATE, token=str(uuid4()))
    id = made(balancers)  # noqa: A001
    with pytest.raises(Conflict):
        balancers.register(id, [TargetSpec(instance=pending.id)])


def test_a_deleted_instance_is_no_target(compute, balancers, instance):
    id = made(balancers)  # noqa: A001
    compute.delete([instance.id])
    with pytest.raises(NotFound):
        balancers.register(id, [instance])


def test_a_target_drains_for_as_long_as_was_asked(balancers, instance):
    id = made(balancers, instance)  # noqa: A001
    begun = balancers.clock.monotonic()
    with pytest.raises(TransientError):
        balancers.deregister(id, [instance], deadline=Deadline.after(5, balancers.clock))
    assert states(balancers, id) == {instance.id: "draining"}
    balancers.deregister(id, [instance])
    assert 18 < balancers.clock.monotonic() - begun < 30
    assert states(balancers, id) == {}


def test_health_is_the_worst_of_the_listeners(balancers, native, compute, instance):
    id = made(balancers, instance)  # noqa: A001
    assert states(balancers, id) == {instance.id: "healthy"}
    first = routes(native)[0]["TargetGroupArn"]
    native.deregister_targets(TargetGroupArn=first, Targets=[{"Id": instance.id}])
    assert states(balancers, id) == {instance.id: "draining"}
    compute.stop(instance.id)
    (found,) = balancers.health(id)
    assert (found.state, found.reason) == ("draining", "Target.DeregistrationInProgress")


def test_a_new_target_is_initial_at_first(aws, balancers, instance):
    aws.options.pending = 5
    id = made(balancers, instance)  # noqa: A001
    assert states(balancers, id) == {instance.id: "initial"}


def test_a_groups_members_come_and_go_by_themselves(cloud, balancers, group):
    id = made(balancers, TargetSpec(group=group.id), drain=1.0)  # noqa: A001
    assert states(balancers, id).keys() == {member.instance for member in group.members}
    assert cloud.autoscaling.get(group.id).balancers == (id,)
    cloud.autoscaling.set_desired(group.id, 3)
    grown = cloud.autoscaling.wait(group, "active", timeout=60)
    assert states(balancers, id).keys() == {member.instance for member in grown.members}
    balancers.deregister(id, [TargetSpec(group=group.id)])
    assert states(balancers, id) == {}
    assert cloud.autoscaling.get(group.id).balancers == ()


def test_a_deleted_balancer_lets_go_of_its_groups(cloud, balancers, group):
    id = made(balancers, TargetSpec(group=group.id))  # noqa: A001
    balancers.delete(id)
    found = cloud.autoscaling.wait(group, "active", timeout=60)
    assert (found.balancers, found.native["TargetGroupARNs"], len(found.members)) == ((), [], 2)


def test_a_balancer_for_addresses_takes_no_group(cloud, balancers):
    id = made(balancers, ADDRESS)  # noqa: A001
    spec = ScalingGroupSpec(name="behind", template=TEMPLATE, max=1, balancer=id, labels=LABELS)
    with pytest.raises(Unsupported, match="nothing else beside"):
        cloud.autoscaling.create(spec, token=str(uuid4()))
    assert "group" not in holdings.count(LABELS)
