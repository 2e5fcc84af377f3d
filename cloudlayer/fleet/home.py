"""Where a user's fleets live on this host: the store, the pepper, and a folder for each fleet's sockets and logs."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudlayer.fleet.routes import router_token

VARIABLE: Final = "CLOUDLAYER_HOME"
_SYSTEM_RUN: Final = Path("/run/cloudlayer")


@dataclass(frozen=True)
class Home:
    """The folder that holds all state of ours. Nobody else may enter it."""

    path: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The folder that CLOUDLAYER_HOME names, else ~/.cloudlayer."""
        named = os.environ.get(VARIABLE)
        return cls(Path(named).absolute() if named else Path.home() / ".cloudlayer")

    def prepare(self) -> None:
        """Make the folder, for its owner alone."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)

    @property
    def store_url(self) -> str:
        """The store's database."""
        return f"sqlite:///{self.path / 'store.db'}"

    @property
    def locks(self) -> Path:
        """Where leases keep their locks."""
        return self.path / "locks"

    def folder(self, fleet: str) -> Path:
        """The fleet's own folder: its logs, and who serves it."""
        path = self.path / "fleets" / fleet
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def sources(self) -> Path:
        """Where snapshots of sources are kept, by their content."""
        return self.path / "cache"

    def controller_socket(self, fleet: str) -> Path:
        """Where the controller listens; in a folder that only its user enters, short enough for a socket's name."""
        return self._run(fleet, 0o700) / "c.sock"

    def gateway_socket(self, fleet: str) -> Path:
        """Where replicas reach the gateway; alone in a folder that every user may enter, since sandboxes show that folder."""
        folder = self._run(fleet, 0o711) / "g"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        return folder / "g.sock"

    def routers_socket(self, fleet: str) -> Path:
        """Where the gateway listens for the routers of other machines."""
        return self._run(fleet, 0o700) / "r.sock"

    def outpost(self, fleet: str) -> Path:
        """The folder on every other machine in which nested calls have their sockets."""
        return _SYSTEM_RUN / self._short(fleet)

    def router_token(self, machine: str) -> str:
        """What the router of a machine says to the gateway to be believed."""
        return router_token(self.pepper(), machine)

    def machine(self, fleet: str, machine: str) -> Path:
        """What engines keep of their replicas on a machine that is not this host."""
        return self.path / "machines" / fleet / machine

    def connection(self, fleet: str, machine: str) -> Path:
        """Where the connection to a machine has its sockets; it outlives whoever serves the fleet."""
        return self._run(f"{fleet}/machines", 0o700) / machine

    def shell(self, fleet: str, machine: str) -> Path:
        """What a person's own connection to a machine is told."""
        return self._run(f"{fleet}/shells", 0o700) / machine

    def has_connection(self, fleet: str, machine: str) -> bool:
        """Whether there is a connection to the machine, or what is left of one."""
        return (self._place(f"{fleet}/machines", 0o700) / machine).exists()

    def forget_machine(self, fleet: str, machine: str) -> None:
        """Remove what is kept of a machine that is not this host, its connection excepted."""
        shells = self._place(f"{fleet}/shells", 0o700)
        for folder in (self.machine(fleet, machine), shells / machine):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (shells, self._place(f"{fleet}/machines", 0o700)):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def forget_sockets(self, fleet: str) -> None:
        """Remove the folders of the fleet's sockets, once nobody serves it."""
        for mode in (0o700, 0o711):
            shutil.rmtree(self._run(fleet, mode), ignore_errors=True)

    def pepper(self) -> bytes:
        """The secret that keys all hashes of credentials: a 0600 file beside the store, never in it."""
        path = self.path / "pepper"
        if not path.exists():
            self.prepare()
            descriptor, name = tempfile.mkstemp(dir=self.path)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            # Linking fails if another process was quicker; its pepper then counts.
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
            Path(name).unlink()
        return bytes.fromhex(path.read_text())

    def hash(self, credential: str) -> str:
        """The keyed hash of a key or token, as hex."""
        return hmac.digest(self.pepper(), credential.encode(), "sha256").hex()

    def token(self, replica: str) -> str:
        """The token of a replica: made of its id, so that it need not be stored."""
        return hmac.digest(self.pepper(), f"replica {replica}".encode(), "sha256").hex()

    def _short(self, fleet: str) -> str:
        return hashlib.sha256(f"{self.path}\n{fleet}".encode()).hexdigest()[:12]

    def _place(self, fleet: str, mode: int) -> Path:
        base = _SYSTEM_RUN if os.geteuid() == 0 else Path(tempfile.gettempdir()) / f"cloudlayer-run-{os.geteuid()}"
        return base / f"{self._short(fleet)}-{'open' if mode & 0o1 else 'own'}"

    def _run(self, fleet: str, mode: int) -> Path:
        folder = self._place(fleet, mode)
        base = folder.parent
        base.mkdir(exist_ok=True, mode=0o711)
        base.chmod(0o711)
        if base.stat().st_uid != os.geteuid():
            raise PermissionError(f"{base} belongs to somebody else: remove it")
        folder.mkdir(exist_ok=True, mode=mode)
        folder.chmod(mode)
        return folder
