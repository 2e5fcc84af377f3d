"""`python -m cloudlayer_machine.router`: serve until SIGTERM or SIGINT, then end what runs and exit with 0."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .client import Client
from .journal import Journal
from .line import Line
from .serving import Router

GRACE_SECONDS: Final = 25.0


async def serve(environment: Mapping[str, str]) -> None:
    """The router's whole life."""
    journal = Journal(Path(environment["CLOUDLAYER_JOURNAL"]))
    machine, token = environment["CLOUDLAYER_MACHINE"], environment["CLOUDLAYER_ROUTER_TOKEN"]
    line = Line(environment["CLOUDLAYER_LINE"], machine, token, journal)
    router = Router(line, Client(f"unix:{environment['CLOUDLAYER_GATEWAY']}"))
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connected = loop.create_task(line.run())
    server = await _listen(router, Path(environment["CLOUDLAYER_LISTEN"]))
    await stop.wait()
    server.close()
    await _drain(router)
    line.close()
    connected.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await connected
    journal.close()


async def _listen(router: Router, path: Path) -> asyncio.Server:
    """Serve at `path`, in place of the router before, if there is one: callers find one of the two at any time."""
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    server = await asyncio.get_running_loop().create_unix_server(router.connection, made, backlog=1024)
    made.chmod(0o666)  # replicas run as any user; who calls is known by its token
    made.rename(path)
    print(f"listening at {path}", file=sys.stderr, flush=True)
    return server


async def _drain(router: Router) -> None:
    """Let the calls end that run."""
    for connection in list(router.connections):
        connection.close_when_idle()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            while router.connections:
                await asyncio.sleep(0.02)


def main() -> int:
    """Serve; 0 after a stop that was asked for."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(os.environ))
    return 0


if __name__ == "__main__":
    sys.exit(main())
