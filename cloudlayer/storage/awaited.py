"""What a coroutine has done by a thread, and can call off: the thread of a stream that is put, and what it is fed with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, BinaryIO, Final, TypeVar

from cloudlayer.storage.content import pieces
from cloudlayer.storage.store import Data

Result = TypeVar("Result")
_END: Final[Any] = object()


class Feed:
    """The pieces of a source, asynchronous or not, for a thread. Called off, it raises in place of the next one."""

    def __init__(self, source: AsyncIterable[Data] | Iterable[Data] | BinaryIO) -> None:
        """Made on the loop that an asynchronous source belongs to."""
        loop = asyncio.get_running_loop()
        self._pieces: Iterable[Data] = (
            self._of_loop(aiter(source), loop) if isinstance(source, AsyncIterable) else pieces(source)
        )
        self._lock = threading.Lock()
        self._next: Future[Data] | None = None
        self._called_off = False

    def __iter__(self) -> Iterator[Data]:
        for piece in self._pieces:
            self._check()
            yield piece
        self._check()

    def call_off(self) -> None:
        """Have the thread get no more, and an asynchronous source be cancelled where it waits."""
        with self._lock:
            self._called_off = True
            if self._next is not None:
                self._next.cancel()

    def _check(self) -> None:
        if self._called_off:
            raise CancelledError

    def _of_loop(self, source: AsyncIterator[Data], loop: asyncio.AbstractEventLoop) -> Iterator[Data]:
        async def following() -> Data:
            return await anext(source, _END)

        while True:
            with self._lock:
                self._check()
                self._next = asyncio.run_coroutine_threadsafe(following(), loop)
            if (piece := self._next.result()) is _END:
                return
            yield piece


async def in_own_thread(work: Callable[[], Result], call_off: Callable[[], None]) -> Result:
    """What `work` gives, done by a thread that nobody else waits for: those of the loop are few, and it may need one of them.

    If this is cancelled, so is the work, by `call_off`, and it has ended when the cancellation is raised.
    """
    done: Future[Result] = Future()
    thread = threading.Thread(target=_do, args=(done, work), name="cloudlayer-stream", daemon=True)
    thread.start()
    ended = asyncio.wrap_future(done)
    ended.add_done_callback(
        lambda ended: ended.cancelled() or ended.exception()
    )  # which nobody asks for once this is cancelled
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        call_off()
        await asyncio.wait([ended])
        thread.join()  # it has nothing left to do but to return
        raise


def _do(done: Future[Result], work: Callable[[], Result]) -> None:
    done.set_running_or_notify_cancel()
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
