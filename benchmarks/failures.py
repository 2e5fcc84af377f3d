"""What is lost when a machine is lost: `python -m benchmarks.failures [--json] [--only kill|freeze|partition]`.

Three hosts of their own, which dev/hosts makes (root, a Docker engine each, SSH and nothing else), are the inventory of a
fleet of two functions with three replicas each, one of each on a host. Each works for 50 ms on a call, on up to four at once;
one is idempotent. 50 calls a second come through the gateway, half of them for each. Then one host fails:

    kill        a power cut: its link is down, every process ends, its disk stays
    freeze      every process stands still, while its kernel still answers TCP
    partition   its link is down and all on it goes on; when the fleet is whole again, it is healed

For each, with a fleet of its own:

    calls               that were begun, from three seconds before the fault until some seconds after the fleet was whole
    failed              of these, and `errors` by their type; `failed_idempotent` those of the idempotent function
    slowest_s           the longest that a call took that was answered
    in_flight           the sum of the concurrency limits of the host's replicas at the moment of the fault
    whole_again_s       from the beginning of the fault until as many replicas as before are ready on other hosts
    doubles             the most replicas beyond what is wanted, at any moment that was looked at, to which calls were routed,
                        and for `partition` the containers beyond what is wanted on all hosts after it was healed

`failed` may not exceed `in_flight`, `failed_idempotent` and `doubles` are to be 0, and `whole_again_s` at most 20.
DOCKER_HOSTS_TAG, DOCKER_HOSTS_SUBNET and DOCKER_HOSTS_HOME name another set of hosts beside the standing one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.coldstart import free_port
from benchmarks.steady import Steady
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.store import Database, MachineRow, ReplicaRow, ReplicaRowState, Store

COMMAND = Path(sys.executable).with_name("cloudlayer")
SCRIPTS = Path(__file__).parent.parent / "dev"
KEY = "a key of the benchmark"
FLEET = "failures"
ONCE, AGAIN = "bench/Once", "bench/Again"
REPLICAS, CONCURRENCY = 3, 4
RATE = 50.0
BEFORE, AFTER = 3.0, 4.0
"""Seconds of calls before a fault, and after the fleet is whole again."""
PATIENCE = 120.0
KINDS = ("kill", "freeze", "partition")

CODE = "import time\n\n\ndef apply(input):\n    time.sleep(0.05)\n    return input\n"
FUNCTION = """
[[function]]
name = "{name}"
version = "1.0.0"
source = "work"
engine = "docker"
spread = "machine"
idempotent = {idempotent}
timeout = "30s"
resources = {{ cpu = {cpu}, memory = "64MiB", disk = "64MiB" }}
scale = {{ min = {replicas}, max = {replicas}, concurrency = {concurrency} }}
"""


class Hosts:
    """The three hosts, and what may happen to them."""

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("DOCKER_HOSTS_HOME") or "/var/tmp/cloudlayer-hosts")  # noqa: S108
        lines = self._script("hosts/hosts-up.sh", "3").splitlines()
        self.addresses = {line.split()[0]: line.split()[1] for line in lines if line.startswith("host")}
        self._script("docker/base-image.sh", *map(str, map(self._engine, self.addresses)))

    def inventory(self) -> str:
        """The three as machines with room for one another's replicas."""
        keys = self.folder / "ssh"
        entry = '[[machine]]\nname = "{}"\naddress = "{}"\nkey = "{}"\nhost_key = "{}"\ncpu = 2\n'
        return "\n".join(
            entry.format(name, address, keys / "id", keys / "known_hosts") for name, address in self.addresses.items()
        )

    def fail(self, name: str, how: str) -> None:
        """Let one fail."""
        self._script("hosts/hosts-fail.sh", name, how)

    def heal(self, name: str) -> None:
        """Let it be as before; returns when SSH and its engine answer."""
        self._script("hosts/hosts-fail.sh", name, "heal")

    def containers(self) -> int:
        """How many replicas run on all of them, as their engines say."""
        return sum(len(self._running(name)) for name in self.addresses)

    def _running(self, name: str) -> list[str]:
        engine = f"unix://{self._engine(name)}"
        return _output(["docker", "-H", engine, "ps", "-q", "--filter", "label=cloudlayer-replica"]).split()

    def _engine(self, name: str) -> Path:
        return self.folder / "hosts" / name / "sock/docker.sock"

    def _script(self, name: str, *arguments: str) -> str:
        return _output([str(SCRIPTS / name), *arguments])


class Fleet:
    """A fleet of the two functions on the three hosts."""

    def __init__(self, folder: Path, hosts: Hosts) -> None:
        self.port = free_port()
        self._folder = folder
        self._environment = {
            **os.environ,
            "CLOUDLAYER_HOME": str(folder / "home"),
            "CLOUDLAYER_SSH_STATE": str(folder / "ssh"),
            "CLOUDLAYER_API_KEY": KEY,
            "CLOUDLAYER_BASE_IMAGE": os.environ.get("CLOUDLAYER_BASE_IMAGE") or "cloudlayer/base:local",
        }
        (folder / "boxes.toml").write_text(hosts.inventory())
        (folder / "work").mkdir()
        (folder / "work" / "work.py").write_text(CODE)
        home = Home(folder / "home")
        home.prepare()
        self._store = Store(Database(home.store_url))

    def start(self) -> None:
        """Up, with one replica of each function on each host."""
        ballast = FUNCTION.format(name="bench/Ballast", idempotent="false", cpu=1.2, replicas=REPLICAS, concurrency=1)
        with (self._folder / "up.txt").open("wb") as output:
            command = [str(COMMAND), "up", str(self._manifest(ballast)), "--yes", "--port", str(self.port)]
            self._up = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self.wait(lambda: f"serving {FLEET}" in self.said(), "it serves")
        # The ballast had all three hosts claimed, each for a part of it: two would have been enough without.
        self.command("deploy", str(self._manifest("")), "--yes")
        self.wait(lambda: len(self.replicas()) == 2 * REPLICAS, "the ballast is gone")

    def stop(self) -> None:
        """Down, with nothing left."""
        self._store.close()
        self.command("down", "--fleet", FLEET, "--yes")

    def replicas(self) -> tuple[ReplicaRow, ...]:
        """Those that are not ended."""
        return self._store.read(FLEET).replicas

    def machines(self) -> tuple[MachineRow, ...]:
        """Those that are not gone."""
        return self._store.read(FLEET).machines

    def ready(self, without: str = "") -> Counter[str]:
        """How many replicas of each function get calls, those of one machine left out."""
        rows = self._store.read(FLEET)
        away = {row.id for row in rows.machines if row.unreachable is not None} | {without}
        ready = (row for row in rows.replicas if row.state is ReplicaRowState.READY and row.machine not in away)
        return Counter(row.function for row in ready)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until it holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or self._up.poll() is not None:
                raise SystemExit(f"it never came to be that {what}:\n{self.said()}")
            time.sleep(0.05)

    def said(self) -> str:
        """What `up` told."""
        return (self._folder / "up.txt").read_text()

    def _manifest(self, more: str) -> Path:
        path = self._folder / "fleet.toml"
        about = {"cpu": 0.2, "replicas": REPLICAS, "concurrency": CONCURRENCY}
        once = FUNCTION.format(name=ONCE, idempotent="false", **about)
        again = FUNCTION.format(name=AGAIN, idempotent="true", **about)
        path.write_text("\n".join([f'[fleet]\nname = "{FLEET}"\nproviders = ["ssh:boxes.toml"]', once, again, more]))
        return path

    def command(self, *arguments: str) -> None:
        """`cloudlayer ARGUMENTS`."""
        done = subprocess.run([str(COMMAND), *arguments], env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"cloudlayer {' '.join(arguments)}: {done.stderr}\n{self.said()}")


@dataclass
class Trial:
    """One fault of the host that has the machine `victim`; `most` counts the most replicas of each function that got calls."""

    hosts: Hosts
    fleet: Fleet
    victim: MachineRow
    steady: Steady
    most: Counter[str] = field(default_factory=Counter)

    @property
    def host(self) -> str:
        """The one that fails."""
        instance = str(self.victim.instance)
        return next(
            name for name, address in self.hosts.addresses.items() if name in instance or address == self.victim.address
        )

    def run(self, kind: str) -> dict[str, Any]:
        """Let it fail while calls come in."""
        self.steady.begin()
        time.sleep(BEFORE)
        limits = CONCURRENCY * sum(row.machine == self.victim.id for row in self.fleet.replicas())
        began = time.monotonic()
        self.hosts.fail(self.host, kind)
        self.fleet.wait(self._whole, "the fleet is whole again")
        whole = time.monotonic() - began
        if kind == "partition":
            self.hosts.heal(self.host)
            self.fleet.wait(self._clean, "what was given up is clean")
        end = time.monotonic() + AFTER
        self.fleet.wait(lambda: self._looked() and time.monotonic() > end, "some seconds have passed")
        doubles = max(self.most.values()) - REPLICAS
        if kind == "partition":
            doubles = max(doubles, self.hosts.containers() - 2 * REPLICAS)
        calls = self.steady.end()
        return {
            "calls": len(calls),
            "failed": sum(1 for one in calls if one.error),
            "in_flight": limits,
            "whole_again_s": round(whole, 2),
            "doubles": max(0, doubles),
            "errors": self.steady.errors(),
            "failed_idempotent": sum(self.steady.errors([AGAIN]).values()),
            "slowest_s": round(max(one.seconds for one in calls if not one.error), 2),
        }

    def _whole(self) -> bool:
        self._looked()
        ready = self.fleet.ready(without=self.victim.id)
        return all(ready[name] >= REPLICAS for name in (ONCE, AGAIN))

    def _clean(self) -> bool:
        return self._looked() and self.victim.id not in {row.id for row in self.fleet.machines()}

    def _looked(self) -> bool:
        self.most |= self.fleet.ready()
        return True


def measure(kind: str, hosts: Hosts, *, rate: float = RATE) -> dict[str, Any]:
    """One fault of one host, with a fleet of its own."""
    with tempfile.TemporaryDirectory(prefix="fail-") as folder:
        fleet = Fleet(Path(folder), hosts)
        try:
            fleet.start()
            trial = Trial(hosts, fleet, fleet.machines()[0], Steady(fleet.port, KEY, (ONCE, AGAIN), rate))
            try:
                return trial.run(kind)
            finally:
                hosts.heal(trial.host)
        finally:
            fleet.stop()


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def main() -> None:
    """Measure every kind of fault, one after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failures")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--only", choices=KINDS, action="append")
    options = parser.parse_args()
    hosts = Hosts()
    found = {}
    for kind in options.only or KINDS:
        found[kind] = measure(kind, hosts)
        if not options.json:
            print(kind, found[kind], flush=True)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
