"""Mutants that break what `get`, `list`, `delete` and `wait` promise."""

from dataclasses import replace

from cloudlayer.errors import NotFound, TransientError
from cloudlayer.providers.simulated import cloud
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.resources import InstanceState
from tests.mutants.base import REGION, breaks


@breaks("get_reports_the_instance")
class GetsWithoutName(SimulatedCompute):
    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), name=None)


@breaks("get_of_an_absent_id_is_not_found")
class NotFoundByNobody(SimulatedCompute):
    def get(self, id, *, deadline=None):
        try:
            return super().get(id, deadline=deadline)
        except NotFound:
            raise NotFound("not there") from None


@breaks("a_list_is_whole_whatever_the_pages")
class ReadsOnePage(SimulatedCompute):
    def list(self, labels=None, *, deadline=None):
        def operation(document, now):
            return cloud.page(document, now, REGION, labels or {}, None)[0]

        return self._call("list", REGION, operation, deadline)


@breaks("a_list_is_whole_whatever_the_pages")
class ReadsAPageTwice(SimulatedCompute):
    def list(self, labels=None, *, deadline=None):
        found = super().list(labels, deadline=deadline)
        return found + found[-1:]


@breaks("a_list_holds_what_carries_all_the_labels")
class AnyLabelWillDo(SimulatedCompute):
    def list(self, labels=None, *, deadline=None):
        found = super().list(deadline=deadline)
        return [made for made in found if not labels or labels.items() & made.labels.items()]


@breaks("a_list_holds_what_carries_all_the_labels")
class PrefixesWillDo(SimulatedCompute):
    def list(self, labels=None, *, deadline=None):
        wanted = (labels or {}).items()
        found = super().list(deadline=deadline)
        return [made for made in found if all(made.labels.get(name, "").startswith(value) for name, value in wanted)]


@breaks("a_deleted_instance_is_gone")
class StopsInsteadOfDeleting(SimulatedCompute):
    def delete(self, ids, *, deadline=None):
        for one in ids:
            self.stop(one)


@breaks("deleting_twice_is_no_error")
class DeletesOnce(SimulatedCompute):
    def delete(self, ids, *, deadline=None):
        doomed = list(ids)
        for one in doomed:
            if self.get(one).state.gone:
                raise NotFound("gone already", provider="simulated")
        super().delete(doomed, deadline=deadline)


@breaks("an_absent_id_spoils_no_delete")
class AllOrNoneAreDeleted(SimulatedCompute):
    def delete(self, ids, *, deadline=None):
        doomed = list(ids)
        known = {made.id for made in self.list()}
        super().delete(doomed if known.issuperset(doomed) else [], deadline=deadline)


@breaks("wait_returns_the_instance_in_the_state")
class DoesNotWait(SimulatedCompute):
    def wait(self, instance, state, *, timeout=600, deadline=None):
        return self.get(instance if isinstance(instance, str) else instance.id)


@breaks("wait_ends_at_once_when_the_state_cannot_come")
class WaitsInVain(SimulatedCompute):
    def failure(self, instance, wanted):
        return TransientError("out of time", provider="simulated", code="deadline")


@breaks("wait_tells_why_an_instance_failed")
class KeepsTheReason(SimulatedCompute):
    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), reason=None)


@breaks("wait_ends_when_its_time_is_up")
class GivesUpQuietly(SimulatedCompute):
    def wait(self, instance, state, *, timeout=600, deadline=None):
        try:
            return super().wait(instance, state, timeout=timeout, deadline=deadline)
        except TransientError:
            return self.get(instance if isinstance(instance, str) else instance.id)


@breaks("wait_for_an_unknown_state_is_refused")
class UnknownStatesAreRunning(SimulatedCompute):
    def wait(self, instance, state, *, timeout=600, deadline=None):
        known = state if state in list(InstanceState) else "running"
        return super().wait(instance, known, timeout=timeout)


@breaks("wait_ends_when_it_is_cancelled_from_another_thread")
class WaitsOnAndOn(SimulatedCompute):
    def wait(self, instance, state, *, timeout=600, deadline=None):
        return super().wait(instance, state, timeout=min(timeout, 100))


@breaks("get_reports_the_instance")
class GetsWithoutLabels(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        return [replace(made, labels={}) for made in super().create_batch(specs, token=token, deadline=deadline)]

    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), labels={})
