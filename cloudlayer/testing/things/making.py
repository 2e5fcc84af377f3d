"""What `create` promises, of groups, balancers, volumes and shares alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import Conflict, InvalidSpec, TransientError
from cloudlayer.interfaces import Deadline, Provider
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.things.base import ThingPromises, Things, ids


class MakingPromises(ThingPromises):
    """A token makes one thing; labels are there from the start."""

    def test_create_returns_what_was_asked_for(self, provider: Provider, things: Things, spec: Any, token: str) -> None:
        """Where, under which name, and as being made or ready."""
        thing = things.create(spec, token=token)
        assert thing.id
        assert (thing.provider, thing.region, thing.name) == (provider.name, provider.region, spec.name)
        assert thing.state in ("creating", "updating", self.ready)

    def test_labels_and_token_are_there_from_the_start(self, things: Things, spec: Any, token: str) -> None:
        """On the answer and on what is listed, so that a crashed caller finds what it made."""
        created = things.create(spec, token=token)
        (listed,) = things.list({labels.TOKEN: token})
        assert listed.id == created.id
        for thing in (created, listed):
            assert thing.labels.items() >= {**spec.labels, labels.TOKEN: token}.items()

    @proves("{capability}", "labels")
    def test_the_same_token_gives_the_same_thing(self, things: Things, spec: Any, token: str) -> None:
        """While it is being made, and when it is ready."""
        first = things.create(spec, token=token)
        assert things.create(spec, token=token).id == first.id
        things.wait(first, self.ready, timeout=self.patience)
        assert things.create(spec, token=token).id == first.id
        assert ids(things, spec.labels) == [first.id]

    def test_another_token_is_another_thing(self, things: Things, spec: Any) -> None:
        """Even under the same name."""
        made = [things.create(self.beside(spec, number), token=str(uuid4())).id for number in range(2)]
        assert ids(things, spec.labels) == sorted(set(made))
        assert len(set(made)) == 2

    @pytest.mark.parametrize("change", ["other labels", "another name", "other content"])
    def test_another_spec_under_a_used_token_is_a_conflict(self, things: Things, spec: Any, token: str, change: str) -> None:
        """And changes nothing."""
        made = things.create(spec, token=token)
        others = {
            "other labels": labelled(spec, {"changed": "yes"}),
            "another name": changed(spec, name="another"),
            "other content": self.altered(spec),
        }
        with pytest.raises(Conflict):
            things.create(others[change], token=token)
        assert ids(things, spec.labels) == [made.id]

    def test_a_token_that_is_no_uuid_is_refused(self, things: Things, spec: Any) -> None:
        """Since it could not be used everywhere."""
        with pytest.raises(InvalidSpec, match="token"):
            things.create(spec, token="once-more")  # noqa: S106
        assert ids(things, spec.labels) == []

    def test_simultaneous_creates_with_one_token_make_one_thing(self, things: Things, spec: Any, token: str) -> None:
        """Whoever calls."""
        callers = 3
        barrier = Barrier(callers)

        def create(_: int) -> str:
            barrier.wait(30)
            return str(things.create(spec, token=token).id)

        with ThreadPoolExecutor(callers) as pool:
            answers = list(pool.map(create, range(callers)))
        assert answers == [answers[0]] * callers
        assert ids(things, spec.labels) == [answers[0]]

    def test_an_unknown_override_is_refused_before_any_call(self, things: Things, spec: Any, token: str) -> None:
        """With a line that names it."""
        with pytest.raises(InvalidSpec, match="no_such_override"):
            things.create(changed(spec, overrides={"no_such_override": 1}), token=token)
        assert ids(things, spec.labels) == []

    def test_a_create_whose_time_is_up_makes_nothing(self, things: Things, spec: Any, token: str) -> None:
        """Nor does one that was cancelled."""
        cancelled = Deadline.after(60)
        cancelled.cancelled.set()
        for deadline in (Deadline.after(0), cancelled):
            with pytest.raises(TransientError):
                things.create(spec, token=token, deadline=deadline)
        assert ids(things, spec.labels) == []
