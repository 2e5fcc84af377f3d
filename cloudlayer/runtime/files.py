"""Files written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, content: str | bytes, mode: int = 0o600, *, lasting: bool = True) -> None:
    """Put `content` at `path`: whoever reads it meanwhile, or after a crash, finds the old content or the new one.

    `lasting` is whether that holds when the power fails too, which costs a wait for the disk. The file has exactly `mode`,
    whatever the umask. Raises OSError, and leaves nothing beside `path` then.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            os.fchmod(file.fileno(), mode)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
