"""Mutants that break what volumes promise."""

from contextlib import suppress
from dataclasses import replace

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, RejectedSpec
from cloudlayer.providers.simulated.storage import SimulatedStorage
from cloudlayer.testing import StorageConformance
from cloudlayer.units import GIB
from tests.mutants.base import Denying, breaks


@breaks("a_volume_is_as_large_as_was_asked_or_larger")
class RoundsDown(SimulatedStorage):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"size": spec.size // GIB * GIB}), token=token, deadline=deadline)


@breaks("a_volume_is_as_large_as_was_asked_or_larger")
class TakesAnotherZone(SimulatedStorage):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"zone": "sim-east-b"}), token=token, deadline=deadline)


@breaks("a_volume_is_attached_and_detached")
class KeepsTheDevice(SimulatedStorage):
    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), device=None)


@breaks("a_volume_is_attached_and_detached")
class NeverLetsGo(SimulatedStorage):
    def detach(self, id, *, deadline=None):
        return self.get(id, deadline=deadline)


@breaks("attaching_or_detaching_twice_is_no_error")
class AttachesOnce(SimulatedStorage):
    def attach(self, id, instance, *, deadline=None):
        if self.get(id).attached_to is not None:
            raise Conflict("it is attached", provider="simulated", code="InUse")
        return super().attach(id, instance, deadline=deadline)


@breaks("attaching_or_detaching_twice_is_no_error")
class DetachesOnce(SimulatedStorage):
    def detach(self, id, *, deadline=None):
        if self.get(id).attached_to is None:
            raise Conflict("it is not attached", provider="simulated", code="NotInUse")
        return super().detach(id, deadline=deadline)


class AttachesAnyhow(SimulatedStorage):
    def attach(self, id, instance, *, deadline=None):
        try:
            return super().attach(id, instance, deadline=deadline)
        except Conflict:
            return self.get(id, deadline=deadline)


@breaks("a_volume_that_is_attached_elsewhere_is_a_conflict")
class AttachesToTwo(AttachesAnyhow):
    pass


@breaks("a_volume_of_another_zone_is_a_conflict")
class AttachesOverZones(AttachesAnyhow):
    pass


@breaks("an_attached_volume_is_not_deleted")
class DetachesAndDeletes(SimulatedStorage):
    def delete(self, id, *, deadline=None):
        with suppress(NotFound):
            self.detach(id)
            self.wait(id, "available")
        super().delete(id, deadline=deadline)


@breaks("a_volume_outlives_its_instance")
class GoesWithItsInstance(SimulatedStorage):
    def get(self, id, *, deadline=None):
        found = super().get(id, deadline=deadline)
        used = self.__dict__.setdefault("used", set())
        if found.attached_to:
            used.add(id)
        elif id in used:
            super().delete(id)
        return super().get(id, deadline=deadline)


@breaks("calls_on_an_absent_volume_are_not_found")
class AttachesWhatIsNotThere(SimulatedStorage):
    def attach(self, id, instance, *, deadline=None):
        with suppress(NotFound):
            return super().attach(id, instance, deadline=deadline)


@breaks("a_volume_grows")
class NeverGrows(SimulatedStorage):
    def grow(self, id, size, *, deadline=None):
        return self.get(id, deadline=deadline)


@breaks("a_volume_grows")
class GrowsOnlyIfLarger(SimulatedStorage):
    def grow(self, id, size, *, deadline=None):
        if self.get(id).size == size:
            raise InvalidSpec("it is as large as that")
        return super().grow(id, size, deadline=deadline)


@breaks("a_volume_never_shrinks")
class IgnoresSmallerSizes(SimulatedStorage):
    def grow(self, id, size, *, deadline=None):
        try:
            return super().grow(id, size, deadline=deadline)
        except InvalidSpec:
            return self.get(id, deadline=deadline)


@breaks("an_attached_volume_grows")
class GrowsDetached(SimulatedStorage):
    def grow(self, id, size, *, deadline=None):
        if self.get(id).attached_to is not None:
            raise Conflict("detach it first", provider="simulated", code="InUse")
        return super().grow(id, size, deadline=deadline)


@breaks("each_type_on_sale_is_described")
class TellsTypesTwice(SimulatedStorage):
    def types(self, *, deadline=None):
        return [*super().types(deadline=deadline)] * 2


@breaks("each_type_on_sale_is_described")
class TakesEveryTypeWithoutAsking(SimulatedStorage):
    def types(self, *, deadline=None):
        return [replace(type_, default=True) for type_ in super().types(deadline=deadline)]


@breaks("a_volume_is_of_the_type_that_was_asked_for")
class TakesTheUsualType(SimulatedStorage):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"type": None}), token=token, deadline=deadline)


@breaks("a_volume_of_a_speed_is_made")
class RefusesSpeeds(SimulatedStorage):
    def create(self, spec, *, token, deadline=None):
        if spec.iops is not None:
            raise RejectedSpec("no speeds", provider="simulated", code="NoSpeeds")
        return super().create(spec, token=token, deadline=deadline)


@breaks("a_volume_that_asks_for_what_is_missing_is_unsupported", StorageConformance)
class MakesSpeedsItLacks(Denying):
    denied = "volume_speeds"


@breaks("a_storage_call_that_is_missing_is_unsupported", StorageConformance)
class GrowsWhatItCannot(Denying):
    denied = "volume_grow"


@breaks("a_call_for_shares_is_unsupported_where_there_are_none", StorageConformance)
class HasSharesAllTheSame(Denying):
    denied = "shares"
