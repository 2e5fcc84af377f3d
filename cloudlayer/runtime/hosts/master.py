"""The kept connection's process: started or adopted, asked for commands and forwards, ended."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.client import MACHINE, Client
from cloudlayer.runtime.hosts.commands import Ended, execute
from cloudlayer.runtime.hosts.refusals import explained, last_line
from cloudlayer.runtime.hosts.remote import output, shell

CLIENT_FAILED: Final = 255
"""The exit code by which the SSH client says that it failed, and not the command."""

# A server takes 10 sessions of a connection (MaxSessions); some are left for whoever takes over meanwhile.
_SESSIONS: Final = 8
_CONNECT_SECONDS: Final = 20.0
_ANSWER_SECONDS: Final = 10.0
_GREETING_SECONDS: Final = 2.0


class Master:
    """The master process of one machine's connection. Thread-safe."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._sessions = threading.BoundedSemaphore(_SESSIONS)

    def open(self) -> tuple[socket.socket, bool]:
        """A socket that ends when the master does, and whether the master was there before.

        Raises HostKeyRefused, KeyRefused, or TransientError where the machine cannot be reached.
        """
        with self._alone():
            if self._client.write():
                self.end()
            found = self._listen()
            if found is not None:
                return found, True
            self._start()
            made = self._listen()
        if made is None:
            raise TransientError(f"{self._name}: the connection ended as soon as it was made", code="unreachable")
        return made, False

    def run(self, text: str, *, doing: str, input: bytes = b"", deadline: Deadline | None = None) -> Ended:
        """Run a script on the machine. TransientError if the connection failed under it, or time is up."""
        deadline = deadline or Deadline.after(_CONNECT_SECONDS)
        with self._session(deadline, doing):
            command = self._client.through_master("-T", "--", MACHINE, shell(text))
            ended = execute(command, doing=doing, input=input, deadline=deadline)
        if ended.code == CLIENT_FAILED:
            said = ended.errors.decode("utf-8", "replace")
            raise TransientError(f"{self._name}: the connection broke while {doing}: {last_line(said)}", code="unreachable")
        return ended._replace(output=output(ended.output))

    def ask(self, verb: str, *forwards: str) -> None:
        """Let the master `forward` or `cancel` what "-L here:there" and "-R there:here" name. EngineError if it cannot."""
        doing = f"asking for a forward to {self._name}"
        command = self._client.through_master("-O", verb, *forwards, "--", MACHINE)
        ended = execute(command, doing=doing, deadline=Deadline.after(_ANSWER_SECONDS))
        if ended.code != 0:
            raise EngineError(f"{self._name}: {doing} failed: {ended.last_lines}")

    def end(self) -> None:
        """End the process, its commands and its forwards."""
        with suppress(EngineError, TransientError):
            self.ask("exit")

    def _start(self) -> None:
        self._client.control.unlink(missing_ok=True)  # of one that was killed
        with self._client.log.open("wb") as log:
            self._client.log.chmod(0o600)
            doing = f"connecting to {self._name}"
            ended = execute(self._client.master(), doing=doing, deadline=Deadline.after(_CONNECT_SECONDS), log=log)
        if ended.code != 0:
            raise explained(self._name, self._client.log.read_text("utf-8", "replace"))

    def _listen(self) -> socket.socket | None:
        """A connection to the master, which it keeps open as long as it lives; None if there is none."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(_GREETING_SECONDS)
        try:
            made.connect(str(self._client.control))
            if made.recv(4096):
                made.settimeout(None)
                return made
        except OSError:
            pass
        made.close()
        return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of two controllers, one of which is about to end, one connects and the other adopts."""
        self._client.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._client.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = Deadline.after(2 * _CONNECT_SECONDS)
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    deadline.check(f"waiting for another process that connects to {self._name}")
                    time.sleep(0.05)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _session(self, deadline: Deadline, doing: str) -> Iterator[None]:
        while not self._sessions.acquire(timeout=min(0.2, deadline.remaining())):
            deadline.check(doing)
        try:
            yield
        finally:
            self._sessions.release()
