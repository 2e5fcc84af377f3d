"""Exit codes that scripts can trust, and which error gives which.

0 done · 1 failed · 2 wrong usage, spec or manifest · 3 refused: it needs `--yes` or the answer was no · 4 not found
5 credentials or permission · 6 no capacity or quota · 7 conflict, or another controller is at work · 8 not supported here
75 may go through later · 130 interrupted
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from cloudlayer import errors


class ExitCode(IntEnum):
    """What a command's exit says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    DENIED = 5
    EXHAUSTED = 6
    CONFLICT = 7
    UNSUPPORTED = 8
    TRY_LATER = 75
    INTERRUPTED = 130


class Refused(errors.CloudLayerError):
    """The user did not agree, or could not be asked."""


class NoPlace(errors.CloudLayerError):
    """Nothing of what is wanted can run anywhere."""


_CODES: Final[tuple[tuple[type[errors.CloudLayerError], ExitCode], ...]] = (
    (Refused, ExitCode.REFUSED),
    (NoPlace, ExitCode.EXHAUSTED),
    (errors.InvalidSpec, ExitCode.USAGE),
    (errors.NotFound, ExitCode.NOT_FOUND),
    (errors.AuthError, ExitCode.DENIED),
    (errors.PermissionDenied, ExitCode.DENIED),
    (errors.CapacityError, ExitCode.EXHAUSTED),
    (errors.QuotaError, ExitCode.EXHAUSTED),
    (errors.Conflict, ExitCode.CONFLICT),
    (errors.LeaseLost, ExitCode.CONFLICT),
    (errors.Unsupported, ExitCode.UNSUPPORTED),
    (errors.Throttled, ExitCode.TRY_LATER),
    (errors.TransientError, ExitCode.TRY_LATER),
)


def exit_code(error: errors.CloudLayerError) -> ExitCode:
    """The exit code of an error; FAILED for those that have none of their own."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)
