"""The MIG instances of a machine's replicas: made at the place that the scheduler chose, removed when their replica is gone.

What is ours is written down before it is made: a file for each place, with the replica whose it is. After a crash it is found
again by that, and made once. An instance at a place that no file of ours names was made by others, and is left alone. Files of
before the machine's last start are void, since no instance outlives that. A machine of an inventory has such a file of its own,
by which what is ours is removed when it is given back, whatever controller does that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline, Host, ReplicaSpec
from cloudlayer.runtime.docker.records import locked
from cloudlayer.runtime.gpu import mig, reading

_LOCK: Final = "lock"
_ENABLED: Final = ".enabled"
_NOTE: Final = 'mkdir -p "$0" && printf "%s\\n" "$2" >"$0/$1" && sync "$0/$1"'


@dataclass(frozen=True, slots=True)
class _Place:
    """A place that is ours; `uuid` is that of the instance, "" until it is known to be made."""

    device: str
    start: int
    replica: str
    profile: str
    boot: str
    uuid: str = ""

    @property
    def name(self) -> str:
        return f"{self.device}.{self.start}"

    def is_at(self, instance: mig.Instance | None, boot: str) -> bool:
        """Whether `instance`, which is at this place, is the one that was made here."""
        here = instance is not None and (instance.profile, instance.start) == (self.profile, self.start)
        return here and self.boot == boot and instance is not None and self.uuid in ("", instance.uuid)


class Slices:
    """Those of one machine. `ours` is whether the machine was bought for the fleet alone. Thread-safe, and across processes."""

    def __init__(self, host: Host, folder: Path, check: Callable[[str], None], *, ours: bool) -> None:
        self._host = host
        self._folder = folder
        self._check = check
        self._ours = ours
        self._tells = not ours and not host.is_here

    def ensure(self, spec: ReplicaSpec, deadline: Deadline | None) -> tuple[str, ...]:
        """The UUIDs of the replica's instances, made where they are not there. EngineError says why one cannot be."""
        profile = spec.gpu_profile
        if profile is None:
            self._give_back(spec.devices, deadline)
            return ()
        if len(spec.slices) != len(spec.devices):
            raise EngineError(f"{spec.function}: each of its GPUs needs the slice at which its MIG instance starts")
        with self._held():
            state = mig.look(self._host, deadline=deadline)
            for index, start in zip(spec.devices, spec.slices, strict=True):
                if not state.device(index).enabled:
                    self._enable(state.device(index), deadline)
                self._make(state, _Place(state.device(index).uuid, start, spec.id, profile, state.boot), deadline)
            return self._made(spec, deadline)

    def release(self, replica: str, deadline: Deadline | None) -> None:
        """Remove the instances of a replica that is gone; nothing for one that has none."""
        if not any(place.replica == replica for place in self._places()):
            return
        with self._held():
            state = mig.look(self._host, deadline=deadline)
            for place in [place for place in self._places() if place.replica == replica]:
                there = _at(state, place)
                if there is not None and place.is_at(there, state.boot):
                    mig.delete(self._host, there, deadline=deadline)
                self._forget(place, deadline)

    def _make(self, state: mig.State, place: _Place, deadline: Deadline | None) -> None:
        there = _at(state, place)
        known = None if there is None else self._read(self._folder / f"{place.device}.{there.start}")
        where = f"slice {place.start} of GPU {place.device} of {self._host.name}"
        if there is None:
            self._create(_device(state, place), place, deadline)
        elif known is None or not known.is_at(there, state.boot):
            mend = "remove it, or cordon the machine"
            raise EngineError(f"at {where} lies a MIG instance {there.profile} that was made by others: {mend}")
        elif (known.replica, known.start, known.profile) != (place.replica, place.start, place.profile):
            raise EngineError(f"at {where} lies the MIG instance of replica {known.replica}, which is not gone yet")

    def _create(self, device: mig.Device, place: _Place, deadline: Deadline | None) -> None:
        self._write(place)
        if self._tells:
            said = f"{place.boot} {place.device} {place.start} {place.profile}"
            self._host.run(["sh", "-c", _NOTE, mig.NOTES, place.name, said], root=True, deadline=deadline)
        try:
            mig.create(self._host, device, place.profile, place.start, deadline=deadline)
        except EngineError:
            # What others make there later would be taken for ours.
            with suppress(EngineError):
                state = mig.look(self._host, deadline=deadline)
                if not place.is_at(_at(state, place), state.boot):
                    self._forget(place, deadline)
            raise

    def _forget(self, place: _Place, deadline: Deadline | None) -> None:
        if self._tells:
            self._host.run(["rm", "-f", f"{mig.NOTES}/{place.name}"], root=True, deadline=deadline)
        (self._folder / place.name).unlink(missing_ok=True)

    def _made(self, spec: ReplicaSpec, deadline: Deadline | None) -> tuple[str, ...]:
        state = mig.look(self._host, deadline=deadline)
        mine = [place for place in self._places() if place.replica == spec.id]
        bare = [one for place in mine if (one := _at(state, place)) is not None and not one.uuid]
        for instance in bare:
            mig.complete(self._host, instance, deadline=deadline)
        state = mig.look(self._host, deadline=deadline) if bare else state
        found = {(place.device, place.start): _at(state, place) for place in mine}
        wanted = [(state.device(index).uuid, start) for index, start in zip(spec.devices, spec.slices, strict=True)]
        made = [one for key in wanted if (one := found.get(key)) is not None and one.uuid]
        if len(made) != len(spec.devices):
            raise EngineError(f"the driver of {self._host.name} made a MIG instance and tells no UUID of it: see nvidia-smi -L")
        for place in mine:
            at = found[place.device, place.start]
            self._write(replace(place, uuid=at.uuid if at is not None else ""))
        return tuple(one.uuid for one in made)

    def _enable(self, device: mig.Device, deadline: Deadline | None) -> None:
        name = f"GPU {device.index} of {self._host.name}"
        if not device.able:
            raise EngineError(f"{name} has no MIG mode: ask for a share by memory and compute")
        if not self._ours:
            mend = f'"nvidia-smi -i {device.index} -mig 1" switches it on while the GPU is idle'
            raise EngineError(f"the MIG mode of {name} is off, and the machine is not ours to set up: {mend}")
        if any(process.device == device.index for process in reading.read(self._host, deadline=deadline).processes):
            raise EngineError(
                f"the MIG mode of {name} is off while something runs on it: it is switched on once the GPU is idle"
            )
        # First the note: MIG mode that we switched on is switched off for who needs the whole device.
        note = self._folder / (device.uuid + _ENABLED)
        note.touch()
        try:
            mig.enable(self._host, device, deadline=deadline)
        except EngineError:
            note.unlink()
            raise

    def _give_back(self, devices: tuple[int, ...], deadline: Deadline | None) -> None:
        """Switch MIG mode off where we switched it on, for a replica that takes devices as a whole or by shares."""
        if not devices or not self._folder.is_dir() or not any(self._folder.glob(f"*{_ENABLED}")):
            return
        with self._held():
            state = mig.look(self._host, deadline=deadline)
            for device in map(state.device, devices):
                note = self._folder / (device.uuid + _ENABLED)
                if not note.exists():
                    continue
                if device.enabled and state.on(device):
                    raise EngineError(
                        f"on GPU {device.index} of {self._host.name} are MIG instances still: it cannot be had whole"
                    )
                if device.enabled:
                    mig.disable(self._host, device, deadline=deadline)
                note.unlink()

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / _LOCK, self._check, "waiting for another start or stop that changes MIG instances"):
            yield

    def _places(self) -> list[_Place]:
        if not self._folder.is_dir():
            return []
        files = [path for path in self._folder.iterdir() if path.name != _LOCK and path.suffix not in (_ENABLED, ".part")]
        return [place for path in files if (place := self._read(path)) is not None]

    @staticmethod
    def _read(path: Path) -> _Place | None:
        try:
            fields: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        return _Place(**fields)

    def _write(self, place: _Place) -> None:
        path = self._folder / place.name
        part = path.with_name(path.name + ".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(place), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def _device(state: mig.State, place: _Place) -> mig.Device:
    return next(device for device in state.devices if device.uuid == place.device)


def _at(state: mig.State, place: _Place) -> mig.Instance | None:
    device = next((device for device in state.devices if device.uuid == place.device), None)
    return None if device is None else state.at(device, place.start)
