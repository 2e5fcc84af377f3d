"""What Heat does in its own way, and the driver hides."""

import time
from uuid import uuid4

import pytest

from cloudlayer.errors import NotFound, Throttled
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import PortRule, ScalingGroupSpec, StepPolicy

pytestmark = pytest.mark.openstack

UP, DOWN = StepPolicy(name="up", change=1, cooldown=2.0), StepPolicy(name="down", change=-1, cooldown=30.0)


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


@pytest.fixture
def spec(cloud, small):
    """A group of one; deleted after the test."""
    label = {"group-tests": uuid4().hex}
    yield ScalingGroupSpec(name="web", template=small, max=3, desired=1, labels=label, policies=(UP, DOWN))
    for group in cloud.autoscaling.list(label):
        cloud.autoscaling.delete(group.id)
        cloud.autoscaling.wait(group, "deleted", timeout=120)


def settled(groups, group):
    return groups.wait(group, "active", timeout=120)


def test_a_group_that_was_brought_down_to_nothing_can_step_up_again(groups, spec):
    """Heat takes a desired size of 0 for none at all."""
    group = settled(groups, groups.create(spec, token=str(uuid4())))
    groups.set_desired(group.id, 0)
    assert settled(groups, group).members == ()
    groups.execute(group.id, "up")
    found = settled(groups, group)
    assert (found.desired, len(found.members)) == (1, 1)


def test_a_step_that_heat_would_drop_is_told(groups, spec):
    """A signal within the cooldown is answered like any other, and does nothing."""
    group = settled(groups, groups.create(spec, token=str(uuid4())))
    groups.execute(group.id, "down")
    with pytest.raises(Throttled) as caught:
        groups.execute(group.id, "up", deadline=Deadline.after(5))
    assert 0 < caught.value.retry_after <= DOWN.cooldown
    assert settled(groups, group).desired == 0
    with pytest.raises(NotFound, match="it has up, down"):
        groups.execute(group.id, "sideways")


def test_a_new_template_replaces_members_while_others_run(cloud, groups, spec):
    """One at a time, and the new one before the old one goes; a change of labels replaces none."""
    spec = spec.model_copy(update={"desired": 2})
    group = settled(groups, groups.create(spec, token=str(uuid4())))
    before = {member.instance for member in group.members}
    relabelled = spec.model_copy(update={"labels": {**spec.labels, "team": "blue"}})
    groups.update(group.id, relabelled)
    found = settled(groups, group)
    assert {member.instance for member in found.members} == before
    assert all(cloud.compute.get(member).labels["team"] == "blue" for member in before)
    openings = (PortRule(port=80, source="0.0.0.0/0"),)
    groups.update(
        group.id, relabelled.model_copy(update={"template": spec.template.model_copy(update={"open_ports": openings})})
    )
    fewest = watch(groups, group.id)
    found = groups.get(group.id)
    assert (found.state, len(found.members)) == ("active", 2)
    assert not {member.instance for member in found.members} & before
    assert fewest >= 1


def watch(groups, group):
    """How few members were healthy at any look while the group was changed."""
    fewest, found, ends = 99, groups.get(group), time.monotonic() + 180
    while found.state == "updating" and time.monotonic() < ends:
        fewest = min(fewest, sum(member.healthy for member in found.members))
        found = groups.get(group)
    return fewest


def test_a_group_is_found_by_labels_that_heat_has_no_room_for(groups, spec):
    """Its tags have 80 characters."""
    long = {**spec.labels, "x" * 60: "y" * 60}
    made = groups.create(spec.model_copy(update={"labels": long, "desired": 0}), token=str(uuid4()))
    assert [group.id for group in groups.list(long)] == [made.id]
    assert groups.list({**long, "x" * 60: "z" * 60}) == []
    assert settled(groups, made).labels.items() >= long.items()


def test_a_member_that_is_gone_shows_until_the_group_is_updated(cloud, groups, spec):
    """Heat does not look after its servers; the next update puts another one there."""
    group = settled(groups, groups.create(spec, token=str(uuid4())))
    lost = group.members[0].instance
    cloud.compute.delete([lost])
    cloud.compute.wait(lost, "deleted", timeout=60)
    found = groups.get(group.id)
    assert (found.state, found.desired) == ("failed", 1)
    assert "0 of 1" in found.reason
    groups.update(group.id, spec)
    assert settled(groups, group).members[0].instance != lost
