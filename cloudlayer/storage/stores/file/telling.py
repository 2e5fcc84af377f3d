"""What a file's status and the system's errors mean for an object."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final

from cloudlayer.errors import (
    CloudError,
    Conflict,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.stores.renaming import check_name

ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO})
"""What the system says of a path that leads to no file."""


def path_of(uri: str, key: str) -> bytes:
    """The path of a key; InvalidSpec for one that no file can have."""
    check_name(uri, key)
    if "\0" in key:
        raise InvalidSpec(f"{uri}{key!r} is no key here: no name of a file has the character 0 in it")
    return b"/" + key.encode("utf-8")


def etag(status: os.stat_result) -> str:
    """Another one after every put: a new file each time, with a time of its own in nanoseconds."""
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"


def info(key: str, status: os.stat_result) -> ObjectInfo:
    """A file as an object."""
    return ObjectInfo(key, status.st_size, etag(status), datetime.fromtimestamp(status.st_mtime, UTC))


def status_of(path: bytes) -> os.stat_result | None:
    """The status of the file that a path or a link leads to; None where there is nothing."""
    try:
        return os.stat(path)  # noqa: PTH116 - a path of bytes, which pathlib has not
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise


def is_file(status: os.stat_result | None) -> bool:
    """Whether this is an object: a regular file."""
    return status is not None and stat.S_ISREG(status.st_mode)


def absent(uri: str, key: str) -> NotFound:
    """The error for a key that no file has."""
    return NotFound(f"{key} is not there", provider=uri)


@contextmanager
def telling(uri: str, key: str) -> Iterator[None]:
    """Turn the system's errors into those of objects."""
    try:
        yield
    except OSError as error:
        raise _told(error, uri, key) from None


def _told(error: OSError, uri: str, key: str) -> Exception:
    make, message = _ERRORS.get(error.errno or 0, (UnknownCloudError, "{reason}"))
    told = f"{key}: {message.format(reason=error.strerror or error)}"
    return make(told, provider=uri, code=errno.errorcode.get(error.errno or 0, ""))


def _errors(make: Callable[..., CloudError], message: str, *numbers: int) -> dict[int, tuple[Callable[..., CloudError], str]]:
    return dict.fromkeys(numbers, (make, message))


_ERRORS: Final = {
    **_errors(PermissionDenied, "{reason}: let this user read and write there", errno.EACCES, errno.EPERM, errno.EROFS),
    **_errors(Conflict, "a file stands where a folder of it is to be", errno.ENOTDIR, errno.EEXIST),
    **_errors(Conflict, "it is a folder", errno.EISDIR),
    **_errors(RejectedSpec, "a name between slashes has at most 255 bytes", errno.ENAMETOOLONG),
    **_errors(partial(QuotaError, name="disk space"), "{reason}: make room there", errno.ENOSPC, errno.EDQUOT),
    **_errors(NotFound, "{reason}", errno.ENOENT),
    **_errors(Unsupported, "its file system has no locks or no hard links: {reason}", errno.ENOLCK, errno.EOPNOTSUPP),
}
