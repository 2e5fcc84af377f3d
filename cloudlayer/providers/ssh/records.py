"""What this host keeps of the machines of an inventory, as files: what each last told, and the claims that were seen.

<state>/<inventory>/facts/<machine>.json    what the machine told of itself, and when
<state>/<inventory>/claims/<id>.json        a claim, written before it is made, and kept for a week once it has ended
<state>/<inventory>/broken/<machine>.json   that a machine let itself not be claimed, and when that is tried again
<state>/<inventory>/tokens/<beginning>      held while the claims of a token that begins so are made

The truth about a machine is the claim that lies on it; this is what is known while it cannot be asked.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import PermissionDenied, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.ssh.facts import Claim, Facts, from_json
from cloudlayer.runtime.files import replace

PROVIDER: Final = "ssh"
_FIRST_PAUSE: Final = 300.0
_LONGEST_PAUSE: Final = 3600.0
"""Seconds for which a machine that let itself not be claimed is let be, doubled with each failure in a row up to an hour."""
_KEPT_SECONDS: Final = 7 * 86400.0
_POLL: Final = 0.02


class ClaimState(StrEnum):
    """MAKING is an intent: the claim may lie on the machine or not. ENDED is one that was given back."""

    MAKING = "making"
    MADE = "made"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A claim on `machine`, as it was last known `at` that time. A `twin` is one that its token has on another machine now."""

    machine: str
    zone: str
    claim: Claim
    state: ClaimState
    at: float
    twin: bool = False

    @property
    def ended(self) -> bool:
        """Whether it was given back."""
        return self.state is ClaimState.ENDED


@dataclass(frozen=True, slots=True)
class Breakdown:
    """That the claims of a machine failed, so many in a row, the last one for that reason; none is made until then."""

    tries: int
    until: float
    reason: str

    def __str__(self) -> str:
        often = "it failed once" if self.tries == 1 else f"it failed {self.tries} times in a row"
        again = f"{datetime.fromtimestamp(self.until, UTC):%H:%M:%S} UTC"
        return f"cannot be claimed: {self.reason}; {often} and is tried again at {again}"


class Records:
    """The records of one inventory. What one process writes every other sees; each file is written whole or not at all."""

    def __init__(self, state: Path, inventory: Path) -> None:
        self._folder = state / hashlib.sha256(str(inventory).encode()).hexdigest()[:16]

    def facts(self, machine: str) -> Facts | None:
        """What the machine last told of itself."""
        content = _load(self._folder / "facts" / f"{machine}.json")
        return None if content is None else from_json(content)

    def keep(self, machine: str, facts: Facts) -> None:
        """Keep what it told."""
        _save(self._folder / "facts" / f"{machine}.json", asdict(facts))

    def claim(self, id: str) -> ClaimRecord | None:
        """The claim of that id, if it was ever seen."""
        if Path(id).name != id:
            return None
        content = _load(self._path(id))
        if content is None:
            return None
        return ClaimRecord(**content | {"claim": Claim(**content["claim"]), "state": ClaimState(content["state"])})

    def claims(self) -> list[ClaimRecord]:
        """Every claim that was seen, oldest first; those that ended a week ago are forgotten."""
        found = []
        for path in (self._folder / "claims").glob("*.json"):
            record = self.claim(path.stem)
            if record is None:
                continue
            if record.ended and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink(missing_ok=True)
            else:
                found.append(record)
        return sorted(found, key=lambda record: (record.claim.created_at, record.claim.index, record.claim.id))

    def write(self, record: ClaimRecord) -> None:
        """Keep the claim as it is now known."""
        _save(self._path(record.claim.id), asdict(record))

    def forget(self, id: str) -> None:
        """Remove a claim that never came to be."""
        self._path(id).unlink(missing_ok=True)

    def broke(self, machine: str, reason: str, now: float) -> None:
        """Keep that a claim of the machine failed."""
        known = self.breakdown(machine)
        tries = 1 if known is None else known.tries + 1
        pause = min(_FIRST_PAUSE * 2 ** (tries - 1), _LONGEST_PAUSE)
        _save(self.broken_file(machine), asdict(Breakdown(tries, now + pause, reason)))

    def mended(self, machine: str) -> None:
        """Keep that a claim of it worked."""
        self.broken_file(machine).unlink(missing_ok=True)

    def breakdown(self, machine: str) -> Breakdown | None:
        """How the last claim of the machine failed; None if it did not."""
        content = _load(self.broken_file(machine))
        return None if content is None else Breakdown(**content)

    def broken_file(self, machine: str) -> Path:
        """The file that keeps a machine from being claimed; without it, it is tried at once."""
        return self._folder / "broken" / f"{machine}.json"

    @contextmanager
    def held(self, token: str, deadline: Deadline) -> Iterator[None]:
        """Alone with a token among all processes of this host."""
        path = self._folder / "tokens" / token[:2]
        with _faults_told():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _locked(descriptor):
                deadline.check("waiting for another create with this token")
                deadline.clock.sleep(_POLL)
            yield
        finally:
            os.close(descriptor)

    def _path(self, id: str) -> Path:
        return self._folder / "claims" / f"{id}.json"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _load(path: Path) -> dict[str, Any] | None:
    with _faults_told():
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return content


def _save(path: Path, content: dict[str, Any]) -> None:
    """Write the file, whole or not at all, such that it is there after the power went off."""
    with _faults_told():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(path, json.dumps(content))


@contextmanager
def _faults_told() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        mend = "set CLOUDLAYER_SSH_STATE to a folder of yours"
        raise PermissionDenied(f"{error.filename} cannot be written: {mend}", provider=PROVIDER, code="EACCES") from error
    except OSError as error:
        raise TransientError(f"{error.filename}: {error.strerror}", provider=PROVIDER, code=str(error.errno)) from error
