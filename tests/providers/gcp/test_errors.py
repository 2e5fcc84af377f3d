"""What the cloud's codes become: of calls by their reason, of operations by their code, never by a message."""

import pytest
import requests
from google.cloud import compute_v1

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
    Unsupported,
)
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.gcp.errors import from_operation

HERE = Where("gcp", "us-central1", "us-central1-a", "n2-standard-8", "spot")

REASONS = [
    ("notFound", 404, NotFound),
    ("alreadyExists", 409, Conflict),
    ("conditionNotMet", 412, Conflict),
    ("resourceInUseByAnotherResource", 400, Conflict),
    ("resourceNotReady", 400, Conflict),
    ("invalid", 400, RejectedSpec),
    ("required", 400, RejectedSpec),
    ("badRequest", 400, RejectedSpec),
    ("forbidden", 403, PermissionDenied),
    ("insufficientPermissions", 403, PermissionDenied),
    ("accessNotConfigured", 403, PermissionDenied),
    ("quotaExceeded", 403, QuotaError),
    ("limitExceeded", 403, QuotaError),
    ("rateLimitExceeded", 403, Throttled),
    ("userRateLimitExceeded", 403, Throttled),
    ("authError", 401, AuthError),
    ("required", 401, AuthError),
    ("backendError", 503, TransientError),
    ("internalError", 500, TransientError),
    ("neverHeardOf", 400, UnknownCloudError),
    ("neverHeardOf", 500, UnknownCloudError),
]

CODES = [
    ("ZONE_RESOURCE_POOL_EXHAUSTED", CapacityError),
    ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", CapacityError),
    ("STOCKOUT", CapacityError),
    ("QUOTA_EXCEEDED", QuotaError),
    ("IP_SPACE_EXHAUSTED", QuotaError),
    ("RESOURCE_NOT_FOUND", NotFound),
    ("RESOURCE_ALREADY_EXISTS", Conflict),
    ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", Conflict),
    ("IP_IN_USE_BY_ANOTHER_RESOURCE", Conflict),
    ("CONDITION_NOT_MET", Conflict),
    ("INVALID_FIELD_VALUE", RejectedSpec),
    ("UNSUPPORTED_OPERATION", Unsupported),
    ("PERMISSIONS_ERROR", PermissionDenied),
    ("RATE_LIMIT_EXCEEDED", Throttled),
    ("INTERNAL_ERROR", TransientError),
    ("NEVER_HEARD_OF", UnknownCloudError),
]


def ended(code, message="", **details):
    error = {"code": code, "message": message}
    if details:
        error["error_details"] = [{"quota_info": details}]
    return compute_v1.Operation({"name": "operation-1", "error": {"errors": [error]}})


@pytest.mark.parametrize(("reason", "status", "kind"), REASONS)
def test_the_reason_of_a_refusal_decides(cloud, gce, reason, status, kind):
    gce.fault(code=reason, status=status, message="out of capacity, perhaps")
    with pytest.raises(kind) as caught:
        cloud._client.call("zones", "get", zone="us-central1-a", retried=False)
    assert type(caught.value) is kind
    assert caught.value.provider == "gcp"
    assert caught.value.code


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_the_code_of_an_operation_decides(code, kind):
    error = from_operation(ended(code, "out of capacity, perhaps"), HERE)
    assert type(error) is kind
    assert (error.provider, error.code, error.request_id) == ("gcp", code, "operation-1")


def test_an_operation_that_ended_well_has_no_error():
    assert from_operation(compute_v1.Operation({"name": "operation-1"}), HERE) is None


def test_a_lack_of_capacity_is_one_of_the_zone_type_and_way_of_buying():
    error = from_operation(ended("ZONE_RESOURCE_POOL_EXHAUSTED"), HERE)
    assert error.scope is AvoidScope.ZONE
    assert (error.avoid.zone, error.avoid.machine_type, error.avoid.purchase) == ("us-central1-a", "n2-standard-8", "spot")


def test_a_quota_tells_its_name_and_limit_where_the_cloud_does():
    error = from_operation(ended("QUOTA_EXCEEDED", limit_name="N2-CPUS-per-project-region", limit=8.0), HERE)
    assert (error.name, error.limit) == ("N2-CPUS-per-project-region", 8.0)
    bare = from_operation(ended("QUOTA_EXCEEDED"), HERE)
    assert (bare.name, bare.limit) == ("a quota of the project", None)


def test_of_several_codes_the_first_that_is_known_decides():
    errors = [{"code": "NEVER_HEARD_OF"}, {"code": "QUOTA_EXCEEDED"}]
    operation = compute_v1.Operation({"name": "o", "error": {"errors": errors}})
    assert type(from_operation(operation, HERE)) is QuotaError


def test_a_pause_that_the_cloud_asks_for_is_told(cloud, gce):
    gce.fault(code="rateLimitExceeded", status=403, retry_after=7)
    with pytest.raises(Throttled) as caught:
        cloud._client.call("zones", "get", zone="us-central1-a", retried=False)
    assert caught.value.retry_after == 7.0


def test_a_message_is_googles_own_without_the_request(cloud):
    with pytest.raises(NotFound) as caught:
        cloud._client.call("instances", "get", zone="us-central1-a", instance="absent")
    assert caught.value.message == "The resource 'projects/proj/zones/us-central1-a/instances/absent' was not found"


def test_an_answer_that_is_none_of_googles_is_told_by_its_status(cloud, monkeypatch):
    answer = requests.Response()
    answer.status_code, answer._content = 502, b"<html>proxy</html>"
    answer.request = requests.Request("GET", "http://x").prepare()
    monkeypatch.setattr(requests.Session, "request", lambda *args, **options: answer)
    with pytest.raises(TransientError) as caught:
        cloud._client.call("zones", "get", zone="us-central1-a", retried=False)
    assert caught.value.code == "502"


def test_an_answer_that_cannot_be_read_is_a_passing_fault(cloud, monkeypatch):
    answer = requests.Response()
    answer.status_code, answer._content = 200, b"not json"
    monkeypatch.setattr(requests.Session, "request", lambda *args, **options: answer)
    with pytest.raises(TransientError):
        cloud._client.call("zones", "get", zone="us-central1-a", retried=False)
