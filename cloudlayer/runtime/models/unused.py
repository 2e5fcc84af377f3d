"""Models that nothing reads any more: they go a day after they were last wanted, here and on machines that are reached by SSH.

Whoever starts a replica marks what it reads as used now, and so does every round for all that is wanted. What a process has in
its sight, such as a container of another fleet, stays whatever is wanted.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from cloudlayer.interfaces import Deadline, Model
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.files import alone
from cloudlayer.runtime.models.kept import KEEPING, mark_used, set_id
from cloudlayer.runtime.models.shipped import REMOTE, lines, shell

KEPT_SECONDS: Final = 86400.0
"""How long models stay that no version and no replica reads: somebody may go back to the version before."""
_SETS: Final = re.compile(r"/models/sets/([0-9a-f]{32})\b")
_REMOVE: Final = """set -eu; [ -d "$1/sets" ] || exit 0
exec 9>>"$1/lock"; flock 9
while read -r place; do touch -c "$1/sets/$place"; done
find "$1/sets" -mindepth 1 -maxdepth 1 -mmin +"$2" | while read -r place; do
  grep -qs "/sets/${place##*/} " /proc/[0-9]*/mountinfo || { rm -rf "$place"; echo "${place##*/}"; }
done
find "$1/files" -type f ! -name '*.lock' -links 1 -mmin +"$2" -delete"""

_log = logging.getLogger(__name__)


def remove_unused(cache: Path, wanted: Iterable[Sequence[Model]]) -> None:
    """Remove from this machine's cache what has been of no use for long. `wanted` is what each version or replica reads."""
    root = cache / "models"
    if not (root / "sets").is_dir():
        return
    kept = {set_id(models) for models in wanted}
    for name in kept:
        mark_used(root / "sets" / name, None)
    old = [place for place in _old(root / "sets") if place.name not in kept]
    if old:
        seen = _seen_by_processes()
        for place in old:
            if place.name not in seen:
                _remove_set(place)
    for file in _old(root / "files"):
        _remove_file(file)


def remove_unused_on(host: Host, wanted: Iterable[Sequence[Model]], deadline: Deadline | None = None) -> None:
    """The same on a machine that is reached by SSH. EngineError or TransientError where that cannot be done now."""
    names = lines(sorted({set_id(models) for models in wanted}))
    removed = shell(host, _REMOVE, REMOTE, str(int(KEPT_SECONDS // 60)), input=names, deadline=deadline)
    if removed:
        _log.info("models that nothing reads any more were removed from %s: %s", host.name, " ".join(removed.split()))


def _old(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("*")) if path.suffix != ".lock" and _is_old(path))


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > KEPT_SECONDS
    except FileNotFoundError:
        return False


def _seen_by_processes() -> set[str]:
    """The sets that are mounted where some process sees them."""
    found: set[str] = set()
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        with suppress(OSError):  # it has ended
            found.update(_SETS.findall(path.read_text(errors="replace")))
    return found


def _remove_set(place: Path) -> None:
    gone = place.with_name(f".old-{uuid4().hex}")
    with alone(place.parents[1] / "lock", KEEPING, None):
        if not _is_old(place):  # somebody has come to use it
            return
        place.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    _log.info("models that nothing reads any more were removed: %s", place.name)


def _remove_file(file: Path) -> None:
    """Remove a content that no set has, or what a fetch that broke off left."""
    with nullcontext() if file.suffix else alone(file.with_suffix(".lock"), KEEPING, None):
        if _is_old(file) and file.stat().st_nlink == 1:
            file.unlink()
