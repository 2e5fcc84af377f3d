"""The fixtures of Storage's promises."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from cloudlayer.interfaces import Compute, Provider, Storage
from cloudlayer.resources import Instance, InstanceSpec, Volume, VolumeSpec
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.faults import Kind
from cloudlayer.testing.things.base import ThingPromises
from cloudlayer.units import GIB


class VolumePromises(ThingPromises):
    """`spec` is a small volume."""

    kind: Kind = "volume"
    capability = "volumes"
    interface = "storage"
    ready = "available"
    makes = ("snapshot", "volume", "instance")

    @pytest.fixture
    def volume_spec(self) -> VolumeSpec:
        """A volume of the least size that is quick to make; it can be made again at twice and at four times that size."""
        return VolumeSpec(name="conformance", size=GIB)

    @pytest.fixture
    def spec(self, volume_spec: VolumeSpec, run: dict[str, str]) -> VolumeSpec:
        """`volume_spec`, labelled as this test's."""
        return labelled(volume_spec, run)

    @pytest.fixture
    def absent_id(self) -> str:
        """An id that no volume has."""
        return "vol-00000000000000000"

    @pytest.fixture
    def absent_snapshot(self) -> str:
        """An id that no snapshot has."""
        return "snap-00000000000000000"

    @pytest.fixture
    def things(self, provider: Provider) -> Storage:
        """What is tested, under the name that it has among like interfaces."""
        return provider.storage

    @pytest.fixture
    def storage(self, provider: Provider) -> Storage:
        """What is tested."""
        return provider.storage

    @pytest.fixture
    def instance(self, compute: Compute, base_spec: InstanceSpec, run: dict[str, str]) -> Instance:
        """A running instance to attach to."""
        made = compute.create(labelled(base_spec, run), token=str(uuid4()))
        return compute.wait(made, "running", timeout=self.patience)

    def altered(self, spec: VolumeSpec) -> VolumeSpec:
        """Twice as large."""
        return changed(spec, size=2 * spec.size)

    def volume(self, storage: Storage, spec: VolumeSpec, **fields: Any) -> Volume:
        """A volume of this spec with other fields, available."""
        made: Volume = self.made(storage, changed(spec, **fields))
        return made

    def attached(self, storage: Storage, spec: VolumeSpec, instance: Instance) -> Volume:
        """A volume that is attached to the instance."""
        made = self.volume(storage, spec, zone=instance.zone)
        storage.attach(made.id, instance.id)
        return storage.wait(made, "attached", timeout=self.patience)
