"""This host, as it is and as a large one, to hold the suite against."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import pytest

from cloudlayer.providers.local import proxies
from cloudlayer.providers.local.balancers import BalancerRecord
from cloudlayer.providers.local.groups import GroupRecord
from cloudlayer.providers.local.host import GpuDevice, HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.providers.local.volumes import SnapshotRecord, VolumeRecord
from cloudlayer.resources import InstanceSpec
from cloudlayer.testing import Faults
from cloudlayer.units import GIB, MIB
from tests.conformance.local.disk import FailingDisk

LARGE = HostFigures(
    millicores=64_000,
    memory=256 * GIB,
    disk=1024 * GIB,
    devices=tuple(GpuDevice(index, f"GPU-{index}", "L4", 24 * GIB) for index in range(4)),
)


FOLDERS = {"instance": "machines", "group": "groups", "balancer": "balancers", "volume": "volumes", "snapshot": "snapshots"}


class LocalFaults(Faults):
    """A host is full when others took what there was, and its disk can fail; it knows no account and no network."""

    def __init__(self, provider):
        self._compute = provider.compute
        self._state = provider.compute.records.state
        self._disk = FailingDisk(self._state)
        self._others = []

    def clear(self):
        self._disk.heal()
        self._compute.delete(self._others)
        self._others = []

    def launched(self):
        made = [len(json.loads(path.read_text())["launched"]) for path in (self._state / "tokens").glob("*.json")]
        return sum(made) - len(self._others)

    def lack_capacity(self, after=0):
        smallest = self._compute.offers()[0]
        rest = InstanceSpec(machine_type=smallest.machine_type.name)
        made = self._compute.create_batch([rest] * (smallest.available - after), token=str(uuid4()))
        self._others = [machine.id for machine in made]

    def smallest_pages(self):
        """A host has no pages."""

    def break_off(self, after):
        self._disk.fail_after(after)

    def lose_answer(self, kind="instance"):
        folder = self._state / FOLDERS[kind]

        def made(path):
            if kind == "instance":
                return path.startswith(f"{folder}/") and path.endswith("/machine.json")
            return Path(path).parent == folder and not Path(path).name.startswith(".")

        self._disk.fail_once_after_the_rename_to(made)

    def deny(self, kind="instance"):
        self._disk.forbid_folders_in(self._state / FOLDERS[kind])

    def holdings(self, labels):
        found = Counter()
        for path in [*self._state.glob("*/*/record.json"), *self._state.glob("*/*/machine.json")]:
            record, kind = json.loads(path.read_text()), path.parent.parent.name
            if path.parent.name.startswith(".gone-") or not labels.items() <= record["labels"].items():
                continue
            found[kind] += 1
            found["processes"] += kind == "balancers" and proxies.holder(path.parent) is not None
        return {kind: count for kind, count in found.items() if count}

    def leave_pieces(self, labels):
        common = {"id": f"left-{uuid4()}", "token": str(uuid4()), "digest": "", "created_at": 0.0, "labels": dict(labels)}
        pieces = {
            "volumes": VolumeRecord(size=1, **common),
            "snapshots": SnapshotRecord(size=1, volume="vol-left", **common),
            "balancers": BalancerRecord(address="", listeners=(), check={}, drain=1.0, **common),
            "groups": GroupRecord(spec={}, desired=0, **common),
        }
        for kind, record in pieces.items():
            folder = self._state / kind / f".draft-{record.id}"
            folder.mkdir(parents=True)
            (folder / "record.json").write_text(json.dumps(asdict(record)))
        return len(pieces)


class OnALargeHost:
    """This host with the figures of a large one."""

    proof = "real service"
    calls = 400
    """Each touch of a file is one."""

    @pytest.fixture(autouse=True)
    def a_host_that_lacks_nothing(self, monkeypatch):
        """`check` tells what the host lacks, and one without control groups keeps these promises too."""
        monkeypatch.setattr("cloudlayer.runtime.process.cgroups.detect", lambda: True)
        monkeypatch.delenv("DOCKER_HOST", raising=False)

    @pytest.fixture
    def provider(self, tmp_path):
        return LocalProvider(tmp_path / "state", lambda: LARGE)

    @pytest.fixture
    def faults(self, provider):
        return LocalFaults(provider)


class OnThisHost(OnALargeHost):
    """As it is; batches larger than a small host are the large one's."""

    page = 1

    @pytest.fixture
    def provider(self, tmp_path):
        import cloudlayer

        return cloudlayer.connect("local", state=tmp_path / "state")

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(cpu=0.001, memory=MIB)
