"""The data API of the Algorithmia protocol: objects of the stores, as far as the fleet's manifest opens them.

What stores do, they do in threads of their own, a few at a time, so that no call of a function waits for one. The library of
a store is loaded with the first request that is let in.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cloudlayer.fleet.routes import Credential
from cloudlayer.gateway.answer import Answer, error_answer
from cloudlayer.gateway.data_requests import METHODS, Asked, query_of, uri_of
from cloudlayer.gateway.dispatcher import Dispatcher
from cloudlayer.gateway.envelope import FORBIDDEN, CallError
from cloudlayer.gateway.http_server import Request
from cloudlayer.gateway.logs import log
from cloudlayer.gateway.versions import stopping

if TYPE_CHECKING:
    from cloudlayer.gateway.data_objects import Objects

AT_ONCE: Final = 16
WAITING_LIMIT: Final = 240
_LONGEST_TOLD: Final = 1000


class Data:
    """Answers requests to `/v1/data/` and `/v1/connector/`."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="data")
        self._lock = threading.Lock()
        self._objects: Objects | None = None
        self._under_way = 0

    async def answer(self, request: Request, request_id: str, path: str, query: str) -> Answer:
        """The answer; errors have their status, and are told in X-Error-Message too, since HEAD has no body."""
        try:
            return await self._perform(self._admit(request, request_id, path, query))
        except CallError as error:
            self._dispatcher.metrics.refused(error.status)
            log("request refused", request_id=request_id, status=error.status, error_type=error.error_type)
            answer = error_answer(error, request_id)
            return replace(answer, headers=(*answer.headers, ("X-Error-Message", _on_one_line(error.message))))

    def _admit(self, request: Request, request_id: str, path: str, query: str) -> Asked:
        if self._dispatcher.draining:
            raise stopping()
        if self._dispatcher.number is None:
            raise CallError("UnavailableError", "the controller has not told the routes yet", status=503, retry_after=1)
        credential = self._dispatcher.keyring.verify(request.headers.get(b"authorization"))
        access = self._dispatcher.data if credential.callable is None else credential.data
        if not (access.open or access.write):
            raise _forbidden(credential)
        if request.problem is not None:
            raise request.problem
        method = request.method.decode()
        if method not in METHODS:
            raise CallError("UnsupportedError", f"there are {', '.join(METHODS)} here, and not {method}", status=501)
        uri, options = uri_of(path, credential.name), query_of(query)
        return Asked(request_id, method, uri, credential.name, access, options, request.headers, request.body)

    async def _perform(self, asked: Asked) -> Answer:
        if self._under_way >= AT_ONCE + WAITING_LIMIT:
            raise CallError("TooManyRequestsError", "too many requests for data at once", status=429, retry_after=1)
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._in_thread, asked)
        finally:
            self._under_way -= 1

    def _in_thread(self, asked: Asked) -> Answer:
        from cloudlayer.gateway.data_objects import Objects

        with self._lock:
            if self._objects is None:
                self._objects = Objects()
        return self._objects.perform(asked)


def _forbidden(credential: Credential) -> CallError:
    mend = "[fleet.data] in the manifest" if credential.callable is None else "its function's `data` in the manifest"
    message = f"no data is open to {credential.name}: name what may be read in `open` of {mend}"
    return CallError("AuthorizationError", message, status=403, code=FORBIDDEN)


def _on_one_line(message: str) -> str:
    """As a header may have it: names of objects are any text."""
    text = message.encode("ascii", "backslashreplace").decode()
    return "".join(each if each.isprintable() else " " for each in text)[:_LONGEST_TOLD]
