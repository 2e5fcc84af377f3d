"""Mutants that break what snapshots promise."""

from dataclasses import replace
from uuid import uuid4

from cloudlayer.errors import AvoidScope, CapacityError, Conflict, InvalidSpec, NotFound, QuotaError, TransientError
from cloudlayer.providers.simulated.storage import SimulatedStorage
from cloudlayer.testing import StorageConformance
from tests.mutants.base import Blunt, Denying, breaks, calling


@breaks("a_snapshot_says_what_it_is_of")
class ForgetsTheVolume(SimulatedStorage):
    def snapshot(self, id, **rest):
        return replace(super().snapshot(id, **rest), volume="")


@breaks("a_snapshot_says_what_it_is_of")
class ForgetsTheLabels(SimulatedStorage):
    def snapshot(self, id, *, labels=None, **rest):
        return super().snapshot(id, **rest)


@breaks("the_same_token_gives_the_same_snapshot")
class CopiesAgain(SimulatedStorage):
    def snapshot(self, id, *, token, **rest):
        return super().snapshot(id, token=str(uuid4()), **rest)


@breaks("the_same_token_gives_the_same_snapshot")
class AdoptsAnyCopy(SimulatedStorage):
    def snapshot(self, id, *, token, **rest):
        try:
            return super().snapshot(id, token=token, **rest)
        except Conflict:
            return self.snapshots()[0]


@breaks("a_snapshots_lost_answer_is_found_again_by_its_token")
class CopiesBlindlyAgain(calling(Blunt), SimulatedStorage):
    def snapshot(self, id, *, token, **rest):
        try:
            return super().snapshot(id, token=token, **rest)
        except TransientError:
            return super().snapshot(id, token=str(uuid4()), **rest)


@breaks("a_snapshot_quota_is_its_own_error")
class TakesAQuotaForALack(SimulatedStorage):
    def snapshot(self, id, **rest):
        try:
            return super().snapshot(id, **rest)
        except QuotaError as error:
            raise CapacityError("none left", scope=AvoidScope.REGION, provider="simulated", code=error.code) from error


@breaks("a_list_of_snapshots_is_whole_whatever_the_pages")
class ReadsOnePageOfSnapshots(SimulatedStorage):
    def snapshots(self, labels=None, *, deadline=None):
        return super().snapshots(labels, deadline=deadline)[: self._calls.simulation.settings.page_size]


@breaks("an_attached_volume_can_be_copied")
class CopiesDetachedAlone(SimulatedStorage):
    def snapshot(self, id, **rest):
        if self.get(id).attached_to is not None:
            raise Conflict("detach it first", provider="simulated", code="InUse")
        return super().snapshot(id, **rest)


@breaks("a_volume_starts_from_a_snapshot")
class StartsFromASmallerSize(SimulatedStorage):
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except InvalidSpec:
            return super().create(spec.model_copy(update={"snapshot": None}), token=str(uuid4()), deadline=deadline)


@breaks("calls_on_an_absent_snapshot_are_not_found")
class StartsFromNothing(SimulatedStorage):
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except NotFound:
            return super().create(spec.model_copy(update={"snapshot": None}), token=str(uuid4()), deadline=deadline)


@breaks("a_deleted_snapshot_is_gone")
class KeepsSnapshots(SimulatedStorage):
    def delete_snapshot(self, id, *, deadline=None):
        pass


@breaks("a_snapshot_outlives_its_volume")
class DeletesSnapshotsToo(SimulatedStorage):
    def delete(self, id, *, deadline=None):
        for copy in self.snapshots():
            if copy.volume == id:
                self.delete_snapshot(copy.id)
        super().delete(id, deadline=deadline)


@breaks("a_volume_with_snapshots_that_could_not_stay_is_a_conflict", StorageConformance)
class DeletesUnderItsSnapshots(Denying):
    denied = "snapshots_outlive_volumes"


@breaks("wait_for_an_unknown_snapshot_state_is_refused")
class WaitsForAnySnapshotState(SimulatedStorage):
    def wait_snapshot(self, snapshot, state, *, timeout=900, deadline=None):
        known = state if state in ("ready", "deleted") else "ready"
        return super().wait_snapshot(snapshot, known, timeout=timeout, deadline=deadline)
