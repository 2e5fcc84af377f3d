"""What Compute Engine's error codes mean: the reason of an HTTP error, or the code of an operation's. They alone decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import requests.exceptions
from google.api_core import exceptions as sdk
from google.auth import exceptions as auth
from google.protobuf.json_format import ParseError

from cloudlayer.errors import (
    AuthError,
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
from cloudlayer.providers.base.errors import Fault, Where, first_sentence, translate

_THIS_OFFER: Final = ("region", "zone", "machine_type", "purchase")
_NO_ROOM: Final = Fault(CapacityError, _THIS_OFFER, 300)
_QUOTA: Final = Fault(QuotaError, ("region", "machine_type", "purchase"), 600, "a quota of the project")
_AUTH: Final = Fault(AuthError, (), 60)
_DENIED: Final = Fault(PermissionDenied, ("region",), 300)
_THROTTLED: Final = Fault(Throttled)
_TRANSIENT: Final = Fault(TransientError)
_REJECTED: Final = Fault(RejectedSpec)
_CONFLICT: Final = Fault(Conflict)
_ABSENT: Final = Fault(NotFound)

_LOGIN: Final = (
    "run `gcloud auth application-default login`, or name a key file with the option credentials_file or in "
    "GOOGLE_APPLICATION_CREDENTIALS"
)


def _all(fault: Fault, codes: str) -> dict[str, Fault]:
    return dict.fromkeys(codes.split(), fault)


TABLE: Final[Mapping[str, Fault]] = {
    **_all(_NO_ROOM, "ZONE_RESOURCE_POOL_EXHAUSTED ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS STOCKOUT insufficientCapacity"),
    **_all(_NO_ROOM, "RESOURCE_POOL_EXHAUSTED REGION_RESOURCE_POOL_EXHAUSTED VM_MIN_COUNT_NOT_REACHED"),
    **_all(_QUOTA, "QUOTA_EXCEEDED quotaExceeded LIMIT_EXCEEDED limitExceeded RESOURCE_QUOTA_EXCEEDED"),
    **_all(
        Fault(QuotaError, ("region", "zone"), 600, "free addresses in the subnetwork"),
        "IP_SPACE_EXHAUSTED IP_SPACE_EXHAUSTED_WITH_DETAILS",
    ),
    **_all(_AUTH, "401 authError expired UNAUTHENTICATED ACCESS_TOKEN_EXPIRED CREDENTIALS_MISSING"),
    **_all(_DENIED, "403 forbidden insufficientPermissions PERMISSIONS_ERROR IAM_PERMISSION_DENIED USER_PROJECT_DENIED"),
    **_all(_DENIED, "accessNotConfigured SERVICE_DISABLED billingNotEnabled BILLING_DISABLED CONSUMER_SUSPENDED"),
    **_all(_DENIED, "ACCESS_TOKEN_SCOPE_INSUFFICIENT SECURITY_POLICY_VIOLATED ORG_RESTRICTION_VIOLATION"),
    **_all(_THROTTLED, "429 rateLimitExceeded userRateLimitExceeded RATE_LIMIT_EXCEEDED RESOURCE_OPERATION_RATE_EXCEEDED"),
    **_all(_THROTTLED, "concurrentLimitExceeded servingLimitExceeded dailyLimitExceeded"),
    **_all(_TRANSIENT, "408 500 502 503 504 backendError internalError internalServerError badGateway gatewayTimeout"),
    **_all(_TRANSIENT, "INTERNAL_ERROR SYSTEM_ERROR TIMEOUT UNAVAILABLE"),
    **_all(_ABSENT, "404 notFound RESOURCE_NOT_FOUND 410 deleted"),
    **_all(_CONFLICT, "409 alreadyExists RESOURCE_ALREADY_EXISTS duplicate conflict 412 conditionNotMet CONDITION_NOT_MET"),
    **_all(_CONFLICT, "resourceInUseByAnotherResource resourceInUse RESOURCE_IN_USE RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"),
    **_all(_CONFLICT, "resourceNotReady RESOURCE_NOT_READY operationInProgress memberAlreadyExists MEMBER_ALREADY_EXISTS"),
    **_all(_CONFLICT, "IP_IN_USE_BY_ANOTHER_RESOURCE"),
    **_all(_REJECTED, "400 invalid required badRequest invalidParameter parseError invalidArgument invalidQuery"),
    **_all(_REJECTED, "invalidUsage INVALID_FIELD_VALUE INVALID_USAGE INVALID_PARAMETER INVALID_ARGUMENT BAD_REQUEST"),
    **_all(Fault(Unsupported, _THIS_OFFER, 86400), "UNSUPPORTED_OPERATION unsupportedOperation notImplemented"),
}

SDK_ERRORS: Final = (sdk.GoogleAPIError, auth.GoogleAuthError, requests.exceptions.RequestException, ParseError)

_SDK_FAULTS: Final[tuple[tuple[tuple[type[Exception], ...], Fault], ...]] = (
    ((auth.TransportError,), _TRANSIENT),
    ((auth.GoogleAuthError,), _AUTH),
    ((requests.exceptions.RequestException, ParseError), _TRANSIENT),
)
"""What the SDK raises by itself, without an answer of the cloud's that can be read."""


def from_answer(error: sdk.GoogleAPICallError, where: Where) -> CloudError:
    """The error for an HTTP error: its reason decides, and its status only where it gives none."""
    status = str(int(error.code or 0))
    code = "401" if status == "401" else _reason(error) or status
    headers = getattr(error.response, "headers", None) or {}
    return translate(
        TABLE,
        code,
        _mended(TABLE.get(code), _message(error)),
        where,
        request_id=str(headers.get("X-Goog-Request-Id") or headers.get("X-Cloud-Trace-Context") or ""),
        retry_after=_seconds(headers.get("Retry-After")),
    )


def from_sdk(error: Exception, where: Where) -> CloudError:
    """The error for a call that had no answer, or was never made."""
    fault = next((fault for kinds, fault in _SDK_FAULTS if isinstance(error, kinds)), Fault(UnknownCloudError))
    code = type(error).__name__
    return translate({code: fault}, code, _mended(fault, str(error) or code), where)


def from_operation(operation: Any, where: Where) -> CloudError | None:
    """The error that an operation ended with, None if it ended well. Of several, the first whose code is known."""
    found = list(operation.error.errors)
    if not found:
        return None
    told = next((fault for fault in found if fault.code in TABLE), found[0])
    error = translate(TABLE, told.code, told.message or "Google gave no message", where, request_id=operation.name)
    if isinstance(error, QuotaError):
        _complete(error, told.error_details)
    return error


def _mended(fault: Fault | None, message: str) -> str:
    """The message; of one that is about credentials the first sentence, and how to get some."""
    return f"{first_sentence(message)}: {_LOGIN}" if fault is _AUTH else message


def _complete(error: QuotaError, details: Iterable[Any]) -> None:
    """Name and limit of the quota, where the cloud tells them."""
    for quota in (detail.quota_info for detail in details):
        if quota.limit_name or quota.metric_name:
            error.name, error.limit = quota.limit_name or quota.metric_name, quota.limit


def _reason(error: sdk.GoogleAPICallError) -> str:
    """The reason that Google's own JSON gives: of its older form, else of its newer one."""
    older = (found.get("reason") for found in error.errors if isinstance(found, dict))
    return str(next((reason for reason in older if reason), error.reason) or "")


def _message(error: sdk.GoogleAPICallError) -> str:
    """What Google says, without the request that the SDK puts before it."""
    older = (found.get("message") for found in error.errors if isinstance(found, dict))
    return str(next((message for message in older if message), error.message) or "Google gave no message")


def _seconds(header: Any) -> float | None:
    try:
        return float(header)
    except (TypeError, ValueError):
        return None
