"""How an image of 500 MB comes to three machines: `python -m benchmarks.image_delivery [--json]`.

Three hosts of dev/hosts (root; DOCKER_HOSTS_TAG, _SUBNET and _HOME name a set), each reached by SSH alone, and this host's
engine (DOCKER_HOST), which has the base image of dev/docker. The function has four files of 108 MB, of which the first 60
percent are random bytes (`random.Random`, seeds 1 to 4) and the rest are lines of text that shrink to nearly nothing. The
engines of the hosts are empty before each measurement. Bytes are those that this host sent on the links, by the kernel's
counters; seconds go from the wish to the moment when a container of the image has run on all of them. CPU seconds are those of
this process with all that it started (`controller`), of this host's engine (`engine`), and of the hosts (`machines`).

    ours            `prepare` of the docker engine on the three machines at once, from a source folder of which nothing is
                    built, with a registry that is empty
    calls           what a small request to the first machine's engine over the kept connection takes meanwhile, and before
    second_version  ours again, after a line of the function's code was changed: building is in it
    build           the peer's image, built whole by this host's engine, as `docker build` does
    save_load       the peer: `docker save | ssh HOST docker load`, to the three at once, of the image that is built already;
                    `sequential_seconds` one after another
    cut             ours, to one machine that is cut off once half of the packed bytes were sent, for six seconds

The order is that of the list, all in one run. Everything that was started is ended.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker

from benchmarks.cpu_seconds import cpu_seconds
from cloudlayer.interfaces import Access, Deadline, MachineContext, ReplicaSpec
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.engine import DockerEngine
from cloudlayer.runtime.docker.supply import let_go, supply_of
from cloudlayer.runtime.hosts.ssh import SshHost
from cloudlayer.runtime.sources import snapshot

SCRIPTS = Path(__file__).parent.parent / "dev" / "hosts"
BASE_IMAGE = "cloudlayer/base:local"
FILES = 4
FILE_BYTES = 108_000_000
INCOMPRESSIBLE = 0.6
PATIENCE = 600.0
CUT_SECONDS = 6.0
CALL_EVERY = 0.02


@dataclass(frozen=True)
class Machine:
    """A host: its link on this host, its engine as the controller has it, and a way to it that is nobody's but ours."""

    name: str
    link: Path
    host: SshHost
    engine: DockerEngine
    client: Any
    login: Path

    def received(self) -> int:
        """Bytes that this host has sent to it."""
        return int((self.link / "statistics" / "tx_bytes").read_text())

    def empty(self) -> None:
        """Remove every image and container of its engine."""
        for container in self.client.containers(all=True):
            self.client.remove_container(container["Id"], force=True)
        while images := self.client.images(all=True):
            for image in images:
                with contextlib.suppress(docker.errors.APIError):
                    self.client.remove_image(image["Id"], force=True)

    def run(self, image: str) -> None:
        """Run a container of the image to its end; RuntimeError if that ends badly."""
        made = self.client.create_container(image, ["python3", "-c", "pass"], network_disabled=True)
        self.client.start(made)
        code = self.client.wait(made)["StatusCode"]
        self.client.remove_container(made)
        if code != 0:
            raise RuntimeError(f"a container of {image} on {self.name} ended with {code}")


class Bench:
    """Three machines, a function and its image."""

    def __init__(self, folder: Path, machines: Sequence[Machine]) -> None:
        self.folder = folder
        self.machines = machines
        self.source = folder / "source"
        self.holding: list[str] = []
        self.digest = ""

    def write_source(self) -> None:
        """The function, with its large files."""
        self.source.mkdir()
        self.change_code("first")
        for seed in range(1, FILES + 1):
            noise = random.Random(seed).randbytes(int(FILE_BYTES * INCOMPRESSIBLE))  # noqa: S311
            line = b"a line of text that is there again and again\n"
            text = line * ((FILE_BYTES - len(noise)) // len(line) + 1)
            (self.source / f"weights{seed}").write_bytes((noise + text)[:FILE_BYTES])

    def change_code(self, words: str) -> None:
        """One line of it is another."""
        (self.source / "main.py").write_text(f"def apply(input):\n    return [{words!r}]\n")

    def deploy(self) -> None:
        """Take a snapshot of it, as a deployment does before any machine is asked."""
        self.digest = snapshot(self.source, self.folder / "cache").name

    def spec(self) -> ReplicaSpec:
        """A replica of the function as it is now."""
        made = ReplicaSpec(str(uuid.uuid4()), "bench/Weights", "1.0.0", 1.0, 2**27, source=self.source, internet=False)
        return replace(made, source_digest=self.digest)

    def build(self) -> int:
        """Build the image whole by this host's engine; its size in bytes."""
        supply = supply_of(self.folder / "cache")
        try:
            builder = supply.here()
            assert builder is not None, "this host's engine does not answer: set DOCKER_HOST"
            with builder.daemon.until(Deadline.after(PATIENCE)):
                name = builder.build(self.spec(), None)
                found = builder.look(name)
                assert found is not None
                # While a container runs, nobody who uses the same engine can remove the image.
                waiting = ["python3", "-c", "import time; time.sleep(3600)"]
                made = builder.daemon.client.create_container(name, waiting, network_disabled=True)
                builder.daemon.client.start(made)
                self.holding.append(made["Id"])
                return int(found["Size"])
        finally:
            let_go(self.folder / "cache")

    def name(self) -> str:
        """What the image of the function as it is now is called."""
        supply = supply_of(self.folder / "cache")
        try:
            builder = supply.here()
            assert builder is not None, "this host's engine does not answer: set DOCKER_HOST"
            with builder.daemon.until(Deadline.after(PATIENCE)):
                return builder.name(self.spec(), builder.base())
        finally:
            let_go(self.folder / "cache")

    def prepare(self, image: str, machine: Machine) -> None:
        """Bring the image as a fleet's controller does, and run it."""
        machine.engine.prepare(self.spec(), deadline=Deadline.after(PATIENCE))
        machine.run(image)

    def save_load(self, image: str, machine: Machine) -> None:
        """Bring the image as its peer does, and run it."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
            loading = ["ssh", "-F", str(machine.login), machine.name, "docker", "load", "-q"]
            subprocess.run(loading, stdin=saving.stdout, stdout=subprocess.DEVNULL, check=True)
        machine.run(image)

    def measured(self, work: Callable[[], object], machines: Sequence[Machine] | None = None) -> dict[str, Any]:
        """The bytes that were sent to the machines, and the seconds that passed."""
        counted = self.machines if machines is None else machines
        before, used, began = sum(machine.received() for machine in counted), cpu_seconds(), time.monotonic()
        work()
        seconds = time.monotonic() - began
        return {
            "bytes": sum(machine.received() for machine in counted) - before,
            "seconds": round(seconds, 2),
            "cpu_seconds": {side: round(now - used[side], 1) for side, now in cpu_seconds().items()},
        }

    def calls(self, work: Callable[[], object]) -> dict[str, dict[str, float]]:
        """How long small requests to the first machine take, in milliseconds, for two seconds and then during the work."""
        ended = threading.Event()
        times: list[float] = []

        def ask() -> None:
            while not ended.wait(CALL_EVERY):
                began = time.monotonic()
                self.machines[0].client.ping()
                times.append(1000 * (time.monotonic() - began))

        found = {}
        for name, what in (("before", lambda: time.sleep(2.0)), ("meanwhile", work)):
            ended.clear()
            times.clear()
            thread = threading.Thread(target=ask)
            thread.start()
            try:
                what()
            finally:
                ended.set()
                thread.join()
            figures = sorted(times)
            places = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
            found[name] = {key: round(figures[int(share * len(figures))], 1) for key, share in places.items()}
            found[name]["calls"] = len(figures)
        return found

    def at_once(self, work: Callable[[str, Machine], None], image: str) -> None:
        """Do it for all machines at once; what one of them raises is raised."""
        with ThreadPoolExecutor(len(self.machines)) as threads:
            list(threads.map(lambda machine: work(image, machine), self.machines))

    def empty(self) -> None:
        """All machines have nothing."""
        for machine in self.machines:
            machine.empty()

    def cut(self, image: str, packed: int) -> dict[str, Any]:
        """Bring the image to the first machine, which is cut off in the middle."""
        machine = self.machines[0]
        failures: list[Exception] = []

        def bring() -> None:
            try:
                self.prepare(image, machine)
            except Exception as error:
                failures.append(error)

        def work() -> None:
            before, thread = machine.received(), threading.Thread(target=bring)
            thread.start()
            while thread.is_alive() and machine.received() - before < packed / 2:
                time.sleep(0.01)
            assert thread.is_alive(), "it was over before it was cut"
            script("hosts-fail.sh", machine.name, "partition")
            time.sleep(CUT_SECONDS)
            script("hosts-fail.sh", machine.name, "heal")
            thread.join(PATIENCE)

        found = self.measured(work, [machine])
        for error in failures:
            print(f"not survived: {error}", file=sys.stderr)
        return {"survived": not failures, **found}


def script(name: str, *arguments: str) -> str:
    """What a script of dev/hosts printed."""
    return subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def hosts(folder: Path, count: int) -> Iterator[list[Machine]]:
    """Hosts that are empty; those that were there already stay."""
    home = Path(os.environ.get("DOCKER_HOSTS_HOME") or "/var/tmp/cloudlayer-hosts")  # noqa: S108
    there = (home / "hosts").is_dir()
    lines = [line.split() for line in script("hosts-up.sh", str(count)).splitlines() if line.startswith("host")]
    sockets = Path(tempfile.mkdtemp(prefix="clbench-"))
    machines: list[Machine] = []
    try:
        for name, address, _ in lines:
            machines.append(_machine(folder, home, sockets, name, address))
        yield machines
    finally:
        for machine in machines:
            machine.empty()
            machine.engine.close()
            machine.host.end()
        shutil.rmtree(sockets, ignore_errors=True)
        if not there:
            script("hosts-down.sh")


def _machine(folder: Path, home: Path, sockets: Path, name: str, address: str) -> Machine:
    key = " ".join((home / "ssh" / "host_key.pub").read_text().split()[:2])
    access = Access(address, user="root", key=home / "ssh" / "id", host_keys=(key,))
    host = SshHost(access, name=name, folder=sockets / name)
    assert host.wait_connected(Deadline.after(30)), host.reason
    daemon = Daemon.connect(host)
    engine = DockerEngine(MachineContext(f"{name}-{uuid.uuid4()}", folder / name, folder / "cache", host), daemon)
    tag = os.environ.get("DOCKER_HOSTS_TAG", "cldh")
    return Machine(name, Path(f"/sys/class/net/{tag}{name[4:]}"), host, engine, daemon.client, home / "ssh" / "config")


def measure() -> dict[str, Any]:
    """All of it."""
    folder = Path(tempfile.mkdtemp(prefix="clbench-", dir="/var/tmp"))
    os.environ.setdefault("CLOUDLAYER_BASE_IMAGE", BASE_IMAGE)
    try:
        with hosts(folder, 3) as machines:
            bench = Bench(folder, machines)
            bench.write_source()
            bench.deploy()
            image = bench.name()
            bench.empty()
            ours: dict[str, Any] = {}
            calls = bench.calls(lambda: ours.update(bench.measured(lambda: bench.at_once(bench.prepare, image))))
            bench.change_code("second")
            bench.deploy()
            second = bench.name()
            second_version = bench.measured(lambda: bench.at_once(bench.prepare, second))
            bench.change_code("first")
            bench.deploy()
            began = time.monotonic()
            size = bench.build()
            build = round(time.monotonic() - began, 2)
            bench.empty()
            save_load = bench.measured(lambda: bench.at_once(bench.save_load, image))
            bench.empty()
            began = time.monotonic()
            for machine in machines:
                bench.save_load(image, machine)
            save_load["sequential_seconds"] = round(time.monotonic() - began, 2)
            bench.empty()
            cut = bench.cut(image, ours["bytes"] // len(machines))
            _remove(bench.holding, [image])
            return {
                "image": {
                    "bytes": size,
                    "incompressible_bytes": int(FILES * FILE_BYTES * INCOMPRESSIBLE),
                    "seeds": [1, 2, 3, 4],
                },
                "hosts": len(machines),
                "ours": ours,
                "calls": calls,
                "second_version": second_version,
                "build": {"seconds": build},
                "save_load": save_load,
                "cut": cut,
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove(containers: Sequence[str], images: Sequence[str]) -> None:
    client = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto")
    for container in containers:
        client.remove_container(container, force=True)
    for image in images:
        client.remove_image(image, force=True)
    client.close()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    asked = parser.parse_args()
    found = measure()
    if asked.json:
        print(json.dumps(found))
        return
    for name in ("ours", "calls", "second_version", "build", "save_load", "cut"):
        print(f"{name:<15}", ", ".join(f"{key} {value}" for key, value in found[name].items()))


if __name__ == "__main__":
    main()
