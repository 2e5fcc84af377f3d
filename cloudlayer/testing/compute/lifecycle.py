"""What `get`, `list`, `delete` and `wait` promise."""

from __future__ import annotations

import threading

import pytest

from cloudlayer.errors import CloudError, InvalidSpec, NotFound, TransientError
from cloudlayer.interfaces import Compute, Deadline, Provider
from cloudlayer.resources import InstanceSpec, InstanceState
from cloudlayer.testing.base import ENDLESS, changed, instances, is_gone, named
from cloudlayer.testing.compute.base import InstancePromises
from cloudlayer.testing.faults import Faults


class LifecyclePromises(InstancePromises):
    """Lists are whole, deletes are idempotent, waits end."""

    def test_get_reports_the_instance(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """With all that create said of it."""
        created = compute.wait(compute.create(changed(spec, name="one"), token=token), "running", timeout=self.patience)
        found = compute.get(created.id)
        assert (found.id, found.name, found.zone, found.machine_type) == (
            created.id,
            "one",
            created.zone,
            created.machine_type,
        )
        assert found.labels == created.labels
        assert found.labels.items() >= spec.labels.items()

    def test_get_of_an_absent_id_is_not_found(self, provider: Provider, compute: Compute, absent_id: str) -> None:
        """And says by whom."""
        with pytest.raises(NotFound) as caught:
            compute.get(absent_id)
        assert caught.value.provider == provider.name

    def test_a_list_is_whole_whatever_the_pages(self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults) -> None:
        """Each instance once."""
        faults.smallest_pages()
        specs = named(spec, *(f"n{number}" for number in range(2 * self.page + 1)))
        made = sorted(instance.id for instance in instances(compute.create_batch(specs, token=token)))
        assert sorted(instance.id for instance in compute.list(spec.labels)) == made
        everything = [instance.id for instance in compute.list()]
        assert len(everything) == len(set(everything))
        assert set(everything) >= set(made)

    def test_a_list_holds_what_carries_all_the_labels(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """And nothing else."""
        blue = changed(spec, labels={**spec.labels, "colour": "blue", "size": "big"})
        red = changed(spec, labels={**spec.labels, "colour": "red", "size": "big"})
        first, second = instances(compute.create_batch([blue, red], token=token))

        def listed(**more: str) -> set[str]:
            return {instance.id for instance in compute.list({**spec.labels, **more})}

        assert listed() == listed(size="big") == {first.id, second.id}
        assert listed(colour="blue") == {first.id}
        assert listed(colour="red", size="big") == {second.id}
        assert listed(colour="red", size="small") == listed(colour="blu") == listed(shape="round") == set()

    def test_a_deleted_instance_is_gone(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """At once on its way, and in the end for good."""
        kept, doomed = instances(compute.create_batch(named(spec, "a", "b"), token=token))
        compute.delete([doomed.id])
        assert compute.wait(doomed, "deleted", timeout=self.patience).state is InstanceState.DELETED
        assert is_gone(compute, doomed.id)
        assert not is_gone(compute, kept.id)

    def test_deleting_twice_is_no_error(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Neither while it is being deleted nor after."""
        made = compute.create(spec, token=token)
        compute.delete([made.id])
        compute.delete([made.id])
        compute.wait(made, "deleted", timeout=self.patience)
        compute.delete([made.id])
        assert is_gone(compute, made.id)

    def test_an_absent_id_spoils_no_delete(self, compute: Compute, spec: InstanceSpec, token: str, absent_id: str) -> None:
        """The others are deleted all the same."""
        made = compute.create(spec, token=token)
        compute.delete([])
        compute.delete([absent_id])
        assert not is_gone(compute, made.id)
        compute.delete(iter([absent_id, made.id]))
        compute.wait(made, "deleted", timeout=self.patience)
        assert is_gone(compute, made.id)

    def test_wait_returns_the_instance_in_the_state(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Whether it is given the instance or its id, the state or its name."""
        made = compute.create(spec, token=token)
        assert compute.wait(made, "running", timeout=self.patience).state is InstanceState.RUNNING
        assert compute.wait(made.id, InstanceState.RUNNING, timeout=self.patience).id == made.id

    def test_wait_ends_at_once_when_the_state_cannot_come(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """With an error that is no time-out."""
        made = compute.create(spec, token=token)
        compute.delete([made.id])
        with pytest.raises(CloudError) as caught:
            compute.wait(made, "running", timeout=self.patience)
        assert not isinstance(caught.value, TransientError)

    def test_wait_tells_why_an_instance_failed(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str, faults: Faults
    ) -> None:
        """At once, and with the cloud's reason."""
        faults.fail_instances()
        made = compute.create(spec, token=token)
        with pytest.raises(CloudError) as caught:
            compute.wait(made, "running", timeout=self.patience)
        assert not isinstance(caught.value, TransientError)
        assert caught.value.provider == provider.name
        assert made.id in str(caught.value)
        assert compute.get(made.id).reason

    def test_wait_ends_when_its_time_is_up(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """As a fault that may pass."""
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        with pytest.raises(TransientError):
            compute.wait(made, "deleted", timeout=0.2)

    def test_wait_ends_when_it_is_cancelled_from_another_thread(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """However much time is left."""
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        deadline = Deadline.after(ENDLESS)
        cancel = threading.Timer(0.2, deadline.cancelled.set)
        cancel.start()
        with pytest.raises(TransientError) as caught:
            compute.wait(made, "deleted", timeout=ENDLESS, deadline=deadline)
        cancel.join()
        assert caught.value.code == "cancelled"

    def test_wait_for_an_unknown_state_is_refused(self, compute: Compute, absent_id: str) -> None:
        """With the states that there are."""
        with pytest.raises(InvalidSpec, match="running"):
            compute.wait(absent_id, "flying")
