"""Starts a balancer's process, apart from whoever asked for it, and tells that one how it went."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from cloudlayer.providers.local.proxy.server import Server
from cloudlayer.providers.local.proxy.settings import LOCK, LOG, Settings, read_settings


def main() -> int:
    """0 once a process for the folder listens, this one's child or another; else 1 with the error's number on stdout."""
    folder = Path(sys.argv[1])
    told, tells = os.pipe()
    if child := os.fork():
        os.close(tells)
        word = os.read(told, 64).decode()
        if word != "listening":
            os.waitpid(child, 0)  # so that nobody takes its lock for that of one that listens
        sys.stdout.write(word)
        return 0 if word == "listening" else 1
    os.close(told)
    os.setsid()
    _live(folder, tells)
    return 0


def _live(folder: Path, tells: int) -> None:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.write(tells, b"listening")  # another is there already
        return
    settings = read_settings(folder)
    if settings is not None:
        _leave_the_starter(folder)
        asyncio.run(_serve(folder, settings, tells))


def _leave_the_starter(folder: Path) -> None:
    os.chdir("/")
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, standard in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, standard)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(folder: Path, settings: Settings, tells: int) -> None:
    server = Server(folder, settings)
    try:
        await server.listen()
    except OSError as error:
        os.write(tells, str(error.errno).encode())
        return
    os.write(tells, b"listening")
    os.close(tells)
    await server.run()


if __name__ == "__main__":
    sys.exit(main())
