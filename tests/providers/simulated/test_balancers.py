"""The simulated cloud's balancers check their targets and let them drain, in the world's time."""

from uuid import uuid4

import pytest

from cloudlayer.errors import InvalidSpec, NotFound, QuotaError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.simulated import World
from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec, TargetSpec

SMALL = InstanceSpec(machine_type="cpu-2")
RUN = {"run": "one"}
ADDRESS = TargetSpec(address="192.0.2.7")


@pytest.fixture
def world():
    return World(boot_seconds=20, balancer_seconds=10)


@pytest.fixture
def provider(world):
    return world.connect()


@pytest.fixture
def balancing(provider):
    return provider.load_balancing


def token():
    return str(uuid4())


def spec(**fields):
    listeners = [{"port": 80, "protocol": "tcp", "target_port": 8080}]
    check = {"interval": 5.0, "healthy_after": 3}
    return LoadBalancerSpec.model_validate(
        {"name": "front", "listeners": listeners, "health_check": check, "drain": 40.0, "labels": RUN, **fields}
    )


def health(balancing, balancer):
    return {target.target: target.state for target in balancing.health(balancer.id)}


def test_a_balancer_is_made_and_deleted_in_its_time(world, balancing):
    made = balancing.create(spec(), token=token())
    assert (made.state, made.listeners) == ("creating", spec().listeners)
    world.advance(10)
    assert balancing.get(made.id).state == "active"
    balancing.delete(made.id)
    assert balancing.get(made.id).state == "deleting"
    world.advance(5)
    assert balancing.get(made.id).state == "deleted"
    assert [balancer.state for balancer in world.balancers()] == ["deleted"]


def test_public_balancers_have_addresses_of_their_own(balancing):
    addresses = {balancing.create(spec(public=public), token=token()).address for public in (True, True, False, False)}
    assert len(addresses) == 4
    assert sum(address.startswith("203.0.") for address in addresses) == 2


def test_a_target_is_healthy_once_it_was_checked_often_enough(world, provider, balancing):
    instance = provider.compute.create(SMALL, token=token())
    made = balancing.create(spec(targets=[{"instance": instance.id}, ADDRESS.model_dump()]), token=token())
    told = []
    for seconds in (0, 24, 1, 9, 1):
        world.advance(seconds)
        told.append(health(balancing, made))
    assert [each[ADDRESS.id] for each in told] == ["initial", "initial", "healthy", "healthy", "healthy"]
    assert [each[instance.id] for each in told] == ["initial", "initial", "initial", "initial", "healthy"]


def test_a_target_that_is_stopped_or_deleted_is_unhealthy_with_the_reason(world, provider, balancing):
    stopped, deleted = (provider.compute.create(SMALL, token=token()).id for _ in range(2))
    targets = [{"instance": stopped}, {"instance": deleted}]
    made = balancing.create(spec(targets=targets), token=token())
    world.advance(60)
    provider.compute.stop(stopped)
    provider.compute.delete([deleted])
    world.advance(60)
    found = {target.target: (target.state, target.reason) for target in balancing.health(made.id)}
    assert found == {
        stopped: ("unhealthy", "its instance is stopped"),
        deleted: ("unhealthy", "its instance is deleted"),
    }
    provider.compute.start(stopped)
    world.advance(34)
    assert health(balancing, made)[stopped] == "initial"
    world.advance(1)
    assert health(balancing, made)[stopped] == "healthy"


def test_deregistering_takes_as_long_as_the_drain(world, balancing):
    made = balancing.create(spec(targets=[ADDRESS.model_dump()]), token=token())
    before = world.clock.now()
    balancing.deregister(made.id, [ADDRESS])
    assert world.clock.now() - before == 40
    assert balancing.health(made.id) == []
    balancing.deregister(made.id, [ADDRESS])
    assert world.clock.now() - before == 40


def test_a_drain_that_outlasts_the_deadline_goes_on_with_the_next_call(world, balancing):
    made = balancing.create(spec(targets=[ADDRESS.model_dump()]), token=token())
    before = world.clock.now()
    with pytest.raises(TransientError) as late:
        balancing.deregister(made.id, [ADDRESS], deadline=Deadline.after(15, world.clock))
    assert (late.value.code, world.clock.now() - before) == ("deadline", 15)
    assert health(balancing, made) == {ADDRESS.id: "draining"}
    balancing.deregister(made.id, [ADDRESS])
    assert world.clock.now() - before == 40


def test_a_target_that_is_registered_while_it_drains_stays(world, balancing):
    made = balancing.create(spec(targets=[ADDRESS.model_dump()]), token=token())
    with pytest.raises(TransientError):
        balancing.deregister(made.id, [ADDRESS], deadline=Deadline.after(15, world.clock))
    balancing.register(made.id, [ADDRESS])
    world.advance(60)
    assert health(balancing, made) == {ADDRESS.id: "healthy"}


def test_of_targets_of_which_one_is_not_there_none_is_added(world, provider, balancing):
    instance = provider.compute.create(SMALL, token=token())
    elsewhere = world.connect("sim-west").compute.create(SMALL, token=token())
    made = balancing.create(spec(), token=token())
    for absent in (TargetSpec(instance="sim-1"), TargetSpec(group="grp-1"), TargetSpec(instance=elsewhere.id)):
        with pytest.raises(NotFound):
            balancing.register(made.id, [TargetSpec(instance=instance.id), absent])
        with pytest.raises(NotFound):
            balancing.create(spec(targets=[absent.model_dump()]), token=token())
    assert balancing.health(made.id) == []
    assert world.holdings(RUN) == {"balancer": 1, "listener_set": 1}


def test_what_is_no_address_is_no_target(balancing):
    made = balancing.create(spec(), token=token())
    with pytest.raises(InvalidSpec, match="is no IP address"):
        balancing.register(made.id, [TargetSpec(address="front.example")])


def test_the_members_of_a_group_come_and_go_as_targets(world, provider, balancing):
    made = balancing.create(spec(), token=token())
    group = provider.autoscaling.create(ScalingGroupSpec(name="web", template=SMALL, max=3, desired=2), token=token())
    balancing.register(made.id, [TargetSpec(group=group.id)])
    assert provider.autoscaling.get(group.id).balancers == (made.id,)
    provider.autoscaling.set_desired(group.id, 3)
    world.advance(60)
    members = {member.instance for member in provider.autoscaling.get(group.id).members}
    assert health(balancing, made) == dict.fromkeys(members, "healthy")
    provider.autoscaling.set_desired(group.id, 0)
    assert balancing.health(made.id) == []
    provider.autoscaling.set_desired(group.id, 1)
    balancing.deregister(made.id, [TargetSpec(group=group.id)])
    assert provider.autoscaling.get(group.id).balancers == ()


def test_a_member_that_is_a_target_itself_is_told_once(provider, balancing):
    group = provider.autoscaling.create(ScalingGroupSpec(name="web", template=SMALL, max=1, desired=1), token=token())
    member = group.members[0].instance
    made = balancing.create(spec(targets=[{"group": group.id}, {"instance": member}]), token=token())
    assert [target.target for target in balancing.health(made.id)] == [member]


def test_balancers_have_a_quota(world, balancing):
    world.set_quota("balancers", 0)
    with pytest.raises(QuotaError) as refused:
        balancing.create(spec(), token=token())
    assert (refused.value.name, refused.value.limit, refused.value.used) == ("balancers", 0, 0)
    assert world.holdings(RUN) == {}


def test_a_balancer_of_another_region_is_not_there(world, balancing):
    made = balancing.create(spec(), token=token())
    elsewhere = world.connect("sim-west").load_balancing
    with pytest.raises(NotFound):
        elsewhere.get(made.id)
    elsewhere.delete(made.id)
    assert elsewhere.list() == []
    assert [balancer.id for balancer in balancing.list()] == [made.id]
