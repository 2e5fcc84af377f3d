"""All that a Storage promises, in one class to inherit from."""

from cloudlayer.testing.storage.snapshots import SnapshotPromises
from cloudlayer.testing.storage.volumes import OwnPromises
from cloudlayer.testing.things import CommonPromises


class StorageConformance(OwnPromises, SnapshotPromises, CommonPromises):
    """Inherit, give the fixture `provider`, and where the defaults do not fit `volume_spec`, `absent_id`, `absent_snapshot`."""
