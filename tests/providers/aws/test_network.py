"""Openings in the firewall come and go with the instances that asked for them."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import CapacityError, Conflict, PermissionDenied, TransientError, UnknownCloudError

SPEC = InstanceSpec(
    machine_type="m7i.large",
    image="ami-0a01",
    labels={"team": "a"},
    open_ports=[{"port": 443, "source": "192.0.2.0/24"}, {"port": 53, "protocol": "udp", "source": "2001:db8::/32"}],
)


@pytest.fixture
def token():
    return str(uuid4())


def groups(ec2):
    """Our security groups."""
    found = ec2.describe_security_groups()["SecurityGroups"]
    return [group for group in found if group["GroupName"].startswith("cloudlayer-")]


def test_the_ports_are_open_to_the_sources_named_and_to_no_other(compute, ec2, token):
    made = compute.create(SPEC, token=token)
    (group,) = groups(ec2)
    rules = {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]): rule for rule in group["IpPermissions"]}
    assert rules.keys() == {("tcp", 443, 443), ("udp", 53, 53)}
    assert [item["CidrIp"] for item in rules["tcp", 443, 443]["IpRanges"]] == ["192.0.2.0/24"]
    assert [item["CidrIpv6"] for item in rules["udp", 53, 53]["Ipv6Ranges"]] == ["2001:db8::/32"]
    (card,) = compute.get(made.id).native["NetworkInterfaces"]
    assert [item["GroupId"] for item in card["Groups"]] == [group["GroupId"]]


def test_the_group_carries_the_labels(compute, ec2, token):
    compute.create(SPEC, token=token)
    tags = {tag["Key"]: tag["Value"] for tag in groups(ec2)[0]["Tags"]}
    assert tags.items() >= {"team": "a", labels.TOKEN: token}.items()


@pytest.mark.parametrize("action", ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances"])
def test_a_lost_answer_makes_no_second_group(aws, compute, ec2, token, action):
    aws.fault(action=action, lost_response=True, times=1)
    compute.create(SPEC, token=token)
    (group,) = groups(ec2)
    assert len(group["IpPermissions"]) == 2
    assert aws.launched == 1


def test_the_group_goes_with_the_last_of_its_instances(compute, ec2, token):
    first, second = compute.create_batch([SPEC, SPEC], token=token)
    compute.delete([first.id])
    assert len(groups(ec2)) == 1
    compute.delete([second.id])
    assert groups(ec2) == []
    assert compute.get(first.id).state.gone
    assert compute.get(second.id).state.gone


def test_a_batch_is_deleted_with_its_group_at_once(compute, ec2, token):
    made = compute.create_batch([SPEC] * 3, token=token)
    compute.delete([instance.id for instance in made])
    assert groups(ec2) == []


@pytest.mark.parametrize(
    ("code", "error"),
    [("InsufficientInstanceCapacity", CapacityError), ("UnauthorizedOperation", PermissionDenied), ("What", UnknownCloudError)],
)
def test_a_launch_that_is_refused_leaves_no_group(aws, compute, ec2, token, code, error):
    aws.fault(action="RunInstances", code=code)
    with pytest.raises(error):
        compute.create(SPEC, token=token)
    assert groups(ec2) == []


def test_a_launch_that_may_have_taken_place_keeps_its_group(aws, compute, ec2, token):
    aws.fault(action="RunInstances", lost_response=True)
    with pytest.raises(TransientError):
        compute.create(SPEC, token=token)
    aws.rules.clear()
    assert len(groups(ec2)) == 1
    compute.delete([compute.create(SPEC, token=token).id])
    assert groups(ec2) == []


def test_other_ports_under_a_used_token_are_not_opened_on_what_runs(aws, compute, ec2, token):
    compute.create(SPEC, token=token)
    before = groups(ec2)
    aws.options.hidden = 3600
    other = InstanceSpec.model_validate({**SPEC.model_dump(), "open_ports": [{"port": 22, "source": "0.0.0.0/0"}]})
    with pytest.raises(Conflict):
        compute.create(other, token=token)
    assert groups(ec2) == before


def test_groups_of_the_users_own_stay(compute, ec2, token):
    own = ec2.create_security_group(GroupName="cloudlayer-by-hand", Description="own")["GroupId"]
    spec = InstanceSpec.model_validate({**SPEC.model_dump(), "overrides": {"security_group_ids": [own]}})
    made = compute.create(spec, token=token)
    (card,) = compute.get(made.id).native["NetworkInterfaces"]
    assert len(card["Groups"]) == 2
    compute.delete([made.id])
    assert [item["GroupId"] for item in groups(ec2)] == [own]


def test_an_instance_in_a_subnet_has_its_group_in_that_network(compute, ec2, token):
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    spec = InstanceSpec.model_validate({**SPEC.model_dump(), "overrides": {"subnet_id": subnet}})
    made = compute.create(spec, token=token)
    assert groups(ec2)[0]["VpcId"] == vpc
    assert compute.get(made.id).native["SubnetId"] == subnet
    compute.delete([made.id])
    assert groups(ec2) == []
