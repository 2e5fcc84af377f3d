"""The keys that a fleet's machines are reached by: files for their owner alone, never in the store or a process list.

Nothing is trusted on first sight. A machine's first host key is made here before the machine is, and goes there with the user
data; it is pinned before the first connection, and replaced after it, since user data is no place for a secret that lasts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.runtime.files import replace

_KIND: Final = "ed25519"
_LONGEST: Final = 30
_FIRST: Final = "first"
"""The comment of a pin that came with user data."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key pair that a machine proves itself by: OpenSSH's private form, and the public one, "ssh-ed25519 AAAA…"."""

    private: str = field(repr=False)
    public: str


class Keys:
    """The keys of one fleet, in a folder of its own. Whatever is asked for twice is the same twice, in any process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def private(self) -> Path:
        """The file of the key that the fleet's machines let in; made when first asked for."""
        return self._made(self._folder / "fleet")

    def public(self) -> str:
        """The public half of it, "ssh-ed25519 AAAA…"."""
        return _public(self.private())

    def boot(self, batch: str) -> HostKey:
        """The first host key of the machines of a batch; made when first asked for, so that a create can be repeated."""
        path = self._made(self._folder / "boot" / batch)
        return HostKey(path.read_text(encoding="ascii"), _public(path))

    def pin_first(self, machine: str, key: str) -> None:
        """Pin the public key that a machine is made with, unless one is pinned for it already."""
        if not self._pins(machine).exists():
            self._keep(machine, [f"{key} {_FIRST}"])

    def pin(self, machine: str, keys: Iterable[str]) -> None:
        """From now on the machine proves itself by one of these public keys, and by no other. It is on the disk on return."""
        first = {line.removesuffix(f" {_FIRST}") for line in self._lines(machine) if line.endswith(_FIRST)}
        self._keep(machine, [f"{key} {_FIRST}" if key in first else key for key in map(_bare, keys)])

    def pinned(self, machine: str) -> tuple[str, ...]:
        """The public keys of a machine; none where none is pinned."""
        return tuple(map(_bare, self._lines(machine)))

    def is_first(self, machine: str) -> bool:
        """Whether the key that the machine was made with still counts."""
        return any(line.endswith(_FIRST) for line in self._lines(machine))

    def forget_boot(self, batch: str) -> None:
        """Remove the first host key of a batch that is created no more."""
        path = self._folder / "boot" / batch
        for one in (path, _half(path)):
            one.unlink(missing_ok=True)

    def forget(self, machine: str) -> None:
        """Remove what is pinned for a machine that is no more."""
        self._pins(machine).unlink(missing_ok=True)

    def _pins(self, machine: str) -> Path:
        return self._folder / "machines" / machine

    def _lines(self, machine: str) -> list[str]:
        try:
            return self._pins(machine).read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []

    def _keep(self, machine: str, lines: Iterable[str]) -> None:
        path = self._pins(machine)
        _folder(path.parent)
        replace(path, "".join(f"{line}\n" for line in lines))

    def _made(self, path: Path) -> Path:
        if not path.exists():
            _folder(path.parent)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                made = Path(folder) / "key"
                _generate(made)
                _settle(made)
                # Linking fails if another process was quicker; its key then counts. The public half follows from the private.
                with contextlib.suppress(FileExistsError):
                    os.link(made, path)
            _settle(path.parent)
        return path


def _generate(path: Path) -> None:
    _run(["-q", "-t", _KIND, "-N", "", "-C", "cloudlayer", "-f", str(path)])


def _public(path: Path) -> str:
    """The public half of a private key, kept beside it."""
    kept = _half(path)
    if not kept.exists():
        replace(kept, _run(["-y", "-f", str(path)]))
    return _bare(kept.read_text(encoding="ascii"))


def _bare(key: str) -> str:
    """A public key without its comment."""
    return " ".join(key.split()[:2])


def _half(path: Path) -> Path:
    """Where the public half of a key is kept."""
    return path.with_name(f"{path.name}.pub")


def _run(arguments: list[str]) -> str:
    tool = shutil.which("ssh-keygen")
    if tool is None:
        raise EngineError("ssh-keygen is not here, and machines are reached by SSH: install OpenSSH's client")
    done = subprocess.run(
        [tool, *arguments], capture_output=True, text=True, check=False, timeout=_LONGEST, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise EngineError(f"ssh-keygen made no key: {' '.join(done.stderr.split())}")
    return done.stdout


def _folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)


def _settle(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk: a machine that has a key's half must not be lost with the power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
