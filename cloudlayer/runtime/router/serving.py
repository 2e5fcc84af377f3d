"""What the router answers: calls that have their place here, by itself; all else as the gateway answers it."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from ..worker.protocol import Connection, Request
from .calling import Call, Caller, admit, request_id_of
from .client import BadAnswer, Broken, Client, Overran, TooLate, Unreachable
from .envelope import JSON, CallError, failure, success
from .line import AWAY_SECONDS, Line
from .messages import PLACE_HEADER, Elsewhere
from .options import MAXIMUM_TIMEOUT
from .wanting import away

HELD_LIMIT: Final = 256 * 1024**2
"""Bytes of requests that are held at once, over all callers."""

_BINARY: Final = "application/octet-stream"
_RETRY_SECONDS: Final = 0.1
_PASSED_ON: Final = ("authorization", "content-type", "accept", "x-deadline", "if-match", "if-none-match")
_OF_DATA: Final = ("location", "cache-control", "etag", "x-data-type", "x-error-message")
_PASSED_BACK: Final = ("x-request-id", "retry-after", "www-authenticate", "allow", *_OF_DATA)


class Conversation(Connection):
    """A caller's connection. `gone` is called if the caller hangs up before the answer."""

    gone: Callable[[], object] | None = None

    def eof_received(self) -> bool:
        """The caller has gone."""
        if self.gone is not None:
            self.gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone, without a word."""
        if self.gone is not None:
            self.gone()
        super().connection_lost(exc)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; `headers` are those beside Content-Type and Content-Length."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Router:
    """Answers requests; `gateway` is where those go that it does not serve itself."""

    def __init__(self, line: Line, gateway: Client) -> None:
        self.connections: set[Connection] = set()
        self._line = line
        self._gateway = gateway
        self._caller = Caller(line)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0

    def connection(self) -> Conversation:
        """For a caller that has come."""
        return Conversation(self._handle, self.connections)

    def _handle(self, request: Request, connection: Connection) -> None:
        task = self._loop.create_task(self._serve(request, cast(Conversation, connection)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, request: Request, connection: Conversation) -> None:
        self._held += len(request.body)
        try:
            answer = await self._answer(request, connection)
        except CallError as error:
            answer = _failed(error, request_id_of(request) or "")
        except Exception:
            traceback.print_exc()
            fault = CallError("UnavailableError", "the router failed; its log says how", status=500)
            answer = _failed(fault, request_id_of(request) or "")
        except asyncio.CancelledError:
            answer = _failed(CallError("UnavailableError", "the caller hung up", status=503), "")
        finally:
            self._held -= len(request.body)
            connection.gone = None
        more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        connection.respond(answer.status, answer.content_type, answer.body, more)

    async def _answer(self, request: Request, connection: Conversation) -> Answer:
        if self._held > HELD_LIMIT:
            raise CallError("UnavailableError", "too many calls at once", status=503, retry_after=1)
        request_id = request_id_of(request) or os.urandom(16).hex()
        call = admit(request, request_id, self._line, self._loop.time())
        if call is None:
            return await self._pass_on(request, request_id, connection)
        connection.gone = call.ticket.abandon
        arrived = self._loop.time()
        try:
            answer = await self._local(call, arrived)
        except CallError as error:
            self._caller.ended(call, arrived, len(call.body), error)
            return _failed(error, request_id, raw=call.options.output == "raw")
        if isinstance(answer, Elsewhere):
            return await self._pass_on(request, request_id, connection, place=answer.place, again=call.entry.idempotent)
        return answer

    async def _local(self, call: Call, arrived: float) -> Answer | Elsewhere:
        found = await self._caller.perform(call)
        if isinstance(found, Elsewhere):
            return found
        result, duration = found
        headers = (("X-Request-Id", call.request_id),)
        if call.options.output == "raw":
            answer = Answer(200, result.content_type or _BINARY, result.body, headers)
        else:
            answer = Answer(200, JSON, success(result, duration), headers)
        self._caller.ended(call, arrived, len(call.body) + len(result.body))
        return answer

    async def _pass_on(
        self, request: Request, request_id: str, connection: Conversation, *, place: str = "", again: bool = False
    ) -> Answer:
        """The gateway's answer; CallError where it gives none. `again`: the call may be sent once more if it was broken off."""
        task = asyncio.current_task()
        connection.gone = task.cancel if task is not None else None
        headers = [f"{name}: {request.headers[name]}" for name in _PASSED_ON if name in request.headers]
        headers.append(f"X-Request-Id: {request_id}")
        if place:
            headers.append(f"{PLACE_HEADER}: {place}")
        since = self._loop.time()
        while True:
            try:
                # The gateway keeps the call's own time; this one is for a gateway that keeps none.
                deadline = since + MAXIMUM_TIMEOUT + AWAY_SECONDS
                response = await self._gateway.send(request.method, request.path, headers, request.body, deadline)
            except (Unreachable, TooLate):
                if self._loop.time() - since > AWAY_SECONDS:
                    raise away() from None
            except (Broken, Overran, BadAnswer):
                if not again or self._loop.time() - since > AWAY_SECONDS:
                    raise _broken_off() from None
            else:
                passed = ((name, response.headers[name]) for name in _PASSED_BACK if name in response.headers)
                content_type = response.headers.get("content-type", _BINARY)
                return Answer(response.status, content_type, response.body, tuple(passed))
            await asyncio.sleep(_RETRY_SECONDS)


def _failed(error: CallError, request_id: str, *, raw: bool = False) -> Answer:
    headers = [("X-Request-Id", request_id)]
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    return Answer(error.raw_status if raw else error.status, JSON, failure(error, request_id), tuple(headers))


def _broken_off() -> CallError:
    message = "the connection to the gateway broke while it had the call, which may have run: call again if that does no harm"
    return CallError("UnavailableError", message, status=503, retry_after=1)
