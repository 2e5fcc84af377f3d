"""Every error that cloudlayer raises on purpose.

CloudLayerError                  what the user reads is `str(error)`: one line that names the place and the mend
 ├─ InvalidSpec                  a spec, manifest or argument that no cloud could honour; raised before any call
 ├─ LeaseLost                    another controller took over: stop at once, write nothing
 ├─ EngineError                  an engine could not start, stop or see a replica
 └─ CloudError                   a provider answered with an error, told apart by code and never by message
     ├─ CapacityError            the cloud has none left, at a scope: zone, region or machine type
     ├─ QuotaError               the account may not have more: name, limit, used
     ├─ AuthError                the credentials are missing, wrong or expired
     ├─ PermissionDenied         the credentials are good and do not allow this
     ├─ Throttled                asked too often; `retry_after` seconds where the cloud says so
     ├─ NotFound                 the thing is not there (any more)
     ├─ Conflict                 a token or name was used for something else, or the thing is in another state
     │   ├─ AlreadyExists        an object is there already, and was to be written only if absent
     │   └─ Changed              an object is another one than the etag says
     ├─ IntegrityError           bytes are not those that were put: on the way, or in the store
     ├─ RejectedSpec             the cloud itself found the spec wrong (also an InvalidSpec)
     ├─ Unsupported              this provider, region or engine cannot do it, with the reason
     ├─ TransientError           a broken connection, a time-out, a 5xx: the same call may go through later
     │   └─ OutcomeUnknown       the answer was lost, and whether it was done cannot be found out
     └─ UnknownCloudError        a code we do not know. Never treated as a lack of capacity
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CloudLayerError(Exception):
    """Base of all errors that cloudlayer raises on purpose."""


class InvalidSpec(CloudLayerError):
    """A spec or manifest is wrong; the message has one line a fault: place, fault, mend."""


class LeaseLost(CloudLayerError):
    """The store's lease belongs to another controller, or has run out."""


class EngineError(CloudLayerError):
    """An engine could not do what it was asked; the message says what to do about it."""


class AvoidScope(StrEnum):
    """How far a failure reaches."""

    ZONE = "zone"
    REGION = "region"
    MACHINE_TYPE = "machine_type"


@dataclass(frozen=True, slots=True)
class Avoid:
    """What not to try again, and for how long. A field that is None matches everything."""

    seconds: float
    provider: str
    region: str | None = None
    zone: str | None = None
    machine_type: str | None = None
    purchase: str | None = None


class CloudError(CloudLayerError):
    """A provider's error. `code` is the cloud's own; `request_id` is what its support asks for."""

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        code: str = "",
        request_id: str = "",
        avoid: Avoid | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.code = code
        self.request_id = request_id
        self.avoid = avoid

    def __str__(self) -> str:
        where = f"{self.provider}: " if self.provider else ""
        code = f" [{self.code}]" if self.code else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{where}{self.message}{code}{request}"


class CapacityError(CloudError):
    """The cloud has no more of this at `scope`; `avoid` says where not to ask and for how long."""

    def __init__(
        self,
        message: str,
        *,
        scope: AvoidScope,
        provider: str = "",
        code: str = "",
        request_id: str = "",
        avoid: Avoid | None = None,
    ) -> None:
        super().__init__(message, provider=provider, code=code, request_id=request_id, avoid=avoid)
        self.scope = scope


class QuotaError(CloudError):
    """The account's limit is reached. `limit` and `used` are None where the cloud does not tell."""

    def __init__(
        self,
        message: str,
        *,
        name: str,
        limit: float | None = None,
        used: float | None = None,
        provider: str = "",
        code: str = "",
        request_id: str = "",
        avoid: Avoid | None = None,
    ) -> None:
        super().__init__(message, provider=provider, code=code, request_id=request_id, avoid=avoid)
        self.name = name
        self.limit = limit
        self.used = used


class AuthError(CloudError):
    """Credentials are missing, wrong or expired."""


class PermissionDenied(CloudError):
    """The credentials do not allow this call."""


class Throttled(CloudError):
    """Asked too often. `retry_after` is in seconds, None where the cloud does not say."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        provider: str = "",
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, provider=provider, code=code, request_id=request_id)
        self.retry_after = retry_after


class NotFound(CloudError):
    """The thing is not there."""


TOKEN_SPENT: Final = "TokenSpent"  # noqa: S105  (a code of errors)
"""The code of the Conflict that says: what this token made is deleted, and it makes nothing any more."""


class Conflict(CloudError):
    """The token or name was used for something else, or the thing's state forbids this."""


class AlreadyExists(Conflict):
    """An object is there already, and was to be written only if there was none. Nothing was changed."""


class Changed(Conflict):
    """The object's etag is another one than was asked for. Nothing was changed."""


class IntegrityError(CloudError):
    """Bytes are not those that were put. What was being written is not there; what was read is not to be used."""


class RejectedSpec(CloudError, InvalidSpec):
    """The cloud found the spec wrong."""


class Unsupported(CloudError):
    """Not to be had here; `reason` says why, and what to use in its place."""

    def __init__(self, reason: str, *, provider: str = "", code: str = "") -> None:
        super().__init__(reason, provider=provider, code=code)
        self.reason = reason


class TransientError(CloudError):
    """The same call may go through later. What it asked for may have happened."""


class OutcomeUnknown(TransientError):
    """What was asked for under a condition may or may not have happened: look before it is tried again."""


class UnknownCloudError(CloudError):
    """The cloud answered with a code that this provider does not know."""
