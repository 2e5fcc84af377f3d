"""Cloud Storage's errors, told apart by status and reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from urllib3.exceptions import HTTPError

from cloudlayer.errors import (
    AuthError,
    CloudError,
    IntegrityError,
    NotFound,
    Throttled,
    TransientError,
)
from cloudlayer.storage.stores.answers import STATUSES, by_class, refusal

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
    except (requests.RequestException, HTTPError, TransportError, ConnectionError) as error:
        raise TransientError("no whole answer came", provider=uri, code=type(error).__name__) from None
    except GoogleAuthError as error:
        raise AuthError("the credentials cannot be had", provider=uri, code=type(error).__name__) from None


def _answered(uri: str, status: int, reasons: list[str], response: Any, *, key: str, if_absent: bool) -> CloudError:
    code = reasons[0] if reasons else str(status)
    kind = _REASONS.get(code) or STATUSES.get(status) or by_class(status)
    if kind is NotFound and key:
        return NotFound(f'"{key}" is not there', provider=uri, code=code)
    headers = getattr(response, "headers", None) or {}
    return refusal(
        kind,
        f"Cloud Storage refused, with status {status}",
        uri=uri,
        code=code,
        request=headers.get("X-GUploader-UploadID", ""),
        retry_after=headers.get("Retry-After"),
        if_absent=if_absent,
    )
