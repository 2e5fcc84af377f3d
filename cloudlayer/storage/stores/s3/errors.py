"""S3's errors, told apart by code; where a code is not known, by the status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoAuthTokenError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ResponseStreamingError,
    SSOError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from cloudlayer.errors import (
    AuthError,
    CloudError,
    IntegrityError,
    NotFound,
    PermissionDenied,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.stores.answers import STATUSES, by_class, refusal
from cloudlayer.storage.stores.through_obstore_attempts import NotDone

_CODES: Final[dict[str, type[CloudError]]] = {
    **dict.fromkeys(("NoSuchKey", "NoSuchBucket", "NoSuchUpload", "NotFound"), NotFound),
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"), AuthError
    ),
    **dict.fromkeys(("AuthorizationHeaderMalformed", "TokenRefreshRequired", "InvalidSecurity"), AuthError),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "AccountProblem"), PermissionDenied),
    **dict.fromkeys(("SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"), Throttled),
    **dict.fromkeys(("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"), IntegrityError),
    **dict.fromkeys(("NotImplemented", "MethodNotAllowed"), Unsupported),
    **dict.fromkeys(("ConditionalRequestConflict", "OperationAborted", "BadRequest", "Bad Request"), NotDone),
    **dict.fromkeys(("RequestTimeout", "IncompleteBody", "InternalError"), TransientError),
}
_STATUSES: Final = {**STATUSES, 409: NotDone}
_CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
)
_BROKEN: Final = (
    BotoConnectionError,
    HTTPError,
    HTTPClientError,
    IncompleteReadError,
    ResponseParserError,
    ResponseStreamingError,
)


@contextmanager
def told(uri: str, *, if_absent: bool = False) -> Iterator[None]:
    """What boto3 raises, as ours; `uri` is the store's. A condition that did not hold is told as the one asked for."""
    try:
        yield
    except ClientError as error:
        raise translated(uri, error.response, if_absent=if_absent) from None
    except _CREDENTIALS as error:
        raise AuthError("the credentials cannot be had", provider=uri, code=type(error).__name__) from None
    except _BROKEN as error:
        raise TransientError("no whole answer came", provider=uri, code=type(error).__name__) from None
    except ParamValidationError as error:
        raise RejectedSpec(str(error), provider=uri) from None
    except BotoCoreError as error:
        raise UnknownCloudError("boto3 could not make the request", provider=uri, code=type(error).__name__) from None


def translated(uri: str, response: dict[str, Any], *, if_absent: bool = False) -> CloudError:
    """The error that an answer tells."""
    told_of, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    code, status = str(told_of.get("Code", "")), int(meta.get("HTTPStatusCode", 0))
    kind = _CODES.get(code) or _STATUSES.get(status) or by_class(status)
    return refusal(
        kind,
        str(told_of.get("Message") or "no message"),
        uri=uri,
        code=code,
        request=meta.get("RequestId", ""),
        retry_after=meta.get("HTTPHeaders", {}).get("retry-after"),
        if_absent=if_absent,
    )
