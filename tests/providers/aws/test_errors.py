"""What AWS says, told apart by its codes."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import (
    AuthError,
    Avoid,
    CapacityError,
    CloudError,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.providers.aws.errors import TABLE

SPEC = InstanceSpec(machine_type="m7i.large", image="ami-0a01", zone="us-east-1b", purchase="spot")
OFFER = {"region": "us-east-1", "zone": "us-east-1b", "machine_type": "m7i.large", "purchase": "spot"}
TYPE = {"region": "us-east-1", "machine_type": "m7i.large", "purchase": "spot"}
NOTHING = None

CODES = [
    ("InsufficientInstanceCapacity", 500, CapacityError, Avoid(300, "aws", **OFFER)),
    ("InsufficientInstanceCapacity", 400, CapacityError, Avoid(300, "aws", **OFFER)),
    ("ReservationCapacityExceeded", 400, CapacityError, Avoid(300, "aws", **OFFER)),
    ("SpotMaxPriceTooLow", 400, CapacityError, Avoid(300, "aws", **OFFER)),
    ("VcpuLimitExceeded", 400, QuotaError, Avoid(600, "aws", **TYPE)),
    ("InstanceLimitExceeded", 400, QuotaError, Avoid(600, "aws", **TYPE)),
    ("MaxSpotInstanceCountExceeded", 400, QuotaError, Avoid(600, "aws", **TYPE)),
    ("Unsupported", 400, Unsupported, Avoid(86400, "aws", **OFFER)),
    ("UnauthorizedOperation", 403, PermissionDenied, Avoid(300, "aws", "us-east-1")),
    ("AuthFailure", 401, AuthError, Avoid(60, "aws")),
    ("ExpiredToken", 400, AuthError, Avoid(60, "aws")),
    ("RequestLimitExceeded", 503, Throttled, NOTHING),
    ("Throttling", 400, Throttled, NOTHING),
    ("InternalError", 500, TransientError, NOTHING),
    ("Unavailable", 503, TransientError, NOTHING),
    ("IdempotentParameterMismatch", 400, Conflict, NOTHING),
    ("IdempotentInstanceTerminated", 400, Conflict, NOTHING),
    ("IncorrectInstanceState", 400, Conflict, NOTHING),
    ("InvalidParameterValue", 400, RejectedSpec, NOTHING),
    ("InvalidAMIID.NotFound", 400, RejectedSpec, NOTHING),
    ("InvalidSubnetID.NotFound", 400, RejectedSpec, NOTHING),
    ("InvalidInstanceID.NotFound", 400, NotFound, NOTHING),
    ("SomethingNew", 500, UnknownCloudError, NOTHING),
    ("InsufficientPatience", 400, UnknownCloudError, NOTHING),
]


@pytest.mark.parametrize(("code", "status", "error", "avoid"), CODES)
def test_each_code_is_its_own_error(aws, compute, code, status, error, avoid):
    aws.fault(action="RunInstances", code=code, status=status, message="Insufficient capacity; quota; not found; throttled")
    with pytest.raises(CloudError) as caught:
        compute.create(SPEC, token=str(uuid4()))
    found = caught.value
    assert (type(found), found.provider, found.code, found.avoid) == (error, "aws", code, avoid)


def test_a_quota_is_named(aws, compute):
    aws.fault(action="RunInstances", code="VcpuLimitExceeded")
    with pytest.raises(QuotaError) as caught:
        compute.create(SPEC, token=str(uuid4()))
    assert "vCPUs" in caught.value.name


@pytest.mark.parametrize("status", [502, 503])
def test_an_answer_that_is_no_answer_of_ec2_may_pass(aws, compute, status):
    aws.fault(code=str(status), status=status)
    with pytest.raises(TransientError):
        compute.list()


def test_a_dropped_connection_may_pass(aws, compute):
    aws.fault(refuse=True, times=1)
    assert compute.list() == []
    aws.fault(refuse=True)
    with pytest.raises(TransientError) as caught:
        compute.list()
    assert caught.value.code == "ConnectionClosedError"


def test_only_lacks_of_capacity_are_taken_for_one():
    codes = {code for code, fault in TABLE.items() if issubclass(fault.error, CapacityError)}
    assert all("Capacity" in code or code == "SpotMaxPriceTooLow" for code in codes)
