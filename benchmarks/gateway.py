"""What the gateway costs: `python -m benchmarks.gateway [--json] [--seconds N]`.

One worker (ours, one process, `def apply(input): return input`, 32 calls at once) answers a 64-byte JSON body. It is called
directly over TCP, and through the gateway, which is called over TCP with a real key and reaches the worker over its unix
socket, as it does for the process engine. Both at 1 and at 32 connections, closed loop, keep-alive.

The four measurements take turns in rounds, so that a slow spell of the machine falls on all of them; `--seconds` is how long
each is measured in all. `p50_ms`, `p99_ms` and `requests_per_s` are medians over the rounds; `overhead_p50_ms` is the median
over the rounds of the gateway's p50 less the direct one's, at 1 connection. `cpu_us` is processor time per request, user and
system, of the worker process for "direct" and of the gateway process alone for "gateway", from /proc, warm-up included.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cloudlayer.fleet.routes import Credential, ReplicaRoute, Routes, VersionRoute, encode

ROUNDS = 5
WARMUP = 0.2
CONNECTIONS = (1, 32)
BODY = json.dumps({"text": "x" * 53}, separators=(",", ":")).encode()


@dataclass
class Target:
    """Who is called, with which request, and whose processor time counts."""

    address: str
    request: bytes
    pid: int


@dataclass
class Rounds:
    """One measurement's figures, a list entry a round."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """The medians."""
        names = ("p50_ms", "p99_ms", "requests_per_s", "cpu_us")
        values = (self.p50, self.p99, self.rate, self.cpu)
        return {name: round(statistics.median(each), 4) for name, each in zip(names, values, strict=True)}


def run(seconds: float) -> dict[str, object]:
    """Measure everything; `seconds` for each of the four measurements."""
    results: dict[tuple[str, int], Rounds] = defaultdict(Rounds)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as targets:
        for _ in range(ROUNDS):
            for connections in CONNECTIONS:
                for name, target in targets.items():
                    _measure(target, connections, seconds / ROUNDS, results[name, connections])
    pairs = zip(results["gateway", 1].p50, results["direct", 1].p50, strict=True)
    return {
        "direct": {str(count): results["direct", count].summary() for count in CONNECTIONS},
        "gateway": {str(count): results["gateway", count].summary() for count in CONNECTIONS},
        "overhead_p50_ms": round(statistics.median(through - direct for through, direct in pairs), 4),
    }


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[dict[str, Target]]:
    """A worker and a gateway that run while the context is open."""
    key, pepper = secrets.token_hex(16), secrets.token_bytes(32)
    worker_socket, controller = folder / "worker.sock", folder / "controller.sock"
    ports = [_free_port(), _free_port()]
    source = folder / "echo"
    source.mkdir()
    (source / "echo.py").write_text("def apply(input):\n    return input\n")
    hashed = hmac.new(pepper, key.encode(), hashlib.sha256).hexdigest()
    replica = ReplicaRoute("echo-1", f"unix:{worker_socket}")
    version = VersionRoute(
        "bench/Echo", "1.0.0", timeout=30.0, concurrency=32, maximum=1, idempotent=False, replicas=(replica,)
    )
    routes = Routes(1, pepper.hex(), (Credential(hashed, "bench"),), (version,))
    environment = {**os.environ, "CLOUDLAYER_SOCKET": str(worker_socket), "PORT": str(ports[0]), "CLOUDLAYER_CONCURRENCY": "32"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_controller(controller, routes))
        worker = stack.enter_context(_process("cloudlayer.runtime.worker", str(source), environment=environment))
        arguments = ("--controller", str(controller), "--port", str(ports[1]))
        gateway = stack.enter_context(_process("cloudlayer.gateway", *arguments, environment=dict(os.environ)))
        targets = {
            "direct": Target(f"http://127.0.0.1:{ports[0]}", _request("/", ""), worker.pid),
            "gateway": Target(f"http://127.0.0.1:{ports[1]}", _request("/v1/algo/bench/Echo/1.0.0", key), gateway.pid),
        }
        for target in targets.values():
            _await_200(target)
        yield targets


def table(results: dict[str, object]) -> str:
    """The results for people."""
    lines = [f"{'':8} {'conns':>5} {'p50 ms':>8} {'p99 ms':>8} {'req/s':>8} {'cpu us':>8}"]
    for name in ("direct", "gateway"):
        figures = results[name]
        assert isinstance(figures, dict)
        for count, row in figures.items():
            values = f"{row['p50_ms']:8.3f} {row['p99_ms']:8.3f} {row['requests_per_s']:8.0f} {row['cpu_us']:8.1f}"
            lines.append(f"{name:8} {count:>5} {values}")
    lines.append(f"the gateway adds {results['overhead_p50_ms']} ms at p50")
    return "\n".join(lines)


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="What the gateway costs.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each of the four measurements takes in all")
    options = parser.parse_args()
    results = run(options.seconds)
    print(json.dumps(results) if options.json else table(results))


def _measure(target: Target, connections: int, seconds: float, rounds: Rounds) -> None:
    task = {
        "address": target.address,
        "request": base64.b64encode(target.request).decode(),
        "connections": connections,
        "seconds": seconds,
        "warmup": WARMUP,
    }
    before = _cpu_seconds(target.pid)
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    measured = json.loads(done.stdout)
    rounds.p50.append(measured["p50_ms"])
    rounds.p99.append(measured["p99_ms"])
    rounds.rate.append(measured["requests"] / measured["seconds"])
    rounds.cpu.append(1e6 * (_cpu_seconds(target.pid) - before) / measured["total"])


def _request(path: str, key: str) -> bytes:
    authorization = f"Authorization: {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


@contextlib.contextmanager
def _controller(path: Path, routes: Routes) -> Iterator[None]:
    class Line(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(encode(routes))
            while self.rfile.readline():
                pass

    with socketserver.ThreadingUnixStreamServer(str(path), Line) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@contextlib.contextmanager
def _process(module: str, *arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_200(target: Target) -> None:
    host, _, port = target.address.removeprefix("http://").rpartition(":")
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=2) as connection:
            connection.sendall(target.request)
            if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing answers at {target.address}")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
