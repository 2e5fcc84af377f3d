"""Serves the function: loads it, listens, runs calls on threads (or the loop, if `apply` is a coroutine), ends on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import client
from .function import JSON, Function, LoadFailed, decode, describe, encode, failure, import_function
from .output import Output, install
from .protocol import Connection, Request

EXIT_LOAD_FAILED = 70
Answer = tuple[int, str, bytes]
Job = tuple[Request, client.Call, Connection]


class TooLate(Exception):
    """The call's time was up before it began."""

    error_type = "TimeoutError"


class Server:
    """One function behind HTTP. `concurrency` calls run at once, the rest wait their turn."""

    def __init__(self, function: Function, concurrency: int, output: Output) -> None:
        self._function = function
        self._output = output
        self._concurrency = concurrency
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()

    async def serve(self, listeners: Sequence[socket.socket], ready: Callable[[], None], grace: float) -> None:
        """Accept on `listeners` until SIGTERM or SIGINT, then end the calls in flight within `grace` seconds."""
        if not self._function.is_async:
            for _ in range(self._concurrency):
                threading.Thread(target=self._work, daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)
        factory = functools.partial(Connection, self._handle, self._connections)
        servers = [await self._loop.create_server(factory, sock=listener, backlog=1024) for listener in listeners]
        ready()
        await self._stopping.wait()
        for server in servers:
            server.close()
        await self._drain(grace)

    async def _drain(self, grace: float) -> None:
        until = self._loop.time() + grace
        for connection in list(self._connections):
            connection.close_when_idle()
        while self._connections and self._loop.time() < until:
            await asyncio.sleep(0.005)

    def _handle(self, request: Request, connection: Connection) -> None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            connection.respond(200, "text/plain; charset=utf-8", b"ok\n")
        elif path != "/":
            connection.respond(404, JSON, failure(LookupError(f"there is no {path} here: calls are POST /")))
        elif request.method != "POST":
            connection.respond(405, JSON, failure(LookupError("calls are POST /")))
        else:
            self._call(request, connection)

    def _call(self, request: Request, connection: Connection) -> None:
        call = client.Call(request.headers.get("x-request-id", ""), _seconds(request.headers.get("x-deadline")))
        if not self._function.is_async:
            self._jobs.put((request, call, connection))
            return
        context = contextvars.copy_context()
        task = self._loop.create_task(self._answer_async((request, call, connection)), context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _work(self) -> None:
        while True:
            request, call, connection = self._jobs.get()
            self._output.began(call)
            try:
                answer = _succeeded(self._function.apply(_input(request, call)))
            except SystemExit as leaving:
                self._leave(leaving)
            except BaseException as error:
                answer = (500, JSON, failure(error))
            self._output.ended(call)
            connection.respond_from_thread(*answer)

    async def _answer_async(self, job: Job) -> None:
        request, call, connection = job
        self._output.began(call)
        try:
            answer = _succeeded(await self._function.apply(_input(request, call)))
        except SystemExit as leaving:
            self._leave(leaving)
        except BaseException as error:
            answer = (500, JSON, failure(error))
        self._output.ended(call)
        connection.respond(*answer)

    def _leave(self, leaving: SystemExit) -> NoReturn:
        """End the process as the function asked; a thread's own SystemExit would end the thread alone."""
        code = leaving.code
        status = code if isinstance(code, int) else int(code is not None)
        try:
            self._output.drain()
            if code is not None and not isinstance(code, int):
                print(code, file=sys.stderr)
        finally:
            os._exit(status & 0xFF)


def _input(request: Request, call: client.Call) -> Any:
    if call.deadline is not None and time.time() >= call.deadline:
        raise TooLate("the call's time was up before it began")
    return decode(request.headers.get("content-type", ""), request.body)


def _succeeded(result: Any) -> Answer:
    return (200, *encode(result))


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def run(source: Path, listen: Callable[[], Sequence[socket.socket]], ready: Callable[[], None] = lambda: None) -> None:
    """Load the function of `source`, listen, tell `ready`, and serve until SIGTERM. Raises LoadFailed."""
    sys.modules.setdefault("cloudlayer_client", client)
    concurrency = int(os.environ.get("CLOUDLAYER_CONCURRENCY") or 1)
    grace = float(os.environ.get("CLOUDLAYER_GRACE") or 30)
    output = Output()
    install(output)
    try:
        function = import_function(source)
        if concurrency == 1 and not function.is_async:
            output.alone()
        server = functools.partial(Server, function, concurrency, output)
        asyncio.run(_serve(function, server, listen, ready, grace))
    finally:
        output.drain()


async def _serve(
    function: Function,
    server: Callable[[], Server],
    listen: Callable[[], Sequence[socket.socket]],
    ready: Callable[[], None],
    grace: float,
) -> None:
    try:
        loaded = function.load() if function.load else None
        if inspect.isawaitable(loaded):
            await loaded
    except Exception as error:
        raise LoadFailed(describe(error)) from error
    await server().serve(listen(), ready, grace)


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 after SIGTERM, 70 if the function cannot be loaded."""
    if len(arguments) != 1:
        print("usage: python -m cloudlayer_worker SOURCE", file=sys.stderr)
        return 64
    try:
        run(Path(arguments[0]).resolve(), _listeners)
    except LoadFailed as failed:
        # The controller reads the file: a log that cannot be written keeps nothing from it.
        with contextlib.suppress(OSError):
            print(failed.error["stack_trace"], file=sys.stderr)
        if status := os.environ.get("CLOUDLAYER_STATUS"):
            Path(status).write_text(json.dumps({"error": failed.error}), encoding="utf-8")
        return EXIT_LOAD_FAILED
    return 0


def _listeners() -> list[socket.socket]:
    """Sockets on $CLOUDLAYER_SOCKET and on $HOST:$PORT, as far as they are set."""
    listeners = []
    if path := os.environ.get("CLOUDLAYER_SOCKET"):
        Path(path).unlink(missing_ok=True)
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(path)
    if port := os.environ.get("PORT"):
        listeners.append(socket.create_server((os.environ.get("HOST") or "127.0.0.1", int(port))))
    if not listeners:
        raise SystemExit("set PORT or CLOUDLAYER_SOCKET to say where to serve")
    return listeners
