"""What Pulumi shows where a cloud refuses: the cloud's reason and its mend, without the way through our own code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cloudlayer.errors import AuthError, CloudLayerError, Throttled, TransientError

MAY_PASS = (Throttled, TransientError, AuthError)
"""After these the same call may go through later, and what it was about may have been done."""


class ResourceError(Exception):
    """A create, update or delete that failed, in one line."""


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Raise what fails inside as a ResourceError that says what was being done, for which thing, and what to do."""
    try:
        yield
    except CloudLayerError as error:
        reason = "; ".join(str(error).splitlines())
        mend = ": the next run goes on with it" if isinstance(error, MAY_PASS) else ""
        raise ResourceError(f"{doing}: {reason}{mend}") from None
