"""Errors as those who use files expect them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from cloudlayer.errors import AlreadyExists, AuthError, NotFound, PermissionDenied


@contextmanager
def as_of_files(path: str) -> Iterator[None]:
    """Python's own error in place of ours, where it has one; ours is its cause, and its text is kept."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(errno.ENOENT, str(error), path) from error
    except AlreadyExists as error:
        raise FileExistsError(errno.EEXIST, str(error), path) from error
    except (PermissionDenied, AuthError) as error:
        raise PermissionError(errno.EACCES, str(error), path) from error
