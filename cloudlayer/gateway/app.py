"""What the gateway answers: calls of functions, data, its health, its metrics.

Calls and data need a key. `/healthz` and `/metrics` need none, so that probes and scrapers work: they name functions,
replicas and machines, and tell what those use and cost; and the gateway listens on loopback unless told otherwise.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import Final

from cloudlayer.gateway.answer import Answer, error_answer, new_request_id
from cloudlayer.gateway.auth import permit
from cloudlayer.gateway.caller import Call, Caller
from cloudlayer.gateway.data import Data
from cloudlayer.gateway.data_requests import is_data
from cloudlayer.gateway.dispatcher import Dispatcher
from cloudlayer.gateway.envelope import CallError, ReplicaAnswer, accepted, success
from cloudlayer.gateway.http_server import Request
from cloudlayer.gateway.logs import log
from cloudlayer.gateway.metrics import SUCCESS
from cloudlayer.gateway.routers import Routers
from cloudlayer.gateway.versions import Ticket, stopping
from cloudlayer.runtime.router.messages import PLACE_HEADER
from cloudlayer.runtime.router.options import (
    Options,
    parse_content_type,
    parse_options,
    parse_reference,
    parse_request_id,
    wants_raw,
)

CALL_PATH: Final = "/v1/algo/"
_BINARY: Final = "application/octet-stream"


class Gateway:
    """Answers requests. `verbose`: every call gets a log line, not only one that failed."""

    def __init__(self, dispatcher: Dispatcher, routers: Routers, *, verbose: bool = False) -> None:
        self._dispatcher = dispatcher
        self._routers = routers
        self._caller = Caller(dispatcher)
        self._data = Data(dispatcher)
        self._verbose = verbose
        self._loop = asyncio.get_running_loop()
        self.background: set[asyncio.Task[CallError | None]] = set()

    async def answer(self, request: Request) -> Answer:
        """The answer to any request; never raises."""
        request_id = parse_request_id(request.headers.get(b"x-request-id")) or new_request_id()
        path, _, query = request.target.decode("latin-1").partition("?")
        try:
            if path.startswith(CALL_PATH):
                return await self._call(request, request_id, path, query)
            if is_data(request.target):
                return await self._data.answer(request, request_id, path, query)
            return await self._other(request, request_id, path)
        except CallError as error:
            self._dispatcher.metrics.refused(error.status)
            log("request refused", request_id=request_id, status=error.status, error_type=error.error_type)
            return error_answer(error, request_id, raw=wants_raw(query))
        except Exception:
            log("request failed", request_id=request_id, trace=traceback.format_exc())
            fault = CallError("UnavailableError", "the gateway failed; its log has this request's id", status=500)
            return error_answer(fault, request_id)

    async def _call(self, request: Request, request_id: str, path: str, query: str) -> Answer:
        call, options = self._admit(request, request_id, path, query)
        arrived = self._loop.time()
        if options.output == "void":
            return await self._start(call, arrived)
        request.gone = call.ticket.abandon
        try:
            result, duration = await self._perform(call)
            answer = _answer(result, duration, request_id, options)
        except CallError as error:
            self._ended(call, arrived, error)
            return error_answer(error, request_id, raw=options.output == "raw")
        self._ended(call, arrived)
        return answer

    def _admit(self, request: Request, request_id: str, path: str, query: str) -> tuple[Call, Options]:
        if request.method != b"POST":
            raise CallError("UnsupportedError", "functions are called with POST", status=405)
        if self._dispatcher.draining:
            raise stopping()
        if self._dispatcher.number is None:
            raise CallError("UnavailableError", "the controller has not told the routes yet", status=503, retry_after=1)
        credential = self._dispatcher.keyring.verify(request.headers.get(b"authorization"))
        reference = parse_reference(path[len(CALL_PATH) :])
        state = self._dispatcher.find(reference)
        permit(credential, state.route.function)
        if request.problem is not None:
            raise request.problem
        options = parse_options(query)
        content_type = parse_content_type(request.headers.get(b"content-type", b""))
        caller = None if credential.callable is None else credential.name
        place = self._routers.claim(state, request.headers.get(PLACE_HEADER.encode()))
        ticket, deadline = Ticket(reference, state), self._loop.time() + options.timeout
        return Call(ticket, request.body, content_type, request_id, deadline, caller, place), options

    async def _perform(self, call: Call) -> tuple[ReplicaAnswer, float]:
        result, duration = await self._caller.perform(call)
        if call.caller is not None:
            self._dispatcher.counts.count(call.caller, call.state.route.function, len(call.body) + len(result.body))
        return result, duration

    async def _start(self, call: Call, arrived: float) -> Answer:
        task = self._loop.create_task(self._background(call, arrived))
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        # One turn of the event loop: by then the call has its place or its place in the queue, or has been turned away.
        await asyncio.sleep(0)
        if task.done() and (error := task.result()) is not None:
            return error_answer(error, call.request_id)
        return Answer(accepted(call.request_id), call.request_id)

    async def _background(self, call: Call, arrived: float) -> CallError | None:
        try:
            await self._perform(call)
        except CallError as error:
            self._ended(call, arrived, error)
            return error
        self._ended(call, arrived)
        return None

    def _ended(self, call: Call, arrived: float, error: CallError | None = None) -> None:
        seconds = self._loop.time() - arrived
        outcome = SUCCESS if error is None else error.error_type
        call.state.meter.count(outcome, seconds)
        if error is not None or self._verbose:
            log("call", request_id=call.request_id, version=call.state.key, outcome=outcome[:80], seconds=round(seconds, 6))

    async def _other(self, request: Request, request_id: str, path: str) -> Answer:
        if request.problem is not None:
            raise request.problem
        if path not in ("/healthz", "/metrics"):
            raise CallError("EntityNotFoundError", f"nothing is served at {path[:200]}", status=404)
        if request.method not in (b"GET", b"HEAD"):
            raise CallError("UnsupportedError", f"{path} is read with GET", status=405)
        if path == "/metrics":
            return Answer(await self._metrics(), request_id, content_type="text/plain; version=0.0.4; charset=utf-8")
        if self._dispatcher.draining:
            raise stopping()
        if self._dispatcher.number is None:
            raise CallError("UnavailableError", "the controller has not told the routes yet", status=503, retry_after=1)
        return Answer(b'{"status": "ok", "snapshot": %d}' % self._dispatcher.number, request_id)

    async def _metrics(self) -> bytes:
        reports = self._dispatcher.reports
        return self._dispatcher.metrics.text(None if reports is None else await reports.figures())


def _answer(result: ReplicaAnswer, duration: float, request_id: str, options: Options) -> Answer:
    if options.output == "raw":
        return Answer(result.body, request_id, content_type=result.content_type or _BINARY)
    return Answer(success(result, duration), request_id)
