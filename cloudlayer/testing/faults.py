"""What a provider's author brings about, so that the suite sees how the driver takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NoReturn

from cloudlayer.testing.skips import skip

Kind = Literal["instance", "group", "balancer", "volume", "snapshot", "share"]


class Faults:
    """Faults at the cloud, or at what stands in for it: below the driver, never in it.

    Override what can be brought about, and for a `kind` that cannot, call the method of this class; the promises that need the
    rest are skipped. A fault holds until `clear`, but where a number of `times` is given. All of them concern every machine
    type, zone and way of buying.
    """

    def clear(self) -> None:
        """End all faults. What was made stays. Called after each test."""

    def launched(self) -> int:
        """How many instances the cloud has ever launched, deleted ones included: its own count, not the driver's."""
        self._absent("launched")

    def holdings(self, labels: Mapping[str, str]) -> Mapping[str, int]:
        """How many things of each kind are alive that carry all of `labels`, children of things included.

        The cloud's own count in its own words for the kinds, never asked for through the driver. Kinds of which there are
        none are left out, and so is what is deleted or on its way there.
        """
        self._absent("holdings")

    def leave_pieces(self, labels: Mapping[str, str]) -> int:
        """Plant one leftover with these labels of each kind that there can be, past the driver; how many these are."""
        self._absent("leave_pieces")

    def outlast_creates(self) -> None:
        """Let pass the time for which a piece without a thing counts as one that a create is on its way to use."""

    def lack_capacity(self, after: int = 0) -> None:
        """The cloud has room for `after` more instances and then no more."""
        self._absent("lack_capacity")

    def exceed_quota(self, kind: Kind = "instance") -> None:
        """The account may have no more of this kind: the call that makes one is refused with the cloud's code for it."""
        self._absent("exceed_quota", kind)

    def throttle(self, times: int | None = None) -> None:
        """The next `times` calls (None: all) are refused for coming too often."""
        self._absent("throttle")

    def break_calls(self, times: int | None = None) -> None:
        """The next `times` calls (None: all) fail in passing, before they have any effect: a dropped connection, a 503."""
        self._absent("break_calls")

    def break_off(self, after: int) -> None:
        """`after` more calls go through, reads among them; from then on all fail, as if the caller had died there."""
        self._absent("break_off")

    def lose_answer(self, kind: Kind = "instance") -> None:
        """The next call that makes a thing of this kind takes effect, and its answer is lost on the way."""
        self._absent("lose_answer", kind)

    def fail_auth(self) -> None:
        """The credentials are not accepted."""
        self._absent("fail_auth")

    def deny(self, kind: Kind = "instance") -> None:
        """The credentials are good, and making a thing of this kind is not allowed."""
        self._absent("deny", kind)

    def answer_unknown(self, kind: Kind = "instance") -> None:
        """Making one is refused with a code that no driver knows, and a message that speaks of insufficient capacity."""
        self._absent("answer_unknown", kind)

    def fail_instances(self) -> None:
        """Instances launched from now on are accepted and end before they run."""
        self._absent("fail_instances")

    def smallest_pages(self) -> None:
        """Lists come in pages as small as the cloud's API allows."""
        self._absent("smallest_pages")

    def _absent(self, name: str, kind: Kind | None = None) -> NoReturn:
        skip("fault", f"{name}({kind})" if kind else name, "this provider's tests cannot bring it about")
