"""A machine with a router on it, as the gateway's tests need one: real sockets, a line that can be cut, no container."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from cloudlayer.fleet.routes import Credential, ReplicaRoute, Routes, VersionRoute, router_token

from .stand_ins import CREDENTIALS, PEPPER, TOKEN, Gateway, credential, eventually, start_gateway

MACHINE = "machine-1"
CALLER = "nlp/Sentences/1.0.0"


def token_of(machine: str, token: str = TOKEN, *functions: str) -> Credential:
    """The credential of a replica on that machine."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return replace(credential(token, functions or ("nlp/Echo",)), name=CALLER, machine=machine, digest=digest)


def on(machine: str, route: ReplicaRoute) -> ReplicaRoute:
    """The route of a replica on that machine, which has a router."""
    return replace(route, machine=machine, inner_address=route.address)


class Relay:
    """Leads from one unix socket to another, as an SSH connection does; counts what goes through, and can be cut."""

    def __init__(self, here: Path, there: Path) -> None:
        self.here, self.there = here, there
        self.bytes = 0
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.heal()

    def cut(self) -> None:
        """End what goes through, and let nothing through."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.here.unlink(missing_ok=True)
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """Let it through again."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.here))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near = listener.accept()[0]
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self.there))
            except OSError:
                near.close()
                continue
            self.connections += 1
            with self._lock:
                self._open |= {near, far}
            threading.Thread(target=self._pump, args=(near, far), daemon=True).start()

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        try:
            while True:
                for each in select.select([near, far], [], [])[0]:
                    data = each.recv(65536)
                    if not data:
                        return
                    other[each].sendall(data)
                    self.bytes += len(data)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open -= {near, far}
            near.close()
            far.close()


class Machine:
    """A gateway here, and a machine there with a router: `calls` and `line` lead from the machine to the gateway."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gateway: Gateway = self._start_gateway()
        self.calls = Relay(folder / "up.sock", folder / "gateway.sock")
        self.line = Relay(folder / "line.sock", folder / "routers.sock")
        self.process = self.start_router()

    @property
    def socket(self) -> Path:
        """Where replicas find their gateway."""
        return self.folder / "g.sock"

    def start_router(self) -> subprocess.Popen[str]:
        """Start the router, and wait until it listens."""
        self.socket.unlink(missing_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "CLOUDLAYER_MACHINE": MACHINE,
            "CLOUDLAYER_ROUTER_TOKEN": router_token(bytes.fromhex(PEPPER), MACHINE),
            "CLOUDLAYER_LISTEN": str(self.socket),
            "CLOUDLAYER_GATEWAY": str(self.calls.here),
            "CLOUDLAYER_LINE": str(self.line.here),
            "CLOUDLAYER_JOURNAL": str(self.folder / "journal"),
        }
        command = [sys.executable, "-m", "cloudlayer.runtime.router"]
        self.process = subprocess.Popen(command, env=environment, text=True)
        eventually(self.socket.exists)
        return self.process

    def restart_gateway(self, *, kill: bool = False) -> None:
        """End the gateway and start another; its controller goes on."""
        self.gateway.process.kill() if kill else self.gateway.process.terminate()
        self.gateway.process.wait()
        newest = self.gateway.controller.newest
        self.gateway.controller.stop()
        self.gateway = self._start_gateway()
        if newest is not None:
            self.gateway.controller.send(newest)
            self.gateway.controller.await_snapshot(newest.number)

    def show(self, *versions: VersionRoute, credentials: tuple[Credential, ...] = ()) -> None:
        """Send a snapshot, and wait until the router goes by it."""
        controller = self.gateway.controller
        number = controller.newest.number + 1 if controller.newest else 1
        told = credentials or (*CREDENTIALS, token_of(MACHINE))
        controller.send(Routes(number, PEPPER, told, versions))
        controller.await_snapshot(number)
        eventually(lambda: any(line["event"] == "router connected" for line in self.gateway.lines))

    def call(self, body: bytes, function: str = "nlp/Echo", *, token: str = TOKEN, query: str = "", **headers: str) -> Any:
        """Call a function as a replica of the machine does; the document that it gets."""
        return json.loads(self.request(body, function, token=token, query=query, **headers)[1])

    def request(
        self, body: bytes, function: str = "nlp/Echo", *, token: str = TOKEN, query: str = "", **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """The same: status, body and headers of the answer."""
        connection = HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(20)
        connection.sock.connect(str(self.socket))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", f"/v1/algo/{function}{query}", body, {"Authorization": token, **JSON, **named})
        answer = connection.getresponse()
        found = answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return found

    def in_flight(self, key: str = "nlp/Echo/1.0.0") -> int:
        """Calls of a version under way, as the gateway tells it."""
        loads = self.gateway.controller.loads()
        return next((each.in_flight for each in loads[-1].versions if each.key == key), 0) if loads else 0

    def metric(self, name: str) -> float:
        """The sum of a metric of the gateway."""
        connection = HTTPConnection("127.0.0.1", self.gateway.port, timeout=5)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def close(self) -> None:
        """End all of it."""
        self.process.kill()
        self.process.wait()
        for relay in (self.calls, self.line):
            with contextlib.suppress(OSError):
                relay.cut()
        self.gateway.stop()

    def _start_gateway(self) -> Gateway:
        sockets = ("--socket", str(self.folder / "gateway.sock"), "--routers", str(self.folder / "routers.sock"))
        return start_gateway(self.folder, *sockets, "--grace", "1")


JSON = {"Content-Type": "application/json"}
