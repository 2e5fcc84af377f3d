"""What Azure's codes become, at once and late, and what of an answer a user is told."""

import pytest

from cloudlayer.errors import (
    AuthError,
    AvoidScope,
    CapacityError,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.providers.azure.errors import from_answer, from_failure, from_sdk
from cloudlayer.providers.base.errors import Where

WHERE = Where("azure", "eastus", "2", "Standard_D2s_v5", "spot")


def refused(code, status=409, making="", headers=None, **more):
    document = {"error": {"code": code, "message": "Something.", **more}}
    return from_answer(status, document, headers or {}, WHERE, making)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("SkuNotAvailable", 409, CapacityError),
        ("QuotaExceeded", 409, QuotaError),
        ("PublicIPCountLimitReached", 400, QuotaError),
        ("InvalidAuthenticationToken", 401, AuthError),
        ("ExpiredAuthenticationToken", 401, AuthError),
        ("AuthenticationFailed", 401, AuthError),
        ("AuthorizationFailed", 403, PermissionDenied),
        ("LinkedAuthorizationFailed", 403, PermissionDenied),
        ("ResourceNotFound", 404, NotFound),
        ("ParentResourceNotFound", 404, NotFound),
        ("ResourceGroupNotFound", 404, RejectedSpec),
        ("SubscriptionNotFound", 404, RejectedSpec),
        ("InvalidParameter", 400, RejectedSpec),
        ("AzureSpotIsNotSupportedForThisVMSize", 409, RejectedSpec),
        ("InvalidResourceReference", 400, RejectedSpec),
        ("PropertyChangeNotAllowed", 409, Conflict),
        ("PreconditionFailed", 412, Conflict),
        ("NicInUse", 400, Conflict),
        ("AnotherOperationInProgress", 409, TransientError),
        ("RetryableError", 409, TransientError),
        ("InternalServerError", 500, TransientError),
        ("SomethingNobodyKnows", 503, TransientError),
        ("SomethingNobodyKnows", 409, UnknownCloudError),
        ("TooManyRequests", 429, Throttled),
    ],
)
def test_a_code_has_one_meaning(code, status, error):
    found = refused(code, status)
    assert type(found) is error
    assert (found.provider, found.code) == ("azure", code)


@pytest.mark.parametrize(
    ("code", "scope", "zone"),
    [
        ("AllocationFailed", AvoidScope.REGION, None),
        ("OverconstrainedAllocationRequest", AvoidScope.REGION, None),
        ("SpotPriceGreaterThanProvidedMaxPrice", AvoidScope.REGION, None),
        ("ZonalAllocationFailed", AvoidScope.ZONE, "2"),
        ("OverconstrainedZonalAllocationRequest", AvoidScope.ZONE, "2"),
        ("SkuNotAvailable", AvoidScope.ZONE, "2"),
    ],
)
def test_a_lack_of_capacity_reaches_as_far_as_its_code_says(code, scope, zone):
    found = from_failure({"status": "Failed", "error": {"code": code, "message": "No room."}}, {}, WHERE)
    assert type(found) is CapacityError
    assert found.scope is scope
    avoided = found.avoid
    assert (avoided.region, avoided.zone, avoided.machine_type, avoided.purchase) == ("eastus", zone, "Standard_D2s_v5", "spot")


def test_one_code_is_a_quota_where_something_is_made_and_a_state_elsewhere():
    made = refused("OperationNotAllowed", making="vCPUs")
    assert (type(made), made.name) == (QuotaError, "vCPUs")
    assert type(refused("OperationNotAllowed")) is Conflict


def test_being_throttled_is_told_by_the_status_whatever_the_code():
    found = refused("OperationNotAllowed", 429, making="vCPUs", headers={"Retry-After": "17"})
    assert type(found) is Throttled
    assert found.retry_after == 17.0


def test_a_message_of_capacity_makes_no_capacity_error():
    found = from_answer(409, {"error": {"code": "Odd", "message": "AllocationFailed: insufficient capacity"}}, {}, WHERE)
    assert type(found) is UnknownCloudError


def test_the_code_inside_of_a_failed_operation_is_the_one_that_counts():
    inner = [{"code": "ZonalAllocationFailed", "message": "No room in the zone."}]
    found = refused("DeploymentFailed", details=inner)
    assert (type(found), found.code, found.message) == (CapacityError, "ZonalAllocationFailed", "No room in the zone.")


def test_an_answer_without_a_document_is_told_by_its_status():
    assert type(from_answer(502, None, {}, WHERE)) is TransientError
    assert from_answer(418, "text", {}, WHERE).code == "418"


def test_a_support_request_can_be_made_of_it():
    assert refused("Odd", headers={"x-ms-request-id": "r-1"}).request_id == "r-1"


def test_what_the_sdk_says_is_one_line_without_signatures():
    found = from_sdk(ConnectionError("no answer from https://host/blob?sv=1&sig=secret\nat all"), WHERE)
    assert "secret" not in str(found) and "\n" not in str(found)
