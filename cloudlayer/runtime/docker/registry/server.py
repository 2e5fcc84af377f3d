"""The registry that a controller runs where none is configured: the distribution project's, as Debian's docker-registry has it.

Two processes serve one storage. The writer listens on a socket that our user alone may use. The reader, which machines are
led to, can change nothing, so that no machine can slip another an image, and asks for a secret, so that other users of
a machine cannot read the functions' sources. Both outlive a controller that is killed; the next one adopts them.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.docker.records import locked
from cloudlayer.runtime.docker.registry.process import Process, environment, program
from cloudlayer.runtime.files import replace

USER: Final = "cloudlayer"
_COST: Final = 4
"""Rounds of bcrypt, as a power of two. It slows down guessing, and nobody guesses 32 random bytes."""
_TO_END: Final = 60.0
_TO_COLLECT: Final = 300.0
_LOOK: Final = 0.2


class Server:
    """The registry of one home. `folder` is its own; processes and threads may each have a Server of it.

    `check` is asked while something is waited for, and raises when time is up.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._users: int | None = None
        self._writer = Process(folder, "writer")
        self._reader = Process(folder, "reader")

    @property
    def writer(self) -> Path:
        """The socket to push to."""
        return self._writer.socket

    @property
    def reader(self) -> Path:
        """The socket to pull from, as USER with `secret`."""
        return self._reader.socket

    @property
    def secret(self) -> str:
        """The reader's password."""
        return (self._folder / "secret").read_text()

    def ensure(self, check: Callable[[str], None]) -> None:
        """Both run when this returns: adopted, started, or started anew. EngineError with the reason if they do not."""
        with self._locked("lock", check, "waiting for another start or end of the registry"):
            if self._users is None:
                self._users = self._open("users")
                fcntl.flock(self._users, fcntl.LOCK_SH)
            self._make_secret()
            for process in (self._writer, self._reader):
                process.ensure(self._settings(process is self._reader), check)

    def release(self) -> None:
        """Need it no more. When nobody does, here or in another process, it ends."""
        if not self._folder.is_dir():
            return
        with self._locked("lock", Deadline.after(_TO_END).check, "waiting for another start or end of the registry"):
            users, self._users = self._open("users") if self._users is None else self._users, None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._reader.stop()
                self._writer.stop()
            except BlockingIOError:
                pass
            finally:
                os.close(users)

    @contextmanager
    def pushing(self, check: Callable[[str], None]) -> Iterator[None]:
        """No blob is collected within."""
        with self._locked("pushing", check, "waiting for the registry to be tidied", fcntl.LOCK_SH):
            yield

    def collect(self, check: Callable[[str], None]) -> None:
        """Remove from the disk what no manifest names. Waits for pushes to end, which wait for it: it takes minutes at most,
        and one that is broken off has removed nothing that is named."""
        limit = Deadline.after(_TO_COLLECT)

        def both(doing: str) -> None:
            check(doing)
            limit.check(doing)

        with self._locked("pushing", both, "waiting for pushes to end"):
            status, said = self._collected(both)
        if status:
            last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise EngineError(f"the registry at {self._folder} cannot be tidied: {' '.join(last)}")

    def _collected(self, check: Callable[[str], None]) -> tuple[int, bytes]:
        """The program's status, and what it complained of."""
        with subprocess.Popen(
            [str(program()), "garbage-collect", str(self._writer.settings)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                while True:
                    with suppress(subprocess.TimeoutExpired):
                        _, said = process.communicate(timeout=_LOOK)
                        return process.returncode, said
                    check("tidying the registry")
            except BaseException:
                process.kill()
                raise

    @contextmanager
    def _locked(self, name: str, check: Callable[[str], None], doing: str, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._folder / name, check, doing, how):
            yield

    def _open(self, name: str) -> int:
        return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _make_secret(self) -> None:
        place, hashed = self._folder / "secret", self._folder / "htpasswd"
        if not place.exists():
            replace(place, secrets.token_hex(32))
        if not hashed.exists():
            try:
                import bcrypt
            except ModuleNotFoundError as error:
                raise EngineError("the registry needs the package bcrypt: pip install 'cloudlayer[fleet]'") from error
            replace(hashed, f"{USER}:{bcrypt.hashpw(self.secret.encode(), bcrypt.gensalt(_COST)).decode()}\n")

    def _settings(self, reading: bool) -> dict[str, Any]:
        auth = {"htpasswd": {"realm": "cloudlayer", "path": str(self._folder / "htpasswd")}}
        purging = {"enabled": not reading, "age": "24h", "interval": "24h", "dryrun": False}
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._folder / "storage")},
                "delete": {"enabled": not reading},
                "maintenance": {"readonly": {"enabled": reading}, "uploadpurging": purging},
            },
            "http": {
                "net": "unix",
                "addr": str((self._reader if reading else self._writer).socket),
                "relativeurls": True,
                # An upload goes on after a restart, since what signs its address stays the same.
                "secret": hmac.digest(self.secret.encode(), b"uploads", "sha256").hex(),
            },
            **({"auth": auth} if reading else {}),
        }
