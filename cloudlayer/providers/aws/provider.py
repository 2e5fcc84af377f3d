"""AWS in one region, connected."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.errors import AuthError, CloudError, PermissionDenied
from cloudlayer.interfaces import Capabilities, Capability, Clock, Deadline, SystemClock
from cloudlayer.providers.aws.catalogue import Catalogue
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.compute import Ec2Compute
from cloudlayer.providers.aws.images import DEFAULT
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.base.retries import Retries

_NO_ENGINE: Final = Capability(False, "running replicas on EC2 machines is not supported yet")
_COMPUTE: Final = (
    *("on_demand", "spot", "reserved", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices"),
)

CAPABILITIES: Final = Capabilities(
    "aws",
    {
        **dict.fromkeys(_COMPUTE, Capability(True)),
        "autoscaling": Capability(False, "Auto Scaling groups are not supported yet; create instances"),
        "load_balancing": Capability(False, "Elastic Load Balancing is not supported yet"),
        "volumes": Capability(False, "EBS volumes apart from instances are not supported yet; use an instance's disks"),
        "shares": Capability(False, "EFS is not supported yet"),
        "engine:process": _NO_ENGINE,
        "engine:docker": _NO_ENGINE,
    },
)


class AwsProvider(BaseProvider):
    """AWS in one region. Making one makes no call; `clock` is for tests."""

    def __init__(self, region: str | None, options: Options, *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._client = Client(region, options, Retries(clock=clock))
        super().__init__(self._client.region, CAPABILITIES)
        catalogue = Catalogue(self._client, clock, options.machine_types, options.prices)
        self._compute = Ec2Compute(self._client, CAPABILITIES, catalogue, clock)

    @property
    def compute(self) -> Ec2Compute:
        """Instances of EC2."""
        return self._compute

    def native(self, service: str) -> Any:
        """boto3's client for a service, such as "ec2"."""
        return self._client.service(service)

    def check(self) -> list[str]:
        """Credentials first, then each permission that Compute needs, by calls that change nothing."""
        deadline = self._client.retries.deadline(None)
        try:
            self._client.call("get_caller_identity", service="sts", deadline=deadline)
        except AuthError as error:
            return [f"{error}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, to credentials that hold"]
        except CloudError as error:
            return [f"{error}: is AWS reachable from here? A proxy is set by HTTPS_PROXY, another endpoint by AWS_ENDPOINT_URL"]
        refusals = (self._refusal(name, deadline, **wanted) for name, wanted in self._permissions(deadline).items())
        return [line for line in refusals if line is not None]

    def _permissions(self, deadline: Deadline) -> dict[str, dict[str, Any]]:
        """Operations of EC2, with parameters that are whole enough for a dry run."""
        wanted: dict[str, dict[str, Any]] = {
            "describe_instances": {},
            "describe_instance_types": {},
            "describe_instance_type_offerings": {},
            "describe_spot_price_history": {},
            "describe_capacity_reservations": {},
            "describe_images": {"Owners": ["self"]},
            "create_security_group": {"GroupName": "cloudlayer-check", "Description": "never made"},
        }
        try:
            images = self._compute.images(DEFAULT, deadline=deadline)
        except CloudError:
            images = []
        if images:
            launch = {"ImageId": images[0].id, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
            wanted["run_instances"] = launch
        return wanted

    def _refusal(self, operation: str, deadline: Deadline, **parameters: Any) -> str | None:
        error = self._client.denied(operation, deadline=deadline, **parameters)
        if error is None:
            return None
        action = "ec2:" + "".join(part.capitalize() for part in operation.split("_"))
        mend = f"allow {action} to this user or role" if isinstance(error, PermissionDenied) else "see AWS's own documentation"
        return f"{action}: {error}: {mend}"
