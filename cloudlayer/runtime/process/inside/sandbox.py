"""Leaves root behind: own mounts that hide what the function may not see, own network, own user, no way back.

Each step is a call that only Linux has, by ctypes, so that nothing has to be installed.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import socket
import struct
from pathlib import Path
from typing import Any

_CLONE_NEWNS = 0x20000
_CLONE_NEWNET = 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_OPEN_FILES, _PROCESSES = 65536, 4096
_libc = ctypes.CDLL(None, use_errno=True)


def enter(plan: dict[str, Any]) -> None:
    """Confine this process for good, as the engine planned. Raises OSError where the system does not let us."""
    if plan["covers"]:
        hide(plan["covers"], plan["keep"], plan["writable"])
    if not plan["internet"]:
        unshare(_CLONE_NEWNET)
        bring_up_loopback()
    for limit, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, _OPEN_FILES), (resource.RLIMIT_NPROC, _PROCESSES)):
        _, hard = resource.getrlimit(limit)
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bounded, bounded))
    if plan["user"] is not None:
        os.setgroups([])
        os.setresgid(*[plan["user"]] * 3)
        os.setresuid(*[plan["user"]] * 3)
        # Without this the process could not open its own /proc/self files, such as /dev/stdout.
        _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def hide(covers: list[str], keep: list[str], writable: list[str]) -> None:
    """Cover folders with empty ones, in which only what is to be kept shows through."""
    unshare(_CLONE_NEWNS)
    mount("none", "/", None, _MS_REC | _MS_PRIVATE, None)
    opened = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in [*keep, *writable]}
    for cover in covers:
        mount("tmpfs", cover, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
    for path, descriptor in opened.items():
        _make(path)
        mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC, None)
        if path not in writable:
            mount("none", path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, None)
        os.close(descriptor)
    for cover in covers:
        mount("none", cover, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, None)


def _make(path: str) -> None:
    """Make a folder and those above it such that every user can pass through."""
    before = os.umask(0o022)
    Path(path).mkdir(parents=True, exist_ok=True)
    os.umask(before)


def unshare(what: int) -> None:
    """Leave a namespace that is shared with others for a new one."""
    _check(_libc.unshare(what), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None) -> None:
    """mount(2)."""
    arguments = (
        os.fsencode(source),
        os.fsencode(target),
        kind and kind.encode(),
        ctypes.c_ulong(flags),
        data and data.encode(),
    )
    _check(_libc.mount(*arguments), f"mount on {target}")


def bring_up_loopback() -> None:
    """A new network has a loopback that is down, and nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = bytearray(struct.pack("16sh22x", b"lo", 0))
        fcntl.ioctl(asking, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", request, 16)
        struct.pack_into("h", request, 16, flags | _IFF_UP)
        fcntl.ioctl(asking, _SIOCSIFFLAGS, request)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
