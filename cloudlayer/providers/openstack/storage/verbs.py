"""Storage on Cinder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from cloudlayer import labels as names
from cloudlayer.errors import Conflict, InvalidSpec, NotFound, RejectedSpec
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import LabelLimits, adopted, checked_token, fingerprint
from cloudlayer.providers.base.storage import BaseStorage, require_volume
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.creation import look_or_make
from cloudlayer.providers.openstack.options import VolumeOverrides
from cloudlayer.providers.openstack.storage.volumes import read_snapshot, read_type, read_volume
from cloudlayer.resources import Snapshot, SnapshotState, Volume, VolumeSpec, VolumeState, VolumeType
from cloudlayer.specs import Spec, checked
from cloudlayer.units import GIB, format_size

METADATA: Final = LabelLimits(
    re.compile(r"[\w\-:. /]{1,255}", re.ASCII),
    re.compile(r".{0,255}", re.DOTALL),
    most=126,
    rule="Cinder wants names of 1 to 255 of a-z A-Z 0-9 _ - : . / and spaces, and values of at most 255 characters",
)
"""What Cinder accepts as metadata, less our own two."""

_SERVICE: Final = "block_storage"

Made = TypeVar("Made")


class CinderStorage(BaseStorage):
    """Volumes and snapshots of Cinder in one region. Nova attaches them."""

    def __init__(self, client: Client, capabilities: Capabilities, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._turns = Turns()

    def types(self, *, deadline: Deadline | None = None) -> Sequence[VolumeType]:
        """The volume types that this project may use; their speeds are the operator's affair, and not told."""
        bound = self._bound(deadline)
        try:
            default = self._call("GET", "/types/default", bound)["volume_type"]["id"]
        except NotFound:
            default = None
        return [read_type(found, default) for found in self._client.pages(_SERVICE, "/types", "volume_types", deadline=bound)]

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Begin to make a volume. Cinder has no tokens: the volume that carries this one is looked for first."""
        require_volume(spec, self.capabilities)
        METADATA.check(spec.labels)
        checked(VolumeOverrides, spec.overrides, "overrides")
        token, digest, bound = checked_token(token), fingerprint([spec]), self._bound(deadline)
        body = {
            "name": spec.name,
            "size": math.ceil(spec.size / GIB),
            "availability_zone": spec.zone,
            "volume_type": spec.type,
            "snapshot_id": spec.snapshot,
            "metadata": {**spec.labels, names.TOKEN: token, names.SPEC: digest},
        }

        def look() -> Volume | None:
            return adopted(self.list({names.TOKEN: token}, deadline=bound), digest, provider=self.provider)

        def make() -> Volume:
            self._check_source(spec, bound)
            return self._make("/volumes", "volume", body, bound, read_volume)

        try:
            with self._turns.take(token, bound):
                return look_or_make(self._client.retries, look, make, doing="creating a volume", deadline=bound)
        except NotFound as error:
            self._check_type(spec, error, bound)
            raise

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now; NotFound if it is not there."""
        return read_volume(self._call("GET", f"/volumes/{id}", self._bound(deadline))["volume"], self.region)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`, whole."""
        found = self._listed("/volumes/detail", "volumes", labels, self._bound(deadline))
        return [read_volume(each, self.region) for each in found]

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to attach the volume; no error if it is attached there already."""
        bound = self._bound(deadline)
        volume = self.get(id, deadline=bound)
        if volume.attached_to not in (None, instance):
            raise self._conflict("Attached", f"{id} is attached to {volume.attached_to}: detach it first")
        if volume.attached_to is None:
            self._attach(id, instance, bound)
        return self.get(id, deadline=bound)

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Begin to detach the volume; one that is attached nowhere is no error."""
        bound = self._bound(deadline)
        volume = self.get(id, deadline=bound)
        if volume.attached_to is None:
            return volume
        if volume.native["status"] != "detaching":
            path = f"/servers/{volume.attached_to}/os-volume_attachments/{id}"
            self._unless_gone(lambda: self._client.call("compute", "DELETE", path, deadline=bound))
        return self.get(id, deadline=bound)

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Begin to make the volume `size` bytes large, rounded up to GiB."""
        bound, wanted = self._bound(deadline), math.ceil(size / GIB)
        volume = self.get(id, deadline=bound)
        if wanted * GIB < volume.size:
            raise InvalidSpec(f"size: {id} has {format_size(volume.size)}, and volumes do not shrink: ask for that or more")
        if wanted * GIB == volume.size:
            return volume
        self._state_decides(lambda: self._act(f"/volumes/{id}/action", {"os-extend": {"new_size": wanted}}, bound))
        return self.get(id, deadline=bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the volume; Conflict while it is attached or has snapshots. One that is not there is no error."""
        bound = self._bound(deadline)
        try:
            volume = self.get(id, deadline=bound)
        except NotFound:
            return
        if volume.state is VolumeState.DELETING:
            return
        if volume.attached_to is not None:
            raise self._conflict("Attached", f"{id} is attached to {volume.attached_to}: detach it first")
        copies = [*self._client.pages(_SERVICE, "/snapshots", "snapshots", query={"volume_id": id}, deadline=bound)]
        if copies:
            ids = ", ".join(copy["id"] for copy in copies)
            raise self._conflict("HasSnapshots", f"{id} has snapshots, which Cinder cannot keep without it: delete {ids} first")
        self._unless_gone(lambda: self._state_decides(lambda: self._call("DELETE", f"/volumes/{id}", bound)))

    def snapshot(
        self,
        id: str,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Begin to copy the volume as it is now, attached or not."""
        METADATA.check(labels or {})
        token, bound = checked_token(token), self._bound(deadline)
        digest = fingerprint([_Copy(volume=id, name=name, labels=dict(labels or {}))])
        body = {
            "volume_id": id,
            "name": name,
            "force": True,  # of an attached volume, too
            "metadata": {**(labels or {}), names.TOKEN: token, names.SPEC: digest},
        }

        def look() -> Snapshot | None:
            return adopted(self.snapshots({names.TOKEN: token}, deadline=bound), digest, provider=self.provider)

        def make() -> Snapshot:
            self.get(id, deadline=bound)
            return self._state_decides(lambda: self._make("/snapshots", "snapshot", body, bound, read_snapshot))

        with self._turns.take(token, bound):
            return look_or_make(self._client.retries, look, make, doing="creating a snapshot", deadline=bound)

    def get_snapshot(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now; NotFound if it is not there."""
        return read_snapshot(self._call("GET", f"/snapshots/{id}", self._bound(deadline))["snapshot"], self.region)

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot that carries all of `labels`, whole."""
        found = self._listed("/snapshots/detail", "snapshots", labels, self._bound(deadline))
        return [read_snapshot(each, self.region) for each in found]

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete a snapshot; one that is not there is no error."""
        bound = self._bound(deadline)
        try:
            if self.get_snapshot(id, deadline=bound).state is not SnapshotState.DELETING:
                self._state_decides(lambda: self._call("DELETE", f"/snapshots/{id}", bound))
        except NotFound:
            return

    def _attach(self, id: str, instance: str, deadline: Deadline) -> None:
        """Ask Nova, which refuses a second time what is attached, or about to be: then its own list tells where to."""
        path, body = f"/servers/{instance}/os-volume_attachments", {"volumeAttachment": {"volumeId": id}}
        try:
            self._client.call("compute", "POST", path, json=body, deadline=deadline)
        except (Conflict, RejectedSpec) as error:
            known = self._client.call("compute", "GET", path, deadline=deadline)["volumeAttachments"]
            if id not in {each["volumeId"] for each in known}:
                raise self._conflict(error.code, error.message) from None

    def _check_source(self, spec: VolumeSpec, deadline: Deadline) -> None:
        if spec.snapshot is None:
            return
        source = self.get_snapshot(spec.snapshot, deadline=deadline)
        if math.ceil(spec.size / GIB) * GIB < source.size:
            raise InvalidSpec(f"size: less than the {format_size(source.size)} of {source.id}: ask for that or more")
        if source.state is not SnapshotState.READY:
            raise self._conflict("NotReady", f"{source.id} is {source.state}: wait until it is ready")

    def _check_type(self, spec: VolumeSpec, error: NotFound, deadline: Deadline) -> None:
        """Raise RejectedSpec where it is the spec's type that is not there: Cinder's code is the same for a snapshot."""
        known = [kind.name for kind in self.types(deadline=deadline)]
        if spec.type is not None and spec.type not in known:
            message = f'type: there is no volume type "{spec.type}"; known here: {", ".join(known)}'
            raise RejectedSpec(message, provider=self.provider, code=error.code, request_id=error.request_id) from None

    def _make(
        self,
        path: str,
        key: str,
        body: Mapping[str, Any],
        deadline: Deadline,
        read: Callable[[Mapping[str, Any], str], Made],
    ) -> Made:
        given = {key: {name: value for name, value in body.items() if value is not None}}
        return read(self._client.call(_SERVICE, "POST", path, json=given, again=False, deadline=deadline)[key], self.region)

    def _listed(self, path: str, key: str, labels: Mapping[str, str] | None, deadline: Deadline) -> Iterable[Any]:
        """Cinder's own filter takes capitals for small letters, and an operator may turn it off: it saves pages, no more."""
        query = {"metadata": json.dumps(dict(labels))} if labels else {}
        wanted = (labels or {}).items()
        found = self._client.pages(_SERVICE, path, key, query=query, deadline=deadline)
        return [each for each in found if wanted <= each["metadata"].items()]

    def _call(self, method: str, path: str, deadline: Deadline) -> Any:
        return self._client.call(_SERVICE, method, path, deadline=deadline)

    def _act(self, path: str, body: Mapping[str, Any], deadline: Deadline) -> None:
        self._client.call(_SERVICE, "POST", path, json=body, deadline=deadline)

    def _state_decides(self, call: Callable[[], Made]) -> Made:
        """What `call` returns. Cinder answers 400 to what a thing's state forbids, as it does to what is wrong by itself."""
        try:
            return call()
        except RejectedSpec as error:
            raise self._conflict(error.code, error.message) from None

    def _unless_gone(self, call: Callable[[], object]) -> None:
        try:
            call()
        except NotFound:
            return

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)


class _Copy(Spec):
    """What is asked for with a snapshot, for its fingerprint."""

    volume: str
    name: str | None
    labels: dict[str, str]
