"""How services refuse: what their statuses mean, and an error made of what an answer says. Shared by the clouds' stores."""

from __future__ import annotations

from typing import Final

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    Changed,
    CloudError,
    Conflict,
    NotFound,
    PermissionDenied,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)

STATUSES: Final[dict[int, type[CloudError]]] = {
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
"""What a status means where no code says it better."""


def by_class(status: int) -> type[CloudError]:
    """What a status means that is not among STATUSES."""
    if status >= 500:
        return TransientError
    return RejectedSpec if 400 <= status < 500 else UnknownCloudError


def refusal(
    kind: type[CloudError], message: str, *, uri: str, code: str, request: str, retry_after: str | None, if_absent: bool
) -> CloudError:
    """The error; of a condition that did not hold, the one asked for. `retry_after` is the header: a date is not read."""
    if kind is Changed and if_absent:
        kind = AlreadyExists
    if kind is Throttled:
        seconds = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
        return Throttled(message, retry_after=seconds, provider=uri, code=code, request_id=request)
    if kind is Unsupported:
        return Unsupported(f"{message}: this service cannot do it", provider=uri, code=code)
    return kind(message, provider=uri, code=code, request_id=request)
