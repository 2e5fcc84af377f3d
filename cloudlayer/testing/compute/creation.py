"""What `create` and `create_batch` promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import CapacityError, CloudError, Conflict, InvalidSpec, TransientError
from cloudlayer.interfaces import Compute, Deadline, Provider
from cloudlayer.resources import Instance, InstanceSpec, InstanceState
from cloudlayer.testing.base import alive, changed, instances, named
from cloudlayer.testing.compute.base import InstancePromises
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.faults import Faults


class CreationPromises(InstancePromises):
    """A token launches once; answers stand in the order of the specs; labels are there from the start."""

    def test_create_returns_the_instance_that_was_asked_for(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str
    ) -> None:
        """The answer says what, where and in which state."""
        instance = compute.create(changed(spec, name="one"), token=token)
        assert instance.id and instance.zone and instance.machine_type
        assert (instance.provider, instance.region, instance.name) == (provider.name, provider.region, "one")
        assert instance.state in (InstanceState.PENDING, InstanceState.RUNNING)

    @proves("labels")
    def test_labels_name_and_token_are_there_from_the_start(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """On the answer, and on what is listed."""
        created = compute.create(changed(spec, name="one"), token=token)
        (listed,) = compute.list(spec.labels)
        for instance in (created, listed):
            assert instance.labels.items() >= {**spec.labels, labels.TOKEN: token}.items()
            assert instance.name == "one"

    def test_an_instance_is_found_by_its_token(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """So that a crashed caller finds what it made."""
        created = compute.create(spec, token=token)
        assert [instance.id for instance in compute.list({labels.TOKEN: token})] == [created.id]

    @proves("batch_create")
    def test_answers_stand_in_the_order_of_the_specs(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Equal specs among others included."""
        names = ["b", "a", "b", "c", "a"]
        made = instances(compute.create_batch(named(spec, *names), token=token))
        assert [instance.name for instance in made] == names
        assert len({instance.id for instance in made}) == len(names)

    def test_an_empty_batch_has_no_answers(self, compute: Compute, token: str) -> None:
        """And is no error."""
        assert compute.create_batch([], token=token) == []

    @proves("idempotent_create")
    def test_the_same_token_gives_the_same_instances_in_the_same_order(
        self, compute: Compute, spec: InstanceSpec, token: str
    ) -> None:
        """However often it is asked."""
        specs = [spec, *named(spec, "b", "a"), spec]
        first = [instance.id for instance in instances(compute.create_batch(specs, token=token))]
        for _ in range(2):
            again = instances(compute.create_batch(specs, token=token))
            assert [instance.id for instance in again] == first
        assert {instance.id for instance in compute.list(spec.labels)} == set(first)

    def test_another_token_is_another_instance(self, compute: Compute, spec: InstanceSpec) -> None:
        """Even for the same spec."""
        made = [compute.create(spec, token=str(uuid4())).id for _ in range(2)]
        assert len(set(made)) == 2

    def test_a_lost_answer_is_found_again_by_its_token(
        self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults
    ) -> None:
        """The launch took place: asking again adopts it."""
        faults.lose_answer()
        _may_be_lost(compute, [spec], token)
        adopted = compute.create(spec, token=token)
        assert [instance.id for instance in compute.list(spec.labels)] == [adopted.id]

    def test_a_lost_answer_of_a_batch_launches_nothing_twice(
        self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults
    ) -> None:
        """And keeps the order."""
        specs = named(spec, "a", "b", "a")
        before = faults.launched()
        faults.lose_answer()
        _may_be_lost(compute, specs, token)
        adopted = instances(compute.create_batch(specs, token=token))
        assert [instance.name for instance in adopted] == ["a", "b", "a"]
        assert faults.launched() - before == 3
        assert {instance.id for instance in compute.list(spec.labels)} == {instance.id for instance in adopted}

    @pytest.mark.parametrize("change", ["other labels", "another name", "fewer", "more", "another order"])
    def test_other_specs_under_a_used_token_are_a_conflict(
        self, compute: Compute, spec: InstanceSpec, token: str, change: str
    ) -> None:
        """And launch nothing."""
        specs = named(spec, "a", "b")
        made = {instance.id for instance in instances(compute.create_batch(specs, token=token))}
        others = {
            "other labels": [changed(specs[0], labels={**spec.labels, "changed": "yes"}), specs[1]],
            "another name": named(spec, "a", "c"),
            "fewer": specs[:1],
            "more": [*specs, specs[0]],
            "another order": specs[::-1],
        }[change]
        with pytest.raises(Conflict):
            compute.create_batch(others, token=token)
        assert {instance.id for instance in compute.list(spec.labels)} == made

    def test_a_token_whose_instances_are_deleted_is_a_conflict(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """A token never launches twice."""
        specs = named(spec, "a", "b")
        made = instances(compute.create_batch(specs, token=token))
        compute.delete([instance.id for instance in made])
        for _ in range(2):
            with pytest.raises(Conflict):
                compute.create_batch(specs, token=token)
            for instance in made:
                compute.wait(instance, "deleted", timeout=self.patience)
        assert alive(compute, spec.labels) == []

    def test_a_token_with_one_instance_left_gives_that_one(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """And launches none for the one that is deleted."""
        specs = named(spec, "a", "b")
        first, second = instances(compute.create_batch(specs, token=token))
        compute.delete([first.id])
        compute.wait(first, "deleted", timeout=self.patience)
        answers = compute.create_batch(specs, token=token)
        assert isinstance(answers[1], Instance) and answers[1].id == second.id
        assert [instance.id for instance in alive(compute, spec.labels)] == [second.id]

    def test_simultaneous_creates_with_one_token_launch_once(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Whoever calls."""
        callers = 4
        barrier = Barrier(callers)

        def create(_: int) -> list[str]:
            barrier.wait(30)
            return [instance.id for instance in instances(compute.create_batch([spec, spec], token=token))]

        with ThreadPoolExecutor(callers) as pool:
            answers = list(pool.map(create, range(callers)))
        assert answers == [answers[0]] * callers
        assert {instance.id for instance in compute.list(spec.labels)} == set(answers[0])

    def test_a_batch_may_succeed_in_part(self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults) -> None:
        """Two of four have room: two instances, two lacks of capacity, and asking again launches no third."""
        before = faults.launched()
        faults.lack_capacity(after=2)
        for _ in range(2):
            answers = compute.create_batch([spec] * 4, token=token)
            assert len(answers) == 4
            made = [answer.id for answer in answers if isinstance(answer, Instance)]
            lacking = [answer for answer in answers if isinstance(answer, CapacityError)]
            assert (len(set(made)), len(lacking)) == (2, 2)
            assert {instance.id for instance in compute.list(spec.labels)} == set(made)
        assert faults.launched() - before == 2

    def test_an_unknown_override_is_refused_before_any_call(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """With a line that names it."""
        with pytest.raises(InvalidSpec, match="no_such_override"):
            compute.create(changed(spec, overrides={"no_such_override": 1}), token=token)
        assert compute.list(spec.labels) == []

    def test_an_unknown_machine_type_is_refused(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """As a fault of the spec."""
        wrong = changed(spec, machine_type="no-such.type", cpu=None, memory=None)
        with pytest.raises(InvalidSpec):
            compute.create(wrong, token=token)
        assert compute.list(spec.labels) == []

    def test_a_call_whose_time_is_up_launches_nothing(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Nor does one that was cancelled."""
        cancelled = Deadline.after(60)
        cancelled.cancelled.set()
        for deadline in (Deadline.after(0), cancelled):
            with pytest.raises(TransientError):
                compute.create(spec, token=token, deadline=deadline)
        assert compute.list(spec.labels) == []


def _may_be_lost(compute: Compute, specs: list[InstanceSpec], token: str) -> None:
    """A driver may ask again by itself, or tell that it does not know; it may not tell anything else."""
    try:
        answers = compute.create_batch(specs, token=token)
    except TransientError:
        return
    assert not [answer for answer in answers if isinstance(answer, CloudError)]
