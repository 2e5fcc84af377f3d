"""Mutants that break what `create` promises, of groups, balancers, volumes and shares alike."""

import time
from contextlib import suppress
from dataclasses import replace
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from cloudlayer.errors import CloudError, Conflict, PermissionDenied, QuotaError, TransientError, UnknownCloudError
from cloudlayer.labels import TOKEN
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.simulated.autoscaling import SimulatedAutoscaling
from cloudlayer.providers.simulated.load_balancing import SimulatedLoadBalancing
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.testing import AutoscalingConformance, LoadBalancingConformance, ShareConformance
from tests.mutants.base import Blunt, SimulatedShares, breaks, breaks_alike, calling

WITH_PIECES = (SimulatedAutoscaling, SimulatedLoadBalancing, SimulatedShares)


@breaks_alike("create_returns_what_was_asked_for")
class Misnames:
    def create(self, spec, *, token, deadline=None):
        return replace(super().create(spec, token=token, deadline=deadline), name="other")


@breaks_alike("labels_and_token_are_there_from_the_start")
class AnswersWithoutLabels:
    def create(self, spec, *, token, deadline=None):
        return replace(super().create(spec, token=token, deadline=deadline), labels={})


@breaks_alike("labels_and_token_are_there_from_the_start")
class HidesTokens:
    def list(self, labels=None, *, deadline=None):
        return [] if TOKEN in (labels or {}) else super().list(labels, deadline=deadline)


@breaks_alike("the_same_token_gives_the_same_thing")
class IgnoresTokens:
    def create(self, spec, *, token, deadline=None):
        return super().create(spec, token=str(uuid4()), deadline=deadline)


@breaks_alike("another_token_is_another_thing")
class TokenFromTheName:
    def create(self, spec, *, token, deadline=None):
        token = str(uuid5(NAMESPACE_URL, spec.name))
        found = self.list({TOKEN: token}, deadline=deadline)
        return found[0] if found else super().create(spec, token=token, deadline=deadline)


@breaks_alike("another_spec_under_a_used_token_is_a_conflict")
class AdoptsAnything:
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except Conflict:
            return self.list({TOKEN: token}, deadline=deadline)[0]


@breaks_alike("a_token_that_is_no_uuid_is_refused")
class TakesAnyToken:
    def create(self, spec, *, token, deadline=None):
        with suppress(ValueError):
            return super().create(spec, token=str(UUID(token)), deadline=deadline)
        return super().create(spec, token=str(uuid5(NAMESPACE_URL, token)), deadline=deadline)


@breaks_alike("simultaneous_creates_with_one_token_make_one_thing")
class LooksAndThenMakes:
    def create(self, spec, *, token, deadline=None):
        known = self.__dict__.setdefault("known", {})
        if token in known:
            return self.get(known[token], deadline=deadline)
        time.sleep(0.05)
        made = super().create(spec, token=str(uuid4()), deadline=deadline)
        known[token] = made.id
        return made


@breaks_alike("a_lost_answer_leaves_what_an_undisturbed_create_does")
class AsksBlindlyAgain(calling(Blunt)):
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except TransientError:
            return super().create(spec, token=str(uuid4()), deadline=deadline)


@breaks_alike("a_create_that_breaks_off_anywhere_is_completed_by_the_same_create")
class GivesUpForGood:
    def create(self, spec, *, token, deadline=None):
        failed = self.__dict__.setdefault("failed", {})
        try:
            return super().create(spec, token=token, deadline=deadline)
        except TransientError as error:
            failed[token] = error
            raise
        finally:
            if token in failed:
                raise failed[token]


@breaks_alike("a_create_that_breaks_off_anywhere_is_completed_by_the_same_create", WITH_PIECES)
class StartsOver(calling(Blunt)):
    """With other names for the pieces, those of the last try forgotten."""

    def create(self, spec, *, token, deadline=None):
        tries = self.__dict__.setdefault("tries", {})
        try:
            return super().create(spec, token=derive(token, tries.get(token, 0)), deadline=deadline)
        except TransientError:
            tries[token] = tries.get(token, 0) + 1
            raise


@breaks_alike("a_create_that_is_given_up_leaves_nothing_that_is_not_told")
class DeletesOnlyWhatIsReady:
    def delete(self, id, *, deadline=None):
        if self.get(id, deadline=deadline).state != "creating":
            super().delete(id, deadline=deadline)


class TellsNoLeftovers(SimulatedProvider):
    def leftovers(self, labels, *, deadline=None):
        return []


@breaks("a_create_that_is_given_up_leaves_nothing_that_is_not_told", AutoscalingConformance)
class TellsNoTemplates(TellsNoLeftovers):
    pass


@breaks("a_create_that_is_given_up_leaves_nothing_that_is_not_told", LoadBalancingConformance)
class TellsNoListenerSets(TellsNoLeftovers):
    pass


@breaks("a_create_that_is_given_up_leaves_nothing_that_is_not_told", ShareConformance)
class TellsNoShareAccounts(TellsNoLeftovers):
    pass


@breaks_alike("an_unknown_override_is_refused_before_any_call")
class IgnoresOverrides:
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"overrides": {}}), token=token, deadline=deadline)


@breaks_alike("a_create_whose_time_is_up_makes_nothing")
class HasAllTheTime:
    def create(self, spec, *, token, deadline=None):
        return super().create(spec, token=token)


@breaks_alike("a_fault_gives_its_exact_error")
class UnknownIsAQuota:
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except UnknownCloudError as error:
            raise QuotaError("too many", name="things", provider="simulated", code=error.code) from error


@breaks_alike("a_fault_gives_its_exact_error")
class DeniesWithoutACode:
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except PermissionDenied as error:
            error.code = ""
            raise


@breaks_alike("a_token_whose_create_was_refused_may_be_used_later")
class RemembersRefusals:
    def create(self, spec, *, token, deadline=None):
        refused = self.__dict__.setdefault("refused", {})
        if token in refused:
            raise refused[token]
        try:
            return super().create(spec, token=token, deadline=deadline)
        except CloudError as error:
            refused[token] = error
            raise


@breaks_alike("a_passing_fault_is_tried_again")
class TriesOnce(calling(Blunt)):
    pass
