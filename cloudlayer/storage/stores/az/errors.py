"""Azure Storage's errors, told apart by code; where a code is not known, by the status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DeserializationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    Changed,
    CloudError,
    Conflict,
    IntegrityError,
    NotFound,
    PermissionDenied,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.stores.through_obstore_attempts import NotDone

_CODES: Final[dict[str, type[CloudError]]] = {
    **dict.fromkeys(("BlobNotFound", "ContainerNotFound", "ResourceNotFound", "InvalidBlockList"), NotFound),
    **dict.fromkeys(("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"), AuthError),
    **dict.fromkeys(
        ("AuthorizationFailure", "AuthorizationPermissionMismatch", "InsufficientAccountPermissions"), PermissionDenied
    ),
    **dict.fromkeys(("ServerBusy", "AccountBeingCreated"), Throttled),
    **dict.fromkeys(("Md5Mismatch", "Crc64Mismatch"), IntegrityError),
    **dict.fromkeys(("ConditionNotMet", "TargetConditionNotMet"), Changed),
    "BlobAlreadyExists": AlreadyExists,
    "LeaseIdMissing": Conflict,
    "PendingCopyOperation": Conflict,
    **dict.fromkeys(("ContainerBeingDeleted", "InvalidOperation"), NotDone),  # the latter is Azurite's word for a wrong MD5
    **dict.fromkeys(("InternalError", "OperationTimedOut"), TransientError),
}
_STATUSES: Final[dict[int, type[CloudError]]] = {
    401: AuthError,
    403: PermissionDenied,
    404: NotFound,
    405: Unsupported,
    408: TransientError,
    409: Conflict,
    412: Changed,
    429: Throttled,
    501: Unsupported,
    503: Throttled,
}


@contextmanager
def told(uri: str, *, if_absent: bool = False) -> Iterator[None]:
    """What the library raises, as ours; `uri` is the store's. A condition that did not hold is told as the one asked for."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError, DeserializationError, KeyError) as error:  # headers that broke off, too
        raise TransientError("no whole answer came", provider=uri, code=type(error).__name__) from None
    except HttpResponseError as error:
        raise _translated(uri, error, if_absent=if_absent) from None
    except AzureError as error:
        raise UnknownCloudError("the library could not make the request", provider=uri, code=type(error).__name__) from None


def answered(uri: str, status: int, code: str, headers: Mapping[str, str], *, if_absent: bool = False) -> CloudError:
    """The error that an answer tells."""
    kind = _CODES.get(code) or _STATUSES.get(status) or _by_class(status)
    if kind is Changed and if_absent:
        kind = AlreadyExists
    message, request = f"Azure Storage refused, with status {status}", headers.get("x-ms-request-id", "")
    if kind is Throttled:
        text = headers.get("Retry-After", "")
        retry_after = float(text) if text.isascii() and text.isdigit() else None
        return Throttled(message, retry_after=retry_after, provider=uri, code=code, request_id=request)
    if kind is Unsupported:
        return Unsupported(f"{message}: this service cannot do it", provider=uri, code=code)
    return kind(message, provider=uri, code=code, request_id=request)


def _translated(uri: str, error: HttpResponseError, *, if_absent: bool) -> CloudError:
    if error.response is None or error.status_code is None:
        kind = AuthError if isinstance(error, ClientAuthenticationError) else TransientError
        return kind("no whole answer came", provider=uri, code=type(error).__name__)
    response: Any = error.response
    code = response.headers.get("x-ms-error-code", "")
    return answered(uri, error.status_code, code, response.headers, if_absent=if_absent)


def _by_class(status: int) -> type[CloudError]:
    if status >= 500:
        return TransientError
    return RejectedSpec if 400 <= status < 500 else UnknownCloudError
