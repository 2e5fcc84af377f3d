"""What is to happen later, on a clock that may jump: each thing happens at its own time, in the order of the times."""

import heapq
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

PACIFIC = timezone(timedelta(hours=-8))


class Timeline:
    """Seconds since its start, and the things that are due. While one happens, `now` is the time it was due."""

    def __init__(self, clock):
        self._clock = clock
        self._origin = clock()
        self._began = datetime.now(UTC)
        self._due = []
        self._numbers = count()
        self._at = None

    def follow(self, clock):
        """Let time go on from here, on another clock."""
        self._origin = clock() - self.now
        self._clock = clock

    @property
    def now(self):
        """Seconds since the start."""
        return self._clock() - self._origin if self._at is None else self._at

    @property
    def stamp(self):
        """Now, as GCE writes it."""
        return self.stamp_after(timedelta())

    def stamp_after(self, wait):
        """A time from now on, as GCE writes it."""
        moment = self._began + timedelta(seconds=self.now) + wait
        return moment.astimezone(PACIFIC).isoformat(timespec="milliseconds")

    def later(self, seconds, happening):
        """Call `happening` when so many seconds have passed."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), happening))

    def settle(self):
        """Let everything happen that is due by now, and what comes of it if that is due too."""
        now = self.now
        while self._due and self._due[0][0] <= now:
            self._at, _, happening = heapq.heappop(self._due)
            try:
                happening()
            finally:
                self._at = None
