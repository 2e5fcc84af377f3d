"""Errors in Google's form: those that a call answers at once, and those that an operation ends with.

The form is checked against nothing but what Google says of it; reasons, codes and statuses are written after the public
documentation, and so is which of them comes at once and which late. Nothing here was recorded.
"""

import re

from tests.fakes.rest.server import Answer

STATUSES = {
    "notFound": 404,
    "alreadyExists": 409,
    "conflict": 409,
    "conditionNotMet": 412,
    "authError": 401,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "userRateLimitExceeded": 403,
    "forbidden": 403,
    "accessNotConfigured": 403,
    "insufficientPermissions": 403,
    "tooManyRequests": 429,
    "internalError": 500,
    "backendError": 503,
    "notImplemented": 501,
}
"""The HTTP status of a reason; 400 where it is not here."""

CANONICAL = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
LIMITS = ("quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "accessNotConfigured")

LATE = {
    "ZONE_RESOURCE_POOL_EXHAUSTED": (503, "SERVICE UNAVAILABLE"),
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS": (503, "SERVICE UNAVAILABLE"),
    "QUOTA_EXCEEDED": (403, "FORBIDDEN"),
    "RESOURCE_NOT_FOUND": (404, "NOT FOUND"),
    "RESOURCE_ALREADY_EXISTS": (409, "CONFLICT"),
    "INTERNAL_ERROR": (500, "INTERNAL SERVER ERROR"),
    "PERMISSIONS_ERROR": (403, "FORBIDDEN"),
    "RATE_LIMIT_EXCEEDED": (403, "FORBIDDEN"),
}
"""The HTTP status and its words that an operation tells beside an error code; 400 where it is not here."""


class GceError(Exception):
    """A refusal: the reason, the message, and the HTTP status where it is not the reason's own."""

    def __init__(self, reason, message, status=None):
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status or STATUSES.get(reason, 400)

    @property
    def code(self):
        """The same as an operation tells it: upper case, with underscores."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.reason).upper()


class LateError(Exception):
    """What an operation ends with: a code in upper case and a message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def answer(reason, message, status=None):
    """The Answer that tells an error."""
    status = status or STATUSES.get(reason, 400)
    one = {"message": message, "domain": "usageLimits" if reason in LIMITS else "global", "reason": reason}
    if status == 401:
        one |= {"location": "Authorization", "locationType": "header"}
    error = {"code": status, "message": message, "errors": [one]}
    if status in CANONICAL:
        error["status"] = CANONICAL[status]
    return Answer(status, {"error": error})


def late(code):
    """The HTTP status of an operation's error code, and its words."""
    return LATE.get(code, (400, "BAD REQUEST"))


def not_found(path):
    """What GCE says of a thing that is not there."""
    return GceError("notFound", f"The resource '{path}' was not found")


def not_ready(path):
    """What GCE says of a thing that is still being made, or on its way out."""
    return GceError("resourceNotReady", f"The resource '{path}' is not ready")


def invalid(field, value, why):
    """What GCE says of a field's value."""
    return GceError("invalid", f"Invalid value for field '{field}': '{value}'. {why}")
