"""What the services' answers mean, in each service's own form."""

import json

import pytest

from cloudlayer.errors import (
    AuthError,
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
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.openstack.errors import from_response
from tests.fakes.openstack import answers

WHERE = Where("openstack", "RegionOne", "nova", "m1.tiny")


def error(status, document, **headers):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return from_response(status, body, headers, WHERE)


@pytest.mark.parametrize("kind", answers.QUOTA)
def test_a_quota_is_told_from_a_missing_role(kind):
    assert isinstance(error(*answers.QUOTA[kind]), QuotaError)
    assert isinstance(error(*answers.DENIED[kind]), PermissionDenied)


@pytest.mark.parametrize(
    ("message", "name", "limit", "used"),
    [
        ("Quota exceeded for instances: Requested 1, but already used 9 of 10 instances", "instances", 10, 9),
        ("VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.", "volumes", 10, None),
        (
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 5G, "
            "quota is 10G and 8G has been consumed.",
            "gigabytes",
            10,
            8,
        ),
    ],
)
def test_a_quota_tells_its_name_and_figures(message, name, limit, used):
    found = error(403 if "instances" in message else 413, {"forbidden": {"code": 403, "message": message}})
    assert isinstance(found, QuotaError)
    assert (found.name, found.limit, found.used) == (name, limit, used)


def test_neutrons_own_words_decide():
    def told(kind, status):
        return error(status, {"NeutronError": {"type": kind, "message": "some words", "detail": ""}})

    assert isinstance(told("OverQuota", 409), QuotaError)
    assert isinstance(told("IpAddressGenerationFailure", 409), CapacityError)
    assert isinstance(told("SecurityGroupInUse", 409), Conflict)
    assert isinstance(told("PolicyNotAuthorized", 403), PermissionDenied)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedSpec),
        (401, AuthError),
        (403, PermissionDenied),
        (404, NotFound),
        (409, Conflict),
        (429, Throttled),
        (500, TransientError),
        (503, TransientError),
        (418, UnknownCloudError),
    ],
)
def test_a_status_decides_where_no_word_does(status, kind):
    assert type(error(status, {"someFault": {"code": status, "message": "insufficient capacity"}})) is kind


def test_an_answer_that_is_no_document_is_read_as_text():
    found = error(503, b"<html><body><h1>503 Service Unavailable</h1>No server is available.</body></html>")
    assert isinstance(found, TransientError)
    assert "No server is available" in found.message


def test_throttling_tells_when_to_come_again():
    found = error(429, {"overLimit": {"code": 429, "message": "slow down"}}, **{"retry-after": "7"})
    assert isinstance(found, Throttled)
    assert found.retry_after == 7


def test_an_error_carries_the_services_word_and_the_requests_id():
    found = error(409, {"conflictingRequest": {"code": 409, "message": "no"}}, **{"x-openstack-request-id": "req-1"})
    assert (found.provider, found.code, found.request_id) == ("openstack", "conflictingRequest", "req-1")
