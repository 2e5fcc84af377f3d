"""All that a Storage promises, in two classes to inherit from: volumes with their snapshots, and shares."""

from cloudlayer.testing.storage.shares import SharePromises
from cloudlayer.testing.storage.snapshots import SnapshotPromises
from cloudlayer.testing.storage.volumes import OwnPromises
from cloudlayer.testing.things import CommonPromises


class StorageConformance(OwnPromises, SnapshotPromises, CommonPromises):
    """Inherit, give the fixture `provider`, and where the defaults do not fit `volume_spec`, `absent_id`, `absent_snapshot`."""


class ShareConformance(SharePromises, CommonPromises):
    """Inherit, give the fixture `provider`, and where the defaults do not fit `share_spec`, `absent_id`, `secrets`."""
