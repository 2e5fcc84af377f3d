"""What `doctor` finds out about an account: credentials, then permissions, by calls that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cloudlayer.errors import AuthError, CloudError, NotFound, PermissionDenied
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.compute.images import DEFAULT, Images
from cloudlayer.providers.aws.permissions import action


@dataclass(frozen=True, slots=True)
class _Probe:
    """An operation with parameters that are whole enough to be answered; EC2's are dry runs."""

    operation: str
    service: str = "ec2"
    parameters: dict[str, Any] = field(default_factory=dict)


_NEVER_MADE: Final = "cloudlayer-check"

_PROBES: Final = (
    _Probe("describe_instances"),
    _Probe("describe_instance_types"),
    _Probe("describe_instance_type_offerings"),
    _Probe("describe_spot_price_history"),
    _Probe("describe_capacity_reservations"),
    _Probe("describe_images", parameters={"Owners": ["self"]}),
    _Probe("create_security_group", parameters={"GroupName": _NEVER_MADE, "Description": "never made"}),
    _Probe("describe_volumes"),
    _Probe("describe_volumes_modifications"),
    _Probe("describe_snapshots", parameters={"OwnerIds": ["self"]}),
    _Probe("describe_network_interfaces"),
    _Probe("describe_launch_templates"),
    _Probe(
        "create_launch_template",
        parameters={"LaunchTemplateName": _NEVER_MADE, "LaunchTemplateData": {"InstanceType": "t3.micro"}},
    ),
    _Probe("get_parameters", "ssm", {"Names": ["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"]}),
    _Probe("describe_auto_scaling_groups", "autoscaling", {"MaxRecords": 1}),
    _Probe("describe_load_balancers", "elbv2", {"PageSize": 1}),
    _Probe("describe_target_groups", "elbv2", {"PageSize": 1}),
    _Probe("describe_alarms", "cloudwatch", {"MaxRecords": 1}),
    _Probe("list_service_quotas", "service-quotas", {"ServiceCode": "ec2", "MaxResults": 1}),
)
"""For the services that have no dry run, a look says whether they may be used at all."""


class Checks:
    """Looks at one account in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._images = Images(client)

    def lines(self, deadline: Deadline) -> list[str]:
        """What is wrong, a line each with its mend."""
        try:
            self._client.call("get_caller_identity", service="sts", deadline=deadline)
        except AuthError as error:
            return [f"{error}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, to credentials that hold"]
        except CloudError as error:
            return [f"{error}: is AWS reachable from here? A proxy is set by HTTPS_PROXY, another endpoint by AWS_ENDPOINT_URL"]
        refusals = (self._refusal(probe, deadline) for probe in (*_PROBES, *self._launches(deadline)))
        return [line for line in refusals if line is not None]

    def _launches(self, deadline: Deadline) -> Iterator[_Probe]:
        """A launch, and a volume in the region's first zone."""
        try:
            images = self._images.find(DEFAULT, deadline)
            zones = self._client.call("describe_availability_zones", deadline=deadline)["AvailabilityZones"]
        except CloudError:
            images, zones = [], []
        if images:
            launch = {"ImageId": images[0].id, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
            yield _Probe("run_instances", parameters=launch)
        if zones:
            yield _Probe("create_volume", parameters={"AvailabilityZone": zones[0]["ZoneName"], "Size": 1})

    def _refusal(self, probe: _Probe, deadline: Deadline) -> str | None:
        error = self._denied(probe, deadline)
        if error is None:
            return None
        name = action(probe.service, probe.operation)
        if isinstance(error, PermissionDenied):
            mend = f"allow {name} to this user or role; `cloudlayer iam aws` prints all that is needed"
        else:
            mend = "see AWS's own documentation"
        return f"{name}: {error}: {mend}"

    def _denied(self, probe: _Probe, deadline: Deadline) -> CloudError | None:
        if probe.service == "ec2":
            return self._client.denied(probe.operation, deadline=deadline, **probe.parameters)
        try:
            self._client.call(probe.operation, service=probe.service, deadline=deadline, **probe.parameters)
        except NotFound:
            return None  # it was allowed to look
        except CloudError as error:
            return error
        return None
