"""How groups change: templates come and go, members are replaced a few at a time, steps keep their cooldowns."""

from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, NotFound, Throttled, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceSpec, ScalingGroupSpec, StepPolicy, TargetTrackingPolicy

TEMPLATE = InstanceSpec(machine_type="e2-small", image="ubuntu-22.04")
SPEC = ScalingGroupSpec(name="web", template=TEMPLATE, max=4, desired=2, labels={"team": "a"})
NEWER = TEMPLATE.model_copy(update={"machine_type": "e2-medium"})
UP, DOWN = StepPolicy(name="up", change=3, cooldown=30), StepPolicy(name="down", change=-9, cooldown=1)


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


@pytest.fixture
def group(groups):
    return groups.wait(groups.create(SPEC, token=str(uuid4())), "active")


def spec_of(**fields):
    return ScalingGroupSpec.model_validate({**SPEC.model_dump(), **fields})


def instances(group):
    return {member.instance for member in group.members}


def manager_of(gce):
    (manager,) = gce.things("instanceGroupManagers")
    return manager


def test_a_changed_template_replaces_members_one_more_in_each_zone(gce, groups, group):
    groups.update(group.id, spec_of(template=NEWER))
    policy = manager_of(gce)["updatePolicy"]
    assert policy["type"] == "PROACTIVE"
    assert (policy["maxSurge"]["fixed"], policy["maxUnavailable"]["fixed"]) == (3, 0)
    settled = groups.wait(group, "active")
    assert instances(settled).isdisjoint(instances(group))
    assert {one["machineType"].rpartition("/")[2] for one in gce.things("instances")} == {"e2-medium"}


def test_a_group_of_one_zone_replaces_one_at_a_time(gce, groups):
    group = groups.create(spec_of(zones=["us-central1-a"]), token=str(uuid4()))
    groups.wait(group, "active")
    groups.update(group.id, spec_of(zones=["us-central1-a"], template=NEWER))
    assert manager_of(gce)["updatePolicy"]["maxSurge"]["fixed"] == 1
    groups.wait(group, "active")


def test_other_labels_replace_nobody_and_reach_those_who_stay(gce, groups, group):
    groups.update(group.id, spec_of(labels={"team": "b", "since": "now"}))
    settled = groups.wait(group, "active")
    assert instances(settled) == instances(group)
    for instance in gce.things("instances"):
        assert instance["labels"].items() >= {"team": "b", "since": "now"}.items()
    groups.set_desired(group.id, 3)
    groups.wait(group, "active")
    assert {instance["labels"]["team"] for instance in gce.things("instances")} == {"b"}


def test_a_label_that_is_left_out_is_taken_from_those_who_stay(gce, groups, group):
    groups.update(group.id, spec_of(labels={"other": "label"}))
    assert all("team" not in instance["labels"] for instance in gce.things("instances"))


def test_other_labels_do_not_stop_a_replacement_that_goes_on(gce, groups, group):
    gce.options.delay = 5.0
    groups.update(group.id, spec_of(template=NEWER))
    groups.update(group.id, spec_of(template=NEWER, labels={"team": "b"}))
    assert manager_of(gce)["updatePolicy"]["type"] == "PROACTIVE"
    settled = groups.wait(group, "active")
    assert instances(settled).isdisjoint(instances(group))


def test_templates_that_no_member_is_made_from_are_deleted(gce, groups, group):
    (first,) = gce.things("instanceTemplates")
    groups.update(group.id, spec_of(template=NEWER))
    groups.wait(group, "active")
    groups.update(group.id, spec_of(template=NEWER))
    (second,) = gce.things("instanceTemplates")
    assert second["name"] != first["name"]


def test_an_update_without_a_change_changes_nothing(gce, groups, group):
    before = len(gce.calls)
    groups.update(group.id, SPEC)
    assert {call.verb for call in gce.calls[before:]} == {"GET", "POST"}
    assert all("list" in call.method.lower() for call in gce.calls[before:] if call.verb == "POST")


def test_zones_are_fixed(groups, group):
    with pytest.raises(Unsupported, match="fixes them when a group is made"):
        groups.update(group.id, spec_of(zones=["us-central1-a", "us-central1-b"]))


def test_a_group_of_one_zone_gets_no_other_machine_types(groups):
    group = groups.create(spec_of(desired=0, zones=["us-central1-a"]), token=str(uuid4()))
    with pytest.raises(Unsupported, match="chooses among types in a region"):
        groups.update(group.id, spec_of(desired=0, zones=["us-central1-a"], machine_types=["e2-medium"]))


def test_another_list_of_machine_types_replaces_members(gce, groups, group):
    groups.update(group.id, spec_of(machine_types=["e2-medium"]))
    settled = groups.wait(group, "active")
    assert instances(settled).isdisjoint(instances(group))
    assert "instanceFlexibilityPolicy" in manager_of(gce)
    assert manager_of(gce)["distributionPolicy"]["targetShape"] == "BALANCED"


def test_machine_types_do_not_go_silently_from_a_group_that_keeps_them(gce, groups, group):
    groups.update(group.id, spec_of(machine_types=["e2-medium"]))
    before = len(gce.things("instanceTemplates"))
    with pytest.raises(Unsupported, match="chooses among several types"):
        groups.update(group.id, spec_of())
    assert len(gce.things("instanceTemplates")) == before


def test_an_autoscaler_comes_and_goes_with_the_policies(gce, groups, group):
    tracking = TargetTrackingPolicy(metric="cpu_percent", target=50)
    groups.update(group.id, spec_of(min=1, desired=None, policies=[tracking]))
    assert len(gce.things("autoscalers")) == 1
    groups.update(group.id, spec_of(min=1, max=3, desired=None, policies=[tracking]))
    (autoscaler,) = gce.things("autoscalers")
    assert autoscaler["autoscalingPolicy"]["maxNumReplicas"] == 3
    groups.update(group.id, spec_of(desired=3))
    assert gce.things("autoscalers") == []
    assert groups.wait(group, "active").desired == 3


def test_a_step_stays_within_the_bounds(groups, group):
    groups.update(group.id, spec_of(policies=[UP, DOWN]))
    groups.execute(group.id, "up")
    assert groups.get(group.id).desired == 4
    groups.execute(group.id, "down")
    assert groups.get(group.id).desired == 0


def test_a_step_within_a_cooldown_says_when_to_come_again(groups, group):
    groups.update(group.id, spec_of(policies=[UP, DOWN]))
    groups.execute(group.id, "up")
    with pytest.raises(Throttled) as caught:
        groups.execute(group.id, "down", deadline=Deadline.after(5, groups.clock))
    assert 20 < caught.value.retry_after <= 30
    assert groups.get(group.id).desired == 4


def test_an_unknown_step_is_told_at_once_within_a_cooldown_too(groups, group):
    groups.update(group.id, spec_of(policies=[UP]))
    groups.execute(group.id, "up")
    with pytest.raises(NotFound, match="no step policy sideways"):
        groups.execute(group.id, "sideways")


def test_of_two_steps_at_once_none_is_lost(gce, groups, group):
    groups.update(group.id, spec_of(policies=[StepPolicy(name="one", change=1, cooldown=2)]))
    gce.fault(method="compute.regionInstanceGroupManagers.patch", code="conditionNotMet", times=1)
    groups.execute(group.id, "one")
    groups.execute(group.id, "one")
    assert groups.get(group.id).desired == 4


def test_a_group_that_is_being_deleted_takes_no_change(gce, groups, group):
    gce.fault(method="compute.regionInstanceGroupManagers.delete", refuse=True)
    with pytest.raises(TransientError):
        groups.delete(group.id, deadline=Deadline.after(5, groups.clock))
    assert groups.get(group.id).state == "deleting"
    for change in (lambda: groups.update(group.id, SPEC), lambda: groups.set_desired(group.id, 1)):
        with pytest.raises(Conflict, match="being deleted"):
            change()
    gce.rules.clear()
    groups.delete(group.id)
    assert gce.things("instanceTemplates") == gce.things("instances") == []
