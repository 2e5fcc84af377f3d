"""A group behind a balancer from its making to its end, and a flavor that runs out; counted through openstacksdk alone."""

from uuid import uuid4

import pytest

from cloudlayer.errors import CapacityError
from cloudlayer.resources import DiskSpec, InstanceSpec, Listener, LoadBalancerSpec, ScalingGroupSpec
from cloudlayer.units import GIB
from tests.fakes.openstack import holdings

pytestmark = pytest.mark.openstack

PATIENCE = 240
GPUS = 8


@pytest.fixture
def labels(cloud):
    """A label that all things of a scenario carry; what is left of them is deleted after it."""
    label = {"scenario": uuid4().hex}
    yield label
    for kind in (cloud.autoscaling, cloud.load_balancing):
        for thing in kind.list(label):
            kind.delete(thing.id)
            kind.wait(thing, "deleted", timeout=PATIENCE)


def test_a_group_grows_and_shrinks_behind_its_balancer(real, cloud, small, labels):
    """Three members, each with a volume, become five and then one; then nothing is left of any of them."""
    groups, balancers = cloud.autoscaling, cloud.load_balancing
    listeners = (Listener(port=80, protocol="tcp", target_port=8080),)
    front = balancers.create(LoadBalancerSpec(name="web", listeners=listeners, labels=labels), token=str(uuid4()))
    template = small.model_copy(update={"disks": (DiskSpec(size=GIB),)})
    spec = ScalingGroupSpec(name="web", template=template, max=5, desired=3, balancer=front.id, labels=labels)
    group = groups.wait(groups.create(spec, token=str(uuid4())), "active", timeout=PATIENCE)
    for size in (3, 5, 1):
        groups.set_desired(group.id, size)
        group = groups.wait(group, "active", timeout=PATIENCE)
        members = {member.instance for member in group.members}
        assert len(members) == size
        assert {health.target for health in balancers.health(front.id)} == members
        held = holdings.count(real.direct, labels)
        assert [held[kind] for kind in ("server", "volume", "port", "member", "stack")] == [size, size, size, size, 1]
    groups.delete(group.id)
    groups.wait(group, "deleted", timeout=PATIENCE)
    assert set(holdings.count(real.direct, labels)) == {"balancer", "listener", "pool", "monitor"}
    balancers.delete(front.id)
    balancers.wait(front, "deleted", timeout=PATIENCE)
    assert holdings.count(real.direct, labels) == {}


def test_a_group_of_one_too_many_gpus_lacks_capacity(all_gpus, real, cloud, labels):
    """Eight find a device each; the ninth's lack is told as what it is, and a smaller group is well again."""
    template = InstanceSpec(machine_type="g1.a100", image="tiny")
    spec = ScalingGroupSpec(name="gpus", template=template, max=GPUS + 1, desired=GPUS + 1, labels=labels)
    group = cloud.autoscaling.create(spec, token=str(uuid4()))
    with pytest.raises(CapacityError) as caught:
        cloud.autoscaling.wait(group, "active", timeout=PATIENCE)
    assert caught.value.avoid.machine_type == "g1.a100"
    assert cloud.autoscaling.get(group.id).state == "failed"
    cloud.autoscaling.set_desired(group.id, 1)
    assert len(cloud.autoscaling.wait(group, "active", timeout=PATIENCE).members) == 1
    cloud.autoscaling.delete(group.id)
    cloud.autoscaling.wait(group, "deleted", timeout=PATIENCE)
    assert holdings.count(real.direct, labels) == {}
