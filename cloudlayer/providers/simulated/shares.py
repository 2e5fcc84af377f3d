"""The cloud's side of shares. A share is in an account of its own, which is made before it and goes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cloudlayer.errors import RejectedSpec
from cloudlayer.providers.simulated import limits, pieces, tokens, views
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.resources import Share, ShareSpec, ShareState
from cloudlayer.runtime.simulated.records import Document, course, settings_of
from cloudlayer.runtime.simulated.things import Change, ShareRecord
from cloudlayer.units import GIB, TIB

KIND: Final = "share"
LARGEST: Final = 100 * TIB


def create(
    document: Document,
    now: float,
    region: str,
    spec: ShareSpec,
    *,
    token: str,
    digest: str,
    labels: Mapping[str, str],
    made_with: Sequence[str],
) -> Share:
    """The share of this token, made if it is not there, of whole GiB."""
    known = tokens.bound(document, now, document["shares"], KIND, token=token, digest=digest)
    if known is not None:
        return share(known, views.current(known, now))
    size = _checked_size(spec.size)
    pieces.check(document, made_with)
    limits.check_count(document, now, "shares")
    document["serial"] += 1
    key = f"share-{document['serial']:08d}"
    record = ShareRecord(
        id=key,
        region=region,
        name=spec.name,
        size=size,
        protocol=spec.protocol,
        labels=dict(labels),
        created_at=now,
        pieces=list(made_with),
        timeline=[],
    )
    seconds = settings_of(document).volume_seconds
    views.begin(record, document, now, "share.create", seconds=seconds, ready=ShareState.READY)
    document["shares"][key] = record
    tokens.bind(document, KIND, token, digest, key)
    return share(record, views.current(record, now))


def describe(document: Document, now: float, region: str, id: str) -> Share:
    """The share as a reader sees it."""
    return share(*views.describe(document, now, document["shares"], id, KIND, region=region))


def page(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[Share], str | None]:
    """One page of the region's shares."""
    found, more = views.page(document, now, document["shares"], region=region, labels=labels, after=after)
    return [share(record, change) for record, change in found], more


def delete(document: Document, now: float, region: str, id: str) -> list[str]:
    """Begin to delete the share; one that is not there is no error. The pieces that it was made with."""
    record = document["shares"].get(id)
    if record is None or record["region"] != region:
        return []
    if not views.gone(record, now):
        seconds = settings_of(document).delete_seconds
        course(record, document, now, (0.0, ShareState.DELETING, None), (seconds, ShareState.DELETED, None))
    return record["pieces"]


def share(record: ShareRecord, change: Change) -> Share:
    """The share in the state of `change`."""
    state = ShareState(change["state"])
    return Share(
        id=record["id"],
        provider=PROVIDER,
        region=record["region"],
        state=state,
        size=record["size"],
        protocol=record["protocol"],
        mount_command=_mount_command(record) if state is ShareState.READY else None,
        name=record["name"],
        labels=dict(record["labels"]),
        created_at=datetime.fromtimestamp(record["created_at"], UTC),
        reason=change["reason"],
    )


def _mount_command(record: ShareRecord) -> str:
    """As a user of Linux mounts it. What SMB asks for is in a file that only root reads, as mount.cifs wants it."""
    id, host = record["id"], f"{record['id']}.{record['region']}.simulated.invalid"  # noqa: A001
    commands = {
        "nfs": f"sudo mount -t nfs -o vers=4.1 {host}:/{id} /mnt/{id}",
        "smb": f"sudo mount -t cifs -o credentials=/etc/cloudlayer/{id}.credentials //{host}/{id} /mnt/{id}",
    }
    return f"sudo mkdir -p /mnt/{id} && {commands[record['protocol']]}"


def _checked_size(size: int) -> int:
    if size > LARGEST:
        raise RejectedSpec(f"size: a share holds at most {LARGEST // TIB} TiB", provider=PROVIDER, code="TooLarge")
    return -(-size // GIB) * GIB
