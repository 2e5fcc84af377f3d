"""Cloud Storage's errors, told apart by status and reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

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
_REASONS: Final[dict[str, type[CloudError]]] = {
    "rateLimitExceeded": Throttled,
    "userRateLimitExceeded": Throttled,
    "authError": AuthError,
    "backendError": TransientError,
}


@contextmanager
def told(uri: str, *, key: str = "", if_absent: bool = False) -> Iterator[None]:
    """What the library raises, as ours; `uri` is the store's. A condition that did not hold is told as the one asked for."""
    try:
        yield
    except GoogleAPICallError as error:
        reasons = [str(item.get("reason", "")) for item in error.errors if isinstance(item, dict)]
        raise _answered(uri, int(error.code or 0), reasons, error.response, key=key, if_absent=if_absent) from None
    except InvalidResponse as error:
        raise _answered(uri, int(error.response.status_code), [], error.response, key=key, if_absent=if_absent) from None
    except DataCorruption:
        raise IntegrityError("what came has another crc32c than what was put", provider=uri, code="ChecksumMismatch") from None
    except (requests.RequestException, TransportError, ConnectionError) as error:
        raise TransientError("no whole answer came", provider=uri, code=type(error).__name__) from None
    except GoogleAuthError as error:
        raise AuthError("the credentials cannot be had", provider=uri, code=type(error).__name__) from None


def _answered(uri: str, status: int, reasons: list[str], response: Any, *, key: str, if_absent: bool) -> CloudError:
    code = reasons[0] if reasons else str(status)
    kind = _REASONS.get(code) or _STATUSES.get(status) or _by_class(status)
    if kind is Changed and if_absent:
        kind = AlreadyExists
    if kind is NotFound and key:
        return NotFound(f'"{key}" is not there', provider=uri, code=code)
    headers, message = getattr(response, "headers", None) or {}, f"Cloud Storage refused, with status {status}"
    request = headers.get("X-GUploader-UploadID", "")
    if kind is Throttled:
        text = headers.get("Retry-After", "")
        retry_after = float(text) if text.isascii() and text.isdigit() else None
        return Throttled(message, retry_after=retry_after, provider=uri, code=code, request_id=request)
    if kind is Unsupported:
        return Unsupported(f"{message}: this service cannot do it", provider=uri, code=code)
    return kind(message, provider=uri, code=code, request_id=request)


def _by_class(status: int) -> type[CloudError]:
    if status >= 500:
        return TransientError
    return RejectedSpec if 400 <= status < 500 else UnknownCloudError
