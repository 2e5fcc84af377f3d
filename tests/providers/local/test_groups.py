"""Groups of this host: whoever looks at one brings it to what is wanted, and never beyond its bounds."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, NotFound, RejectedSpec, Throttled, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import TOKEN
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import (
    HealthCheck,
    InstanceSpec,
    InstanceState,
    Listener,
    LoadBalancerSpec,
    ScalingGroupSpec,
    ScalingGroupState,
    ScheduledSize,
    StepPolicy,
    TargetTrackingPolicy,
)
from cloudlayer.units import GIB
from tests.providers.local.servers import WITHIN, echo, free_port, until

HOST = HostFigures(millicores=8000, memory=32 * GIB, disk=64 * GIB)
EIGHTH = InstanceSpec(machine_type="eighth")
UP = StepPolicy(name="up", change=1, cooldown=0.5)


def token():
    return str(uuid4())


@pytest.fixture
def provider(tmp_path):
    provider = LocalProvider(tmp_path / "state", lambda: HOST)
    yield provider
    for balancer in provider.load_balancing.list():
        provider.load_balancing.delete(balancer.id)


@pytest.fixture
def groups(provider):
    return provider.autoscaling


def group_of(groups, size, **fields):
    spec = ScalingGroupSpec(**{"name": "web", "template": EIGHTH, "max": 6, "desired": size, **fields})
    return groups.create(spec, token=token()), spec


def changed(spec, **fields):
    return ScalingGroupSpec.model_validate({**spec.model_dump(), **fields})


def ids(group):
    return {member.instance for member in group.members}


def test_members_that_are_gone_or_stopped_are_replaced_by_who_looks(provider, groups):
    group, _ = group_of(groups, 3)
    gone, stopped, kept = (member.instance for member in group.members)
    provider.compute.delete([gone])
    provider.compute.stop(stopped)
    group = groups.wait(group, "active", timeout=WITHIN)
    assert ids(group) & {gone, stopped, kept} == {kept}
    assert {machine.id for machine in provider.compute.list()} == ids(group)
    assert len(group.members) == 3


def test_members_carry_the_labels_of_template_and_group_and_the_groups_token(provider, groups):
    template = InstanceSpec(machine_type="eighth", labels={"of": "both"})
    group, spec = group_of(groups, 1, template=template, labels={"tier": "web"})
    (member,) = group.members
    labels = {"of": "both", "tier": "web", TOKEN: group.labels[TOKEN]}
    assert provider.compute.get(member.instance).labels == labels
    relabelled = groups.update(group.id, changed(spec, labels={"tier": "front"}))
    assert ids(relabelled) == {member.instance}
    assert provider.compute.get(member.instance).labels == {**labels, "tier": "front"}


def test_a_group_that_finds_no_room_takes_it_as_soon_as_there_is_some(provider, groups):
    other = provider.compute.create(InstanceSpec(machine_type="half"), token=token())
    group, _ = group_of(groups, 3, template=InstanceSpec(machine_type="quarter"))
    assert (group.state, len(group.members)) == (ScalingGroupState.CREATING, 2)
    assert "no quarter left" in group.reason
    provider.compute.delete([other.id])
    group = groups.get(group.id)
    assert (group.state, len(group.members), group.reason) == (ScalingGroupState.ACTIVE, 3, None)


def test_another_machine_type_is_taken_where_the_first_has_no_room(provider, groups):
    group, _ = group_of(groups, 3, template=InstanceSpec(machine_type="half"), machine_types=("quarter",))
    assert group.state is ScalingGroupState.ACTIVE or group.reason
    types = sorted(provider.compute.get(member.instance).machine_type for member in group.members)
    assert types == ["half", "half"]
    groups.set_desired(group.id, 1)
    group = groups.wait(group, "active", timeout=WITHIN)
    provider.compute.create(InstanceSpec(machine_type="quarter"), token=token())
    groups.set_desired(group.id, 2)
    group = groups.wait(group, "active", timeout=WITHIN)
    assert sorted(provider.compute.get(one).machine_type for one in ids(group)) == ["half", "quarter"]


def test_a_changed_template_replaces_a_quarter_at_a_time(provider, groups):
    group, spec = group_of(groups, 4)
    old = ids(group)
    group = groups.update(group.id, changed(spec, template={"machine_type": "sixteenth"}))
    kept = []
    while group.state is not ScalingGroupState.ACTIVE:
        assert group.state is ScalingGroupState.UPDATING
        running = [member for member in group.members if member.state is InstanceState.RUNNING]
        assert 3 <= len(running) <= 4
        kept.append(len(ids(group) & old))
        group = groups.get(group.id)
    assert kept == sorted(kept, reverse=True)
    assert ids(group) & old == set()
    assert {provider.compute.get(one).machine_type for one in ids(group)} == {"sixteenth"}


def test_an_update_that_changes_nothing_replaces_nobody_and_a_name_stays(groups):
    group, spec = group_of(groups, 2)
    assert groups.update(group.id, spec) == group
    assert groups.update(group.id, changed(spec, desired=None, max=1)).desired == 1
    with pytest.raises(Conflict, match="called"):
        groups.update(group.id, changed(spec, name="other"))


def test_looking_from_many_threads_never_makes_more_than_are_wanted(provider, groups, tmp_path):
    group, _ = group_of(groups, 1)

    def work(number):
        other = LocalProvider(tmp_path / "state", lambda: HOST).autoscaling
        other.set_desired(group.id, 3 + number % 2)
        return max(len(found.members) for found in other.list())

    with ThreadPoolExecutor(6) as threads:
        assert max(threads.map(work, range(12))) <= 4
    groups.set_desired(group.id, 3)
    group = groups.wait(group, "active", timeout=WITHIN)
    assert {machine.id for machine in provider.compute.list()} == ids(group)


def test_a_step_waits_for_the_last_one_to_cool_down(groups):
    group, _ = group_of(groups, 1, policies=(UP,))
    began = time.monotonic()
    groups.execute(group.id, "up")
    groups.execute(group.id, "up")
    assert time.monotonic() - began >= 0.5
    assert groups.get(group.id).desired == 3


def test_a_step_that_cannot_wait_says_when_to_come_again(groups):
    group, _ = group_of(groups, 1, policies=(StepPolicy(name="up", change=1, cooldown=600.0),))
    groups.execute(group.id, "up")
    with pytest.raises(Throttled) as caught:
        groups.execute(group.id, "up", deadline=Deadline.after(5))
    assert 590 < caught.value.retry_after <= 600
    assert groups.get(group.id).desired == 2


def test_a_step_stays_within_the_bounds(groups):
    group, _ = group_of(groups, 5, policies=(StepPolicy(name="up", change=4, cooldown=0.1),))
    groups.execute(group.id, "up")
    assert groups.get(group.id).desired == 6
    with pytest.raises(NotFound):
        groups.execute(group.id, "down")


def front(provider, drain=60.0):
    listener = Listener(port=free_port(), protocol="tcp", target_port=free_port())
    spec = LoadBalancerSpec(name="front", listeners=(listener,), drain=drain, health_check=HealthCheck(interval=0.1))
    return provider.load_balancing.create(spec, token=token())


def test_a_member_that_leaves_finishes_what_it_has_begun(provider, groups):
    balancer = front(provider)
    group, _ = group_of(groups, 1, balancer=balancer.id)
    (member,) = group.members
    listener = balancer.listeners[0]
    with echo(provider.compute.get(member.instance).private_address, listener.target_port):
        until(lambda: [health.state for health in provider.load_balancing.health(balancer.id)] == ["healthy"])
        with socket.create_connection((balancer.address, listener.port), timeout=WITHIN) as connection:
            connection.sendall(b"one")
            assert connection.recv(3) == b"one"
            groups.set_desired(group.id, 0)
            group = groups.get(group.id)
            assert (group.state, group.members[0].state) == (ScalingGroupState.UPDATING, InstanceState.DELETING)
            connection.sendall(b"two")
            assert connection.recv(3) == b"two"
        assert groups.wait(group, "active", timeout=WITHIN).members == ()
    assert provider.compute.list() == []


def test_a_group_behind_a_balancer_is_deleted_with_its_members_and_leaves_it(provider, groups):
    balancer = front(provider)
    group, _ = group_of(groups, 2, balancer=balancer.id)
    assert {health.target for health in provider.load_balancing.health(balancer.id)} == ids(group)
    groups.delete(group.id)
    assert (groups.list(), provider.compute.list(), provider.load_balancing.health(balancer.id)) == ([], [], [])


def test_a_group_changes_its_balancer(provider, groups):
    first, second = front(provider), front(provider)
    group, spec = group_of(groups, 1, balancer=first.id)
    group = groups.update(group.id, changed(spec, balancer=second.id))
    assert group.balancers[-1:] == (second.id,)
    until(lambda: provider.load_balancing.health(first.id) == [])
    assert {health.target for health in provider.load_balancing.health(second.id)} == ids(group)


def test_a_group_whose_balancer_was_deleted_says_so(provider, groups):
    balancer = front(provider)
    group, _ = group_of(groups, 1, balancer=balancer.id)
    provider.load_balancing.delete(balancer.id)
    group = groups.get(group.id)
    assert (len(group.members), balancer.id in group.reason) == (1, True)


def test_a_template_that_fits_no_machine_type_is_rejected_before_anything_is_made(groups):
    with pytest.raises(RejectedSpec):
        group_of(groups, 1, machine_types=("double",))
    assert groups.list() == []


@pytest.mark.parametrize(
    "policy",
    [
        TargetTrackingPolicy(metric="cpu_percent", target=50),
        StepPolicy(name="hot", metric="cpu_percent", threshold=80, change=1),
        ScheduledSize(cron="0 8 * * *", min=0, max=2),
    ],
)
def test_a_policy_that_would_need_somebody_to_watch_is_unsupported(groups, policy):
    with pytest.raises(Unsupported, match="watches"):
        group_of(groups, 1, policies=(policy,))
