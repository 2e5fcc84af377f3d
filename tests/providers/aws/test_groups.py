"""A scaling group is made once, from one template, with all that belongs to it, and goes with all of it."""

from base64 import b64decode
from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import CapacityError, Conflict, InvalidSpec, NotFound, QuotaError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceSpec, ScalingGroupSpec, ScheduledSize, StepPolicy, TargetTrackingPolicy
from tests.fakes.aws import holdings

LABELS = {"team": "a"}
PORTS = [{"port": 443, "source": "192.0.2.0/24"}]
TEMPLATE = InstanceSpec(machine_type="m7i.large", image="ami-0a01", open_ports=PORTS, labels={"part": "web"})
PLAIN = ScalingGroupSpec(name="plain", template=InstanceSpec(machine_type="m7i.large", image="ami-0a01"), max=3, labels=LABELS)
WHOLE = ScalingGroupSpec(
    name="whole",
    template=TEMPLATE,
    min=1,
    max=3,
    machine_types=["m7i.xlarge"],
    policies=[
        TargetTrackingPolicy(metric="cpu_percent", target=50),
        StepPolicy(name="up", metric="cpu_percent", threshold=80, change=1),
        StepPolicy(name="down", change=-1),
        ScheduledSize(cron="0 8 * * 1-5", min=1, max=3, desired=2),
    ],
    labels=LABELS,
)


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


@pytest.fixture
def native(cloud):
    return cloud.native("autoscaling")


@pytest.fixture
def token():
    return str(uuid4())


def spec_of(spec, **fields):
    return ScalingGroupSpec.model_validate({**spec.model_dump(), **fields})


def members(group):
    return {member.instance for member in group.members}


def dies_after(aws, groups, number, token):
    """A create that loses the answer of its call after `number` others, and makes none after it; whether it got so far."""
    aws.fault(lost_response=True, after=number, times=1)
    aws.fault(refuse=True, after=number)
    try:
        groups.create(WHOLE, token=token, deadline=Deadline.after(1, groups.clock))
    except TransientError:
        return True
    finally:
        aws.rules.clear()
    return False


def test_a_create_whose_caller_dies_after_any_call_is_completed_by_the_same_create(aws, groups):
    groups.create(WHOLE, token=str(uuid4()))
    undisturbed = holdings.count(LABELS)
    for number in range(60):
        aws.reset()
        token = str(uuid4())
        died = dies_after(aws, groups, number, token)
        made = groups.wait(groups.create(WHOLE, token=token), "active", timeout=60)
        assert (len(made.members), made.state) == (1, "active")
        assert holdings.count(LABELS) == undisturbed, f"after {number} calls"
        if not died:
            return
    pytest.fail("a create never came to an end")


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again(aws, groups):
    groups.create(WHOLE, token=str(uuid4()))
    undisturbed = holdings.count(LABELS)
    actions = dict.fromkeys(call.action for call in aws.calls)
    for action in actions:
        aws.reset()
        aws.fault(action=action, lost_response=True, times=1)
        groups.create(WHOLE, token=str(uuid4()))
        assert holdings.count(LABELS) == undisturbed, action


def test_everything_made_for_a_group_carries_its_labels_and_token(groups, compute, token):
    groups.create(WHOLE, token=token)
    marks = {**LABELS, labels.TOKEN: token}
    kinds = {"group", "instance", "volume", "network-interface", "security-group", "launch-template", "alarm"}
    assert holdings.count(marks).keys() == kinds
    (member,) = compute.list(marks)
    assert member.labels.items() >= {**marks, "part": "web"}.items()
    assert member.name == "whole"


def test_a_deleted_group_leaves_nothing(aws, groups, token):
    made = groups.create(WHOLE, token=token)
    groups.delete(made.id)
    assert groups.wait(made, "deleted").state == "deleted"
    assert holdings.count({}) == holdings_of_an_empty_cloud(aws)


def holdings_of_an_empty_cloud(aws):
    aws.reset()
    return holdings.count({})


def test_a_delete_that_was_broken_off_goes_on_with_the_next_one(aws, groups):
    for after in range(30):
        made = groups.create(WHOLE, token=str(uuid4()))
        aws.fault(refuse=True, after=after)
        try:
            groups.delete(made.id, deadline=Deadline.after(5, groups.clock))
        except TransientError:
            ended = False
        else:
            ended = True
        aws.rules.clear()
        groups.delete(made.id)
        assert holdings.count(LABELS) == {}
        if ended:
            return
    pytest.fail("a delete never came to an end")


def test_a_delete_waits_until_the_firewall_is_free(aws, groups, token):
    made = groups.create(WHOLE, token=token)
    aws.fault(action="DeleteSecurityGroup", code="DependencyViolation", times=3)
    groups.delete(made.id)
    assert aws.count("DeleteSecurityGroup") == 4
    assert "security-group" not in holdings.count(LABELS)


def test_a_delete_whose_time_is_up_is_told_and_goes_on_later(aws, groups, token):
    made = groups.create(WHOLE, token=token)
    aws.fault(action="DeleteSecurityGroup", code="DependencyViolation")
    with pytest.raises(TransientError):
        groups.delete(made.id, deadline=Deadline.after(10, groups.clock))
    aws.rules.clear()
    groups.delete(made.id)
    assert holdings.count(LABELS) == {}


def test_a_template_of_somebody_else_is_not_deleted_with_a_group_of_its_name(groups, ec2):
    ec2.create_launch_template(LaunchTemplateName="theirs", LaunchTemplateData={"ImageId": "ami-0a01"})
    groups.delete("theirs")
    assert [found["LaunchTemplateName"] for found in ec2.describe_launch_templates()["LaunchTemplates"]] == ["theirs"]


@pytest.mark.parametrize(
    ("action", "code", "name"),
    [
        ("CreateAutoScalingGroup", "LimitExceeded", "Auto Scaling groups, their policies, or alarms"),
        ("CreateSecurityGroup", "SecurityGroupLimitExceeded", "security groups"),
        ("PutMetricAlarm", "LimitExceeded", "Auto Scaling groups, their policies, or alarms"),
    ],
)
def test_a_create_that_a_quota_stops_leaves_nothing(aws, groups, token, action, code, name):
    aws.fault(action=action, code=code)
    with pytest.raises(QuotaError) as caught:
        groups.create(WHOLE, token=token)
    assert caught.value.name == name
    assert holdings.count(LABELS) == {}


def test_a_token_used_for_another_spec_is_a_conflict_and_harms_nothing(groups, token):
    made = groups.create(PLAIN, token=token)
    for other in (spec_of(PLAIN, max=4), spec_of(PLAIN, name="another")):
        with pytest.raises(Conflict):
            groups.create(other, token=token)
    assert [group.id for group in groups.list(LABELS)] == [made.id]


def test_a_template_left_by_another_spec_under_the_token_is_a_conflict(aws, groups, token):
    aws.fault(action="CreateAutoScalingGroup", refuse=True)
    with pytest.raises(TransientError):
        groups.create(PLAIN, token=token)
    aws.rules.clear()
    with pytest.raises(Conflict):
        groups.create(spec_of(PLAIN, max=4), token=token)
    assert groups.create(PLAIN, token=token).name == "plain"


def test_a_create_while_the_group_is_being_deleted_is_a_conflict(aws, groups, token):
    aws.options.pending = 5
    made = groups.create(PLAIN, token=token)
    groups.delete(made.id)
    with pytest.raises(Conflict, match="token"):
        groups.create(PLAIN, token=token)


def test_a_finished_create_that_is_repeated_undoes_no_update(groups, token):
    made = groups.create(WHOLE, token=token)
    groups.update(made.id, spec_of(WHOLE, max=2, policies=()))
    again = groups.create(WHOLE, token=token)
    assert (again.id, again.max) == (made.id, 2)
    with pytest.raises(NotFound):
        groups.execute(made.id, "down")


def test_a_group_without_room_says_so_in_the_clouds_words(aws, groups, token):
    aws.options.room = 1
    made = groups.create(spec_of(PLAIN, desired=2), token=token)
    with pytest.raises((CapacityError, TransientError)):
        groups.wait(made, "active", timeout=10)
    found = groups.get(made.id)
    assert found.state == "updating"
    assert "sufficient m7i.large capacity" in found.reason
    assert len(found.members) == 1
    aws.options.room = None
    assert groups.wait(made, "active", timeout=60).reason is None


def test_members_are_pending_and_then_healthy(aws, groups, token):
    aws.options.pending = 2
    made = groups.create(spec_of(PLAIN, desired=1), token=token)
    assert [member.state for member in made.members] == ["pending"]
    assert made.state == "updating"
    ready = groups.wait(made, "active", timeout=6000)
    assert [(member.state, member.healthy) for member in ready.members] == [("running", True)]


def test_alternatives_are_taken_with_the_templates_own_type_first(groups, native, token):
    made = groups.create(spec_of(WHOLE, policies=()), token=token)
    mix = made.native["MixedInstancesPolicy"]
    assert [item["InstanceType"] for item in mix["LaunchTemplate"]["Overrides"]] == ["m7i.large", "m7i.xlarge"]
    assert mix["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 100
    assert mix["InstancesDistribution"]["OnDemandAllocationStrategy"] == "prioritized"


@pytest.mark.parametrize("machine_types", [(), ("m7i.xlarge",)])
def test_members_are_bought_as_the_template_says(groups, compute, token, machine_types):
    template = {**PLAIN.template.model_dump(), "purchase": "spot"}
    groups.create(spec_of(PLAIN, desired=1, template=template, machine_types=machine_types), token=token)
    (member,) = compute.list(LABELS)
    assert member.purchase == "spot"


def test_members_get_the_user_data_as_it_was_given(groups, ec2, token):
    template = {**PLAIN.template.model_dump(), "user_data": "#!/bin/sh\necho ü\n"}
    made = groups.create(spec_of(PLAIN, desired=1, template=template), token=token)
    (member,) = members(made)
    data = ec2.describe_instance_attribute(InstanceId=member, Attribute="userData")["UserData"]["Value"]
    assert b64decode(data).decode() == "#!/bin/sh\necho ü\n"


def test_members_are_in_the_groups_firewall_and_no_other(groups, compute, ec2, token):
    groups.create(WHOLE, token=token)
    (member,) = compute.list(LABELS)
    (firewall,) = (
        found["GroupId"]
        for found in ec2.describe_security_groups()["SecurityGroups"]
        if found["GroupName"].startswith("scaling-")
    )
    assert [group["GroupId"] for card in member.native["NetworkInterfaces"] for group in card["Groups"]] == [firewall]


def test_a_template_in_figures_gives_the_machine_that_compute_would(groups, compute, token):
    figures = InstanceSpec(gpu="A10G", gpu_count=4, image="ami-0a01")
    groups.create(spec_of(PLAIN, desired=1, template=figures), token=token)
    (member,) = compute.list(LABELS)
    assert member.machine_type == compute.create(figures, token=str(uuid4())).machine_type == "g5.12xlarge"


def test_without_zones_a_group_is_in_all_that_sell_its_machine_type(groups, token):
    made = groups.create(PLAIN, token=token)
    assert len(made.native["AvailabilityZones"]) > 1


def test_members_are_in_the_subnets_that_are_named(groups, compute, ec2, token):
    subnets = {found["SubnetId"]: found["AvailabilityZone"] for found in ec2.describe_subnets()["Subnets"]}
    first, second = list(subnets)[:2]
    wanted = spec_of(PLAIN, desired=1, overrides={"subnet_ids": [first, second]}, zones=[subnets[second]])
    groups.create(wanted, token=token)
    (member,) = compute.list(LABELS)
    assert member.native["SubnetId"] == second


def test_a_subnet_that_is_not_there_is_refused_before_anything_is_made(groups, token):
    with pytest.raises(InvalidSpec, match="subnet-0123"):
        groups.create(spec_of(PLAIN, overrides={"subnet_ids": ["subnet-0123"]}), token=token)
    assert holdings.count(LABELS) == {}


def test_lists_are_whole_whatever_the_pages(aws, groups):
    aws.options.page = 5
    made = {groups.create(spec_of(PLAIN, name=f"n{number}"), token=str(uuid4())).id for number in range(12)}
    assert {group.id for group in groups.list(LABELS)} == made


def test_leftovers_of_a_group_are_told_while_it_is_not_there(aws, cloud, groups, token):
    aws.fault(action="CreateAutoScalingGroup", refuse=True)
    with pytest.raises(TransientError):
        groups.create(WHOLE, token=token)
    aws.rules.clear()
    told = cloud.leftovers(LABELS)
    assert {leftover.kind for leftover in told} == {"launch-template", "security-group"}
    made = groups.create(WHOLE, token=token)
    assert cloud.leftovers(LABELS) == []
    for leftover in told:
        cloud.delete_leftover(leftover)  # its group is there after all
    assert groups.get(made.id).state == "active" or groups.wait(made, "active", timeout=60)
    assert {"launch-template", "security-group"} <= holdings.count(LABELS).keys()
