"""What the machine's disk knows of its replicas. It is the truth: any engine on the machine reads it, whoever started them.

`FOLDER/ID/` is made whole, by a rename, before anything of a replica is started, and removed by `stop` after all of it ended:

    record.json   what it is: function, version, labels, user. Never its environment
    state         its life, a line an event; its main process holds a POSIX lock on this file for as long as it lives
    log           what it wrote
    end.json      how it ended, once somebody looked
    tmp/          its working folder, its own user's
    s-TOKEN       its socket, for the engine's own user alone

`FOLDER/ended/ID` is left behind by `stop`, so that the id never starts again.

The lines of `state`: "began PID TOKEN" (first of all; the token names its control group and its socket), "ready",
"failed JSON", "exit STATUS" (by its warm parent), "stopped" (by `stop`, even before it began: a process that takes the lock
and finds any line ends at once). Liveness is the lock and nothing else, so a pid that was given to another process is never
mistaken for a replica.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.runtime.files import replace

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_ENDED: Final = "ended"
_KEEP_TOMBSTONES: Final = 7 * 86400.0
_LONGEST_SOCKET: Final = 107
_FLOCK: Final = struct.Struct("hhqqi4x")


@dataclass(frozen=True, slots=True)
class Record:
    """What a replica is. `user` is None where it runs as the engine's own."""

    id: str
    function: str
    version: str
    user: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Life:
    """What `state` says. `holder` is the pid of the main process, None once it is dead (or before it began)."""

    holder: int | None
    events: Mapping[str, str]

    @property
    def began(self) -> bool:
        """Whether it ever ran."""
        return self.holder is not None or "began" in self.events

    @property
    def pid(self) -> int | None:
        """The main process's pid, dead or alive."""
        first = self.events.get("began", "").partition(" ")[0]
        return self.holder or (int(first) if first.isdigit() else None)

    @property
    def token(self) -> str:
        """What names its control group and its socket; "" before it began."""
        return self.events.get("began", "").partition(" ")[2]


class Records:
    """The folder of one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder, and clear what a crash left half made or half removed."""
        # Functions may pass through to their own folder and see nothing else.
        (self.folder / _ENDED).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        now = time.time()
        for path in self.folder.glob(".*"):
            if path.name.startswith(".gone-") or now - path.stat().st_mtime > 60:
                shutil.rmtree(path, ignore_errors=True)
        for path in (self.folder / _ENDED).iterdir():
            if now - path.stat().st_mtime > _KEEP_TOMBSTONES:
                path.unlink(missing_ok=True)

    def path(self, id: str) -> Path:
        """The replica's folder. InvalidSpec for an id that is no plain word."""
        if not _ID.fullmatch(id) or id == _ENDED:
            raise InvalidSpec(f"{id!r} is not a replica's id: use letters, digits, _ and -, 64 at most")
        return self.folder / id

    def socket(self, id: str, token: str) -> str:
        """Where the replica serves: in its folder, unless that path is too long for a socket."""
        path = str(self.path(id) / f"s-{token[-8:]}")
        if len(os.fsencode(path)) <= _LONGEST_SOCKET:
            return path
        short = Path(f"/tmp/cloudlayer-{os.getuid()}")  # noqa: S108  (made and checked to be ours)
        short.mkdir(mode=0o700, exist_ok=True)
        if short.is_symlink() or short.stat().st_uid != os.getuid():
            raise InvalidSpec(f"{short} is not ours: remove it, or use a CLOUDLAYER_HOME with a shorter path")
        return str(short / hashlib.sha256(path.encode()).hexdigest()[:32])

    def ended(self, id: str) -> bool:
        """Whether `stop` was called for this id."""
        return (self.folder / _ENDED / id).exists()

    def bury(self, id: str) -> None:
        """Note that this id never starts (again)."""
        self.path(id)
        (self.folder / _ENDED).mkdir(parents=True, exist_ok=True)
        (self.folder / _ENDED / id).touch()

    def create(self, record: Record) -> None:
        """Put the record on disk; one that is there already stays."""
        path = self.path(record.id)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        try:
            made.chmod(0o711)
            (made / "state").touch(0o600)
            (made / "log").touch(0o600)
            (made / "tmp").mkdir(mode=0o700)
            if record.user is not None:
                os.chown(made / "tmp", record.user, record.user)
            replace(made / "record.json", json.dumps(asdict(record)), lasting=False)
            made.rename(path)
        except OSError:
            if not path.is_dir():
                raise
        finally:
            if made.exists():
                shutil.rmtree(made, ignore_errors=True)

    def read(self, id: str) -> Record | None:
        """The record, None if there is none."""
        try:
            return Record(**json.loads((self.path(id) / "record.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def all(self) -> Iterator[Record]:
        """Every record."""
        names = sorted(entry.name for entry in os.scandir(self.folder)) if self.folder.is_dir() else []
        for name in names:
            record = self.read(name) if _ID.fullmatch(name) and name != _ENDED else None
            if record is not None:
                yield record

    def life(self, id: str) -> Life | None:
        """Whether the replica lives, and its events; None if there is no record of it."""
        try:
            descriptor = os.open(self.path(id) / "state", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # The lock first: a process that ended between the two has written all its lines.
            holder = lock_holder(descriptor)
            return Life(holder, _events(os.pread(descriptor, 1 << 20, 0)))
        finally:
            os.close(descriptor)

    def note(self, id: str, event: str, detail: str = "") -> None:
        """Add a line to the replica's state."""
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(self.path(id) / "state", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(descriptor, f"{event} {detail}\n".encode())
            finally:
                os.close(descriptor)

    def end(self, id: str) -> dict[str, str] | None:
        """How it ended, if that was found out."""
        try:
            found: dict[str, str] = json.loads((self.path(id) / "end.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def note_end(self, id: str, end: Mapping[str, str]) -> None:
        """Keep how it ended."""
        with contextlib.suppress(FileNotFoundError):
            replace(self.path(id) / "end.json", json.dumps(dict(end)), lasting=False)

    def remove(self, id: str) -> None:
        """Remove the replica's folder; its tombstone stays."""
        gone = self.folder / f".gone-{id}-{os.urandom(4).hex()}"
        with contextlib.suppress(FileNotFoundError):
            self.path(id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def lock_holder(descriptor: int) -> int | None:
    """The pid of the process that holds a POSIX lock on the file, as the kernel has it."""
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else pid


def _events(content: bytes) -> dict[str, str]:
    """Events by name, the first of each; a line that is not whole yet does not count."""
    events: dict[str, Any] = {}
    for line in content.decode("utf-8", "replace").split("\n")[:-1]:
        name, _, detail = line.partition(" ")
        events.setdefault(name, detail)
    return events
