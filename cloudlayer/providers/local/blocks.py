"""The contents of volumes: sparse files, made larger in no time and copied without their holes."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.local.files import PRIVATE
from cloudlayer.units import MIB

BLOCK: Final = 4096
_CHUNK: Final = 64 * MIB
_SHARE_BLOCKS: Final = 0x40049409  # FICLONE of linux/fs.h
_NOT_SHARED: Final = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY}


def whole(size: int) -> int:
    """The size in whole blocks, rounded up."""
    return -(-size // BLOCK) * BLOCK


def resize(data: Path, size: int) -> None:
    """Make the file, or make it larger; what it has stays."""
    descriptor = os.open(data, os.O_WRONLY | os.O_CREAT, PRIVATE)
    try:
        os.truncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy(source: Path, size: int, target: Path, deadline: Deadline) -> None:
    """Copy the first `size` bytes: as of one moment where the file system can share blocks, else one after the other.

    TransientError if the deadline comes first.
    """
    resize(target, 0)
    with source.open("rb") as reads, target.open("r+b") as writes:
        if not _shared(reads.fileno(), writes.fileno()):
            _copy_data(reads.fileno(), writes.fileno(), size, deadline)
        os.truncate(writes.fileno(), size)
        os.fsync(writes.fileno())


def yet_to_come(data: Path) -> int:
    """How many bytes of the disk the file may still take."""
    try:
        found = data.stat()
    except FileNotFoundError:
        return 0
    return max(0, found.st_size - found.st_blocks * 512)


def _shared(reads: int, writes: int) -> bool:
    try:
        fcntl.ioctl(writes, _SHARE_BLOCKS, reads)
    except OSError as error:
        if error.errno not in _NOT_SHARED:
            raise
        return False
    return True


def _copy_data(reads: int, writes: int, size: int, deadline: Deadline) -> None:
    at = _data_from(reads, 0)
    while at is not None and at < size:
        end = min(size, os.lseek(reads, at, os.SEEK_HOLE))
        _copy_range(reads, writes, at, end, deadline)
        at = _data_from(reads, end)


def _data_from(reads: int, at: int) -> int | None:
    """Where the next data is; None if there are holes alone from here on."""
    try:
        return os.lseek(reads, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def _copy_range(reads: int, writes: int, at: int, end: int, deadline: Deadline) -> None:
    while at < end:
        deadline.check("copying a volume")
        copied = os.copy_file_range(reads, writes, min(_CHUNK, end - at), at, at)
        if not copied:
            return
        at += copied
