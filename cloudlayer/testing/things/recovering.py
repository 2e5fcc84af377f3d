"""What a create promises that breaks on the way, of things of every kind."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from cloudlayer.interfaces import Deadline, Provider
from cloudlayer.testing.faults import Faults
from cloudlayer.testing.things.base import ThingPromises, Things, ids, may_be_lost


class RecoveringPromises(ThingPromises):
    """A token makes one thing with one set of children, whatever breaks; what is given up leaves nothing that is not told."""

    brief: float = 5.0
    """For how many seconds a create is given a chance while all its calls break."""

    calls: int = 60
    """How many calls a create takes at the most."""

    def test_a_lost_answer_leaves_what_an_undisturbed_create_does(
        self, provider: Provider, things: Things, spec: Any, token: str, faults: Faults
    ) -> None:
        """The thing is found again by its token, with one set of children."""
        assert not faults.holdings(spec.labels)
        calm, lost = (self.beside(self.whole(provider, spec), number) for number in range(2))
        self.made(things, calm)
        faults.lose_answer(self.kind)
        may_be_lost(things, lost, token)
        made = self.made(things, lost, token)
        assert ids(things, lost.labels) == [made.id]
        assert _counted(faults, lost) == _counted(faults, calm)

    def test_a_create_that_breaks_off_anywhere_is_completed_by_the_same_create(
        self, provider: Provider, things: Things, spec: Any, token: str, faults: Faults
    ) -> None:
        """Each time it gets one call further; in the end there is what an undisturbed create leaves."""
        calm, broken = (self.beside(self.whole(provider, spec), number) for number in range(2))
        self.made(things, calm)
        for after in range(self.calls):
            faults.break_off(after)
            ended = may_be_lost(things, broken, token, Deadline.after(self.brief))
            faults.clear()
            if ended:
                break
        assert after > 0
        made = self.made(things, broken, token)
        assert ids(things, broken.labels) == [made.id]
        assert _counted(faults, broken) == _counted(faults, calm)

    def test_a_create_that_is_given_up_leaves_nothing_that_is_not_told(
        self, provider: Provider, things: Things, spec: Any, faults: Faults
    ) -> None:
        """Wherever it broke off: what is listed or told as a leftover is all that there is, and can be deleted."""
        for after in range(self.calls):
            given_up = self.beside(self.whole(provider, spec), after)
            faults.break_off(after)
            ended = may_be_lost(things, given_up, str(uuid4()), Deadline.after(self.brief))
            faults.clear()
            for made in ids(things, given_up.labels):
                self.removed(things, made)
            faults.outlast_creates()
            for leftover in provider.leftovers(given_up.labels):
                provider.delete_leftover(leftover)
            assert faults.holdings(given_up.labels) == {}
            if ended:
                break
        assert ended
        assert after > 0


def _counted(faults: Faults, spec: Any) -> dict[str, int]:
    """What the cloud holds of the spec's thing; never nothing."""
    found = dict(faults.holdings(spec.labels))
    assert found
    return found
