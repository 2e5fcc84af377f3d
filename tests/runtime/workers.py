"""A worker of its own process, with its log in a file."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from cloudlayer.runtime.sources import worker_snapshot
from tests.runtime.functions import until


class Worker:
    def __init__(self, source: Path, folder: Path, **environment: str) -> None:
        self.path = folder / "s"
        self.address = f"unix:{self.path}"
        self.status = folder / "status"
        self.log = folder / "log"
        worker = worker_snapshot(folder / "cache")
        own = {"PYTHONPATH": str(worker), "CLOUDLAYER_SOCKET": str(self.path), "CLOUDLAYER_STATUS": str(self.status)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloudlayer_worker", str(source)], env=own | environment, stdout=log, stderr=log
            )

    def ready(self) -> Worker:
        until(self._accepts)
        return self

    def _accepts(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket(socket.AF_UNIX) as trying, contextlib.suppress(OSError):
            trying.connect(str(self.path))
            return True
        return False

    def raw(self, content: bytes, *, end: bool = True) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.path))
            connection.sendall(content)
            if end:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received
