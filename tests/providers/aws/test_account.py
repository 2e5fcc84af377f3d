"""What is told of an account: its limits, what is missing of its permissions, and what broken-off launches left."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import InvalidSpec, TransientError
from cloudlayer.resources import Leftover, VolumeSpec
from cloudlayer.units import GIB
from tests.fakes.aws import holdings

OPEN = InstanceSpec(
    machine_type="m7i.large", image="ami-0a01", labels={"team": "a"}, open_ports=[{"port": 443, "source": "192.0.2.0/24"}]
)


def test_limits_are_told_with_what_is_used_and_how_to_raise_them(cloud, compute, ec2):
    compute.create(InstanceSpec(machine_type="m7i.large", image="ami-0a01"), token=str(uuid4()))
    ended = compute.create(InstanceSpec(machine_type="m7i.xlarge", image="ami-0a01"), token=str(uuid4()))
    compute.create(InstanceSpec(machine_type="g5.xlarge", image="ami-0a01", purchase="spot"), token=str(uuid4()))
    compute.delete([ended.id])
    cloud.storage.create(VolumeSpec(size=512 * GIB), token=str(uuid4()))
    quotas = {quota.name: quota for quota in cloud.quotas()}
    standard = quotas["vCPUs of standard instances, on demand"]
    assert (standard.limit, standard.used) == (5.0, 2.0)
    assert quotas["vCPUs of G and VT instances, spot"].used == 4.0
    assert quotas["vCPUs of P instances, spot"].used == 0.0
    assert quotas["TiB of gp3 volumes"].used == 0.5
    assert "--service-code ec2 --quota-code L-1216C47A" in standard.mend
    assert "AWS does not raise it" in quotas["balancers for tcp"].mend
    assert "TiB of io2 volumes" not in quotas


def test_groups_balancers_and_snapshots_count_too(cloud, ec2):
    volume = cloud.storage.create(VolumeSpec(size=GIB), token=str(uuid4()))
    before = {quota.name: quota.used for quota in cloud.quotas()}
    cloud.storage.snapshot(volume.id, token=str(uuid4()))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    cloud.native("elbv2").create_target_group(Name="one", Protocol="TCP", Port=80, VpcId=vpc)
    after = {quota.name: quota.used for quota in cloud.quotas()}
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "snapshots": 1.0,
        "target groups": 1.0,
    }


def test_who_may_not_ask_for_limits_is_told_none_and_by_doctor_why(aws, cloud):
    aws.fault(action="ListServiceQuotas", code="AccessDeniedException", status=400)
    assert cloud.quotas() == []
    (line,) = cloud.check()
    assert line.startswith("servicequotas:ListServiceQuotas: ")
    assert "allow servicequotas:ListServiceQuotas" in line


def test_who_may_not_look_is_told_the_limit_alone(aws, cloud):
    aws.fault(action="DescribeVolumes", code="UnauthorizedOperation", status=403)
    quotas = {quota.name: quota for quota in cloud.quotas()}
    assert quotas["TiB of gp3 volumes"].used is None
    assert quotas["snapshots"].used is not None


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ({"action": "CreateVolume", "code": "UnauthorizedOperation"}, "ec2:CreateVolume"),
        ({"action": "DescribeSnapshots", "code": "UnauthorizedOperation"}, "ec2:DescribeSnapshots"),
        ({"action": "CreateLaunchTemplate", "code": "UnauthorizedOperation"}, "ec2:CreateLaunchTemplate"),
        ({"action": "DescribeAutoScalingGroups", "code": "AccessDenied"}, "autoscaling:DescribeAutoScalingGroups"),
        ({"action": "DescribeTargetGroups", "code": "AccessDenied"}, "elasticloadbalancing:DescribeTargetGroups"),
        ({"action": "DescribeAlarms", "code": "AccessDenied"}, "cloudwatch:DescribeAlarms"),
    ],
)
def test_doctor_tells_what_is_missing_for_each_interface(aws, cloud, rule, action):
    aws.fault(status=403, **rule)
    (line,) = cloud.check()
    assert line.startswith(f"{action}: ")
    assert f"allow {action} to this user or role; `cloudlayer iam aws`" in line


def test_doctor_changes_nothing(aws, cloud, ec2):
    assert cloud.check() == []
    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []


def test_the_firewall_of_a_launch_that_never_took_place_is_a_leftover(aws, cloud, compute):
    token = str(uuid4())
    aws.fault(action="RunInstances", refuse=True)
    with pytest.raises(TransientError):
        compute.create(OPEN, token=token)
    aws.rules.clear()
    (left,) = cloud.leftovers({"team": "a"})
    assert (left.kind, left.labels[labels.TOKEN]) == ("security-group", token)
    assert cloud.leftovers({"team": "b"}) == []
    cloud.delete_leftover(left)
    cloud.delete_leftover(left)
    assert cloud.leftovers({"team": "a"}) == []
    assert holdings.count({"team": "a"}) == {}


def test_a_leftover_that_a_launch_takes_into_use_after_all_stays(aws, cloud, compute):
    token = str(uuid4())
    aws.fault(action="RunInstances", refuse=True)
    with pytest.raises(TransientError):
        compute.create(OPEN, token=token)
    aws.rules.clear()
    (left,) = cloud.leftovers({"team": "a"})
    compute.create(OPEN, token=token)
    cloud.delete_leftover(left)
    assert cloud.leftovers({"team": "a"}) == []
    assert holdings.count({"team": "a"})["security-group"] == 1


def test_what_others_made_with_the_same_labels_is_no_leftover(cloud, ec2):
    tags = [{"Key": "team", "Value": "a"}]
    for kind, name in [("security-group", "cloudlayer-by-hand"), ("security-group", f"cloudlayer-{uuid4()}")]:
        specification = [{"ResourceType": kind, "Tags": tags}]
        ec2.create_security_group(GroupName=name, Description="by hand", TagSpecifications=specification)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet, TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}])
    assert cloud.leftovers({"team": "a"}) == []


def test_what_is_no_leftover_of_ours_is_not_deleted(cloud):
    with pytest.raises(InvalidSpec, match="none of those that leftovers"):
        cloud.delete_leftover(Leftover("vpc-1", "vpc", "aws", "us-east-1", name="home"))
    with pytest.raises(InvalidSpec):
        cloud.delete_leftover(Leftover("sg-1", "security-group", "aws", "us-east-1", name="own"))
