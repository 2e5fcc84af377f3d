"""A replica, from the moment that it is told who it is: takes its lock, and becomes the worker."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import fcntl
import gc
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import channel

EXIT_LOAD_FAILED = 70
EXIT_NOT_WANTED = 71


def enter_group(entrances: list[int]) -> None:
    """Join the control group; the descriptors were opened by the engine, whose rights count."""
    for descriptor in entrances:
        os.write(descriptor, b"0")
        os.close(descriptor)


def become(control: socket.socket) -> int:
    """Wait to be told what to be, be it, and return the exit code."""
    from cloudlayer_worker import server  # type: ignore[import-not-found]
    from cloudlayer_worker.function import LoadFailed  # type: ignore[import-not-found]

    _rehearse()
    held = _data_size()
    try:
        request, descriptors = channel.receive(control)
    except EOFError:
        return 0
    control.close()
    state, listener, log, announce = descriptors
    if not _begin(state, request["token"]):
        return EXIT_NOT_WANTED
    os.write(announce, b"B")
    _settle_in(request, log, held)
    listening = socket.socket(fileno=listener)

    def ready() -> None:
        os.write(state, b"ready \n")
        with contextlib.suppress(BrokenPipeError):
            os.write(announce, b"R")
        os.close(announce)

    try:
        server.run(Path(request["source"]), lambda: [listening], ready)
    except LoadFailed as failed:
        print(failed.error["stack_trace"], file=sys.stderr, flush=True)
        brief = {"error_type": failed.error["error_type"], "message": failed.error["message"][:2000]}
        os.write(state, f"failed {json.dumps(brief)}\n".encode())
        return EXIT_LOAD_FAILED
    return 0


def _begin(state: int, token: str) -> bool:
    """Take the lock that says that this replica lives; False if another has or had it, or if it was stopped before it began."""
    if os.pread(state, 1, 0):
        return False
    try:
        fcntl.lockf(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    if os.pread(state, 1, 0):
        return False
    os.write(state, f"began {os.getpid()} {token}\n".encode())
    # Who stops this replica writes first and looks at the lock second; we lock first and look second. One sees the other.
    return not os.pread(state, 4096, 0).startswith(b"stopped")


def _rehearse() -> None:
    """Touch the memory that serving will touch: a forked process pays for each page then, and it is waiting anyway."""

    async def nothing() -> None:
        await asyncio.to_thread(gc.get_count)

    asyncio.run(nothing())
    json.loads(json.dumps({"a": [1.0, None, "b"]}))
    ast.parse("def apply(input): return input")


def _settle_in(request: dict[str, Any], log: int, held: int) -> None:
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(0o077)
    os.chdir(request["folder"])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if request["data_limit"]:
        limit = held + request["data_limit"]
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    # A forked copy would draw the same numbers as its siblings; Python sees to its own generator, NumPy does not.
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()


def _data_size() -> int:
    """Bytes of private writable memory that this process has: what RLIMIT_DATA counts, from the warm parent included."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
