"""One call's way from a replica to another of the same machine, and what to do when that one does not answer."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ..worker.protocol import Request
from .client import BadAnswer, Broken, Client, Overran, TooLate, Unreachable
from .envelope import CallError, ReplicaAnswer, result_of
from .line import Line
from .messages import Done, Elsewhere, Entry
from .options import Options, parse_content_type, parse_key, parse_options, parse_reference, parse_request_id
from .places import Lease
from .wanting import Wanting, never_started

CALL_PATH: Final = "/v1/algo/"
TRIES: Final = 3
SUCCESS: Final = "success"

_FORGET_SECONDS: Final = 60.0


class Ticket:
    """A call's claim to a place, which its caller may give up while it waits."""

    def __init__(self) -> None:
        self._wanting: Wanting | None = None
        self._gone = False

    def wait(self, wanting: Wanting | None) -> None:
        """What the call waits by now."""
        self._wanting = wanting
        if self._gone:
            self.abandon()

    def abandon(self) -> None:
        """The caller has gone. A call that runs is left to finish: its function may be halfway through what it does."""
        self._gone = True
        if self._wanting is not None:
            self._wanting.fail(CallError("UnavailableError", "the caller hung up before the call started", status=503))


@dataclass(eq=False, slots=True)
class Call:
    """A call that may have its place on this machine. `deadline` is when its caller stops waiting, by the loop's clock.

    The version `key` has the call, or is to have it: the one that `reference` named when the call came, or, if that is gone by
    the time there is a place, the one that it names then.
    """

    reference: str
    key: str
    entry: Entry
    caller: str
    body: bytes
    content_type: str
    request_id: str
    options: Options
    deadline: float
    ticket: Ticket = field(default_factory=Ticket)


def admit(request: Request, request_id: str, line: Line, now: float) -> Call | None:
    """The call that a request makes; None where that is for the gateway to say."""
    path, _, query = request.path.partition("?")
    caller = line.table.callers.get(_digest(request.headers.get("authorization", "")))
    if request.method != "POST" or not path.startswith(CALL_PATH) or caller is None:
        return None
    try:
        reference = parse_reference(path[len(CALL_PATH) :])
        options = parse_options(query)
        content_type = parse_content_type(request.headers.get("content-type", "").encode("latin-1"))
    except CallError:
        return None
    name, allowed = caller
    key = line.table.references.get(reference, "")
    entry = line.table.versions.get(key)
    # A call whose result nobody waits for has to outlive its caller, and this router: it is the gateway's.
    if entry is None or key.rpartition("/")[0] not in allowed or options.output == "void":
        return None
    deadline = now + options.timeout
    return Call(reference, key, entry, name, request.body, content_type.decode("latin-1"), request_id, options, deadline)


def request_id_of(request: Request) -> str | None:
    """The request's own id, if it has one that may stand in a log."""
    return parse_request_id(request.headers.get("x-request-id", "").encode("latin-1"))


def _digest(authorization: str) -> str:
    return hashlib.sha256(parse_key(authorization.encode("latin-1"))).hexdigest()


class Caller:
    """Takes calls to replicas of this machine."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._clients: dict[str, Client] = {}

    async def perform(self, call: Call) -> tuple[ReplicaAnswer, float] | Elsewhere:
        """The call's result and the seconds that its replica took, or where there is a place for it; else CallError.

        A call that never reached a replica is tried on others while its time lasts; one that was broken off, up to three times
        in all if its version is idempotent.
        """
        broken = 0
        again = False
        while True:
            place = await self._line.place(call.key, call.reference, call.deadline, call.ticket.wait, again=again)
            if isinstance(place, Elsewhere):
                return place
            call.key, call.entry = place.key, place.entry
            again, keep = True, False
            started = self._loop.time()
            try:
                answer = await self._send(call, place, started)
                keep = True
                return result_of(answer), self._loop.time() - started
            except Unreachable as error:
                await self._line.fault(place, "unreachable", str(error), call.request_id)
            except TooLate:
                raise never_started(call.key) from None
            except Broken:
                broken += 1
                died = await self._died(call, place)
                if not call.entry.idempotent or broken == TRIES:
                    raise died from None
            except Overran:
                await self._line.fault(place, "stuck", "overran a call's time", call.request_id)
                seconds = self._loop.time() - started
                raise CallError(
                    "TimeoutError", f"{call.key} was still at work when its time was over, after {seconds:.3g} s"
                ) from None
            except BadAnswer as error:
                keep = True
                raise CallError("AlgorithmError", f"{call.key} gave no answer that can be passed on: {error}") from None
            finally:
                self._line.release(place, keep=keep)

    def ended(self, call: Call, arrived: float, size: int, error: CallError | None = None) -> None:
        """Tell that a call has ended."""
        outcome = SUCCESS if error is None else error.error_type
        seconds = round(self._loop.time() - arrived, 6)
        self._line.done(Done(call.key, call.caller, outcome, seconds, size, call.request_id))

    async def _send(self, call: Call, lease: Lease, started: float) -> ReplicaAnswer:
        deadline = min(call.deadline, started + call.entry.timeout)
        headers = (
            f"X-Request-Id: {call.request_id}",
            f"X-Deadline: {time.time() + deadline - started:.3f}",
            f"Content-Type: {call.content_type}",
        )
        response = await self._client(lease.address).send("POST", "/", headers, call.body, deadline)
        return ReplicaAnswer(response.status, response.headers.get("content-type", ""), response.body)

    async def _died(self, call: Call, lease: Lease) -> CallError:
        reason = await self._line.fault(lease, "broken", "broke off a call", call.request_id)
        if reason is None:
            return CallError("AlgorithmError", f"{call.key} exited while it worked on this call")
        return CallError(reason.error_type, reason.message)

    def _client(self, address: str) -> Client:
        client = self._clients.get(address)
        if client is None:
            self._forget(address for address, each in self._clients.items() if self._is_old(each))
            client = self._clients[address] = Client(address)
        return client

    def _is_old(self, client: Client) -> bool:
        return self._loop.time() - client.used_at > _FORGET_SECONDS

    def _forget(self, addresses: Iterable[str]) -> None:
        for address in list(addresses):
            self._clients.pop(address).close()
