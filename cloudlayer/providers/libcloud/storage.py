"""Storage over the base interface of Libcloud's drivers: volumes, and snapshots where a driver has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, Unsupported
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token, fingerprint
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.storage import BaseStorage, require_volume
from cloudlayer.providers.libcloud import drivers
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.attempts import Attempt, Making
from cloudlayer.providers.libcloud.calls import Calls, Held
from cloudlayer.providers.libcloud.catalogue import Catalogue
from cloudlayer.providers.libcloud.launches import LIMITS
from cloudlayer.providers.libcloud.nodes import state_of
from cloudlayer.providers.libcloud.volumes import VolumeReader, holder_of, is_disk
from cloudlayer.resources import Snapshot, Volume, VolumeSpec, VolumeState
from cloudlayer.specs import Spec
from cloudlayer.units import GIB, format_size

_TAKEN: Final = ("size", "name", "location", "snapshot", "ex_tags", "tags", "node")
_DEVICES: Final = tuple(f"/dev/sd{letter}" for letter in "fghijklmnop")
"""What drivers that want a device named are told: the first that is free."""


class _Copy(Spec):
    """What is asked for of a snapshot, for its fingerprint."""

    volume: str
    name: str | None
    labels: dict[str, str]


class LibcloudStorage(BaseStorage):
    """Volumes of one driver."""

    settle = 10.0

    def __init__(
        self,
        calls: Calls,
        capabilities: Capabilities,
        region: str,
        *,
        driver: type[Any],
        adapter: Adapter,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        super().__init__(capabilities, region, clock=clock)
        self._calls = calls
        self._driver = driver
        self._adapter = adapter
        self._catalogue = catalogue
        self._reader = VolumeReader(self.provider, region, adapter)
        self._making = Making(calls, self._reader)

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a volume of whole GiB, and of no less than the cloud makes.

        What an earlier call with the token made is looked for first.
        """
        require_volume(spec, self.capabilities)
        self._check_labels(spec.labels)
        drivers.check_overrides(self._driver, "create_volume", spec.overrides, _TAKEN)
        attempt = Attempt(checked_token(token), fingerprint([spec]), spec.name, spec.labels)
        bound = self._bound(deadline)
        zone = spec.zone or next(iter(self._catalogue.sold(bound).zones))
        arguments = {**self._adapter.volume, **self._place(zone, bound), **self._source(spec, bound), **spec.overrides}
        gibibytes = max(math.ceil(spec.size / GIB), self._adapter.smallest)

        def make(held: Held, name: str, labels: Mapping[str, Any]) -> Any:
            return held.driver.create_volume(size=gibibytes, name=name, **arguments, **labels)

        made = self._making.make(attempt, self._volumes, make, bound)
        volume = self._reader.volume(made, self._catalogue.sold(bound))
        return volume if volume.zone else replace(volume, zone=zone)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now."""
        bound = self._bound(deadline)
        return self._reader.volume(self._volume(id, bound), self._catalogue.sold(bound))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`, but for the disks that are made and deleted with their instances."""
        wanted, bound = dict(labels or {}).items(), self._bound(deadline)
        listed, sold = self._volumes(bound), self._catalogue.sold(bound)
        found = (self._reader.volume(one, sold) for one in listed if not is_disk(one))
        return [one for one in found if wanted <= one.labels.items() and one.zone not in sold.elsewhere]

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to attach the volume; no error if it is attached there already."""
        bound = self._bound(deadline)
        sold, native = self._catalogue.sold(bound), self._volume(id, bound)
        node = self._node(instance, bound)
        volume = self._reader.volume(native, sold)
        if volume.attached_to is None:
            self._same_zone(volume, node, sold)
            named = self._device(node, bound)
            try:
                self._run(lambda held: held.driver.attach_volume(node, native, **named), f"attaching {id}", bound)
            except Conflict:
                if holder_of(self._volume(id, bound)) != instance:  # an answer was lost, or another caller was first
                    raise
            return replace(volume, state=VolumeState.UPDATING, attached_to=instance, device=named.get("device"))
        if volume.attached_to != instance or volume.state is VolumeState.UPDATING:
            message = f"{id} is {volume.state} at {volume.attached_to}: detach it there first, and wait until it is available"
            raise Conflict(message, provider=self.provider, code="VolumeInUse")
        return volume

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to detach the volume; one that is attached nowhere is no error."""
        bound = self._bound(deadline)
        native = self._volume(id, bound)
        volume = self._reader.volume(native, self._catalogue.sold(bound))
        if volume.attached_to is None:
            return volume
        named = {"volume": native, **self._holder(volume.attached_to, bound)}
        try:
            self._run(lambda held: held.driver.detach_volume(**named), f"detaching {id}", bound)
        except Conflict:
            if holder_of(self._volume(id, bound)) is not None:
                raise
        return replace(volume, state=VolumeState.UPDATING)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume; Conflict while it is attached, or has snapshots that would go with it."""
        bound = self._bound(deadline)
        with suppress(NotFound):
            native = self._volume(id, bound)
            holder = holder_of(native)
            if holder is not None:
                raise Conflict(f"{id} is attached to {holder}: detach it first", provider=self.provider, code="VolumeInUse")
            if not self.capabilities["snapshots_outlive_volumes"] and self._copies(native, bound):
                message = f"{id} has snapshots, which would go with it: delete them first"
                raise Conflict(message, provider=self.provider, code="VolumeHasSnapshots")
            self._run(lambda held: held.driver.destroy_volume(native), f"deleting {id}", bound)

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Begin to copy the volume as it is now; what its machine has not written out yet is not in it."""
        self._require("volume_snapshots")
        given = dict(labels or {})
        self._check_labels(given)
        attempt = Attempt(checked_token(token), fingerprint([_Copy(volume=id, name=name, labels=given)]), name, given)
        bound = self._bound(deadline)
        native = self._volume(id, bound)

        def make(held: Held, native_name: str, kept: Mapping[str, Any]) -> Any:
            return held.driver.create_volume_snapshot(native, native_name, **kept)

        return self._reader.snapshot(self._making.make(attempt, self._snapshots, make, bound))

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now."""
        self._require("volume_snapshots")
        return self._reader.snapshot(self._copy(id, self._bound(deadline)))

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot of this account that carries all of `labels`."""
        self._require("volume_snapshots")
        wanted = dict(labels or {}).items()
        found = [self._reader.snapshot(one) for one in self._snapshots(self._bound(deadline))]
        return [one for one in found if wanted <= one.labels.items()]

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the snapshot; one that is not there is no error."""
        self._require("volume_snapshots")
        bound = self._bound(deadline)
        with suppress(NotFound):
            native = self._copy(id, bound)
            self._run(lambda held: held.driver.destroy_volume_snapshot(native), f"deleting {id}", bound)

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._calls.retries.deadline(deadline)

    def _run(self, call: Any, doing: str, deadline: Deadline) -> Any:
        return self._calls.run(call, doing=doing, deadline=deadline)

    def _require(self, capability: str) -> None:
        if not self.capabilities[capability]:
            raise missing(self.capabilities, capability)

    def _check_labels(self, labels: Mapping[str, str]) -> None:
        LIMITS.check(labels)
        if self._adapter.volumes is not None:
            self._adapter.volumes.check(labels)
        elif labels:
            reason = "labels: this driver has nowhere to keep those of volumes and snapshots; leave them out"
            raise Unsupported(reason, provider=self.provider, code="Unsupported")

    def _place(self, zone: str, deadline: Deadline) -> dict[str, Any]:
        location = self._catalogue.location(zone, deadline)
        known = drivers.parameters(self._driver, "create_volume")
        return {"location": location} if location is not None and "location" in known else {}

    def _source(self, spec: VolumeSpec, deadline: Deadline) -> dict[str, Any]:
        if spec.snapshot is None:
            return {}
        native = self._copy(spec.snapshot, deadline)
        least = self._reader.snapshot(native).size
        if spec.size < least:
            raise InvalidSpec(f"size: {spec.snapshot} is of {format_size(least)}; ask for so much at the least")
        return {"snapshot": native}

    def _same_zone(self, volume: Volume, node: Any, sold: Any) -> None:
        zone = self._reader.zone(node.extra or {}, sold)
        if zone and volume.zone and zone != volume.zone:
            message = f"{volume.id} is in {volume.zone}, and {node.id} in {zone}: a volume is attached within its zone"
            raise Conflict(message, provider=self.provider, code="ZoneMismatch")

    def _device(self, node: Any, deadline: Deadline) -> dict[str, str]:
        """The first free device, where the driver wants one named."""
        if not drivers.requires(self._driver, "attach_volume", "device"):
            return {}
        used = {
            str((one.extra or {}).get("device"))
            for one in self._volumes(deadline)
            if holder_of(one) == self._adapter.id_of(node)
        }
        return {"device": next((one for one in _DEVICES if one not in used), _DEVICES[0])}

    def _holder(self, instance: str, deadline: Deadline) -> dict[str, Any]:
        """The machine that a volume is detached from, where the driver wants it named."""
        known = drivers.parameters(self._driver, "detach_volume")
        wanted = next((name for name in ("node", "ex_node") if name in known), None)
        return {wanted: self._node(instance, deadline)} if wanted else {}

    def _volumes(self, deadline: Deadline) -> Sequence[Any]:
        found: Sequence[Any] = self._run(lambda held: list(held.driver.list_volumes()), "listing volumes", deadline)
        return found

    def _volume(self, id: str, deadline: Deadline) -> Any:
        return self._one(id, self._volumes(deadline), "volume")

    def _snapshots(self, deadline: Deadline) -> Sequence[Any]:
        if self._adapter.snapshots is not None:
            method, arguments = self._adapter.snapshots
            doing = "listing snapshots"
            listed: Sequence[Any] = self._run(lambda held: list(getattr(held.driver, method)(**arguments)), doing, deadline)
            return listed
        return [copy for volume in self._volumes(deadline) for copy in self._copies(volume, deadline)]

    def _copies(self, volume: Any, deadline: Deadline) -> Sequence[Any]:
        if not self.capabilities["volume_snapshots"]:
            return ()
        doing = f"listing snapshots of {volume.id}"
        found: Sequence[Any] = self._run(lambda held: list(held.driver.list_volume_snapshots(volume)), doing, deadline)
        return found

    def _copy(self, id: str, deadline: Deadline) -> Any:
        return self._one(id, self._snapshots(deadline), "snapshot")

    def _node(self, id: str, deadline: Deadline) -> Any:
        nodes = self._run(lambda held: list(held.driver.list_nodes()), "listing instances", deadline)
        return self._one(id, [node for node in nodes if not state_of(node).gone], "instance")

    def _one(self, id: str, found: Iterable[Any], kind: str) -> Any:
        for one in found:
            if self._adapter.id_of(one) == id:
                return one
        raise NotFound(f"{kind} {id} is not there", provider=self.provider, code="NotFound")
