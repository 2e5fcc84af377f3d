"""AWS as the suite sees it: the fake that the driver's own tests use."""

import pytest

from cloudlayer.providers.aws.permissions import ACTIONS
from tests.providers.aws.conftest import KEYS, aws, cloud, compute, connected, ec2, no_other_aws, server

__all__ = ["aws", "cloud", "compute", "connected", "ec2", "no_other_aws", "server"]

ALLOWED = {name for actions in ACTIONS.values() for name in actions}
PREFIXES = {"monitoring": "cloudwatch"}
"""What IAM calls a service, where that is not the name that requests are signed for."""

TESTS_OWN = ("iam",)
"""Services that the tests call and the driver never does: a certificate is somebody else's to make."""


@pytest.fixture(autouse=True)
def within_the_policy(aws):
    """Whatever the suite makes the driver do, the policy that `cloudlayer iam` prints allows it."""
    yield
    mine = [call for call in aws.calls if call.key == KEYS["access_key_id"] and call.service not in TESTS_OWN]
    made = {f"{PREFIXES.get(call.service, call.service)}:{call.action}" for call in mine}
    assert made - ALLOWED == set()
