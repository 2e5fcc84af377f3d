"""A controller, replicas and a way to start the real gateway: what its tests play with."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudlayer.fleet.routes import (
    Ask,
    Credential,
    DataAccess,
    Exit,
    Figures,
    Load,
    Lost,
    Message,
    ReplicaRoute,
    Routes,
    VersionRoute,
    decode,
    encode,
)

KEY = "a key of the tests"
TOKEN = "a-token-of-nlp/Sentences"
PEPPER = "0f" * 32
NO_DATA = DataAccess()


def credential(key: str, callable: tuple[str, ...] | None = None) -> Credential:
    digest = hmac.new(bytes.fromhex(PEPPER), key.encode(), hashlib.sha256).hexdigest()
    return Credential(digest, f"key {key[:5]}", callable)


CREDENTIALS = (credential(KEY), credential(TOKEN, ("nlp/Echo",)))


def version(name: str = "nlp/Echo/1.0.0", *replicas: ReplicaRoute, **changes: Any) -> VersionRoute:
    function, _, number = name.rpartition("/")
    fields: dict[str, Any] = {"timeout": 20.0, "concurrency": 4, "maximum": 2, "idempotent": False}
    return VersionRoute(function, number, replicas=replicas, **{**fields, **changes})


def snapshot(number: int, *versions: VersionRoute, away: tuple[str, ...] = (), data: DataAccess = NO_DATA) -> Routes:
    return Routes(number, PEPPER, CREDENTIALS, versions, away, data)


def eventually(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


class Controller:
    """Listens where a controller does, sends what it is told to, keeps what the gateway says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: list[Message] = []
        self.newest: Routes | None = None
        self.figures: str | None = ""
        self.asked = 0
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self.start()

    def start(self) -> None:
        controller = self

        class Line(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with controller._lock:
                    controller._lines.append(self.connection)
                    if controller.newest is not None:
                        self.connection.sendall(encode(controller.newest))
                try:
                    for line in self.rfile:
                        message = decode(line)
                        if isinstance(message, Ask):
                            controller.asked += 1
                            if controller.figures is not None:
                                self.connection.sendall(encode(Figures(message.number, controller.figures)))
                        else:
                            controller.received.append(message)
                except (OSError, ValueError):
                    return

        self._server = socketserver.ThreadingUnixStreamServer(str(self.path), Line)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            self._lines.clear()
        self.path.unlink(missing_ok=True)

    def send(self, message: Message) -> None:
        with self._lock:
            if isinstance(message, Routes):
                self.newest = message
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.sendall(encode(message))

    def loads(self) -> list[Load]:
        return [message for message in self.received if isinstance(message, Load)]

    def lost(self) -> list[Lost]:
        return [message for message in self.received if isinstance(message, Lost)]

    def await_snapshot(self, number: int) -> None:
        eventually(lambda: any(load.snapshot == number for load in self.loads()))


@dataclass
class Gateway:
    """The gateway's process, and what it wrote."""

    process: subprocess.Popen[str]
    controller: Controller
    lines: list[dict[str, Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        addresses: list[str] = self.logged("listening")["addresses"]
        return addresses[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def logged(self, event: str) -> dict[str, Any]:
        line: dict[str, Any] = eventually(lambda: next((each for each in self.lines if each["event"] == event), None))
        return line

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.text.append(line)
            if line.startswith("{"):
                self.lines.append(json.loads(line))

    def show(self, *versions: VersionRoute, away: tuple[str, ...] = (), data: DataAccess = NO_DATA) -> None:
        """Send a snapshot of these versions, some replicas being away, some data open, and wait until the gateway has it."""
        number = self.controller.newest.number + 1 if self.controller.newest else 1
        self.controller.send(snapshot(number, *versions, away=away, data=data))
        self.controller.await_snapshot(number)

    def exited(self, replica: str, reason: str, message: str = "") -> None:
        self.controller.send(Exit(replica, reason, message))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.controller.stop()
        assert [line for line in self.text if not line.startswith("{")] == [], "what nobody logged on purpose"


def start_gateway(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Gateway:
    path = folder / "controller.sock"
    command = [sys.executable, "-m", "cloudlayer.gateway", "--controller", str(path), "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
    gateway = Gateway(process, Controller(path))
    threading.Thread(target=gateway.read, daemon=True).start()
    gateway.logged("listening")
    return gateway


@dataclass(frozen=True)
class Received:
    """One request as a scripted replica got it."""

    head: str
    body: bytes
    connection: int


class Replica:
    """A foreign replica: for each request it sends the bytes that `script` returns, or hangs up if that is None."""

    def __init__(self, path: Path, script: Callable[[Received], bytes | None]) -> None:
        self.id = f"{path.name}-{uuid.uuid4().hex}"
        self.path = path
        self.script = script
        self.received: list[Received] = []
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def route(self) -> ReplicaRoute:
        return ReplicaRoute(self.id, f"unix:{self.path}")

    def close(self) -> None:
        self._listener.close()
        self.path.unlink(missing_ok=True)
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, len(self._open)), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        stream = connection.makefile("rb")
        try:
            while request := _read_request(stream, number):
                self.received.append(request)
                answer = self.script(request)
                if answer is None:
                    break
                connection.sendall(answer)
                if b"close" in answer.partition(b"\r\n\r\n")[0]:
                    break
        except OSError:
            pass
        finally:
            stream.close()
            connection.close()


def _read_request(stream: Any, number: int) -> Received | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    length = next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return Received(head.decode(), stream.read(int(length)), number)


def http(body: bytes, status: int = 200, content_type: str | None = "application/json", more: str = "") -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"HTTP/1.1 {status} X\r\n{kind}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


SOURCE = """
import os, sys, time

def apply(input):
    if isinstance(input, dict):
        if "raise" in input: raise ValueError(input["raise"])
        if "exit" in input: os._exit(input["exit"])
        if "sleep" in input: time.sleep(input["sleep"])
        if "nothing" in input: return None
        if "bytes" in input: return bytes(input["bytes"])
        if "pid" in input: return os.getpid()
    return input
"""


class Worker:
    """Our own worker, in a process, as an engine starts it."""

    def __init__(self, folder: Path, name: str = "worker-1", concurrency: int = 4) -> None:
        self.id = f"{name}-{uuid.uuid4().hex}"
        source, self.path = folder / f"{name}-source", folder / f"{name}.sock"
        source.mkdir()
        (source / "function.py").write_text(SOURCE)
        environment = {
            "PATH": os.environ["PATH"],
            "CLOUDLAYER_SOCKET": str(self.path),
            "CLOUDLAYER_CONCURRENCY": str(concurrency),
        }
        command = [sys.executable, "-m", "cloudlayer.runtime.worker", str(source)]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        eventually(self._accepts)

    @property
    def route(self) -> ReplicaRoute:
        return ReplicaRoute(self.id, f"unix:{self.path}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.path)) == 0
