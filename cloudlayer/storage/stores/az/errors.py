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
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.storage.stores.answers import STATUSES, by_class, refusal
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

# The last ones are what the library makes of headers whose values broke off.
_BROKEN: Final = (ServiceRequestError, ServiceResponseError, DeserializationError, KeyError, ValueError)


@contextmanager
def told(uri: str, *, if_absent: bool = False) -> Iterator[None]:
    """What the library raises, as ours; `uri` is the store's. A condition that did not hold is told as the one asked for."""
    try:
        yield
    except _BROKEN as error:
        raise TransientError("no whole answer came", provider=uri, code=type(error).__name__) from None
    except HttpResponseError as error:
        raise _translated(uri, error, if_absent=if_absent) from None
    except AzureError as error:
        raise UnknownCloudError("the library could not make the request", provider=uri, code=type(error).__name__) from None


def answered(uri: str, status: int, code: str, headers: Mapping[str, str], *, if_absent: bool = False) -> CloudError:
    """The error that an answer tells."""
    kind = _CODES.get(code) or STATUSES.get(status) or by_class(status)
    return refusal(
        kind,
        f"Azure Storage refused, with status {status}",
        uri=uri,
        code=code,
        request=headers.get("x-ms-request-id", ""),
        retry_after=headers.get("Retry-After"),
        if_absent=if_absent,
    )


def _translated(uri: str, error: HttpResponseError, *, if_absent: bool) -> CloudError:
    if error.response is None or error.status_code is None:
        kind = AuthError if isinstance(error, ClientAuthenticationError) else TransientError
        return kind("no whole answer came", provider=uri, code=type(error).__name__)
    response: Any = error.response
    code = response.headers.get("x-ms-error-code", "")
    return answered(uri, error.status_code, code, response.headers, if_absent=if_absent)
