"""What EBS does and moto does not: zones that must agree, one attachment a volume, bounds, and states that take their time.

How long each change takes is read when somebody looks, so that a test ends what it has seen under way.
"""

import time
from functools import wraps

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_block_store import Snapshot, Volume, VolumeModification
from moto.ec2.responses import EC2Response

from tests.fakes.aws.moto_gaps import options, paged

BOUNDS = {
    "gp2": (1, 16384),
    "gp3": (1, 65536),
    "io1": (4, 16384),
    "io2": (4, 65536),
    "st1": (125, 16384),
    "sc1": (125, 16384),
    "standard": (1, 1024),
}
"""GiB by type, as the EC2 API reference for CreateVolume has them."""

SPEEDS = {"gp3": (3000, 80000), "io1": (100, 64000), "io2": (100, 256000)}
"""IOPS by type, from the same place."""

PAGED = {
    "describe_volumes": ("Volumes", 1000),
    "describe_volumes_modifications": ("VolumesModifications", 500),
    "describe_snapshots": ("Snapshots", 1000),
    "describe_network_interfaces": ("NetworkInterfaces", 1000),
}

MODIFICATIONS_A_DAY = 4


def install():
    """Put all of it into moto, once for the process."""
    if getattr(EC2Response, "volumes_filled", False):
        return
    EC2Response.volumes_filled = True
    EC2Response.create_volume = _bounded(EC2Response.create_volume)
    EC2Response.attach_volume = _one_attachment(EC2Response.attach_volume)
    EC2Response.detach_volume = _slow_detach(EC2Response.detach_volume)
    EC2Response.modify_volume = _one_modification(EC2Response.modify_volume)
    EC2Response.create_snapshot = _slow_copy(EC2Response.create_snapshot)
    EC2Response.describe_snapshots = _owned(_hidden_at_first(EC2Response.describe_snapshots, "Snapshots"))
    EC2Response.describe_volumes = _hidden_at_first(EC2Response.describe_volumes, "Volumes")
    for name, (key, most) in PAGED.items():
        setattr(EC2Response, name, paged(getattr(EC2Response, name), key, most))
    for name in ("describe_volumes", "describe_volumes_modifications", "describe_snapshots", "delete_volume"):
        setattr(EC2Backend, name, _settled(getattr(EC2Backend, name)))
    EC2Backend.attach_volume = _ends_with_its_instance(EC2Backend.attach_volume)
    Volume.status = property(_volume_status)
    Snapshot.volume_size = property(lambda self: getattr(self, "size_then", self.volume.size))
    VolumeModification.modification_state = property(_modification_state)
    VolumeModification.get_filter_value = _modification_filter(VolumeModification.get_filter_value)


def _bounded(method):
    @wraps(method)
    def create(self):
        kind, size = self._get_param("VolumeType") or "gp2", self._get_param("Size")
        iops, snapshot = self._get_param("Iops"), self._get_param("SnapshotId")
        if kind not in BOUNDS:
            raise EC2ClientError("UnknownVolumeType", f"Unsupported volume type '{kind}' for volume creation.")
        least, most = BOUNDS[kind]
        if size is not None and not least <= int(size) <= most:
            raise EC2ClientError("InvalidParameterValue", f"Volume of {size}GiB is not between {least} and {most} for {kind}.")
        if iops is not None and kind in SPEEDS and not SPEEDS[kind][0] <= int(iops) <= SPEEDS[kind][1]:
            raise EC2ClientError("InvalidParameterValue", f"Volume iops of {iops} is not in the range of {kind}.")
        if snapshot:
            _check_source(self.ec2_backend, snapshot, size)
        _check_zone(self.ec2_backend, self._get_param("AvailabilityZone"))
        answer = method(self)
        answer.result.born, answer.result.creating = time.monotonic(), True
        return answer

    return create


def _check_source(backend, snapshot, size):
    source = backend.describe_snapshots(snapshot_ids=[snapshot])[0]
    if source.status != "completed":
        raise EC2ClientError("IncorrectState", f"Snapshot is in invalid state - {source.status}")
    if size is not None and int(size) < source.volume_size:
        raise EC2ClientError("InvalidParameterValue", f"Volume of {size}GiB is smaller than snapshot '{snapshot}'")


def _check_zone(backend, zone):
    if zone not in {known.name for known in backend.describe_availability_zones()}:
        raise EC2ClientError("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")


def _one_attachment(method):
    @wraps(method)
    def attach(self):
        volume_id, device = self._get_param("VolumeId"), self._get_param("Device")
        (volume,) = self.ec2_backend.describe_volumes(volume_ids=[volume_id])
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if volume.attachment:
            raise EC2ClientError("VolumeInUse", f"{volume_id} is already attached to an instance")
        if volume.status != "available":
            raise EC2ClientError("IncorrectState", f"{volume_id} is not 'available'.")
        if instance.state not in ("running", "stopped", "stopping"):
            raise EC2ClientError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
        if instance.placement.zone != volume.availability_zone:
            raise EC2ClientError("InvalidVolume.ZoneMismatch", f"The volume '{volume_id}' is not in the instance's zone.")
        if device in instance.block_device_mapping:
            text = f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
            raise EC2ClientError("InvalidParameterValue", text)
        answer = method(self)
        volume.attachment.status, volume.attachment.began = "attaching", time.monotonic()
        return answer

    return attach


def _ends_with_its_instance(method):
    """What an instance was launched with says so."""

    @wraps(method)
    def attach(self, volume_id, instance_id, device_path, delete_on_termination=False):
        attachment = method(self, volume_id, instance_id, device_path, delete_on_termination)
        attachment.delete_on_termination = delete_on_termination
        return attachment

    return attach


def _slow_detach(method):
    @wraps(method)
    def detach(self):
        (volume,) = self.ec2_backend.describe_volumes(volume_ids=[self._get_param("VolumeId")])
        if not volume.attachment:
            raise EC2ClientError("IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")
        instance, device = volume.attachment.instance, volume.attachment.device
        if device == instance.root_device_name and instance.state == "running":
            raise EC2ClientError("OperationNotPermitted", f"Unable to detach root volume '{volume.id}'.")
        if self._get_param("InstanceId") not in (None, instance.id):
            raise EC2ClientError("InvalidAttachment.NotFound", f"{volume.id} is not attached to that instance.")
        volume.attachment.status, volume.attachment.began = "detaching", time.monotonic()
        return ActionResult(
            {"VolumeId": volume.id, "InstanceId": instance.id, "Device": device, "State": "detaching"},
        )

    return detach


def _one_modification(method):
    @wraps(method)
    def modify(self):
        (volume,) = self.ec2_backend.describe_volumes(volume_ids=[self._get_param("VolumeId")])
        before, wanted = volume.size, self._get_param("Size")
        if volume.modifications and volume.modifications[-1].modification_state != "completed":
            raise EC2ClientError("IncorrectModificationState", f"Volume {volume.id} cannot be modified in this state.")
        if len(volume.modifications) >= MODIFICATIONS_A_DAY:
            text = "You've reached the maximum modification rate per volume limit."
            raise EC2ClientError("VolumeModificationRateExceeded", text)
        if wanted is not None and int(wanted) < before:
            raise EC2ClientError("InvalidParameterValue", f"New size cannot be smaller than existing size {before}")
        answer = method(self)
        volume.modifications[-1].began, volume.modifications[-1].applied = time.monotonic(), False
        volume.size = before
        return answer

    return modify


def _slow_copy(method):
    @wraps(method)
    def copy(self):
        (volume,) = self.ec2_backend.describe_volumes(volume_ids=[self._get_param("VolumeId")])
        if volume.status == "creating":
            raise EC2ClientError("IncorrectState", f"{volume.id} is creating.")
        answer = method(self)
        snapshot = answer.result
        snapshot.size_then, snapshot.status, snapshot.born = volume.size, "pending", time.monotonic()
        return answer

    return copy


def _hidden_at_first(method, key):
    """What is new is not in lists at once."""

    @wraps(method)
    def describe(self):
        result = method(self).result
        oldest = time.monotonic() - options.hidden
        return ActionResult({**result, key: [found for found in result[key] if getattr(found, "born", 0.0) <= oldest]})

    return describe


def _owned(method):
    """Moto takes no notice of OwnerIds, and holds the snapshots of all its images' owners."""

    @wraps(method)
    def describe(self):
        result = method(self).result
        if "self" in (self._get_param("OwnerIds") or ()):
            result["Snapshots"] = [found for found in result["Snapshots"] if found.owner_id == self.ec2_backend.account_id]
        return ActionResult(result)

    return describe


def _settled(method):
    """Before a look, what is due takes place."""

    @wraps(method)
    def look(self, *args, **kwargs):
        for volume in list(self.volumes.values()):
            _settle(self, volume)
        for snapshot in list(self.snapshots.values()):
            if snapshot.status == "pending" and _is_over(snapshot.born):
                snapshot.status = "completed"
        return method(self, *args, **kwargs)

    return look


def _is_over(began, more=0.0):
    """Whether a change that began then is done, by the options as they are now: a test may cut it short."""
    return began + options.pending + more <= time.monotonic()


def _settle(backend, volume):
    volume.creating = getattr(volume, "creating", False) and not _is_over(volume.born)
    attachment = volume.attachment
    if attachment and _is_over(getattr(attachment, "began", 0.0)):
        if attachment.status == "attaching":
            attachment.status = "attached"
        elif attachment.status == "detaching":
            backend.detach_volume(volume.id, attachment.instance.id, attachment.device)
    for modification in volume.modifications:
        if not modification.applied and _is_over(modification.began):
            modification.applied, volume.size = True, modification.target_size or volume.size


def _volume_status(volume):
    if getattr(volume, "creating", False):
        return "creating"
    return "in-use" if volume.attachment else "available"


def _modification_state(modification):
    if not modification.applied:
        return "modifying"
    return "completed" if _is_over(modification.began, options.optimizing) else "optimizing"


def _modification_filter(method):
    @wraps(method)
    def value(self, filter_name):
        return self.modification_state if filter_name == "modification-state" else method(self, filter_name)

    return value
