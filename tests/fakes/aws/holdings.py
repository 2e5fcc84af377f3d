"""What moto itself holds, counted past every API, and pieces planted there as a broken-off create leaves them."""

from uuid import uuid4

import boto3
from moto.autoscaling.models import autoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from cloudlayer.labels import TOKEN

REGION = "us-east-1"
GONE = ("shutting-down", "terminated")


def count(labels):
    """How many of each kind are alive that carry all of the labels; kinds of which there are none are left out."""
    found = {kind: sum(labels.items() <= tags.items() for tags in listed) for kind, listed in _tags().items()}
    return {kind: number for kind, number in found.items() if number}


def plant(url, labels):
    """One leftover of each kind with these labels; how many these are."""
    clients = _Clients(url)
    marked = {**labels, TOKEN: str(uuid4())}
    tags = [{"Key": name, "Value": value} for name, value in marked.items()]
    return sum(_plant(clients, tags) for _plant in PLANTERS)


def _tags():
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
    groups = autoscaling_backends[DEFAULT_ACCOUNT_ID][REGION]
    balancing = elbv2_backends[DEFAULT_ACCOUNT_ID][REGION]
    alarms = cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION]
    ids = {
        "instance": [instance.id for instance in ec2.all_instances() if instance.state not in GONE],
        "volume": ec2.volumes,
        "snapshot": ec2.snapshots,
        "network-interface": ec2.enis,
        "security-group": [group for network in ec2.groups.values() for group in network],
        "launch-template": ec2.launch_templates,
    }
    arns = {
        "balancer": balancing.load_balancers,
        "listener": [arn for balancer in balancing.load_balancers.values() for arn in balancer.listeners],
        "target-group": balancing.target_groups,
    }
    return {
        **{kind: [ec2.tags[name] for name in list(listed) if name in ec2.tags] for kind, listed in ids.items()},
        "group": [{tag["Key"]: tag["Value"] for tag in group.tags} for group in groups.autoscaling_groups.values()],
        **{kind: [balancing.tagging_service.get_tag_dict_for_resource(arn) for arn in listed] for kind, listed in arns.items()},
        "alarm": [alarms.tagger.get_tag_dict_for_resource(alarm.alarm_arn) for alarm in alarms.alarms.values()],
    }


class _Clients:
    """boto3's clients, past the driver. A fault rule holds for them too: plant before a fault."""

    def __init__(self, url):
        self._session = boto3.session.Session(
            aws_access_key_id="AKIAPLANTER",
            aws_secret_access_key="planted",
            region_name=REGION,
        )
        self._url = url

    def __getattr__(self, service):
        return self._session.client(service, endpoint_url=self._url)


def _of_launches(clients, tags):
    subnet = clients.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    clients.ec2.create_network_interface(SubnetId=subnet, TagSpecifications=_specification("network-interface", tags))
    return 1 + _firewall(clients, tags, f"cloudlayer-{uuid4()}")


def _of_groups(clients, tags):
    name = f"cl-{uuid4().hex[:16]}"
    data = {"InstanceType": "m7i.large", "ImageId": "ami-0a01"}
    specification = _specification("launch-template", tags)
    clients.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, TagSpecifications=specification)
    clients.cloudwatch.put_metric_alarm(
        AlarmName=f"cloudlayer/{name}/step",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Threshold=0.5,
        Tags=tags,
    )
    return 2 + _firewall(clients, tags, f"scaling-{name}-01234567")


def _of_balancers(clients, tags):
    name, vpc = f"cl-{uuid4().hex[:16]}", clients.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    clients.elbv2.create_target_group(Name=f"{name}-80", Protocol="TCP", Port=80, VpcId=vpc, Tags=tags)
    return 1 + _firewall(clients, tags, f"balancing-{name}-01234567")


def _firewall(clients, tags, name):
    specification = _specification("security-group", tags)
    clients.ec2.create_security_group(GroupName=name, Description="left behind", TagSpecifications=specification)
    return 1


def _specification(kind, tags):
    return [{"ResourceType": kind, "Tags": tags}]


PLANTERS = (_of_launches, _of_groups, _of_balancers)
"""What each part of the driver may leave; each function returns how many pieces it planted."""
