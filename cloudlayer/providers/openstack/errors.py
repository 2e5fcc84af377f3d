"""What OpenStack's answers mean. Each service has its own form of an error; a status alone is told apart by what it carries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from keystoneauth1 import exceptions as sdk
from openstack.exceptions import NotSupported

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
)
from cloudlayer.providers.base.errors import Fault, Where, translate

_AUTH: Final = Fault(AuthError, (), 60)
_DENIED: Final = Fault(PermissionDenied, ("region",), 300)
NO_ROOM: Final = Fault(CapacityError, ("region", "zone", "machine_type"), 300)
"""No host has room for what was asked for, where it was asked for."""
_ADDRESSES: Final = Fault(CapacityError, ("region",), 300)

TABLE: Final[Mapping[str, Fault]] = {
    "400": Fault(RejectedSpec),
    "401": _AUTH,
    "403": _DENIED,
    "404": Fault(NotFound),
    "408": Fault(TransientError),
    "409": Fault(Conflict),
    "413": Fault(RejectedSpec),
    "422": Fault(RejectedSpec),
    "429": Fault(Throttled),
    **dict.fromkeys(("500", "502", "503", "504"), Fault(TransientError)),
    "quota": Fault(QuotaError, ("region",), 600, "quota"),
    "overLimit": Fault(Throttled),
    "OverQuota": Fault(QuotaError, ("region",), 600, "network resources"),
    "IpAddressGenerationFailure": _ADDRESSES,
    "ExternalIpAddressExhausted": _ADDRESSES,
    "StackExists": Fault(Conflict),
    "EntityNotFound": Fault(NotFound),
    "ActionInProgress": Fault(Conflict),
    "RequestLimitExceeded": Fault(QuotaError, ("region",), 600, "stacks"),
    "StackResourceLimitExceeded": Fault(QuotaError, ("region",), 600, "resources of a stack"),
}
"""By the service's own word for the fault where it gives one that is known here, else by the HTTP status."""

_QUOTA: Final = re.compile(
    r"quota (exceeded|has been met)|exceeds? allowed .* quota|(Volume|Snapshot|VolumeSize)LimitExceeded", re.I
)
"""Nova answers both a quota and a missing role with 403 "forbidden", Cinder both a quota and too many calls with 413
"overLimit", and Octavia its quota with 403: they give no code that tells, so here the words have to."""

_QUOTA_FIGURES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"Quota exceeded for (?P<name>\w+): Requested \d+, but already used (?P<used>\d+) of (?P<limit>\d+)",
        r"number of (?P<name>\w+) allowed \((?P<limit>\d+)\)",
        r"exceeds allowed (?P<name>\w+) quota\. Requested \d+G, quota is (?P<limit>\d+)G and (?P<used>\d+)G",
        r"Quota (exceeded|has been met) for resources: \W*(?P<name>\w[\w ]*)",
    )
)
"""Which quota it is, and what is told of it: for the reader alone, nothing is decided by it."""

_SDK_FAULTS: Final[tuple[tuple[tuple[type[Exception], ...], Fault], ...]] = (
    ((sdk.Unauthorized, sdk.MissingRequiredOptions, sdk.MissingAuthPlugin, sdk.AuthorizationFailure), _AUTH),
    ((sdk.Forbidden,), _DENIED),
    ((sdk.ConnectFailure, sdk.ConnectTimeout, sdk.DiscoveryFailure, sdk.RetriableConnectionFailure), Fault(TransientError)),
    ((sdk.EndpointNotFound, sdk.CatalogException), Fault(PermissionDenied, ("region",), 300)),
    ((sdk.HttpServerError, sdk.ConnectionError), Fault(TransientError)),
    # So ends a look for a service's versions that had no answer.
    ((NotSupported,), Fault(TransientError)),
)
"""What the SDK raises by itself: no answer, or none to the log-in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is an error, taken apart: the service's own word for it, and what it says."""

    word: str
    message: str


def from_response(status: int, body: bytes, headers: Mapping[str, str], where: Where) -> CloudError:
    """The error for an answer of a service."""
    answer = read_error(body)
    code = answer.word if answer.word in TABLE else code_of(status, answer.message)
    if code == "overLimit" and _QUOTA.search(answer.message):
        code = "quota"
    error = translate(
        TABLE,
        code,
        answer.message or f"the service answered {status} without a message",
        where,
        request_id=headers.get("x-openstack-request-id", "") or headers.get("x-compute-request-id", ""),
        retry_after=_seconds(headers.get("retry-after")),
    )
    error.code = answer.word or str(status)
    if isinstance(error, QuotaError):
        _tell_figures(error)
    return error


def code_of(status: int, message: str) -> str:
    """The code, as in TABLE, of a fault that is told by an HTTP status alone."""
    return "quota" if status in (403, 413) and _QUOTA.search(message) else str(status)


def from_sdk(error: Exception, where: Where) -> CloudError:
    """The error for a call that had no answer, or was never made."""
    fault = next((fault for kinds, fault in _SDK_FAULTS if isinstance(error, kinds)), Fault(UnknownCloudError))
    code = type(error).__name__
    return translate({code: fault}, code, str(error), where)


def read_error(body: bytes) -> Answer:
    """The word and the message in a service's error, in whichever of their forms."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return Answer("", " ".join(re.sub(r"<[^>]+>", " ", body.decode(errors="replace")).split())[:500])
    if not isinstance(document, dict):
        return Answer("", str(document))
    if "faultstring" in document:  # Octavia
        return Answer("", str(document["faultstring"]))
    for word, inner in document.items():
        if isinstance(inner, dict) and "message" in inner:
            # Heat and Neutron tell a type within; Nova and Cinder name the whole after the fault.
            return Answer(str(inner.get("type") or ("" if word == "error" else word)), str(inner["message"]))
    return Answer("", str(document.get("message", document)))


def _tell_figures(error: QuotaError) -> None:
    match = next((match for pattern in _QUOTA_FIGURES if (match := pattern.search(error.message))), None)
    if match is None:
        return
    told = match.groupdict()
    error.name = told["name"].replace("_", " ").lower()
    error.limit, error.used = (float(told[key]) if told.get(key) else None for key in ("limit", "used"))


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header is not None else None
    except ValueError:
        return None
