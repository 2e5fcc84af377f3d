"""How the stores' errors are told over HTTP."""

from __future__ import annotations

import math
from typing import Final

from cloudlayer.errors import (
    AuthError,
    CloudLayerError,
    Conflict,
    InvalidSpec,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    QuotaError,
    Throttled,
    TransientError,
    Unsupported,
)
from cloudlayer.gateway.envelope import CallError

_KINDS: Final[tuple[tuple[type[CloudLayerError], str, int], ...]] = (
    (NotFound, "EntityNotFoundError", 404),
    (AuthError, "ThirdPartyCredentialError", 403),
    (PermissionDenied, "ThirdPartyCredentialError", 403),
    (Conflict, "InputError", 409),
    (InvalidSpec, "InputError", 400),
    (Unsupported, "UnsupportedError", 501),
    (Throttled, "TooManyRequestsError", 429),
    (QuotaError, "UnavailableError", 507),
    (OutcomeUnknown, "UnavailableError", 503),
    (TransientError, "UnavailableError", 503),
)


def told(error: CloudLayerError) -> CallError:
    """The error for the caller. What may go through later is to be tried again; what may have been done is looked at first."""
    kind, status = next(((name, status) for each, name, status in _KINDS if isinstance(error, each)), ("UnavailableError", 502))
    later = isinstance(error, Throttled | TransientError) and not isinstance(error, OutcomeUnknown)
    wait = getattr(error, "retry_after", None)
    return CallError(kind, str(error), status=status, retry_after=max(1, math.ceil(wait or 1)) if later else None)
