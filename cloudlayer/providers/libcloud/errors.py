"""What the drivers' faults mean: by the cloud's own code where its answer has one, else by HTTP status or exception class."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree

import requests
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import InvalidCredsError, LibcloudError, ProviderError

from cloudlayer.errors import (
    AuthError,
    CapacityError,
    CloudError,
    CloudLayerError,
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
from cloudlayer.providers.base.errors import Fault, Where, translate

_OFFER: Final = ("region", "zone", "machine_type")
_AUTH: Final = Fault(AuthError, (), 60)
_DENIED: Final = Fault(PermissionDenied, ("region",), 300)
_NO_ROOM: Final = Fault(CapacityError, _OFFER, 300)


def _all(fault: Fault, codes: str) -> dict[str, Fault]:
    return dict.fromkeys(codes.split(), fault)


def _quota(name: str, codes: str) -> dict[str, Fault]:
    return _all(Fault(QuotaError, ("region",), 600, name), codes)


BY_STATUS: Final[Mapping[str, Fault]] = {
    **_all(Fault(RejectedSpec), "400 413 422"),
    "401": _AUTH,
    "403": _DENIED,
    **_all(Fault(NotFound), "404 410"),
    **_all(Fault(Conflict), "409 412"),
    "429": Fault(Throttled),
    **_all(Fault(TransientError), "408 500 502 503 504"),
}
"""By HTTP status, for answers whose code is not in TABLE."""

TABLE: Final[Mapping[str, Fault]] = {
    # EC2, and clouds with its interface
    **_all(_NO_ROOM, "InsufficientInstanceCapacity InsufficientCapacity InsufficientHostCapacity SpotMaxPriceTooLow"),
    "InsufficientVolumeCapacity": Fault(CapacityError, ("region", "zone"), 300),
    **_all(Fault(Unsupported, _OFFER, 86400), "Unsupported UnsupportedInstanceType"),
    **_quota("vCPUs of running instances", "VcpuLimitExceeded"),
    **_quota("instances", "InstanceLimitExceeded"),
    **_quota("volumes", "VolumeLimitExceeded"),
    **_quota("snapshots", "SnapshotLimitExceeded ConcurrentSnapshotLimitExceeded PendingSnapshotLimitExceeded"),
    **_quota("volumes of an instance", "AttachmentLimitExceeded"),
    **_quota("addresses", "AddressLimitExceeded"),
    **_quota("resources of this kind", "ResourceLimitExceeded ResourceCountExceeded"),
    **_all(
        _AUTH, "AuthFailure InvalidClientTokenId SignatureDoesNotMatch RequestExpired ExpiredToken MissingAuthenticationToken"
    ),
    **_all(_DENIED, "UnauthorizedOperation AccessDenied OptInRequired Blocked PendingVerification"),
    **_all(Fault(Throttled), "RequestLimitExceeded Throttling EC2ThrottledException SnapshotCreationPerVolumeRateExceeded"),
    **_all(Fault(TransientError), "InternalError InternalFailure ServiceUnavailable Unavailable RequestTimeout"),
    **_all(Fault(NotFound), "InvalidInstanceID.NotFound InvalidInstanceID.Malformed InvalidVolume.NotFound"),
    **_all(Fault(NotFound), "InvalidVolumeID.Malformed InvalidSnapshot.NotFound InvalidSnapshotID.Malformed"),
    **_all(Fault(Conflict), "IdempotentParameterMismatch IdempotentInstanceTerminated IncorrectInstanceState IncorrectState"),
    **_all(Fault(Conflict), "VolumeInUse InvalidVolume.ZoneMismatch InvalidAttachment.NotFound InvalidSnapshot.InUse"),
    **_all(Fault(Conflict), "DependencyViolation OperationNotPermitted InvalidDevice.InUse"),
    **_all(Fault(RejectedSpec), "InvalidParameter InvalidParameterValue InvalidParameterCombination MissingParameter"),
    **_all(Fault(RejectedSpec), "InvalidAMIID.NotFound InvalidAMIID.Malformed InvalidAMIID.Unavailable InvalidInstanceType"),
    **_all(Fault(RejectedSpec), "InvalidKeyPair.NotFound InvalidSubnetID.NotFound InvalidGroup.NotFound InvalidZone"),
    **_all(Fault(RejectedSpec), "InvalidSecurityGroupID.NotFound InvalidBlockDeviceMapping InvalidUserData.Malformed"),
    # Compute Engine
    **_all(_NO_ROOM, "ZONE_RESOURCE_POOL_EXHAUSTED ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"),
    **_quota("resources of this kind", "QUOTA_EXCEEDED quotaExceeded"),
    **_all(Fault(Throttled), "rateLimitExceeded userRateLimitExceeded"),
    **_all(
        Fault(Conflict), "alreadyExists resourceInUseByAnotherResource RESOURCE_IN_USE_BY_ANOTHER_RESOURCE resourceNotReady"
    ),
    # Azure
    **_all(_NO_ROOM, "AllocationFailed ZonalAllocationFailed SkuNotAvailable OverconstrainedAllocationRequest"),
    # OpenStack
    **_quota("network resources", "OverQuota"),
}
"""By the cloud's own code."""

_XML_PLACES: Final = ("Errors/Error/", "Error/", "")
_REQUEST_IDS: Final = ("x-amzn-requestid", "x-openstack-request-id", "x-compute-request-id", "x-request-id", "x-ms-request-id")
_BROKEN: Final = (requests.RequestException, http.client.HTTPException, OSError)
_NAMESPACE: Final = re.compile(r"\{[^}]*\}")


@dataclass
class Answer:
    """The last answer that a driver's connection had; `status` is 0 where there was none."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def is_xml(self) -> bool:
        """Whether it is XML, and not JSON."""
        return self.body.lstrip().startswith("<")

    @property
    def message(self) -> str:
        """What the cloud says of the fault, where the answer has it in one of the usual places."""
        return _in_xml(self.body, "Message") if self.is_xml else _message_in_json(self.body)

    @property
    def code(self) -> str:
        """The cloud's own code for a fault; empty where the answer is none or has no code."""
        if self.status < 400:
            return ""
        return _in_xml(self.body, "Code") if self.is_xml else _code_in_json(self.body)


def from_driver(error: Exception, answer: Answer, where: Where, secrets: Iterable[str]) -> CloudLayerError:
    """The error for what a driver's method raised. Texts of secrets are taken out of its message."""
    if isinstance(error, CloudLayerError):
        if isinstance(error, CloudError):
            error.provider = error.provider or where.provider
        return error
    if isinstance(error, NotImplementedError):
        return Unsupported("libcloud's driver has no such call", provider=where.provider, code="NotImplementedError")
    if isinstance(error, ImportError):
        return Unsupported(_clean(str(error), secrets), provider=where.provider, code="ImportError")
    code, fault = _fault(error, answer)
    found: CloudError = translate(
        {code: fault},
        code,
        _clean(_told(error, answer), secrets),
        where,
        request_id=next((answer.headers[name] for name in _REQUEST_IDS if name in answer.headers), ""),
        retry_after=_retry_after(error, answer),
    )
    return found


def _fault(error: Exception, answer: Answer) -> tuple[str, Fault]:
    """The code, and what it means: as the cloud's code says, else the exception's class, else the HTTP status."""
    for code in (answer.code, str(getattr(error, "code", ""))):
        if code in TABLE:
            return code, TABLE[code]
    kind = type(error).__name__
    status = str(answer.status if answer.status >= 400 else _status(error))
    fault = _by_class(error, answer) or BY_STATUS.get(status)
    if fault is None:
        fault = Fault(TransientError if isinstance(error, _BROKEN) else UnknownCloudError)
        return answer.code or kind, fault
    return answer.code or (status if status in BY_STATUS else kind), fault


def _by_class(error: Exception, answer: Answer) -> Fault | None:
    """What an exception's class says. In XML there is always a code: one that is not known stays so, whatever the status."""
    if isinstance(error, InvalidCredsError):
        return _AUTH
    if isinstance(error, RateLimitReachedError):
        return Fault(Throttled)
    return Fault(UnknownCloudError) if answer.code and answer.is_xml else None


def _status(error: Exception) -> int:
    if isinstance(error, BaseHTTPError):
        return int(error.code)
    if isinstance(error, ProviderError):
        return int(error.http_code)
    own = getattr(error, "code", None)
    return own if isinstance(error, LibcloudError) and isinstance(own, int) else 0


def _told(error: Exception, answer: Answer) -> str:
    """What an error says. A broken connection's text has the whole request in it, user data too, so it says its class alone."""
    if isinstance(error, _BROKEN):
        return f"the connection broke ({type(error).__name__})"
    told = answer.message or getattr(error, "value", None) or next(iter(error.args), None) or type(error).__name__
    return " ".join(str(told).split())[:500]


def _clean(message: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        message = message.replace(secret, "***")
    return message


def _retry_after(error: Exception, answer: Answer) -> float | None:
    told = getattr(error, "retry_after", None) or answer.headers.get("retry-after")
    try:
        return float(told) if told else None
    except (TypeError, ValueError):
        return None


def _in_xml(body: str, word: str) -> str:
    """The text of the code or message of a fault."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  (the cloud's own answer, which the driver has parsed already)
    except ElementTree.ParseError:
        return ""
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    return next((text.strip() for place in _XML_PLACES if (text := root.findtext(f"{place}{word}"))), "")


def _document(body: str) -> dict[str, Any]:
    try:
        document: Any = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _message_in_json(body: str) -> str:
    """The message, in the document itself or in what its one key holds."""
    document = _document(body)
    inner = next((value for value in document.values() if isinstance(value, dict)), {})
    told = document.get("message") or inner.get("message") or document.get("error")
    return told if isinstance(told, str) else ""


def _code_in_json(body: str) -> str:
    """The word for the fault in the forms that clouds have for it: {"id"}, {"code"}, {"error": {"code" or "errors"}}."""
    document = _document(body)
    inner = document.get("error")
    if isinstance(inner, dict):
        listed = inner.get("errors")
        first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
        return _word(first.get("reason")) or _word(inner.get("status")) or _word(inner.get("code"))
    neutron = document.get("NeutronError")
    if isinstance(neutron, dict):
        return _word(neutron.get("type"))
    return _word(document.get("id")) or _word(document.get("code"))


def _word(value: Any) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[\w.-]{1,64}", value) else ""
