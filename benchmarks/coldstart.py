"""How long a call waits for a function that is at zero: `python -m benchmarks.coldstart [--json] [--trials N]`.

For each form of the engines a `cloudlayer up` of its own, in a temporary home, serves a fleet of one function on this host:
`def apply(input): return input`, no requirements, one core, min 0. One call, which does not count, makes ready what the
function's first start of all needs: its snapshot, its warm parent or its image. Then each trial waits until the function is
at zero, that is until `cloudlayer ps --json` lists no replica; it opens a connection to the gateway, and takes the time
from there to the last byte of the answer: what gateway, controller, store and engine need to bring up a replica, and the
call itself.

    process_forked  the process engine as it is: replicas are forked from a warm parent
    process         the same with CLOUDLAYER_FORK=0: each replica is a new Python
    docker          the docker engine, with CLOUDLAYER_BASE_IMAGE (cloudlayer/base:local if that is not set)

Milliseconds; a form that this host cannot run is {"skipped": reason}. Everything that was started is ended.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import MachineContext
from cloudlayer.runtime.registry import connect_engine

COMMAND = Path(sys.executable).with_name("cloudlayer")
FUNCTION = "bench/Echo"
KEY = "a key of the benchmark"
BASE_IMAGE = "cloudlayer/base:local"
PATIENCE = 120.0

MANIFEST = """
[fleet]
name = "coldstart"
providers = ["local"]

[[function]]
name = "bench/Echo"
version = "1.0.0"
source = "echo"
engine = "{engine}"
resources = {{ cpu = 1, memory = "128MiB", disk = "64MiB" }}
timeout = "60s"
scale = {{ min = 0, max = 1, idle = "300ms" }}
"""


@dataclass(frozen=True)
class Form:
    """One way to start replicas; `environment` is what `cloudlayer up` gets beside ours."""

    engine: str
    trials: int
    environment: Mapping[str, str]


FORMS = {
    "process_forked": Form("process", 20, {"CLOUDLAYER_FORK": "1"}),
    "process": Form("process", 10, {"CLOUDLAYER_FORK": "0"}),
    "docker": Form("docker", 5, {"CLOUDLAYER_BASE_IMAGE": os.environ.get("CLOUDLAYER_BASE_IMAGE") or BASE_IMAGE}),
}


class Fleet:
    """A running fleet of the one function."""

    def __init__(self, folder: Path, form: Form) -> None:
        self._folder = folder
        self._port = free_port()
        self._environment = {
            **os.environ,
            **form.environment,
            "CLOUDLAYER_HOME": str(folder / "home"),
            "CLOUDLAYER_LOCAL_STATE": str(folder / "local"),
            "CLOUDLAYER_API_KEY": KEY,
        }
        (folder / "echo").mkdir()
        (folder / "echo" / "echo.py").write_text("def apply(input):\n    return input\n")
        (folder / "fleet.toml").write_text(MANIFEST.format(engine=form.engine))

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Up while the context is open, and gone afterwards."""
        with (self._folder / "up.txt").open("wb") as output:
            command = [str(COMMAND), "up", str(self._folder / "fleet.toml"), "--yes", "--port", str(self._port)]
            up = subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            self._await(lambda: "serving coldstart" in self._said(), up)
            yield
        finally:
            up.terminate()
            up.wait(PATIENCE)
            self._command("down", "--fleet", "coldstart", "--yes")

    def at_zero(self) -> None:
        """Wait until no replica is there."""
        # The gateway's metrics come first: asking `ps` again and again would keep a processor from what is waited for.
        self._await(lambda: _metric(self._port, "cloudlayer_gateway_replicas") == 0.0)
        self._await(lambda: json.loads(self._command("ps", "--json")) == [])

    def call(self) -> float:
        """The seconds that one call takes on a new connection."""
        body = b'{"text": "from zero"}'
        headers = {"Authorization": KEY, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        began = time.perf_counter()
        connection.request("POST", f"/v1/algo/{FUNCTION}/1.0.0", body, headers)
        answer = connection.getresponse().read()
        took = time.perf_counter() - began
        connection.close()
        if json.loads(answer).get("result") != json.loads(body):
            raise SystemExit(f"{answer.decode()}\n{self._said()}")
        return took

    def _await(self, condition: Any, up: subprocess.Popen[bytes] | None = None) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or (up is not None and up.poll() is not None):
                raise SystemExit(f"the fleet does not come to where it should be:\n{self._said()}")
            time.sleep(0.02)

    def _command(self, *arguments: str) -> str:
        done = subprocess.run([str(COMMAND), *arguments], env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"cloudlayer {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def _said(self) -> str:
        return (self._folder / "up.txt").read_text()


def run(trials: int | None = None) -> dict[str, dict[str, Any]]:
    """Measure every form; `trials` of each, or as many as it names."""
    return {name: _measure(form, trials or form.trials) for name, form in FORMS.items()}


def _measure(form: Form, trials: int) -> dict[str, Any]:
    if form.engine == "docker" and (reason := _no_docker(form.environment["CLOUDLAYER_BASE_IMAGE"])):
        return {"skipped": reason}
    with tempfile.TemporaryDirectory(prefix="cold-") as folder:
        fleet = Fleet(Path(folder), form)
        with fleet.serving():
            fleet.call()
            return _summary([_cold_call(fleet) for _ in range(trials)])


def _cold_call(fleet: Fleet) -> float:
    fleet.at_zero()
    return fleet.call()


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(1000 * one for one in seconds)
    return {"p50_ms": round(_rank(ordered, 0.5), 3), "p99_ms": round(_rank(ordered, 0.99), 3)}


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _no_docker(image: str) -> str:
    """Why the docker engine cannot be measured here; empty if it can."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            engine = connect_engine("docker", MachineContext("coldstart", Path(folder) / "machine", Path(folder) / "cache"))
            try:
                engine.list()
            finally:
                engine.close()
    except CloudLayerError as error:
        return str(error)
    return "" if _has_image(image) else f"the engine has no image {image}: set CLOUDLAYER_BASE_IMAGE to one that it has"


def _has_image(name: str) -> bool:
    import docker

    client = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto")
    try:
        client.inspect_image(name)
    except docker.errors.ImageNotFound:
        return False
    finally:
        client.close()
    return True


def _metric(port: int, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{"))


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The results for people."""
    lines = [f"{'from zero':16} {'p50 ms':>9} {'p99 ms':>9}"]
    for name, row in results.items():
        figures = row.get("skipped") or f"{row['p50_ms']:9.1f} {row['p99_ms']:9.1f}"
        lines.append(f"{name:16} {figures}")
    return "\n".join(lines)


def main() -> None:
    """Print the results."""
    parser = argparse.ArgumentParser(description="How long a call waits for a function that is at zero.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--trials", type=int, help="how many counted calls of each form; 20, 10 and 5 if absent")
    options = parser.parse_args()
    # A stop that is asked for ends what was started, as an error does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = run(options.trials)
    print(json.dumps(results) if options.json else table(results))


if __name__ == "__main__":
    main()
