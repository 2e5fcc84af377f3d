"""Looks at a machine's GPUs while replicas share them, and tells at once who exceeds a share."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Final

from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Host
from cloudlayer.runtime.gpu.reading import read
from cloudlayer.runtime.gpu.shares import Excess, Share, exceeding

PERIOD: Final = 1.0
"""Seconds between two looks. What a replica takes and gives back in between is not seen, and harms nobody that asks for less
than the device has left."""

_log = logging.getLogger(__name__)


class GpuWatch:
    """One thread a machine, which runs while there are shares to watch, whatever goes wrong. `close` ends it."""

    def __init__(
        self,
        host: Host,
        shares: Callable[[], Iterable[Share]],
        exceeded: Callable[[Excess], None],
        *,
        period: float = PERIOD,
    ) -> None:
        """`shares` tells what is to be watched now; `exceeded` ends the one that is named, and hears of it while it lives."""
        self._host = host
        self._shares = shares
        self._exceeded = exceeded
        self._period = period
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken = False
        self._closed = threading.Event()

    def wake(self) -> None:
        """There is a share to watch, as of now."""
        with self._lock:
            self._woken = True
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name=f"gpus of {self._host.name}", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(self._period):
            self._woken = False
            if not self._look() and self._ended():
                return

    def _ended(self) -> bool:
        """Whether nothing has come since the last look, so that the next `wake` starts another thread."""
        with self._lock:
            if self._woken:
                return False
            self._thread = None
            return True

    def _look(self) -> bool:
        """Whether there may be shares."""
        try:
            shares = list(self._shares())
            for excess in exceeding(read(self._host), shares) if shares else ():
                _log.warning("replica %s is stopped: %s", excess.replica, excess.message)
                self._exceeded(excess)
        except CloudLayerError as error:
            # A machine that is not reached, or whose driver is busy, is looked at again.
            _log.warning("the GPUs of %s cannot be looked at: %s", self._host.name, error)
        except Exception:
            _log.exception("the GPUs of %s cannot be looked at", self._host.name)
        else:
            return bool(shares)
        return True
