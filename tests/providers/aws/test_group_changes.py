"""An update changes what is different and nothing else; sizes and steps are taken, however busy the group is."""

from datetime import timedelta
from uuid import uuid4

import pytest
from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, RejectedSpec, Throttled, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import (
    InstanceSpec,
    Listener,
    LoadBalancerSpec,
    ScalingGroupSpec,
    ScheduledSize,
    StepPolicy,
    TargetTrackingPolicy,
)
from tests.fakes.aws import holdings

LABELS = {"team": "a"}
TEMPLATE = InstanceSpec(machine_type="m7i.large", image="ami-0a01")
UP = StepPolicy(name="up", change=2, cooldown=60)
HOT = StepPolicy(name="hot", metric="cpu_percent", threshold=80, change=1)
COLD = StepPolicy(name="cold", metric="cpu_percent", threshold=20, change=-1)
SPEC = ScalingGroupSpec(name="web", template=TEMPLATE, max=4, labels=LABELS)


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


@pytest.fixture
def native(cloud):
    return cloud.native("autoscaling")


@pytest.fixture
def token():
    return str(uuid4())


def spec_of(spec=SPEC, **fields):
    return ScalingGroupSpec.model_validate({**spec.model_dump(), **fields})


def newer(**fields):
    return {**TEMPLATE.model_dump(), **fields}


def started(groups, token, **fields):
    return groups.wait(groups.create(spec_of(**fields), token=token), "active", timeout=6000)


def members(group):
    return {member.instance for member in group.members}


def policies(native, group):
    return {found["PolicyName"]: found for found in native.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]}


def alarms(cloud):
    return {found["AlarmName"]: found for found in cloud.native("cloudwatch").describe_alarms()["MetricAlarms"]}


def test_an_update_of_nothing_changes_nothing(aws, groups, token):
    group = started(groups, token, desired=1, policies=[UP, HOT, TargetTrackingPolicy(metric="cpu_percent", target=50)])
    before = len(aws.calls)
    groups.update(group.id, spec_of(desired=1, policies=[UP, HOT, TargetTrackingPolicy(metric="cpu_percent", target=50)]))
    changing = {call.action for call in aws.calls[before:] if not call.action.startswith("Describe")}
    assert changing <= {"PutMetricAlarm"}
    assert members(groups.get(group.id)) == members(group)


def test_members_are_replaced_one_after_the_other(aws, groups, token):
    aws.options.pending = 0.05
    group = started(groups, token, desired=3)
    changed = groups.update(group.id, spec_of(desired=3, template=newer(user_data="#!/bin/sh")))
    assert changed.state == "updating"
    least = 3
    while (seen := groups.get(group.id)).state != "active":
        least = min(least, sum(member.state == "running" for member in seen.members))
    assert least == 3
    assert len(members(seen)) == 3
    assert members(seen).isdisjoint(members(group))


def test_an_update_during_a_replacement_takes_its_place(aws, groups, native, token):
    group = started(groups, token, desired=2)
    aws.options.room = 0
    groups.update(group.id, spec_of(desired=2, template=newer(user_data="first")))
    groups.update(group.id, spec_of(desired=2, template=newer(user_data="second")))
    aws.options.room = None
    statuses = [found["Status"] for found in _refreshes(native, group)]
    assert statuses[1:] == ["Cancelled"]
    settled = groups.wait(group, "active", timeout=6000)
    assert {member["LaunchTemplate"]["Version"] for member in settled.native["Instances"]} == {"3"}


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again(aws, groups, native):
    wanted = {"max": 3, "policies": [HOT], "template": newer(user_data="new"), "labels": {**LABELS, "new": "1"}}
    group = started(groups, str(uuid4()), desired=1)
    aws.calls.clear()
    groups.update(group.id, spec_of(desired=1, **wanted))
    for action in dict.fromkeys(call.action for call in aws.calls):
        aws.reset()
        group = started(groups, str(uuid4()), desired=1)
        aws.fault(action=action, lost_response=True, times=1)
        groups.update(group.id, spec_of(desired=1, **wanted))
        settled = groups.wait(group, "active", timeout=600)
        assert members(settled).isdisjoint(members(group)), action
        assert holdings.count(LABELS)["alarm"] == 1


def test_a_replacement_goes_on_when_its_update_is_repeated(aws, groups, native, token):
    group = started(groups, token, desired=1)
    aws.options.room = 0
    groups.update(group.id, spec_of(desired=1, template=newer(user_data="first")))
    (template,) = ec2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].launch_templates.values()
    template.versions[-1].create_time -= timedelta(seconds=1)  # EC2 tells whole seconds
    groups.update(group.id, spec_of(desired=1, template=newer(user_data="first")))
    assert len(_refreshes(native, group)) == 1


def _refreshes(native, group):
    return native.describe_instance_refreshes(AutoScalingGroupName=group.id)["InstanceRefreshes"]


def test_an_update_whose_caller_dies_after_any_call_is_completed_by_the_same_update(aws, groups):
    wanted = {"desired": 1, "max": 3, "policies": [HOT], "template": newer(user_data="new"), "labels": {**LABELS, "new": "1"}}
    for number in range(40):
        aws.reset()
        group = started(groups, str(uuid4()), desired=1, policies=[UP, COLD])
        aws.fault(lost_response=True, after=number, times=1)
        aws.fault(refuse=True, after=number)
        try:
            groups.update(group.id, spec_of(**wanted), deadline=Deadline.after(1, groups.clock))
            died = False
        except TransientError:
            died = True
        aws.rules.clear()
        groups.update(group.id, spec_of(**wanted))
        settled = groups.wait(group, "active", timeout=600)
        assert members(settled).isdisjoint(members(group)), f"after {number} calls"
        assert (settled.max, settled.labels["new"]) == (3, "1")
        assert holdings.count(LABELS)["alarm"] == 1
        if not died:
            return
    pytest.fail("an update never came to an end")


def test_new_labels_are_on_members_too_and_replace_none(groups, compute, token):
    group = started(groups, token, desired=1, labels={**LABELS, "old": "1"})
    groups.update(group.id, spec_of(desired=1, labels={**LABELS, "new": "1"}))
    (member,) = compute.list({"new": "1"})
    assert {member.id} == members(group)
    assert "old" not in member.labels
    settled = groups.get(group.id)
    assert settled.state == "active"
    assert settled.labels["new"] == "1" and "old" not in settled.labels


def test_zones_change(groups, token):
    group = started(groups, token, zones=["us-east-1a"])
    groups.update(group.id, spec_of(zones=["us-east-1b", "us-east-1c"]))
    assert groups.get(group.id).native["AvailabilityZones"] == ["us-east-1b", "us-east-1c"]


def test_a_group_may_turn_to_several_machine_types_and_back(groups, token):
    group = started(groups, token, desired=1)
    groups.update(group.id, spec_of(desired=1, machine_types=["m7i.xlarge"]))
    mixed = groups.wait(group, "active", timeout=60)
    assert "MixedInstancesPolicy" in mixed.native
    groups.update(group.id, spec_of(desired=1))
    assert "MixedInstancesPolicy" not in groups.wait(group, "active", timeout=60).native


def test_policies_and_alarms_follow_the_spec(cloud, groups, native, token):
    scheduled = ScheduledSize(cron="0 8 * * *", min=1, max=3)
    group = started(groups, token, policies=[UP, HOT, scheduled])
    groups.update(group.id, spec_of(policies=[HOT, COLD]))
    assert policies(native, group.id).keys() == {"hot", "cold"}
    assert {name.rpartition("/")[2] for name in alarms(cloud)} == {"hot", "cold"}
    assert native.describe_scheduled_actions(AutoScalingGroupName=group.id)["ScheduledUpdateGroupActions"] == []


def test_policies_and_alarms_are_found_on_every_page(aws, cloud, groups, native, token):
    aws.options.page = 5
    steps = [StepPolicy(name=f"s{number}", metric="cpu_percent", threshold=80, change=1) for number in range(12)]
    group = started(groups, token, policies=steps)
    groups.execute(group.id, "s11")
    groups.update(group.id, spec_of(policies=steps[:1]))
    aws.options.page = 1000
    assert policies(native, group.id).keys() == {"s0"}
    assert len(alarms(cloud)) == 1


def test_new_openings_are_those_of_new_members_and_go_with_the_group(groups, compute, ec2, token):
    ports = [{"port": 443, "source": "192.0.2.0/24"}]
    group = started(groups, token, desired=1, template=newer(open_ports=ports))
    groups.update(group.id, spec_of(desired=1, template=newer(open_ports=[{**ports[0], "port": 80}])))
    settled = groups.wait(group, "active", timeout=60)
    (member,) = members(settled)
    ids = [found["GroupId"] for card in compute.get(member).native["NetworkInterfaces"] for found in card["Groups"]]
    (firewall,) = ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
    assert [rule["FromPort"] for rule in firewall["IpPermissions"]] == [80]
    groups.delete(group.id)
    assert holdings.count(LABELS) == {}


def test_an_alarm_watches_in_the_direction_of_its_step(cloud, groups, native, token):
    group = started(groups, token, policies=[HOT, COLD])
    known = policies(native, group.id)
    watched = {name.rpartition("/")[2]: found for name, found in alarms(cloud).items()}
    assert watched["hot"]["ComparisonOperator"].startswith("GreaterThan")
    assert watched["cold"]["ComparisonOperator"].startswith("LessThan")
    for name, found in watched.items():
        assert found["AlarmActions"] == [known[name]["PolicyARN"]]
        assert found["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": group.id}]


def test_a_scheduled_size_is_in_utc(groups, native, token):
    group = started(groups, token, policies=[ScheduledSize(cron="0 8 * * 1-5", min=1, max=3, desired=2)])
    (action,) = native.describe_scheduled_actions(AutoScalingGroupName=group.id)["ScheduledUpdateGroupActions"]
    wanted = {"Recurrence": "0 8 * * 1-5", "TimeZone": "Etc/UTC", "MinSize": 1, "MaxSize": 3, "DesiredCapacity": 2}
    assert action.items() >= wanted.items()


def test_requests_are_counted_by_the_minute_at_each_listener(cloud, groups, native, token):
    listeners = [Listener(port=port, protocol="http", target_port=8080) for port in (80, 81)]
    made = cloud.load_balancing.create(LoadBalancerSpec(name="front", listeners=listeners), token=str(uuid4()))
    tracking = TargetTrackingPolicy(metric="requests_per_target", target=2.5)
    group = started(groups, token, balancer=made.id, policies=[tracking])
    found = [policy["TargetTrackingConfiguration"] for policy in policies(native, group.id).values()]
    assert [config["TargetValue"] for config in found] == [150, 150]
    sources = {config["PredefinedMetricSpecification"]["ResourceLabel"] for config in found}
    assert len(sources) == 2
    assert all(source.startswith("app/cl-") and "/targetgroup/cl-" in source for source in sources)


def test_a_network_balancer_counts_no_requests(cloud, groups, token):
    listener = Listener(port=80, protocol="tcp", target_port=8080)
    made = cloud.load_balancing.create(LoadBalancerSpec(name="front", listeners=[listener]), token=str(uuid4()))
    with pytest.raises(Unsupported, match="http"):
        groups.create(
            spec_of(balancer=made.id, policies=[TargetTrackingPolicy(metric="requests_per_target", target=2)]), token=token
        )
    assert holdings.count(LABELS) == {}


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ([TargetTrackingPolicy(metric="requests_per_target", target=2)], "set balancer"),
        ([TargetTrackingPolicy(metric="cpu_percent", target=target) for target in (20, 30)], "same metric"),
        ([ScheduledSize(cron="@daily", min=0, max=1)], "five fields"),
    ],
)
def test_policies_that_cannot_be_are_refused_before_any_call(aws, groups, token, policies, words):
    with pytest.raises(InvalidSpec, match=words):
        groups.create(spec_of(policies=policies), token=token)
    assert aws.calls == []


def test_a_group_of_somebody_else_is_not_updated(groups, native, ec2):
    ec2.create_launch_template(
        LaunchTemplateName="theirs", LaunchTemplateData={"ImageId": "ami-0a01", "InstanceType": "m7i.large"}
    )
    native.create_auto_scaling_group(
        AutoScalingGroupName="theirs",
        MinSize=0,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateName": "theirs"},
        AvailabilityZones=["us-east-1a"],
    )
    with pytest.raises(Conflict, match="not made by cloudlayer"):
        groups.update("theirs", SPEC)
    assert groups.get("theirs").max == 1


@pytest.mark.parametrize("action", ["SetDesiredCapacity", "DeleteAutoScalingGroup", "UpdateAutoScalingGroup"])
def test_a_change_is_made_once_an_earlier_one_is_over(aws, groups, token, action):
    group = started(groups, token)
    aws.fault(action=action, code="ScalingActivityInProgress", times=5)
    match action:
        case "SetDesiredCapacity":
            groups.set_desired(group.id, 1)
        case "UpdateAutoScalingGroup":
            groups.update(group.id, spec_of(max=5))
        case _:
            groups.delete(group.id)
    assert aws.count(action) == 6


def test_a_change_that_has_to_wait_too_long_is_told(aws, groups, token):
    group = started(groups, token)
    aws.fault(action="SetDesiredCapacity", code="ScalingActivityInProgress")
    with pytest.raises(TransientError):
        groups.set_desired(group.id, 1, deadline=Deadline.after(20, groups.clock))


def test_a_step_never_leaves_the_bounds(groups, token):
    group = started(groups, token, desired=3, policies=[UP])
    groups.execute(group.id, "up")
    assert groups.wait(group, "active", timeout=60).desired == 4


def test_a_cooldown_is_waited_out_or_told_with_its_rest(aws, groups, token):
    group = started(groups, token, policies=[UP])
    groups.execute(group.id, "up")
    groups.wait(group, "active", timeout=60)
    started_at = groups.clock.monotonic()
    with pytest.raises(Throttled) as caught:
        groups.execute(group.id, "up", deadline=Deadline.after(10, groups.clock))
    assert 40 < caught.value.retry_after <= 60
    assert groups.clock.monotonic() - started_at < 10
    groups.execute(group.id, "up", deadline=Deadline.after(90, groups.clock))
    assert groups.wait(group, "active", timeout=60).desired == 4


def test_a_step_whose_answer_is_lost_is_not_taken_twice(aws, groups, token):
    group = started(groups, token, policies=[StepPolicy(name="up", change=1, cooldown=1)])
    aws.fault(action="ExecutePolicy", lost_response=True, times=1)
    with pytest.raises(TransientError):
        groups.execute(group.id, "up")
    assert groups.wait(group, "active", timeout=60).desired == 1


def test_a_step_that_comes_too_often_is_taken_once_it_may(aws, groups, token):
    group = started(groups, token, policies=[StepPolicy(name="up", change=1, cooldown=1)])
    aws.fault(action="ExecutePolicy", code="Throttling", times=2)
    groups.execute(group.id, "up")
    assert groups.wait(group, "active", timeout=60).desired == 1


@pytest.mark.parametrize("name", ["tracking_cpu_percent", "no-such"])
def test_what_is_no_step_cannot_be_executed(groups, token, name):
    group = started(groups, token, policies=[TargetTrackingPolicy(metric="cpu_percent", target=50)])
    with pytest.raises(NotFound):
        groups.execute(group.id, name)


def test_a_schedule_that_the_cloud_refuses_leaves_no_group(aws, groups, token):
    aws.fault(action="PutScheduledUpdateGroupAction", code="ValidationError")
    with pytest.raises(RejectedSpec):
        groups.create(spec_of(policies=[ScheduledSize(cron="0 8 * * *", min=0, max=1)]), token=token)
    assert holdings.count(LABELS) == {}


def test_the_reason_of_a_replacement_that_failed_is_told(aws, groups, token):
    group = started(groups, token, desired=1)
    aws.options.room = 0
    groups.update(group.id, spec_of(desired=1, template=newer(user_data="new")))
    failed = {"Status": "Failed", "StatusReason": "no new instance was healthy"}
    autoscaling_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].autoscaling_groups[group.id].refreshes[0].update(failed)
    found = groups.get(group.id)
    assert (found.state, found.reason) == ("updating", "no new instance was healthy")
    assert members(found) == members(group)
