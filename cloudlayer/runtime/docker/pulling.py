"""Pulling an image from a registry, and what its errors mean: Docker passes them on as words alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cloudlayer.errors import CloudLayerError, Conflict, EngineError, NotFound, TransientError
from cloudlayer.runtime.counting import counted
from cloudlayer.runtime.docker.daemon import Daemon

NO_SPACE: Final = "no_space"
"""The code of a TransientError that tells of a full disk."""
_NOT_KNOWN: Final = re.compile(r"not found|manifest unknown|does not exist|HTTP 404", re.IGNORECASE)
_REFUSED: Final = re.compile(r"unauthorized|authentication required|no basic auth|denied|forbidden|HTTP 40[13]", re.IGNORECASE)
_UNREACHABLE: Final = re.compile(
    r"dial tcp|no such host|connection re(fused|set)|no route|timeout|deadline exceeded|unreachable|EOF|x509|canceled",
    re.IGNORECASE,
)
_FULL: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)

_log = logging.getLogger(__name__)


@counted
def pull(daemon: Daemon, reference: str, *, digest: str | None = None, auth: Mapping[str, str] | None = None) -> None:
    """Pull an image by its name, or by `digest` from the repository that is its name.

    `auth` has `username` and `password`; without it what "docker login" left for the controller's user is used. Raises
    EngineError or TransientError, each with the mend.
    """
    pull_part(daemon, reference, digest=digest, auth=auth)


def pull_part(daemon: Daemon, reference: str, *, digest: str | None = None, auth: Mapping[str, str] | None = None) -> None:
    """Pull what lies below an image, in the same way. Metrics count images, and no parts of them."""
    doing, last = f"pulling the image {reference}", ""
    _log.info(doing)
    options = {} if digest is None else {"tag": digest}
    try:
        for event in daemon.stream(doing, daemon.client.pull, reference, stream=True, auth_config=auth, **options):
            if (status := event.get("status", "")) != last:
                last = status
                _log.info("%s: %s", reference, last)
    except NotFound as error:
        raise EngineError(_unknown(reference)) from error
    except EngineError as error:
        raise _pull_error(reference, str(error)) from error


def untag(daemon: Daemon, reference: str) -> None:
    """Remove a name, and the image if it has no other; what is not there or in use is left as it is."""
    with suppress(NotFound, Conflict):
        daemon.call("removing an image", daemon.client.remove_image, reference)


def full(error: CloudLayerError, name: str) -> TransientError | None:
    """The error that says that the machine called `name` has no room, if that is what `error` comes from."""
    if not _FULL.search(str(error)):
        return None
    mend = "give it a larger disk, or remove what else lies there"
    return TransientError(f"no space on {name}: {error}; {mend}", provider="docker", code=NO_SPACE)


def _unknown(reference: str) -> str:
    return (
        f"the image {reference} is not known to its registry, or is private: "
        'check its name and tag, or log in by "docker login" as the user of the controller'
    )


def _pull_error(reference: str, reason: str) -> EngineError | TransientError:
    if _FULL.search(reason):
        return EngineError(f"the image {reference} cannot be pulled: {reason}")
    if _NOT_KNOWN.search(reason):
        return EngineError(_unknown(reference))
    if _REFUSED.search(reason):
        mend = 'log in by "docker login" as the user of the controller'
        return EngineError(f"the registry of {reference} refuses these credentials: {mend} ({reason})")
    if _UNREACHABLE.search(reason):
        return TransientError(f"the registry of {reference} cannot be reached: {reason}", provider="docker", code="registry")
    return EngineError(f"the image {reference} cannot be pulled: {reason}")
