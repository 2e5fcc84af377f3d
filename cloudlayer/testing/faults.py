"""What a provider's author brings about, so that the suite sees how the driver takes it."""

from __future__ import annotations

from typing import NoReturn

import pytest


class Faults:
    """Faults at the cloud, or at what stands in for it: below the driver, never in it.

    Override what can be brought about; the promises that need the rest are skipped. A fault holds until `clear`, but where
    a number of `times` is given. All of them concern every machine type, zone and way of buying.
    """

    def clear(self) -> None:
        """End all faults. What was launched stays. Called after each test."""

    def launched(self) -> int:
        """How many instances the cloud has ever launched, deleted ones included: its own count, not the driver's."""
        self._absent("count launches")

    def lack_capacity(self, after: int = 0) -> None:
        """The cloud has room for `after` more instances and then no more."""
        self._absent("lack capacity")

    def exceed_quota(self) -> None:
        """The account may have no more instances."""
        self._absent("exceed a quota")

    def throttle(self, times: int | None = None) -> None:
        """The next `times` calls (None: all) are refused for coming too often."""
        self._absent("throttle")

    def break_calls(self, times: int | None = None) -> None:
        """The next `times` calls (None: all) fail in passing, before they have any effect: a dropped connection, a 503."""
        self._absent("break calls")

    def lose_answer(self) -> None:
        """The next launch takes place, and its answer is lost on the way."""
        self._absent("lose an answer")

    def fail_auth(self) -> None:
        """The credentials are not accepted."""
        self._absent("fail authentication")

    def deny(self) -> None:
        """The credentials are good, and launching is not allowed."""
        self._absent("deny a call")

    def answer_unknown(self) -> None:
        """A launch is refused with a code that no driver knows, and a message that speaks of insufficient capacity."""
        self._absent("answer with an unknown code")

    def fail_instances(self) -> None:
        """Instances launched from now on are accepted and end before they run."""
        self._absent("fail an instance")

    def smallest_pages(self) -> None:
        """Lists come in pages as small as the cloud's API allows."""
        self._absent("cut pages")

    def _absent(self, what: str) -> NoReturn:
        pytest.skip(f"this provider's tests cannot {what}")
