"""Mutants that break what `create` and `create_batch` promise."""

import time
from dataclasses import replace
from uuid import NAMESPACE_URL, uuid4, uuid5

from cloudlayer.errors import CapacityError, Conflict, InvalidSpec
from cloudlayer.labels import TOKEN
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.resources import Instance
from cloudlayer.runtime.simulated.records import state_of
from tests.mutants.base import breaks
from tests.mutants.compute.base import AnotherDigest, Blind


@breaks("create_returns_the_instance_that_was_asked_for")
class ForgetsNames(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        return [replace(made, name=None) for made in super().create_batch(specs, token=token, deadline=deadline)]


@breaks("labels_name_and_token_are_there_from_the_start")
class LabelsLate(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        answers = super().create_batch(specs, token=token, deadline=deadline)
        with self._simulation.store.transaction() as document:
            for record in document["instances"].values():
                record["labels"].pop(TOKEN, None)
        return answers


@breaks("an_instance_is_found_by_its_token")
class HidesTokens(SimulatedCompute):
    def list(self, labels=None, *, deadline=None):
        return [] if TOKEN in (labels or {}) else super().list(labels, deadline=deadline)


@breaks("answers_stand_in_the_order_of_the_specs")
class SortsAnswers(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        return sorted(super().create_batch(specs, token=token, deadline=deadline), key=lambda made: made.name or "")


@breaks("an_empty_batch_has_no_answers")
class RefusesNothing(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        if not specs:
            raise InvalidSpec("give at least one spec")
        return super().create_batch(specs, token=token, deadline=deadline)


@breaks("the_same_token_gives_the_same_instances_in_the_same_order")
class IgnoresTokens(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        return super().create_batch(specs, token=str(uuid4()), deadline=deadline)


@breaks("the_same_token_gives_the_same_instances_in_the_same_order")
class AdoptsInAnotherOrder(SimulatedCompute):
    used = frozenset()

    def create_batch(self, specs, *, token, deadline=None):
        answers = super().create_batch(specs, token=token, deadline=deadline)
        again, self.used = token in self.used, self.used | {token}
        return answers[::-1] if again else answers


@breaks("another_token_is_another_instance")
class TokenFromTheSpec(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        token = str(uuid5(NAMESPACE_URL, fingerprint(specs)))
        return super().create_batch(specs, token=token, deadline=deadline)


@breaks("a_lost_answer_is_found_again_by_its_token")
class AsksBlindlyAgain(Blind):
    pass


@breaks("a_lost_answer_of_a_batch_launches_nothing_twice")
class AsksBlindlyAgainForBatches(Blind):
    def create_batch(self, specs, *, token, deadline=None):
        if len(specs) > 1:
            return super().create_batch(specs, token=token, deadline=deadline)
        return SimulatedCompute.create_batch(self, specs, token=token, deadline=deadline)


@breaks("other_specs_under_a_used_token_are_a_conflict")
class ComparesWithoutNames(AnotherDigest):
    def digest(self, specs):
        return fingerprint([spec.model_copy(update={"name": None}) for spec in specs])


@breaks("other_specs_under_a_used_token_are_a_conflict")
class ComparesWithoutLabels(AnotherDigest):
    def digest(self, specs):
        return fingerprint([spec.model_copy(update={"labels": {}}) for spec in specs])


@breaks("other_specs_under_a_used_token_are_a_conflict")
class ComparesWithoutOrder(AnotherDigest):
    def digest(self, specs):
        return "".join(sorted(fingerprint([spec]) for spec in specs))


@breaks("a_token_whose_instances_are_deleted_is_a_conflict")
class LaunchesAgain(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        try:
            return super().create_batch(specs, token=token, deadline=deadline)
        except Conflict:
            return super().create_batch(specs, token=str(uuid4()), deadline=deadline)


@breaks("a_token_with_one_instance_left_gives_that_one")
class FillsUp(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        with self._simulation.store.transaction() as document:
            made = document["tokens"].get(token, {"ids": []})
            gone = [known for known in made["ids"] if state_of(document["instances"][known], document["now"]).gone]
            made["ids"][:] = [None if known in gone else known for known in made["ids"]]
        return super().create_batch(specs, token=token, deadline=deadline)


@breaks("simultaneous_creates_with_one_token_launch_once")
class LooksAndThenLaunches(Blind):
    def create_batch(self, specs, *, token, deadline=None):
        found = self.list({TOKEN: token})
        time.sleep(0.05)
        return found or super().create_batch(specs, token=token, deadline=deadline)


@breaks("a_batch_may_succeed_in_part")
class AllOrNothing(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        answers = super().create_batch(specs, token=token, deadline=deadline)
        lacking = [answer for answer in answers if isinstance(answer, CapacityError)]
        if not lacking:
            return answers
        self.delete([answer.id for answer in answers if isinstance(answer, Instance)])
        return lacking[:1] * len(specs)


@breaks("an_unknown_override_is_refused_before_any_call")
class IgnoresOverrides(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        plain = [spec.model_copy(update={"overrides": {}}) for spec in specs]
        return super().create_batch(plain, token=token, deadline=deadline)


@breaks("an_unknown_machine_type_is_refused")
class TakesAnyType(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        anyhow = [spec.model_copy(update={"machine_type": None}) for spec in specs]
        return super().create_batch(anyhow, token=token, deadline=deadline)


@breaks("a_call_whose_time_is_up_launches_nothing")
class HasAllTheTime(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        return super().create_batch(specs, token=token)
