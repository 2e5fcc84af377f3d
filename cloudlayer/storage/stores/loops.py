"""An event loop in a thread of its own, for stores over libraries that are asyncio alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
_MOMENT: Final = 1.0
"""Seconds in which a loop that does not hang has cancelled what took too long."""


class LoopThread:
    """Runs coroutines for whichever thread asks. It ends with the process, or when it is stopped."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """What `work` gives; TimeoutError after `seconds`, when it is cancelled; of a loop that hangs, a moment later."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self._loop)
        try:
            return future.result(seconds + _MOMENT)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the thread. What still runs is left where it is."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()
