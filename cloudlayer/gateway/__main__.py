"""`python -m cloudlayer.gateway --controller SOCKET`: serve until SIGTERM or SIGINT, then end what runs and exit with 0."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import signal
import sys
from pathlib import Path

from cloudlayer.gateway.app import Gateway
from cloudlayer.gateway.dispatcher import Dispatcher
from cloudlayer.gateway.http_server import HttpServer
from cloudlayer.gateway.link import Link
from cloudlayer.gateway.logs import log
from cloudlayer.gateway.routers import Routers


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m cloudlayer.gateway", description="Calls the functions of a fleet.")
    parser.add_argument("--controller", required=True, help="the controller's unix socket")
    parser.add_argument("--host", default="127.0.0.1", help="the address to serve on")
    parser.add_argument("--port", type=int, default=8080, help="the port to serve on; 0 takes any free one and logs which")
    parser.add_argument(
        "--socket", action="append", default=[], help="a unix socket to serve on too, open to all users; repeatable"
    )
    parser.add_argument("--routers", help="a unix socket for the routers of other machines")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds that calls get to end when the gateway stops")
    parser.add_argument("--verbose", action="store_true", help="log every call, not only those that fail")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """The gateway's whole life."""
    dispatcher = Dispatcher()
    routers = Routers(dispatcher)
    gateway = Gateway(dispatcher, routers, verbose=options.verbose)
    server = HttpServer(gateway.answer)
    stop = _stop_signal()
    addresses = await server.listen_tcp(options.host, options.port)
    for path in options.socket:
        await server.listen_unix(path)
        Path(path).chmod(0o666)
    if options.routers:
        await routers.listen(options.routers)
    link = asyncio.create_task(Link(options.controller, dispatcher).run())
    log("listening", addresses=[*addresses, *(f"unix:{path}" for path in options.socket)])
    await stop.wait()
    # Before all else: what routers want, the next gateway is asked for.
    routers.close()
    await _drain(dispatcher, gateway, server, options.grace)
    link.cancel()
    server.abort()
    for path in options.socket:
        Path(path).unlink(missing_ok=True)
    log("stopped")


def main() -> int:
    """Serve; 0 after a stop that was asked for, 1 when the address cannot be had."""
    options = parse(sys.argv[1:])
    _allow_connections()
    try:
        asyncio.run(serve(options))
    except OSError as error:
        log("cannot serve", error=str(error), mend="choose another --port or --socket, or stop what holds it")
        return 1
    return 0


def _allow_connections() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _drain(dispatcher: Dispatcher, gateway: Gateway, server: HttpServer, grace: float) -> None:
    log("stopping", grace=grace)
    server.close()
    dispatcher.drain()
    deadline = asyncio.get_running_loop().time() + grace
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            while tasks := server.tasks | gateway.background:
                await asyncio.wait(tasks)
            while server.unsent:
                await asyncio.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
