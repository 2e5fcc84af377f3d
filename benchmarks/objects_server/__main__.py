"""`python -m benchmarks.objects_server [--port N] [--bucket NAME]…`: serves until it is ended, and prints its port first."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys

from benchmarks.objects_server.connection import Connection
from benchmarks.objects_server.dispatch import Service


async def serve(service: Service, port: int, *, until_input_ends: bool) -> None:
    """Serve on loopback."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", port, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    if until_input_ends:
        loop.add_reader(0, lambda: None if os.read(0, 4096) else ended.set())
    await ended.wait()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.objects_server", description="An S3 look-alike in memory.")
    parser.add_argument("--port", type=int, default=0, help="where on loopback; 0: any free port, which is printed")
    parser.add_argument("--bucket", action="append", default=[], help="a bucket that is there from the start")
    parser.add_argument("--filled", action="append", default=[], metavar="NAME:COUNT", help="a bucket with so many objects")
    parser.add_argument("--until-input-ends", action="store_true", help="end when standard input is closed")
    options = parser.parse_args()
    service = Service(options.bucket or ["bucket"])
    for text in options.filled:
        name, _, count = text.partition(":")
        service.fill(name, int(count))
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(service, options.port, until_input_ends=options.until_input_ends))


if __name__ == "__main__":
    main()
