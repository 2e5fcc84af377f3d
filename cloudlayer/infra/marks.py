"""Which fleets of a home a program declared: a file in the fleet's folder names its stack, its resource and where it serves."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudlayer.errors import Conflict
from cloudlayer.fleet.home import Home

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets

_NAME: Final = "pulumi.json"


@dataclass(frozen=True)
class Mark:
    """Whose a fleet is. `pid` is the process that serves it, once it was started, at `host` and `port`."""

    owner: str
    urn: str
    host: str = ""
    port: int = 0
    pid: int = 0


@contextmanager
def claimed(fleets: Fleets, name: str, mine: Mark, *, known: bool) -> Iterator[None]:
    """Mark a fleet as this resource's, and keep others from doing so meanwhile.

    Conflict, with the mend, for one that is there and is somebody else's, or another resource's unless it is `known` to be
    this one, which then had another URN before.
    """
    with _path(fleets.home, name).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another run is at work on fleet {name}: let it end, and run this again") from None
        file.seek(0)
        found = _read(file.read())
        is_mine = found is not None and found.owner == mine.owner and (known or found.urn == mine.urn)
        if not is_mine and name in fleets.names():
            raise Conflict(_conflict(name, fleets.home, mine, found))
        _write(fleets.home, name, replace(found, urn=mine.urn) if found is not None and is_mine else mine)
        yield


def mark_of(home: Home, name: str, owner: str) -> Mark | None:
    """The mark of a fleet of a stack; None where there is no such fleet, or it is not that stack's."""
    path = home.path / "fleets" / name / _NAME
    found = _read(path.read_text()) if path.exists() else None
    return found if found is not None and found.owner == owner else None


def remark(home: Home, name: str, mark: Mark) -> None:
    """Put another mark in place of the fleet's own."""
    _write(home, name, mark)


def unmark(home: Home, name: str) -> None:
    """Take the mark away: the fleet is nobody's any more."""
    _path(home, name).unlink(missing_ok=True)


def _conflict(name: str, home: Home, mine: Mark, found: Mark | None) -> str:
    if found is None:
        return (
            f"{home.path} has a fleet {name} that no program declared: end it by cloudlayer down --fleet {name}, or give this "
            "one another name or home"
        )
    if found.owner == mine.owner:
        return f"{name} is {found.urn} already: give this resource that one as an alias, or another name to the fleet"
    return f"{name} of {home.path} is {found.urn} of another stack: give this one another name or home"


def _path(home: Home, name: str) -> Path:
    return home.folder(name) / _NAME


def _read(text: str) -> Mark | None:
    return Mark(**json.loads(text)) if text else None


def _write(home: Home, name: str, mark: Mark) -> None:
    """In place, since whoever claims it holds a lock on the file itself."""
    _path(home, name).write_text(json.dumps(asdict(mark)))
