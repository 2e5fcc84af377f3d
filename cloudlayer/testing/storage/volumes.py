"""What volumes promise: sizes, types, attaching, growing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, Unsupported
from cloudlayer.interfaces import Compute, Provider, Storage
from cloudlayer.resources import Instance, InstanceSpec, ShareSpec, VolumeSpec
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.skips import lacks, need, skip
from cloudlayer.testing.storage.base import VolumePromises
from cloudlayer.units import GIB

ASKS: dict[str, dict[str, Any]] = {
    "volume_types": {"type": "some-type"},
    "volume_speeds": {"iops": 3000},
    "volume_snapshots": {"snapshot": "some-snapshot"},
}
"""What a volume asks for that needs the capability."""

SHARE_CALLS: dict[str, Callable[[Storage, str], object]] = {
    "create": lambda storage, token: storage.create_share(ShareSpec(name="conformance", size=GIB), token=token),
    "get": lambda storage, _: storage.get_share("no-such-share"),
    "list": lambda storage, _: storage.shares(),
    "delete": lambda storage, _: storage.delete_share("no-such-share"),
    "wait": lambda storage, _: storage.wait_share("no-such-share", "ready", timeout=60),
}
"""All that needs the capability `shares`."""


class OwnPromises(VolumePromises):
    """A volume is at least as large as was asked, on one machine at a time, and outlives it."""

    @proves("volumes")
    def test_a_volume_is_as_large_as_was_asked_or_larger(self, compute: Compute, storage: Storage, spec: VolumeSpec) -> None:
        """In the zone that was asked for, attached nowhere."""
        zone = compute.offers()[0].zone
        made = self.volume(storage, spec, size=spec.size + 1, zone=zone)
        assert made.size > spec.size
        assert (made.zone, made.attached_to) == (zone, None)

    @proves("volumes")
    def test_a_volume_is_attached_and_detached(self, storage: Storage, spec: VolumeSpec, instance: Instance) -> None:
        """It says where to, and under which device."""
        made = self.attached(storage, spec, instance)
        found = storage.get(made.id)
        assert (found.state, found.attached_to) == ("attached", instance.id)
        assert found.device
        storage.detach(made.id)
        assert storage.wait(made, "available", timeout=self.patience).attached_to is None

    def test_attaching_or_detaching_twice_is_no_error(self, storage: Storage, spec: VolumeSpec, instance: Instance) -> None:
        """It is so already."""
        made = self.attached(storage, spec, instance)
        storage.attach(made.id, instance.id)
        assert storage.wait(made, "attached", timeout=self.patience).attached_to == instance.id
        storage.detach(made.id)
        storage.wait(made, "available", timeout=self.patience)
        storage.detach(made.id)
        assert storage.wait(made, "available", timeout=self.patience).attached_to is None

    def test_a_volume_that_is_attached_elsewhere_is_a_conflict(
        self, compute: Compute, storage: Storage, spec: VolumeSpec, base_spec: InstanceSpec, instance: Instance
    ) -> None:
        """And stays where it is."""
        made = self.attached(storage, spec, instance)
        beside = changed(labelled(base_spec, spec.labels), zone=instance.zone)
        other = compute.wait(compute.create(beside, token=str(uuid4())), "running", timeout=self.patience)
        with pytest.raises(Conflict):
            storage.attach(made.id, other.id)
        assert storage.get(made.id).attached_to == instance.id

    def test_a_volume_of_another_zone_is_a_conflict(
        self, compute: Compute, storage: Storage, spec: VolumeSpec, instance: Instance
    ) -> None:
        """No wire leads there."""
        others = sorted({offer.zone for offer in compute.offers()} - {instance.zone})
        if not others:
            skip("fixture", "zones", "there is one zone")
        made = self.volume(storage, spec, zone=others[0])
        with pytest.raises(Conflict):
            storage.attach(made.id, instance.id)
        assert storage.get(made.id).attached_to is None

    def test_an_attached_volume_is_not_deleted(self, storage: Storage, spec: VolumeSpec, instance: Instance) -> None:
        """Somebody uses it."""
        made = self.attached(storage, spec, instance)
        with pytest.raises(Conflict):
            storage.delete(made.id)
        assert storage.wait(made, "attached", timeout=self.patience).attached_to == instance.id

    def test_a_volume_outlives_its_instance(
        self, compute: Compute, storage: Storage, spec: VolumeSpec, instance: Instance
    ) -> None:
        """It was not made for it."""
        made = self.attached(storage, spec, instance)
        compute.delete([instance.id])
        compute.wait(instance, "deleted", timeout=self.patience)
        assert storage.wait(made, "available", timeout=self.patience).attached_to is None

    def test_calls_on_an_absent_volume_are_not_found(
        self, storage: Storage, spec: VolumeSpec, instance: Instance, absent_id: str, absent_instance: str
    ) -> None:
        """Nor is a volume attached to an instance that is not there."""
        with pytest.raises(NotFound):
            storage.attach(absent_id, instance.id)
        with pytest.raises(NotFound):
            storage.detach(absent_id)
        made = self.volume(storage, spec)
        with pytest.raises(NotFound):
            storage.attach(made.id, absent_instance)
        assert storage.get(made.id).attached_to is None

    @proves("volume_grow")
    def test_a_volume_grows(self, provider: Provider, storage: Storage, spec: VolumeSpec) -> None:
        """To at least what is asked for; to what it is already is no error."""
        need(provider, "volume_grow")
        made = self.volume(storage, spec)
        storage.grow(made.id, 2 * made.size)
        grown = storage.wait(made, "available", timeout=self.patience)
        assert grown.size >= 2 * made.size
        storage.grow(made.id, grown.size)
        assert storage.wait(made, "available", timeout=self.patience).size == grown.size

    @proves("volume_grow")
    def test_a_volume_never_shrinks(self, provider: Provider, storage: Storage, spec: VolumeSpec, absent_id: str) -> None:
        """A smaller size is a fault of the call; one that is not there does not grow either."""
        need(provider, "volume_grow")
        made = self.volume(storage, spec, size=2 * spec.size)
        with pytest.raises(InvalidSpec):
            storage.grow(made.id, spec.size)
        assert storage.get(made.id).size == made.size
        with pytest.raises(NotFound):
            storage.grow(absent_id, 2 * spec.size)

    @proves("volume_grow_attached")
    def test_an_attached_volume_grows(self, provider: Provider, storage: Storage, spec: VolumeSpec, instance: Instance) -> None:
        """And stays attached."""
        need(provider, "volume_grow_attached")
        made = self.attached(storage, spec, instance)
        storage.grow(made.id, 2 * made.size)
        grown = storage.wait(made, "attached", timeout=self.patience)
        assert grown.size >= 2 * made.size
        assert grown.attached_to == instance.id

    @proves("volume_types")
    def test_each_type_on_sale_is_described(self, provider: Provider, storage: Storage) -> None:
        """By one name each, with bounds in order; at most one is what is taken without asking."""
        need(provider, "volume_types")
        types = storage.types()
        assert types
        assert len({type_.name for type_ in types}) == len(types)
        assert sum(type_.default for type_ in types) <= 1
        assert all(0 < (type_.smallest or 1) <= (type_.largest or type_.smallest or 1) for type_ in types)

    @proves("volume_types")
    def test_a_volume_is_of_the_type_that_was_asked_for(self, provider: Provider, storage: Storage, spec: VolumeSpec) -> None:
        """And says so; an unknown type is a fault of the spec."""
        need(provider, "volume_types")
        type_ = next(type_ for type_ in storage.types() if (type_.smallest or 0) <= spec.size)
        assert self.volume(storage, spec, type=type_.name).type == type_.name
        with pytest.raises(InvalidSpec):
            storage.create(changed(spec, type="no-such-type"), token=str(uuid4()))

    @proves("volume_speeds")
    def test_a_volume_of_a_speed_is_made(self, provider: Provider, storage: Storage, spec: VolumeSpec) -> None:
        """Of a type that can be asked for one."""
        need(provider, "volume_speeds")
        type_ = next(type_ for type_ in storage.types() if type_.iops)
        size = max(spec.size, type_.smallest or 0)
        iops = min(3000, type_.iops or 0)
        assert self.volume(storage, spec, type=type_.name, size=size, iops=iops).type == type_.name

    @pytest.mark.parametrize("flag", ASKS)
    def test_a_volume_that_asks_for_what_is_missing_is_unsupported(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str, flag: str
    ) -> None:
        """With the declared reason, and before anything is made."""
        reason = lacks(provider, flag)
        with pytest.raises(Unsupported) as caught:
            storage.create(changed(spec, **ASKS[flag]), token=token)
        assert reason in caught.value.reason
        assert storage.list(spec.labels) == []

    @pytest.mark.parametrize("flag", ["volume_grow", "volume_grow_attached"])
    def test_a_storage_call_that_is_missing_is_unsupported(
        self, provider: Provider, storage: Storage, spec: VolumeSpec, token: str, flag: str, request: pytest.FixtureRequest
    ) -> None:
        """With the declared reason, and the volume stays as it is."""
        reason = lacks(provider, flag)
        with pytest.raises(Unsupported) as caught:
            if flag == "volume_grow":
                storage.grow(self.volume(storage, spec).id, 2 * spec.size)
            else:
                made = self.attached(storage, spec, request.getfixturevalue("instance"))
                storage.grow(made.id, 2 * made.size)
        assert reason in caught.value.reason

    @pytest.mark.parametrize("call", SHARE_CALLS)
    def test_a_call_for_shares_is_unsupported_where_there_are_none(
        self, provider: Provider, storage: Storage, token: str, call: str
    ) -> None:
        """With the declared reason, whatever is called."""
        reason = lacks(provider, "shares")
        with pytest.raises(Unsupported) as caught:
            SHARE_CALLS[call](storage, token)
        assert reason in caught.value.reason
