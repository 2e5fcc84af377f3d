"""The machines of this host, as files: one record a machine, one a token, and a lock around every change.

<state>/machines/<id>/machine.json     the machine; replicas may pass through the folder and not read the record
<state>/machines/<id>/<engine>/        what an engine keeps of its replicas there
<state>/tokens/<token>.json            which specs a token was used for, and which of them were launched
<state>/lock                           held while any of it changes
<state>/cache                          what the machines of this host share

Volumes, snapshots, balancers and groups lie beside them: see `shelf`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cloudlayer.errors import Conflict
from cloudlayer.providers.local.files import PASSABLE, faults_told, flock, load, make_passable, names_in, save
from cloudlayer.providers.local.sizes import Taken
from cloudlayer.resources import InstanceState


@dataclass(frozen=True)
class MachineRecord:
    """One machine. `millicores` and `memory`, `disk` in bytes are what it has taken of the host.

    `devices` are the UUIDs of its GPUs, in the order in which its replicas count them. `address` is its own of the host's
    loopback addresses: what listens there is reached from this host alone.
    """

    id: str
    token: str
    digest: str
    index: int
    machine_type: str
    millicores: int
    memory: int
    disk: int
    created_at: float
    state: InstanceState = InstanceState.RUNNING
    devices: tuple[str, ...] = ()
    name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"

    @property
    def taken(self) -> Taken:
        """What it has taken of the host."""
        return Taken(self.millicores, self.memory, self.disk, self.devices)


@dataclass(frozen=True)
class TokenRecord:
    """The digest of the specs that a token was used for, and the indices of those that were launched."""

    digest: str
    launched: tuple[int, ...] = ()


class Records:
    """The state folder. What one process writes, every other sees; each file is written whole or not at all."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.cache = state / "cache"
        self._machines = state / "machines"
        self._tokens = state / "tokens"

    def folder(self, id: str) -> Path:
        """A machine's folder."""
        return self._machines / id

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among all processes of this host."""
        with faults_told():
            self._prepare()
            with flock(self.state / "lock", fcntl.LOCK_EX):
                yield

    @contextmanager
    def ending(self, id: str, *, wait: bool) -> Iterator[bool]:
        """Alone in ending what runs on a machine; False if another is at it and we do not wait, or the machine is gone."""
        with ExitStack() as held:
            try:
                # The folder itself is the lock: a file in it would be made anew by who looks while another removes the folder.
                held.enter_context(flock(self.folder(id), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), os.O_DIRECTORY))
                ours = True
            except (FileNotFoundError, BlockingIOError):
                ours = False
            yield ours

    def machine(self, id: str) -> MachineRecord | None:
        """The machine of this id, if it is there."""
        if Path(id).name != id:
            return None
        record = load(self.folder(id) / "machine.json")
        if record is None:
            return None
        return MachineRecord(**record | {"state": InstanceState(record["state"]), "devices": tuple(record["devices"])})

    def machines(self) -> list[MachineRecord]:
        """Every machine of this host, whoever made it, oldest first."""
        found = [record for record in map(self.machine, names_in(self._machines)) if record is not None]
        return sorted(found, key=lambda record: (record.created_at, record.index, record.id))

    def tidy(self) -> None:
        """Remove the folders that a killed process left without a record; needs the lock."""
        for entry in os.scandir(self._machines):
            if self.machine(entry.name) is None:
                shutil.rmtree(entry.path)

    def write(self, record: MachineRecord) -> None:
        """Keep the machine as it is now; needs the lock."""
        folder = self.folder(record.id)
        folder.mkdir(exist_ok=True)
        folder.chmod(PASSABLE)
        save(folder / "machine.json", asdict(record))

    def change(self, id: str, state: InstanceState, *, wanted: tuple[InstanceState, ...]) -> MachineRecord | None:
        """Set a machine's state; Conflict if it is in none of the `wanted` ones. None if it is not there. Takes the lock."""
        with self.locked():
            record = self.machine(id)
            if record is None:
                return None
            if record.state not in wanted:
                raise Conflict(f"{id} is {record.state} and cannot be {state} now", provider="local", code="WrongState")
            changed = replace(record, state=state)
            if changed != record:
                self.write(changed)
            return changed

    def remove(self, record: MachineRecord) -> None:
        """Forget the machine, its record last, but not that its token launched it. Takes the lock."""
        with self.locked():
            folder = self.folder(record.id)
            self.launched(record.token, record.digest, [record.index])
            for entry in folder.iterdir() if folder.exists() else ():
                if entry.name != "machine.json":
                    _discard(entry)
            _discard(folder / "machine.json")
            with suppress(OSError):
                folder.rmdir()

    def token(self, token: str) -> TokenRecord | None:
        """What the token was used for, if it was."""
        record = load(self._tokens / f"{token}.json")
        return TokenRecord(record["digest"], tuple(record["launched"])) if record else None

    def launched(self, token: str, digest: str, indices: Iterable[int]) -> None:
        """Remember which specs of a token were launched; needs the lock."""
        known = self.token(token) or TokenRecord(digest)
        launched = tuple(sorted({*known.launched, *indices}))
        if launched != known.launched:
            save(self._tokens / f"{token}.json", asdict(replace(known, launched=launched)))

    def _prepare(self) -> None:
        for folder in (self.state, self._machines, self._tokens):
            make_passable(folder)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
