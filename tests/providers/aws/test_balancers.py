"""A load balancer is made once, with everything that belongs to it, and goes with all of it."""

from uuid import uuid4

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import elbv2_backends

from cloudlayer import labels
from cloudlayer.errors import Conflict, InvalidSpec, NotFound, QuotaError, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import HealthCheck, InstanceSpec, Listener, LoadBalancerSpec, TargetSpec
from tests.fakes.aws import holdings

LABELS = {"team": "a"}
HTTP = LoadBalancerSpec(
    name="front",
    listeners=[Listener(port=80, protocol="http", target_port=8080), Listener(port=81, protocol="http", target_port=8081)],
    health_check=HealthCheck(protocol="http", path="/well", interval=7.0, healthy_after=3),
    drain=20.0,
    labels=LABELS,
)
TCP = LoadBalancerSpec(name="wire", listeners=[Listener(port=443, protocol="tcp", target_port=8443)], labels=LABELS)
ADDRESS = TargetSpec(address="172.31.0.99")
KINDS = {"balancer": 1, "listener": 2, "target-group": 2, "security-group": 1}


@pytest.fixture
def balancers(cloud):
    return cloud.load_balancing


@pytest.fixture
def native(cloud):
    return cloud.native("elbv2")


@pytest.fixture
def token():
    return str(uuid4())


@pytest.fixture
def instance(compute):
    return compute.create(InstanceSpec(machine_type="m7i.large", image="ami-0a01"), token=str(uuid4())).id


def spec_of(spec, **fields):
    return LoadBalancerSpec.model_validate({**spec.model_dump(), **fields})


def routes(native):
    return {found["Port"]: found for found in native.describe_target_groups()["TargetGroups"]}


def test_a_create_whose_caller_dies_after_any_call_is_completed_by_the_same_create(aws, balancers):
    wanted = spec_of(HTTP, targets=[ADDRESS])
    for number in range(60):
        aws.reset()
        token = str(uuid4())
        aws.fault(lost_response=True, after=number, times=1)
        aws.fault(refuse=True, after=number)
        try:
            balancers.create(wanted, token=token, deadline=Deadline.after(1, balancers.clock))
            died = False
        except TransientError:
            died = True
        aws.rules.clear()
        made = balancers.create(wanted, token=token)
        assert (made.state, made.listeners) == ("active", HTTP.listeners)
        assert holdings.count(LABELS) == KINDS, f"after {number} calls"
        assert [found.target for found in balancers.health(made.id)] == [ADDRESS.id]
        if not died:
            return
    pytest.fail("a create never came to an end")


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again(aws, balancers):
    balancers.create(HTTP, token=str(uuid4()))
    for action in dict.fromkeys(call.action for call in aws.calls):
        aws.reset()
        aws.fault(action=action, lost_response=True, times=1)
        assert balancers.create(HTTP, token=str(uuid4())).state == "active"
        assert holdings.count(LABELS) == KINDS, action


def test_a_delete_whose_caller_dies_after_any_call_goes_on_with_the_next_one(aws, balancers):
    for number in range(30):
        aws.reset()
        made = balancers.create(spec_of(HTTP, targets=[ADDRESS]), token=str(uuid4()))
        aws.fault(refuse=True, after=number)
        try:
            balancers.delete(made.id, deadline=Deadline.after(1, balancers.clock))
            died = False
        except TransientError:
            died = True
        aws.rules.clear()
        balancers.delete(made.id)
        assert holdings.count(LABELS) == {}
        if not died:
            return
    pytest.fail("a delete never came to an end")


def test_a_delete_waits_until_the_firewall_and_the_target_groups_are_free(aws, balancers, token):
    made = balancers.create(HTTP, token=token)
    aws.fault(action="DeleteSecurityGroup", code="DependencyViolation", times=3)
    aws.fault(action="DeleteTargetGroup", code="ResourceInUse", times=2)
    balancers.delete(made.id)
    assert (aws.count("DeleteSecurityGroup"), aws.count("DeleteTargetGroup")) == (4, 4)
    assert holdings.count(LABELS) == {}


def test_everything_made_for_a_balancer_carries_its_labels_and_token(balancers, token):
    balancers.create(HTTP, token=token)
    assert holdings.count({**LABELS, labels.TOKEN: token}) == KINDS


def test_a_finished_create_that_is_repeated_brings_no_target_back(balancers, token):
    wanted = spec_of(TCP, targets=[ADDRESS], drain=1.0)
    made = balancers.create(wanted, token=token)
    balancers.deregister(made.id, [ADDRESS])
    assert balancers.create(wanted, token=token).id == made.id
    assert balancers.health(made.id) == []


@pytest.mark.parametrize(
    ("action", "code", "name"),
    [
        ("CreateLoadBalancer", "TooManyLoadBalancers", "load balancers"),
        ("CreateTargetGroup", "TooManyTargetGroups", "target groups"),
        ("CreateListener", "TooManyListeners", "listeners of a load balancer"),
        ("RegisterTargets", "TooManyTargets", "targets"),
    ],
)
def test_a_create_that_a_quota_stops_leaves_nothing(aws, balancers, token, action, code, name):
    aws.fault(action=action, code=code)
    with pytest.raises(QuotaError) as caught:
        balancers.create(spec_of(HTTP, targets=[ADDRESS]), token=token)
    assert caught.value.name == name
    assert holdings.count(LABELS) == {}


def test_tcp_and_http_are_not_had_of_one_balancer(aws, balancers, token):
    with pytest.raises(Unsupported, match="one for each"):
        balancers.create(spec_of(HTTP, listeners=[*HTTP.listeners, *TCP.listeners]), token=token)
    assert aws.calls == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"health_check": {"interval": 4.0}}, "health_check.interval: 4 s is outside of what AWS takes, 5 to 300 s"),
        ({"health_check": {"healthy_after": 1}}, "health_check.healthy_after: 1 is outside"),
        ({"drain": 4000.0}, "drain: 4000 s"),
        ({"targets": [{"address": "nowhere"}]}, '"nowhere" is no IP address'),
    ],
)
def test_figures_that_aws_refuses_are_refused_before_any_call(aws, balancers, token, fields, words):
    with pytest.raises(InvalidSpec, match=words):
        balancers.create(spec_of(TCP, **fields), token=token)
    assert aws.calls == []


def test_the_health_check_is_as_asked_for(balancers, native, token):
    balancers.create(HTTP, token=token)
    wanted = {
        "Protocol": "HTTP",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": "/well",
        "HealthCheckPort": "traffic-port",
        "HealthCheckIntervalSeconds": 7,
        "HealthyThresholdCount": 3,
        "TargetType": "instance",
    }
    for found in routes(native).values():
        assert found.items() >= wanted.items()
        assert found["HealthCheckTimeoutSeconds"] < 7
        (delay,) = (
            item["Value"]
            for item in native.describe_target_group_attributes(TargetGroupArn=found["TargetGroupArn"])["Attributes"]
            if item["Key"] == "deregistration_delay.timeout_seconds"
        )
        assert delay == "20"


def test_a_tcp_check_of_an_http_listener_is_any_answer_at_all(balancers, native, token):
    balancers.create(spec_of(HTTP, health_check={"port": 9000}), token=token)
    for found in routes(native).values():
        assert (found["HealthCheckProtocol"], found["HealthCheckPort"]) == ("HTTP", "9000")
        assert found["Matcher"] == {"HttpCode": "200-499"}


@pytest.mark.parametrize(("public", "scheme", "source"), [(True, "internet-facing", "0.0.0.0/0"), (False, "internal", None)])
def test_the_firewall_is_open_to_whom_the_balancer_is_for(balancers, ec2, token, public, scheme, source):
    made = balancers.create(spec_of(HTTP, public=public), token=token)
    assert made.native["Scheme"] == scheme
    network = ec2.describe_vpcs(VpcIds=[made.native["VpcId"]])["Vpcs"][0]["CidrBlock"]
    (firewall,) = ec2.describe_security_groups(GroupIds=made.native["SecurityGroups"])["SecurityGroups"]
    rules = {(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in firewall["IpPermissions"]}
    assert rules == {(80, source or network), (81, source or network)}


def test_a_network_balancer_is_of_its_kind_and_has_no_firewall(balancers, token):
    made = balancers.create(TCP, token=token)
    assert made.native["Type"] == "network"
    assert "security-group" not in holdings.count(LABELS)


def test_http_needs_subnets_in_two_zones(balancers, ec2, token):
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    with pytest.raises(InvalidSpec, match="two zones"):
        balancers.create(spec_of(HTTP, overrides={"subnet_ids": [subnet]}), token=token)
    made = balancers.create(spec_of(TCP, overrides={"subnet_ids": [subnet]}), token=token)
    assert [zone["SubnetId"] for zone in made.native["AvailabilityZones"]] == [subnet]


def test_an_unknown_target_is_told_before_anything_is_made(balancers, instance, token):
    for absent in (TargetSpec(instance="i-00000000000000000"), TargetSpec(group="no-such-group")):
        with pytest.raises(NotFound, match=absent.id):
            balancers.create(spec_of(TCP, targets=[TargetSpec(instance=instance), absent]), token=token)
    assert holdings.count(LABELS) == {}


def test_a_token_used_for_another_spec_is_a_conflict_and_harms_nothing(balancers, token):
    made = balancers.create(TCP, token=token)
    for other in (spec_of(TCP, drain=5.0), spec_of(TCP, name="another"), HTTP):
        with pytest.raises(Conflict):
            balancers.create(other, token=token)
    assert [balancer.id for balancer in balancers.list(LABELS)] == [made.id]


def test_names_that_aws_reserves_are_had_all_the_same(balancers, token):
    assert balancers.create(spec_of(TCP, name="internal-a--b"), token=token).name == "internal-a--b"


def test_a_deleted_balancer_leaves_other_target_groups_alone(balancers, native, ec2, token):
    made = balancers.create(TCP, token=token)
    name, vpc = made.native["LoadBalancerName"], made.native["VpcId"]
    for other in (f"{name}-theirs", "theirs-443"):
        native.create_target_group(Name=other, Protocol="TCP", Port=1, VpcId=vpc)
    balancers.delete(made.id)
    assert {found["TargetGroupName"] for found in native.describe_target_groups()["TargetGroups"]} == {
        f"{name}-theirs",
        "theirs-443",
    }


def test_lists_are_whole_and_in_few_calls(aws, balancers):
    made = {balancers.create(spec_of(TCP, name=f"n{number}"), token=str(uuid4())).id for number in range(23)}
    before = len(aws.calls)
    assert {balancer.id for balancer in balancers.list(LABELS)} == made
    calls = [call.action for call in aws.calls[before:]]
    assert (calls.count("DescribeLoadBalancers"), calls.count("DescribeTags")) == (1, 2)


def test_a_balancer_is_whole_whatever_the_pages(aws, balancers, token):
    aws.options.page = 5
    listeners = [Listener(port=port, protocol="tcp", target_port=8000 + port) for port in range(1, 13)]
    made = balancers.create(spec_of(TCP, listeners=listeners, targets=[ADDRESS]), token=token)
    assert made.listeners == tuple(listeners)
    balancers.delete(made.id)
    assert holdings.count(LABELS) == {}


def test_a_balancer_that_failed_ends_the_wait_for_it(balancers, token):
    made = balancers.create(TCP, token=token)
    (found,) = elbv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].load_balancers.values()
    found.state = "failed"
    with pytest.raises(Conflict, match="failed"):
        balancers.wait(made, "active")
    assert balancers.get(made.id).state == "failed"


def test_leftovers_of_a_balancer_are_told_while_it_is_not_there(aws, cloud, balancers, token):
    aws.fault(action="CreateLoadBalancer", refuse=True)
    with pytest.raises(TransientError):
        balancers.create(HTTP, token=token)
    aws.rules.clear()
    told = cloud.leftovers(LABELS)
    assert [leftover.kind for leftover in told] == ["security-group"]
    balancers.create(HTTP, token=token)
    assert cloud.leftovers(LABELS) == []
    for leftover in told:
        cloud.delete_leftover(leftover)  # its balancer is there after all
    assert holdings.count(LABELS) == KINDS
