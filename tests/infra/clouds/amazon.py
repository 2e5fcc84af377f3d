"""AWS's stand-in over moto's server, counted and tampered with by boto3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import boto3

from tests.fakes.aws.server import FakeAws  # first: moto reads its settings as it is imported

# isort: split
from tests.fakes.aws import holdings
from tests.fakes.aws.faults import AwsFaults
from tests.infra.clouds.base import Cloud

REGION = "us-east-1"
KEYS = {"access_key_id": "AKIATEST", "secret_access_key": "hidden-secret"}
GOING = ("shutting-down", "terminated", "deleting", "deleted")


class Amazon(Cloud):
    """AWS as the stand-in has it, which is `fake` itself."""

    provider: ClassVar[str] = f"aws:{REGION}"
    other_type: ClassVar[str] = "m7i.xlarge"

    def __init__(self, fake: FakeAws, folder: Path) -> None:
        super().__init__()
        self.fake, self.faults = fake, AwsFaults(fake)
        self.options = {"endpoint_url": fake.url, "machine_types": ["m7i.large", "m7i.xlarge"], **KEYS}
        absent = {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}
        self.environment = {"AWS_EC2_METADATA_DISABLED": "true", **absent}
        self._session = boto3.session.Session(KEYS["access_key_id"], KEYS["secret_access_key"], region_name=REGION)

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        return self._session.client(service, endpoint_url=self.fake.url)

    @property
    def defaults(self) -> Mapping[str, Mapping[str, Any]]:
        template = {"machine_type": "m7i.large", "image": "ubuntu-22.04"}
        return {
            "instance": template,
            "group": {"template": template, "min": 1, "max": 2},
            "balancer": {"listeners": [{"port": 80, "protocol": "tcp", "target_port": 8080}], "drain": 1},
            "volume": {"size": "1GiB"},
            "share": {"size": "1GiB"},
        }

    def ids(self, kind: str) -> list[str]:
        found: list[str] = getattr(self, f"_{kind}s")()
        return found

    def pieces(self) -> dict[str, int]:
        return holdings.count(self.labels)

    def delete(self, kind: str, id: str) -> None:
        if kind == "instance":
            self.client("ec2").terminate_instances(InstanceIds=[id])
        elif kind == "volume":
            self.detach(id)
            self.client("ec2").delete_volume(VolumeId=id)
            self.fake.tokens.forget()  # what EC2 answers to a token whose volume is deleted is documented nowhere
        elif kind == "group":
            self.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=id, ForceDelete=True)
        else:
            self.client("elbv2").delete_load_balancer(LoadBalancerArn=id)

    def stop(self, instance: str) -> None:
        self.client("ec2").stop_instances(InstanceIds=[instance])

    def state_of(self, instance: str) -> str:
        return str(self._instance(instance)["State"]["Name"])

    def type_of(self, instance: str) -> str:
        return str(self._instance(instance)["InstanceType"])

    def detach(self, volume: str) -> None:
        if self.holder_of(volume) is not None:
            self.client("ec2").detach_volume(VolumeId=volume)

    def holder_of(self, volume: str) -> str | None:
        return next((item["InstanceId"] for item in self._volume(volume)["Attachments"]), None)

    def gibibytes(self, volume: str) -> float:
        return float(self._volume(volume)["Size"])

    def bounds_of(self, group: str) -> tuple[int, int]:
        answer = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
        (found,) = answer["AutoScalingGroups"]
        return found["MinSize"], found["MaxSize"]

    def bound(self, group: str, most: int) -> None:
        self.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, MaxSize=most)

    def targets_of(self, balancer: str) -> set[str]:
        routes = [self._health(route) for route in self._routes(balancer)]
        return {item["Target"]["Id"] for route in routes for item in route if item["TargetHealth"]["State"] != "draining"}

    def address_of(self, instance: str) -> str:
        return instance

    def drop_target(self, balancer: str, instance: str) -> None:
        for route in self._routes(balancer):
            self.client("elbv2").deregister_targets(TargetGroupArn=route, Targets=[{"Id": instance}])

    def clear(self) -> None:
        self.fake.reset()

    def _instances(self) -> list[str]:
        pages = self.client("ec2").get_paginator("describe_instances").paginate(Filters=self._filters("instance"))
        found = [instance for page in pages for each in page["Reservations"] for instance in each["Instances"]]
        return [instance["InstanceId"] for instance in found if instance["State"]["Name"] not in GOING]

    def _volumes(self) -> list[str]:
        found = self.client("ec2").describe_volumes(Filters=self._filters("volume"))["Volumes"]
        return [volume["VolumeId"] for volume in found if volume["State"] not in GOING]

    def _groups(self) -> list[str]:
        found = self.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return [group["AutoScalingGroupName"] for group in found if self._is_ours(group["Tags"]) and "Status" not in group]

    def _balancers(self) -> list[str]:
        balancing = self.client("elbv2")
        arns = [found["LoadBalancerArn"] for found in balancing.describe_load_balancers()["LoadBalancers"]]
        tagged = balancing.describe_tags(ResourceArns=arns)["TagDescriptions"] if arns else []
        return [found["ResourceArn"] for found in tagged if self._is_ours(found["Tags"])]

    def _is_ours(self, tags: list[dict[str, Any]]) -> bool:
        return self.labels.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items()

    def _filters(self, kind: str) -> list[dict[str, Any]]:
        wanted = {**self.labels, "made-as": kind}
        return [{"Name": f"tag:{name}", "Values": [value]} for name, value in wanted.items()]

    def _instance(self, id: str) -> dict[str, Any]:
        answer = self.client("ec2").describe_instances(InstanceIds=[id])
        found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
        return found

    def _volume(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ec2").describe_volumes(VolumeIds=[id])["Volumes"][0]
        return found

    def _routes(self, balancer: str) -> list[str]:
        found = self.client("elbv2").describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
        return [route["TargetGroupArn"] for route in found]

    def _health(self, route: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client("elbv2").describe_target_health(TargetGroupArn=route)[
            "TargetHealthDescriptions"
        ]
        return found
