"""Things of one kind, each a folder with its record in it, that appear whole and go whole, whoever is killed meanwhile.

<state>/<kind>/<id>/record.json      the thing; whoever changes it holds a lock on its folder
<state>/<kind>/.draft-<id>/          one that is being made, its record in it from the start; renamed when it is whole
<state>/<kind>/.gone-<id>/           one that is being removed
<state>/tokens/<kind>/<token>        the token's thing was deleted: it makes none again
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from cloudlayer.errors import TOKEN_SPENT, Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import TOKEN
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.base.retries import CALL_SECONDS
from cloudlayer.providers.local.files import faults_told, flock, flock_within, load, make_passable, names_in, save

_RECORD: Final = "record.json"
_DRAFT: Final = ".draft-"
_GONE: Final = ".gone-"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What every record has. `digest` is that of the spec that the token was used for."""

    id: str
    token: str
    digest: str
    created_at: float
    name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def all_labels(self) -> dict[str, str]:
        """Its labels, the token's included."""
        return {**self.labels, TOKEN: self.token}


Record = TypeVar("Record", bound=Kept)


class Shelf(Generic[Record]):
    """The things of one kind in a state folder. Faults of the file system are PermissionDenied or TransientError."""

    def __init__(self, state: Path, kind: str, prefix: str, read: Callable[[dict[str, Any]], Record]) -> None:
        """Ids start with `prefix`; `read` makes a record of what `dataclasses.asdict` made of it."""
        self.kind = kind
        self.folder = state / kind
        self._state = state
        self._spent = state / "tokens" / kind
        self._prefix = prefix
        self._read = read

    def id(self, token: str) -> str:
        """The id of the thing that a token makes."""
        return f"{self._prefix}-{derive(token, self.kind).replace('-', '')[:10]}"

    def path(self, id: str) -> Path:
        """The thing's folder."""
        return self.folder / id

    def get(self, id: str) -> Record | None:
        """The thing of this id, if it is there."""
        if Path(id).name != id or id.startswith("."):
            return None
        return self._load(self.path(id))

    def all(self) -> list[Record]:
        """Every thing, oldest first."""
        found = [record for record in map(self.get, names_in(self.folder)) if record is not None]
        return sorted(found, key=lambda record: (record.created_at, record.id))

    def adopted(self, token: str, digest: str) -> Record | None:
        """What the token made; None if it made nothing yet. Conflict if it was used for another spec, or is spent."""
        record = self.get(self.id(token))
        if record is None and (self._spent / token).exists():
            raise Conflict("what this token made is deleted: use a new one", provider="local", code=TOKEN_SPENT)
        if record is not None and record.digest != digest:
            message = f"this token was used for another spec, that of {record.id}: use a new one"
            raise Conflict(message, provider="local", code="TokenReused")
        return record

    def make(self, record: Record, fill: Callable[[Path], None], deadline: Deadline | None = None) -> Record:
        """The thing, filled in its draft's folder; one that another made meanwhile by the same token is adopted."""
        with faults_told():
            for folder in (self._state, self.folder, self._spent):
                make_passable(folder)
            self._tidy()
            with self._drafting(record.id, deadline or Deadline.after(CALL_SECONDS)) as draft:
                if (theirs := self.adopted(record.token, record.digest)) is not None:
                    shutil.rmtree(draft)
                    return theirs
                _empty(draft)
                save(draft / _RECORD, asdict(record))
                try:
                    fill(draft)
                except BaseException:
                    shutil.rmtree(draft)
                    raise
                draft.rename(self.path(record.id))
                return record

    @contextmanager
    def held(self, id: str, deadline: Deadline | None = None, *, wait: bool = True) -> Iterator[Record | None]:
        """Alone in changing a thing: as it is now; None if it is not there, or another is at it and we do not wait.

        TransientError if another is at it for longer than `deadline`, or 80 seconds.
        """
        record = self.get(id)
        bound = deadline or Deadline.after(CALL_SECONDS)
        with faults_told(), ExitStack() as stack:
            if record is not None:
                folder = self.path(id)
                try:
                    lock = flock_within(folder, bound, os.O_DIRECTORY) if wait else _at_once(folder)
                    stack.enter_context(lock)
                    record = self.get(id)
                except (FileNotFoundError, BlockingIOError):
                    record = None
            yield record

    def write(self, record: Record) -> None:
        """Keep the thing as it is now; needs its lock."""
        save(self.path(record.id) / _RECORD, asdict(record))

    def remove(self, record: Record, ended: Callable[[Path], None] | None = None) -> None:
        """Take the thing away, and then what `ended` ends, which is given its folder; needs its lock."""
        (self._spent / record.token).touch()
        gone = self.folder / f"{_GONE}{record.id}"
        self.path(record.id).rename(gone)
        if ended is not None:
            ended(gone)
        shutil.rmtree(gone)

    def forget(self, id: str) -> None:
        """Go on with a removal that was broken off, if there is one."""
        self.clear(f"{_GONE}{id}")

    def remains(self) -> list[tuple[str, Record]]:
        """Folders, by name, of things that a killed process left half made or half removed, with the thing's record."""
        found = []
        for name in self._unfinished():
            record = self._load(self.folder / name)
            with self._unheld(name) as ours:
                if ours and record is not None:
                    found.append((name, record))
        return found

    def clear(self, name: str) -> None:
        """Remove such a folder, unless somebody is at it."""
        if name in self._unfinished():
            with self._unheld(name) as ours:
                if ours:
                    shutil.rmtree(self.folder / name)

    def _tidy(self) -> None:
        for name in self._unfinished():
            self.clear(name)

    def _unfinished(self) -> list[str]:
        return sorted(name for name in names_in(self.folder) if name.startswith((_DRAFT, _GONE)))

    @contextmanager
    def _unheld(self, name: str) -> Iterator[bool]:
        with faults_told(), ExitStack() as stack:
            try:
                stack.enter_context(_at_once(self.folder / name))
                ours = True
            except (FileNotFoundError, BlockingIOError):
                ours = False
            yield ours

    @contextmanager
    def _drafting(self, id: str, deadline: Deadline) -> Iterator[Path]:
        draft = self.folder / f"{_DRAFT}{id}"
        while True:
            draft.mkdir(mode=0o700, exist_ok=True)
            with ExitStack() as stack:
                try:
                    descriptor = stack.enter_context(flock_within(draft, deadline, os.O_DIRECTORY))
                    same = os.path.samestat(os.fstat(descriptor), draft.stat())
                except FileNotFoundError:
                    same = False
                if same:
                    yield draft
                    return

    def _load(self, folder: Path) -> Record | None:
        content = load(folder / _RECORD)
        return None if content is None else self._read(content)


def _at_once(folder: Path) -> AbstractContextManager[int]:
    return flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB, os.O_DIRECTORY)


def _empty(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            with suppress(FileNotFoundError):
                Path(entry.path).unlink()
