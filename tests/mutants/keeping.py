"""Mutants that break what `get`, `list`, `delete` and `wait` promise, of groups, balancers, volumes and shares alike."""

from dataclasses import replace

from cloudlayer.errors import CloudError, InvalidSpec, NotFound, TransientError
from tests.mutants.base import Untidy, breaks_alike, calling
from tests.mutants.making import WITH_PIECES


def id_of(thing):
    return thing if isinstance(thing, str) else thing.id


@breaks_alike("get_reports_the_thing")
class GetsWithoutLabels:
    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), labels={})


@breaks_alike("get_of_an_absent_id_is_not_found")
class NotFoundByNobody:
    def get(self, id, *, deadline=None):
        try:
            return super().get(id, deadline=deadline)
        except NotFound:
            raise NotFound("not there") from None


@breaks_alike("a_list_is_whole_whatever_the_pages")
class ReadsOnePage:
    def list(self, labels=None, *, deadline=None):
        return super().list(labels, deadline=deadline)[: self._calls.simulation.settings.page_size]


@breaks_alike("a_list_is_whole_whatever_the_pages")
class ReadsAPageTwice:
    def list(self, labels=None, *, deadline=None):
        found = super().list(labels, deadline=deadline)
        return found + found[-1:]


@breaks_alike("a_list_holds_what_carries_all_the_labels")
class AnyLabelWillDo:
    def list(self, labels=None, *, deadline=None):
        found = super().list(deadline=deadline)
        return [thing for thing in found if not labels or labels.items() & thing.labels.items()]


@breaks_alike("a_list_holds_what_carries_all_the_labels")
class PrefixesWillDo:
    def list(self, labels=None, *, deadline=None):
        wanted = (labels or {}).items()
        found = super().list(deadline=deadline)
        return [thing for thing in found if all(thing.labels.get(name, "").startswith(value) for name, value in wanted)]


@breaks_alike("what_is_deleted_is_gone_with_all_that_was_made_for_it")
class DeletesNothing:
    def delete(self, id, *, deadline=None):
        pass


@breaks_alike("what_is_deleted_is_gone_with_all_that_was_made_for_it", WITH_PIECES)
class LeavesItsPieces(calling(Untidy)):
    pass


@breaks_alike("deleting_twice_is_no_error")
class DeletesOnce:
    def delete(self, id, *, deadline=None):
        if self.get(id, deadline=deadline).state in ("deleting", "deleted"):
            raise NotFound("gone already", provider="simulated")
        super().delete(id, deadline=deadline)


@breaks_alike("deleting_twice_is_no_error")
class DeletesOnlyWhatIsThere:
    def delete(self, id, *, deadline=None):
        self.get(id, deadline=deadline)
        super().delete(id, deadline=deadline)


@breaks_alike("wait_returns_the_thing_in_the_state")
class DoesNotWait:
    def wait(self, thing, state, *, timeout=600, deadline=None):
        return self.get(id_of(thing))


@breaks_alike("wait_ends_at_once_when_the_state_cannot_come")
class WaitsInVain:
    def failure(self, thing, wanted):
        return TransientError("out of time", provider="simulated", code="deadline")


@breaks_alike("wait_ends_when_its_time_is_up")
class GivesUpQuietly:
    def wait(self, thing, state, *, timeout=600, deadline=None):
        try:
            return super().wait(thing, state, timeout=timeout, deadline=deadline)
        except TransientError:
            return self.get(id_of(thing))


@breaks_alike("wait_ends_when_it_is_cancelled_from_another_thread")
class WaitsOn:
    def wait(self, thing, state, *, timeout=600, deadline=None):
        return super().wait(thing, state, timeout=min(timeout, 100))


@breaks_alike("wait_for_an_unknown_state_is_refused")
class WaitsForAnyState:
    def wait(self, thing, state, *, timeout=600, deadline=None):
        try:
            return super().wait(thing, state, timeout=timeout, deadline=deadline)
        except InvalidSpec:
            return self.get(id_of(thing))


@breaks_alike("a_list_that_fails_is_an_error_and_not_empty")
class FailedListsAreEmpty:
    def list(self, labels=None, *, deadline=None):
        try:
            return super().list(labels, deadline=deadline)
        except CloudError:
            return []


@breaks_alike("a_list_that_fails_is_an_error_and_not_empty")
class FailedDeletesAreDone:
    def delete(self, id, *, deadline=None):
        try:
            super().delete(id, deadline=deadline)
        except CloudError:
            return
