"""Real hosts in an inventory, to hold the suite against, and what can go wrong between them and us."""

import json
import shlex
import subprocess
from inspect import signature
from uuid import uuid4

import pytest

from cloudlayer.labels import TOKEN
from cloudlayer.providers.ssh.provider import SshProvider
from cloudlayer.resources import InstanceSpec
from cloudlayer.testing import Faults

HOSTS, DISTURBED = 5, 3
CLAIM = "/var/lib/cloudlayer/claim.json"
ALL = 1_000_000

# Stands before the SSH client: it sees every connection and nothing of the driver.
SHIM = """\
#!/bin/sh
cd {folder} && exec 9>lock && flock 9
read -r mode left <plan
said=$(mktemp) && trap 'rm -f "$said"' EXIT && cat >"$said"
claims() {{ grep -q mktemp "$said"; }}
fails() {{ echo "$1" >&2; exit "$2"; }}
case $mode in
  after) if [ "$left" = 0 ]; then fails "Connection timed out" 255; fi; echo "after $((left - 1))" >plan ;;
  times) if [ "$left" != 0 ]; then echo "times $((left - 1))" >plan; fails "Connection timed out" 255; fi ;;
  auth) fails "root@host: Permission denied (publickey)." 255 ;;
  deny) if claims; then fails "sudo: a password is required" 1; fi ;;
  lose) if claims; then echo "times 0" >plan; {ssh} "$@" <"$said" >/dev/null 2>&1; fails "Connection reset by peer" 255; fi ;;
esac
exec 9>&-
exec {ssh} "$@" <"$said"
"""


class BoxFaults(Faults):
    """Machines are taken when others claimed them, and the connections to them break; there is no account and no page."""

    def __init__(self, hosts, folder, other, state):
        self._hosts = hosts
        self._folder = folder
        self._other = other
        self._state = state
        self._taken = []
        self._plan("times 0")

    def clear(self):
        self._plan("times 0")
        self._other.compute.delete(self._taken)
        self._taken = []

    def launched(self):
        records = [json.loads(path.read_text()) for path in self._state.glob("*/claims/*.json")]
        # Those that others claimed, to leave no room, bear no label of a test.
        return sum(record["state"] != "making" and bool(record["claim"]["labels"]) for record in records)

    def holdings(self, labels):
        found = sum(labels.items() <= claim.items() for claim in map(self._labels_on, self._hosts))
        return {"claims": found} if found else {}

    def lack_capacity(self, after=0):
        free = sum(offer.available for offer in self._other.compute.offers())
        made = self._other.compute.create_batch([InstanceSpec(cpu=0.5)] * (free - after), token=str(uuid4()))
        self._taken = [machine.id for machine in made]

    def smallest_pages(self):
        """An inventory has no pages."""

    def break_calls(self, times=None):
        self._plan(f"times {ALL if times is None else times}")

    def break_off(self, after):
        self._plan(f"after {after}")

    def lose_answer(self, kind="instance"):
        self._plan("lose 1")

    def fail_auth(self):
        self._plan("auth 0")

    def deny(self, kind="instance"):
        self._plan("deny 0")

    def _plan(self, text):
        (self._folder / "plan").write_text(f"{text}\n")

    def _labels_on(self, host):
        said = on(host, f"cat {CLAIM} 2>/dev/null || true")
        claim = json.loads(said) if said else {"labels": {}, "token": ""}
        return {**claim["labels"], TOKEN: claim["token"]}


def on(host, command):
    """What a command prints on a host, by the plain SSH client."""
    options = ["-i", str(host.key), "-o", f"UserKnownHostsFile={host.known_hosts}", "-o", "BatchMode=yes", "-p", str(host.port)]
    return subprocess.check_output(["/usr/bin/ssh", "-F", "none", *options, f"root@{host.address}", command], text=True)


def inventory(path, hosts, **more):
    """An inventory of these hosts at `path`."""
    entries = [
        {"name": host.name, "address": host.address, "port": host.port, "key": str(host.key), "host_key": str(host.known_hosts)}
        for host in hosts
    ]
    lines = [
        "\n".join(["[[machine]]", *(f"{name} = {json.dumps(value)}" for name, value in {**entry, **more}.items())])
        for entry in entries
    ]
    path.write_text("\n\n".join(lines))
    return path


class OnBoxes:
    """Hosts that are reached by SSH alone. Where nothing is to go wrong, one look at them does for all tests of a class."""

    proof = "real service"
    page = 1

    @pytest.fixture
    def machines(self, hosts):
        """Fewer where something goes wrong, since each is looked at again and again."""
        return hosts(HOSTS)[:DISTURBED]

    @pytest.fixture
    def boxes(self, machines, tmp_path, monkeypatch):
        """The folder of this test: an inventory, and the shim before the SSH client."""
        inventory(tmp_path / "boxes.toml", machines)
        (tmp_path / "bin").mkdir()
        shim = tmp_path / "bin" / "ssh"
        shim.write_text(SHIM.format(folder=shlex.quote(str(tmp_path)), ssh="/usr/bin/ssh"))
        shim.chmod(0o755)
        (tmp_path / "plan").write_text("times 0\n")
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin:/usr/sbin:/sbin")
        return tmp_path

    @pytest.fixture(scope="class")
    @classmethod
    def calm(cls, host_set, tmp_path_factory):
        folder = tmp_path_factory.mktemp("calm")
        return SshProvider(inventory(folder / "boxes.toml", host_set(HOSTS)), folder / "state")

    @pytest.fixture
    def provider(self, request):
        if not _disturbed(request):
            return request.getfixturevalue("calm")
        boxes = request.getfixturevalue("boxes")
        return SshProvider(boxes / "boxes.toml", boxes / "state")

    @pytest.fixture
    def faults(self, request):
        if not _disturbed(request):
            return Faults()
        machines, boxes = request.getfixturevalue("machines"), request.getfixturevalue("boxes")
        return BoxFaults(machines, boxes, SshProvider(boxes / "boxes.toml", boxes / "others"), boxes / "state")

    @pytest.fixture
    def absent_instance(self):
        return "i-00000000000000000"


def _disturbed(request):
    """Whether something is to go wrong in the test."""
    return "faults" in signature(request.function).parameters
