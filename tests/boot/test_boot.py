"""User data on a machine that boots: a bare Debian with its own systemd, cloud-init, and Docker from Debian's packages."""

import shutil
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.booting import completed
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.expiring import Refresher
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.readiness import Readiness
from cloudlayer.fleet.store import MachineRow, MachineState
from cloudlayer.interfaces import Access, Capabilities, Deadline, SystemClock
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, MachineType, Offer
from cloudlayer.runtime.bootstrap import STAY, USER
from cloudlayer.runtime.hosts.once import run_once
from cloudlayer.runtime.hosts.refusals import HostKeyRefused
from tests.boot.machines import ADDRESS, connect, start

pytestmark = [pytest.mark.boot, pytest.mark.timeout(600)]

IMAGE = Path(__file__).parents[2] / "dev" / "boot" / "image.sh"
EXPIRY = 60
OFFER = Offer("booted", "here", "here-a", MachineType("bare", cpu=1, memory=1 << 29), "on_demand", None)
SAID = {"disk": 0, "boot": {"expiry": EXPIRY}}
ROW = MachineRow("booted", "m1", "batch", 0, "booted:here", OFFER, SAID, MachineState.PENDING, "i-1", ADDRESS, created_at=0.0)
INSTANCE = Instance("i-1", "booted", "here", "here-a", InstanceState.RUNNING, "bare", public_address=ADDRESS)


class OneMachine:
    """A cloud that has one machine, reached by SSH."""

    name, region, keeps_machines = "booted", "here", True
    capabilities = Capabilities("booted", {})

    def access(self, instance):
        return Access(instance.public_address or instance.private_address)


class Booted:
    """The machine, bought as a fleet does, and what a fleet has of it."""

    def __init__(self, folder, executor):
        self.folder, cloud, self._begun = folder, OneMachine(), time.monotonic()
        self.clouds = Clouds(lambda _: cloud, home=Home(folder / "home"))
        self.keys = self.clouds.reach.keys(ROW.fleet)
        self.keys.pin_first(ROW.id, self.keys.boot(ROW.batch).public)
        spec = completed(InstanceSpec(), ROW, cloud, self.keys)
        tree = subprocess.run([IMAGE], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        self.machine = start(Path(tree), folder / "machine", spec.user_data)
        self._readiness, self._refresher = Readiness(self.clouds, executor), Refresher(self.clouds, executor)

    def look(self):
        """What the fleet finds, which asks for the machine meanwhile."""
        now = time.monotonic() - self._begun
        self._refresher.refresh([ROW], now)
        return self._readiness.look(ROW, INSTANCE, now)

    def run(self, *command, within=60, text=""):
        deadline = Deadline.after(within, SystemClock())
        return self.clouds.host(ROW).run(command, input=text.encode(), root=True, deadline=deadline).decode()

    def answers(self):
        """Whether what listens on its port 8080 can be had from outside."""
        try:
            socket.create_connection((ADDRESS, 8080), timeout=2).close()
        except OSError:
            return False
        return True

    def remove(self):
        self.clouds.forget(ROW)
        self.machine.remove()
        shutil.rmtree(self.folder)


def until(holds, seconds):
    """Wait until it holds, at most so long."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {holds.__name__}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def booted():
    # Not in pytest's own folder, which may lie on a layered file system, where none can be laid on top.
    with ThreadPoolExecutor(4) as executor:
        made = Booted(Path(tempfile.mkdtemp(prefix="boot-", dir="/var/tmp")), executor)
        try:
            until(connect, 30)
            yield made
        finally:
            made.remove()


def test_a_bare_machine_becomes_ready_without_help_and_proves_itself_by_the_key_that_was_pinned_before(booted):
    first, end = booted.keys.pinned(ROW.id), time.monotonic() + 420
    while not (finding := booted.look()).ready:
        assert booted.machine.process.poll() is None, booted.machine.console.read_text(errors="replace")[-2000:]
        assert not finding.failed, finding.reason
        assert time.monotonic() < end, finding.reason
        time.sleep(0.5)
    assert booted.run("cat", "/var/lib/cloudlayer/ready").startswith("docker=")
    assert booted.clouds.engine(ROW, "docker").list() == []
    booted.first = first


def test_nothing_but_ssh_can_be_reached_from_outside(booted):
    booted.run(*STAY)
    booted.run("sh", "-c", "cd /srv; setsid python3 -m http.server 8080 </dev/null >/dev/null 2>&1 &")
    listens = "until ss -ltn | grep -q :8080; do sleep 0.2; done"
    booted.run("timeout", "30", "sh", "-c", listens)
    assert not booted.answers()
    booted.run("iptables", "-I", "CLOUDLAYER-IN", "-p", "tcp", "--dport", "8080", "-j", "ACCEPT")
    assert booted.answers(), "it can be reached once it is let through, so that it was the firewall"
    booted.run("systemctl", "restart", "cloudlayer-firewall.service")
    assert not booted.answers()


CLOUD_AND_CONTAINER = """
set -eu
ip netns add cloud
ip link add cloud0 type veth peer name eth0 netns cloud
ip addr add 169.254.1.1/16 dev cloud0; ip link set cloud0 up
ip -n cloud addr add 169.254.169.254/16 dev eth0; ip -n cloud link set eth0 up; ip -n cloud link set lo up
ip -n cloud route add default via 169.254.1.1
cd /srv; setsid ip netns exec cloud python3 -m http.server 80 </dev/null >/dev/null 2>&1 &
ip netns add container
ip link add container0 type veth peer name eth0 netns container
ip link set container0 master docker0; ip link set container0 up
ip -n container addr add 172.17.0.77/16 dev eth0; ip -n container link set eth0 up
ip -n container route add default via 172.17.0.1
until ip netns exec cloud ss -ltn | grep -q :80; do sleep 0.2; done
"""
ASK = "exec 3<>/dev/tcp/169.254.169.254/80 && echo reached"
INSIDE = ("ip", "netns", "exec", "container", "timeout", "5", "bash", "-c", ASK)
"""From a network namespace on Docker's bridge, which is all that the rules see of a container."""


def test_no_container_reaches_the_metadata_service_which_the_machine_itself_does(booted):
    booted.run(*STAY)
    booted.run("timeout", "60", "sh", "-s", text=CLOUD_AND_CONTAINER)
    assert booted.run("timeout", "5", "bash", "-c", ASK) == "reached\n"
    with pytest.raises(CloudLayerError):
        booted.run(*INSIDE)
    booted.run("iptables", "-t", "mangle", "-F", "CLOUDLAYER-FORWARD")
    assert booted.run(*INSIDE) == "reached\n", "it is reached without the rule, so that it was the rule"
    booted.run("systemctl", "restart", "cloudlayer-firewall.service", "docker.service")
    with pytest.raises(CloudLayerError):
        booted.run(*INSIDE)


def test_the_host_key_of_the_user_data_is_worth_nothing_after_the_first_contact(booted):
    booted.run(*STAY)
    assert not booted.keys.is_first(ROW.id)
    now = booted.clouds.reach.access(ROW)
    assert set(now.host_keys).isdisjoint(booted.first)
    assert run_once(now, "m1", ["whoami"]).decode() == f"{USER}\n"
    with pytest.raises(HostKeyRefused):
        run_once(replace(now, host_keys=booted.first), "m1", ["whoami"])


def test_a_machine_that_nobody_asks_for_any_more_ends_itself(booted):
    booted.run(*STAY)
    begun = time.monotonic()
    assert booted.machine.ended(within=EXPIRY + 120)
    assert time.monotonic() - begun >= EXPIRY - 30
