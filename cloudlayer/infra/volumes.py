"""`Volume`: a disk of its own, which outlives the machines that it is attached to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi import Input, Output

from cloudlayer.errors import NotFound
from cloudlayer.fleet.kinds import VOLUME
from cloudlayer.infra.declaring import Declared
from cloudlayer.infra.life import Life
from cloudlayer.infra.making import PATIENCE
from cloudlayer.infra.shapes import Change, Document, Shape
from cloudlayer.infra.values import is_known
from cloudlayer.interfaces import Provider
from cloudlayer.providers.base.storage import require_volume
from cloudlayer.resources import Volume as Disk
from cloudlayer.resources import VolumeSpec

ATTACHED: Final = "attached_to"
BYTES: Final = "bytes"
SIZE: Final = "size"


def _in_place(provider: Provider, before: Document, now: Document) -> frozenset[str]:
    """A volume grows where the cloud lets it; no cloud makes one smaller. What grew by other hands is left so."""
    able = provider.capabilities["volume_grow"] and _grows(before.get(SIZE), now.get(SIZE))
    return frozenset({ATTACHED, SIZE} if able else {ATTACHED})


def _grows(before: str | int | None, now: str | int | None) -> bool:
    """Whether the size that is asked for is no less than before, or not known yet."""
    if before is None or now is None or not is_known(now):
        return True
    return VolumeSpec.model_validate({SIZE: now}).size >= VolumeSpec.model_validate({SIZE: before}).size


def _change(change: Change) -> None:
    volume, wanted = change.provider.storage.get(change.id), change.extra.get(ATTACHED)
    grows = volume.size < change.spec.size
    in_the_way = grows and not change.provider.capabilities["volume_grow_attached"]
    if volume.attached_to != wanted or in_the_way:
        detach(change.provider, change.id)
    if grows:
        _grow(change.provider, change.id, change.spec.size)
    if wanted is not None:
        change.provider.storage.attach(change.id, wanted)
        change.provider.storage.wait(change.id, "attached", timeout=PATIENCE)


def _grow(provider: Provider, id: str, size: int) -> None:
    volume = provider.storage.grow(id, size)
    provider.storage.wait(id, "available" if volume.attached_to is None else "attached", timeout=PATIENCE)


def detach(provider: Provider, id: str) -> None:
    """Take a volume off its instance; returns when it is off. One that is not there, or on none, is no error."""
    try:
        if provider.storage.get(id).attached_to is not None:
            provider.storage.detach(id)
            provider.storage.wait(id, "available", timeout=PATIENCE)
    except NotFound:
        return


def _let_go(provider: Provider, volume: Disk) -> None:
    """A new volume that an earlier create has attached, or begun to, is as new again."""
    if volume.attached_to is not None:
        detach(provider, volume.id)


def _tell(volume: Disk) -> dict[str, Any]:
    return {
        "name": volume.name,
        "state": str(volume.state),
        "zone": volume.zone,
        BYTES: volume.size,
        "type": volume.type,
        ATTACHED: volume.attached_to,
        "device": volume.device,
    }


class VolumeLife(Life):
    """The life of a volume. It is detached before it is deleted."""

    shape = Shape(
        VOLUME.noun,
        VOLUME.capability,
        VOLUME.ready,
        VOLUME.spec,
        VOLUME.verbs,
        _tell,
        require=require_volume,
        in_place=_in_place,
        change=_change,
        tracked=lambda provider, volume, document: {ATTACHED: volume.attached_to},
        resume=_let_go,
        before_delete=detach,
        extras=frozenset({ATTACHED}),
        echoed=frozenset({SIZE}),
    )


class Volume(Declared, module="cloudlayer", name="Volume"):
    """A disk in a zone, attached to the instance of that id where one is given.

    `size` is a text with a unit ("10GiB") or bytes, `bytes` what the cloud made of it; `throughput` in bytes a second. It grows
    and changes its instance in place; everything else that changes replaces it, **with what is on it**.
    """

    told = ("name", "state", "zone", "bytes", "type", "attached_to", "device")

    name: Output[str | None]
    state: Output[str]
    zone: Output[str]
    bytes: Output[int]
    type: Output[str | None]
    attached_to: Output[str | None]
    device: Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        provider: Input[str],
        size: Input[str | int],
        name: Input[str] | None = None,
        zone: Input[str] | None = None,
        type: Input[str] | None = None,
        iops: Input[int] | None = None,
        throughput: Input[str | int] | None = None,
        snapshot: Input[str] | None = None,
        attached_to: Input[str] | None = None,
        labels: Input[Mapping[str, Input[str]]] | None = None,
        overrides: Input[Mapping[str, Any]] | None = None,
        provider_options: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked = {
            "size": size,
            "name": name,
            "zone": zone,
            "type": type,
            "iops": iops,
            "throughput": throughput,
            "snapshot": snapshot,
            ATTACHED: attached_to,
            "labels": labels,
            "overrides": overrides,
        }
        super().__init__(
            VolumeLife(), resource_name, provider=provider, provider_options=provider_options, asked=asked, opts=opts
        )
