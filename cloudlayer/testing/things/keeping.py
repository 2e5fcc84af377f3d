"""What `get`, `list`, `delete` and `wait` promise, of groups, balancers, volumes and shares alike."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest

from cloudlayer.errors import CloudError, InvalidSpec, NotFound, TransientError
from cloudlayer.interfaces import Deadline, Provider
from cloudlayer.testing.base import ENDLESS, labelled
from cloudlayer.testing.faults import Faults
from cloudlayer.testing.things.base import ThingPromises, Things, ids


class KeepingPromises(ThingPromises):
    """Lists are whole, deletes are idempotent and leave nothing, waits end."""

    def test_get_reports_the_thing(self, things: Things, spec: Any, token: str) -> None:
        """Under its name and with the labels that were asked for."""
        made = self.made(things, spec, token)
        found = things.get(made.id)
        assert (found.id, found.name, found.state) == (made.id, spec.name, self.ready)
        assert found.labels.items() >= spec.labels.items()

    def test_get_of_an_absent_id_is_not_found(self, provider: Provider, things: Things, absent_id: str) -> None:
        """And says by whom."""
        with pytest.raises(NotFound) as caught:
            things.get(absent_id)
        assert caught.value.provider == provider.name

    def test_a_list_is_whole_whatever_the_pages(self, things: Things, spec: Any, faults: Faults) -> None:
        """Each thing once."""
        faults.smallest_pages()
        specs = [self.beside(spec, number) for number in range(2 * self.page + 1)]
        made = sorted(things.create(one, token=str(uuid4())).id for one in specs)
        assert ids(things, spec.labels) == made
        everything = [thing.id for thing in things.list()]
        assert len(everything) == len(set(everything))
        assert set(everything) >= set(made)

    def test_a_list_holds_what_carries_all_the_labels(self, things: Things, spec: Any) -> None:
        """And nothing else."""
        blue = labelled(self.beside(spec, 0), {"colour": "blue", "size": "big"})
        red = labelled(self.beside(spec, 1), {"colour": "red", "size": "big"})
        first, second = (things.create(one, token=str(uuid4())).id for one in (blue, red))

        def listed(**more: str) -> list[str]:
            return ids(things, {**spec.labels, **more})

        assert listed() == listed(size="big") == sorted([first, second])
        assert listed(colour="blue") == [first]
        assert listed(colour="red", size="big") == [second]
        assert listed(colour="red", size="small") == listed(colour="blu") == listed(shape="round") == []

    def test_what_is_deleted_is_gone_with_all_that_was_made_for_it(
        self, provider: Provider, things: Things, spec: Any, token: str, faults: Faults
    ) -> None:
        """By the cloud's own count, and the same token's create is what makes nothing of it linger."""
        made = self.made(things, self.whole(provider, spec), token)
        assert faults.holdings(spec.labels)
        things.delete(made.id)
        assert things.wait(made, "deleted", timeout=self.patience).state == "deleted"
        assert ids(things, spec.labels) == []
        assert faults.holdings(spec.labels) == {}

    def test_deleting_twice_is_no_error(self, things: Things, spec: Any, token: str, absent_id: str) -> None:
        """Neither while it is being deleted nor after, nor for what never was."""
        made = self.made(things, spec, token)
        things.delete(made.id)
        things.delete(made.id)
        things.wait(made, "deleted", timeout=self.patience)
        things.delete(made.id)
        things.delete(absent_id)
        assert ids(things, spec.labels) == []

    def test_wait_returns_the_thing_in_the_state(self, provider: Provider, things: Things, spec: Any, token: str) -> None:
        """Whether it is given the thing or its id."""
        made = things.create(self.whole(provider, spec), token=token)
        assert things.wait(made, self.ready, timeout=self.patience).state == self.ready
        assert things.wait(made.id, type(made.state)(self.ready), timeout=self.patience).id == made.id

    def test_wait_ends_at_once_when_the_state_cannot_come(self, things: Things, spec: Any, token: str) -> None:
        """With an error that is no time-out."""
        made = self.made(things, spec, token)
        things.delete(made.id)
        with pytest.raises(CloudError) as caught:
            things.wait(made, self.ready, timeout=self.patience)
        assert not isinstance(caught.value, TransientError)

    def test_wait_ends_when_its_time_is_up(self, things: Things, spec: Any, token: str) -> None:
        """As a fault that may pass, by `timeout` or by `deadline`, whichever comes first."""
        made = self.made(things, spec, token)
        with pytest.raises(TransientError):
            things.wait(made, "deleted", timeout=0.2)
        with pytest.raises(TransientError):
            things.wait(made, "deleted", timeout=ENDLESS, deadline=Deadline.after(0))

    def test_wait_ends_when_it_is_cancelled_from_another_thread(self, things: Things, spec: Any, token: str) -> None:
        """However much time is left."""
        made = self.made(things, spec, token)
        deadline = Deadline.after(ENDLESS)
        cancel = threading.Timer(0.2, deadline.cancelled.set)
        cancel.start()
        with pytest.raises(TransientError) as caught:
            things.wait(made, "deleted", timeout=ENDLESS, deadline=deadline)
        cancel.join()
        assert caught.value.code == "cancelled"

    def test_wait_for_an_unknown_state_is_refused(self, things: Things, absent_id: str) -> None:
        """With the states that there are."""
        with pytest.raises(InvalidSpec, match=self.ready):
            things.wait(absent_id, "flying")
