"""The cloud's side of volumes and snapshots. Every function checks before it changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cloudlayer.errors import Conflict, RejectedSpec
from cloudlayer.providers.simulated import limits, tokens, views
from cloudlayer.providers.simulated.catalogue import PROVIDER, REGIONS
from cloudlayer.resources import Volume, VolumeSpec, VolumeState, VolumeType
from cloudlayer.runtime.simulated.records import Document, InstanceRecord, course, settings_of
from cloudlayer.runtime.simulated.things import AttachmentRecord, Change, VolumeRecord
from cloudlayer.units import GIB, MIB, TIB

KIND: Final = "volume"
TYPES: Final = (
    VolumeType("standard", "for most uses", smallest=GIB, largest=16 * TIB, default=True),
    VolumeType("fast", "at a speed of one's choice", smallest=4 * GIB, largest=16 * TIB, iops=64_000, throughput=1000 * MIB),
    VolumeType("cold", "for what is seldom read", smallest=125 * GIB, largest=16 * TIB),
)
_READY: Final = (VolumeState.AVAILABLE, VolumeState.ATTACHED)


def create(
    document: Document, now: float, region: str, spec: VolumeSpec, *, token: str, digest: str, labels: Mapping[str, str]
) -> Volume:
    """The volume of this token, made if it is not there."""
    known = tokens.bound(document, now, document["volumes"], KIND, token=token, digest=digest)
    if known is not None:
        return volume(known, views.current(known, now), now)
    type_ = _checked_type(spec)
    size = _checked_size(type_, spec.size)
    zone = _checked_zone(region, spec.zone)
    if spec.snapshot is not None:
        _check_snapshot(document, now, region, spec.snapshot, size)
    limits.check_count(document, now, "volumes")
    document["serial"] += 1
    key = f"vol-{document['serial']:08d}"
    record = VolumeRecord(
        id=key,
        region=region,
        zone=zone,
        name=spec.name,
        type=type_.name,
        size=size,
        labels=dict(labels),
        created_at=now,
        attachment=None,
        timeline=[],
    )
    seconds = settings_of(document).volume_seconds
    views.begin(record, document, now, "volume.create", seconds=seconds, ready=VolumeState.AVAILABLE)
    document["volumes"][key] = record
    tokens.bind(document, KIND, token, digest, key)
    return volume(record, views.current(record, now), now)


def describe(document: Document, now: float, region: str, id: str) -> Volume:
    """The volume as a reader sees it."""
    return volume(*views.describe(document, now, document["volumes"], id, KIND, region=region), now)


def page(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[Volume], str | None]:
    """One page of the region's volumes."""
    found, more = views.page(document, now, document["volumes"], region=region, labels=labels, after=after)
    return [volume(record, change, now) for record, change in found], more


def attach(document: Document, now: float, region: str, id: str, instance: str) -> Volume:
    """Begin to attach the volume; one that is on its way there already goes on."""
    record = views.there(document["volumes"], id, KIND, now, region)
    machine = views.there(document["instances"], instance, "instance", now, region)
    held = _attachment(record, now)
    if held is not None and held["until"] is None and held["instance"] == instance:
        return volume(record, views.current(record, now), now)
    if held is not None:
        raise _conflict(f"{id} is attached to {held['instance']}: detach it first", "VolumeInUse")
    if machine["zone"] != record["zone"]:
        raise _conflict(f"{id} is in {record['zone']} and {instance} in {machine['zone']}: use one zone", "OtherZone")
    _require(record, now, VolumeState.AVAILABLE)
    record["attachment"] = AttachmentRecord(instance=instance, device=_device(document, instance, now), until=None)
    return _changing(document, record, now, VolumeState.ATTACHED)


def detach(document: Document, now: float, region: str, id: str) -> Volume:
    """Begin to detach the volume; one that is attached nowhere, or on its way off, is left alone."""
    record = views.there(document["volumes"], id, KIND, now, region)
    held = _attachment(record, now)
    if held is None or held["until"] is not None:
        return volume(record, views.current(record, now), now)
    held["until"] = now + settings_of(document).volume_seconds
    return _changing(document, record, now, VolumeState.AVAILABLE)


def grow(document: Document, now: float, region: str, id: str, size: int) -> Volume:
    """Begin to make the volume larger."""
    record = views.there(document["volumes"], id, KIND, now, region)
    wanted = _checked_size(next(type_ for type_ in TYPES if type_.name == record["type"]), size)
    if wanted < record["size"]:
        raise _rejected(f"size: {id} has {record['size'] // GIB} GiB already; a volume cannot shrink", "Smaller")
    if wanted > record["size"]:
        state = _require(record, now, *_READY)
        record["size"] = wanted
        return _changing(document, record, now, state)
    return volume(record, views.current(record, now), now)


def delete(document: Document, now: float, region: str, id: str) -> None:
    """Begin to delete the volume; Conflict while it is attached. One that is not there is no error."""
    record = document["volumes"].get(id)
    if record is None or record["region"] != region or views.gone(record, now):
        return
    held = _attachment(record, now)
    if held is not None:
        raise _conflict(f"{id} is attached to {held['instance']}: detach it first", "VolumeInUse")
    seconds = settings_of(document).delete_seconds
    course(record, document, now, (0.0, VolumeState.DELETING, None), (seconds, VolumeState.DELETED, None))


def release(document: Document, now: float) -> None:
    """Let go of the volumes whose instance is deleted by now."""
    for record in document["volumes"].values():
        held = record["attachment"]
        if held is None or held["until"] is not None:
            continue
        ended = _ended(document["instances"][held["instance"]], now)
        if ended is not None:
            held["until"] = ended
            course(record, document, ended, (0.0, VolumeState.AVAILABLE, None))


def volume(record: VolumeRecord, change: Change, now: float) -> Volume:
    """The volume in the state of `change`."""
    held = _attachment(record, now)
    return Volume(
        id=record["id"],
        provider=PROVIDER,
        region=record["region"],
        zone=record["zone"],
        state=VolumeState(change["state"]),
        size=record["size"],
        name=record["name"],
        type=record["type"],
        attached_to=held["instance"] if held else None,
        device=held["device"] if held else None,
        labels=dict(record["labels"]),
        created_at=datetime.fromtimestamp(record["created_at"], UTC),
        reason=change["reason"],
    )


def _changing(document: Document, record: VolumeRecord, now: float, then: VolumeState) -> Volume:
    seconds = settings_of(document).volume_seconds
    course(record, document, now, (0.0, VolumeState.UPDATING, None), (seconds, then, None))
    return volume(record, views.current(record, now), now)


def _attachment(record: VolumeRecord, now: float) -> AttachmentRecord | None:
    held = record["attachment"]
    return held if held is not None and (held["until"] is None or now < held["until"]) else None


def _device(document: Document, instance: str, now: float) -> str:
    held = (_attachment(record, now) for record in document["volumes"].values())
    taken = {attachment["device"] for attachment in held if attachment and attachment["instance"] == instance}
    return next(name for letter in range(len(taken) + 1) if (name := f"/dev/vd{chr(ord('b') + letter)}") not in taken)


def _ended(record: InstanceRecord, now: float) -> float | None:
    return next((change["at"] for change in record["timeline"] if change["state"] == "deleted" and change["at"] <= now), None)


def _require(record: VolumeRecord, now: float, *wanted: VolumeState) -> VolumeState:
    state = VolumeState(views.current(record, now)["state"])
    if state not in wanted:
        raise _conflict(f"{record['id']} is {state}: wait until it is {' or '.join(wanted)}", "WrongState")
    return state


def _checked_type(spec: VolumeSpec) -> VolumeType:
    found = [type_ for type_ in TYPES if (type_.default if spec.type is None else type_.name == spec.type)]
    if not found:
        raise _rejected(f'type: "{spec.type}" is none: there are {", ".join(each.name for each in TYPES)}', "NoSuchType")
    type_ = found[0]
    for name, asked, most in (("iops", spec.iops, type_.iops), ("throughput", spec.throughput, type_.throughput)):
        if asked is not None and asked > (most or 0):
            bound = f"{most} at most" if most else f"not to be had of the type {type_.name}: see the types"
            raise _rejected(f"{name}: {bound}", "SpeedOutOfBounds")
    return type_


def _checked_size(type_: VolumeType, size: int) -> int:
    whole = max(-(-size // GIB) * GIB, type_.smallest or 0)
    if type_.largest is not None and whole > type_.largest:
        raise _rejected(f"size: a {type_.name} volume holds at most {type_.largest // GIB} GiB", "TooLarge")
    return whole


def _checked_zone(region: str, zone: str | None) -> str:
    zones = REGIONS[region]
    if zone is not None and zone not in zones:
        raise _rejected(f'zone: "{zone}" is none of {region}: there are {", ".join(zones)}', "NoSuchZone")
    return zone or zones[0]


def _check_snapshot(document: Document, now: float, region: str, id: str, size: int) -> None:
    record = views.there(document["snapshots"], id, "snapshot", now, region)
    if views.current(record, now)["state"] != "ready":
        raise _conflict(f"{id} is not ready: wait for it", "WrongState")
    if size < record["size"]:
        raise _rejected(f"size: {id} needs {record['size'] // GIB} GiB", "Smaller")


def _conflict(message: str, code: str) -> Conflict:
    return Conflict(message, provider=PROVIDER, code=code)


def _rejected(message: str, code: str) -> RejectedSpec:
    return RejectedSpec(message, provider=PROVIDER, code=code)
