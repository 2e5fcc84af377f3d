"""Models on a machine that is reached by SSH: sent from the cache here, piece by piece, so that what breaks off goes on.

The machine need reach no store, nor have credentials of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline, Model
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.models.kept import content_file, file_id, models_folder, set_id

REMOTE: Final = "/var/lib/cloudlayer/models"
_PIECE: Final = 32 * 1024**2

_LOOK: Final = """set -eu; umask 022; mkdir -p "$1/files" "$1/sets"
exec 9>>"$1/lock"; flock 9  # what is found is used from now on: nobody removes it
if [ -d "$1/sets/$2" ]; then touch "$1/sets/$2"; echo whole; exit; fi
while read -r file; do
  if [ -e "$file" ]; then touch "$file"; echo there; elif [ -e "$file.part" ]; then stat -c %s "$file.part"; else echo 0; fi
done"""
_APPEND: Final = """set -eu; umask 022; exec 9>>"$1.lock"; flock 9
if [ -e "$1" ]; then cat >/dev/null; echo "$3"; exit; fi
size=$(stat -c %s "$1.part" 2>/dev/null || echo 0)
if [ "$size" = "$2" ]; then cat >>"$1.part"; else cat >/dev/null; fi
stat -c %s "$1.part" """
_SETTLE: Final = """set -eu; exec 9>>"$1.lock"; flock 9
if [ -e "$1" ]; then exit; fi
if echo "$2  $1.part" | sha256sum -c --status -; then sync "$1.part"; mv "$1.part" "$1"; rm -f "$1.lock"
else rm -f "$1.part"; echo broken; fi"""
_LINK: Final = """set -eu; umask 022; made=$(mktemp -d "$1/sets/.new-XXXXXX"); trap 'rm -rf "$made"' EXIT
while IFS= read -r name && read -r file; do mkdir -p "$made/$(dirname "$name")"; ln "$file" "$made/$name"; done
place=$1/sets/$2
chmod 755 "$made"; mv -T "$made" "$place" 2>/dev/null || [ -d "$place" ]"""


def models_on(host: Host, models: Sequence[Model], cache: Path, deadline: Deadline | None = None) -> str:
    """The folder on `host` in which each of `models` lies by its name; what it lacks is sent now, over the kept connection.

    Raises as `models_folder` does, and TransientError where the machine cannot be reached or a file arrived broken.
    """
    if host.is_here:
        return str(models_folder(models, cache, deadline).absolute())
    place = set_id(models)
    files = {model: f"{REMOTE}/files/{file_id(model)}" for model in models}
    states = shell(host, _LOOK, REMOTE, place, input=lines(files.values()), deadline=deadline).split()
    if states == ["whole"]:
        return f"{REMOTE}/sets/{place}"
    models_folder(models, cache, deadline)
    for (model, path), state in zip(files.items(), states, strict=True):
        if state != "there":
            _send(content_file(model, cache), path, int(state), host, deadline)
    pairs = (part for model, path in files.items() for part in (model.name, path))
    shell(host, _LINK, REMOTE, place, input=lines(pairs), deadline=deadline)
    return f"{REMOTE}/sets/{place}"


def lines(texts: Iterable[str]) -> bytes:
    """Texts as a script reads them, a line each."""
    return "".join(f"{text}\n" for text in texts).encode()


def _send(content: Path, path: str, there: int, host: Host, deadline: Deadline | None) -> None:
    """Send what the machine lacks of a file. Another who sends the same one meanwhile only makes it quicker."""
    size = content.stat().st_size
    with content.open("rb") as file:
        while True:  # once for an empty one as well
            file.seek(there)
            said = shell(host, _APPEND, path, str(there), str(size), input=file.read(_PIECE), deadline=deadline)
            if (there := int(said)) >= size:
                break
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if shell(host, _SETTLE, path, digest, deadline=deadline):
        raise TransientError(f"{host.name}: a model arrived broken, and was thrown away", provider="docker", code="BrokenModel")


def shell(host: Host, script: str, *arguments: str, input: bytes = b"", deadline: Deadline | None) -> str:
    """What a script about models printed that root ran on the machine."""
    if deadline is not None:
        deadline.check(f"sending models to {host.name}")
    try:
        said = host.run(["sh", "-c", script, "sh", *arguments], input=input, root=True, deadline=deadline)
    except EngineError as error:
        raise EngineError(f"{host.name} cannot keep models in {REMOTE}: {error}") from error
    return said.decode().strip()
