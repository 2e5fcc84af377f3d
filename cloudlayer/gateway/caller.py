"""One call's way: a place, a replica, and what to do when the replica does not answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from cloudlayer.fleet.routes import Exit
from cloudlayer.gateway.balancer import Replica
from cloudlayer.gateway.dispatcher import LOST, Dispatcher
from cloudlayer.gateway.envelope import CallError, ReplicaAnswer, result_of
from cloudlayer.gateway.logs import log
from cloudlayer.gateway.replica_client import OutOfConnections
from cloudlayer.gateway.versions import Ticket, VersionState, never_started
from cloudlayer.runtime.router.client import BadAnswer, Broken, Overran, TooLate, Unreachable

TRIES: Final = 3
# ReplicaExit's values, whose module would bring all of the specs along.
OUT_OF_MEMORY: Final = "out_of_memory"
OUT_OF_GPU_MEMORY: Final = "out_of_gpu_memory"


@dataclass(eq=False, slots=True)
class Call:
    """A call as it was asked for. `deadline` is when its caller stops waiting, by the event loop's clock. `caller` is the
    version whose replica calls, if one does; `place` what a router was given for it already.

    A version's own timeout counts from when a replica has the call: a cold start does not eat it up.
    """

    ticket: Ticket
    body: bytes
    content_type: bytes
    request_id: str
    deadline: float
    caller: str | None = None
    place: Replica | None = None

    @property
    def state(self) -> VersionState:
        """The version that has the call, or is to have it."""
        return self.ticket.state


class Caller:
    """Takes calls to replicas."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._loop = asyncio.get_running_loop()

    async def perform(self, call: Call) -> tuple[ReplicaAnswer, float]:
        """The call's result and the seconds that its replica took; CallError if there is none.

        A call that never reached a replica is tried on others while its time lasts; one that was broken off, up to three times
        in all if its version is idempotent.
        """
        broken = 0
        again = False
        while True:
            replica, call.place = call.place, None
            if replica is None:
                replica = await self._dispatcher.place(call.ticket, call.deadline, again=again)
            again = True
            started = self._loop.time()
            try:
                return result_of(await self._post(call, replica, started)), self._loop.time() - started
            except Unreachable as error:
                self._lose(call, replica, f"unreachable: {error}")
            except TooLate:
                raise never_started(call.state.key) from None
            except Broken:
                broken += 1
                self._lose(call, replica, "broke off a call")
                if not call.state.route.idempotent or broken == TRIES:
                    raise await died(self._dispatcher, call.state.key, replica) from None
            except Overran:
                self._lose(call, replica, "overran a call's time", stuck=True)
                raise _overran(call, self._loop.time() - started) from None
            except BadAnswer as error:
                raise CallError("AlgorithmError", f"{call.state.key} gave no answer that can be passed on: {error}") from None
            except OutOfConnections:
                raise CallError("UnavailableError", "too many connections", status=503, retry_after=1) from None
            finally:
                self._dispatcher.release(call.state, replica)

    async def _post(self, call: Call, replica: Replica, started: float) -> ReplicaAnswer:
        deadline = min(call.deadline, started + call.state.route.timeout)
        client = self._dispatcher.client(replica)
        return await client.post(call.body, call.content_type, call.request_id, deadline, time.time() + deadline - started)

    def _lose(self, call: Call, replica: Replica, why: str, *, stuck: bool = False) -> None:
        log("replica lost", replica=replica.id, version=call.state.key, why=why, request_id=call.request_id)
        self._dispatcher.lose(call.state, replica, stuck=stuck)


async def died(dispatcher: Dispatcher, key: str, replica: Replica) -> CallError:
    """What to tell the caller whose call a replica of the version `key` broke off."""
    ended = await dispatcher.reason(replica)
    if ended is not None and ended.reason == LOST:
        what = f"{key} was lost while it worked on this call{_told(ended)}"
        return CallError("ReplicaLostError", f"{what}. The call may have been carried out, or in part")
    if ended is not None and ended.reason == OUT_OF_MEMORY:
        return CallError("OutOfMemoryError", f"{key} ran out of memory while it worked on this call")
    if ended is not None and ended.reason == OUT_OF_GPU_MEMORY:
        return CallError("OutOfGpuMemoryError", f"{key} was ended while it worked on this call{_told(ended)}")
    return CallError("AlgorithmError", f"{key} exited while it worked on this call{_told(ended)}")


def _told(ended: Exit | None) -> str:
    return f": {ended.message}" if ended is not None and ended.message else ""


def _overran(call: Call, seconds: float) -> CallError:
    return CallError("TimeoutError", f"{call.state.key} was still at work when its time was over, after {seconds:.3g} s")
