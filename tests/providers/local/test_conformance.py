"""This host keeps the promises of every provider."""

import json
from uuid import uuid4

import pytest

from cloudlayer.providers.local.host import GpuDevice, HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import InstanceSpec
from cloudlayer.testing import ComputeConformance, Faults
from cloudlayer.units import GIB, MIB

LARGE = HostFigures(
    millicores=64_000,
    memory=256 * GIB,
    disk=1024 * GIB,
    devices=tuple(GpuDevice(index, f"GPU-{index}", "L4", 24 * GIB) for index in range(4)),
)


@pytest.fixture(autouse=True)
def a_host_that_lacks_nothing(monkeypatch):
    """`check` tells what the host lacks, and one without control groups keeps these promises too."""
    monkeypatch.setattr("cloudlayer.runtime.process.cgroups.detect", lambda: True)
    monkeypatch.delenv("DOCKER_HOST", raising=False)


class FullHost(Faults):
    """A host is full when others took what there was."""

    def __init__(self, provider):
        self._compute = provider.compute
        self._others = []

    def clear(self):
        self._compute.delete(self._others)

    def launched(self):
        tokens = self._compute.records.state / "tokens"
        made = [len(json.loads(path.read_text())["launched"]) for path in tokens.glob("*.json")]
        return sum(made) - len(self._others)

    def lack_capacity(self, after=0):
        size = {offer.machine_type.name: offer.available for offer in self._compute.offers()}["thirty-second"]
        rest = InstanceSpec(machine_type="thirty-second")
        self._others = [made.id for made in self._compute.create_batch([rest] * (size - after), token=str(uuid4()))]


class TestALargeHost(ComputeConformance):
    @pytest.fixture
    def provider(self, tmp_path):
        return LocalProvider(tmp_path / "state", lambda: LARGE)

    @pytest.fixture
    def faults(self, provider):
        return FullHost(provider)


class TestThisHost(ComputeConformance):
    """As it is; batches larger than a small host are the large one's."""

    page = 1

    @pytest.fixture
    def provider(self, tmp_path):
        import cloudlayer

        return cloudlayer.connect("local", state=tmp_path / "state")

    @pytest.fixture
    def base_spec(self):
        return InstanceSpec(cpu=0.001, memory=MIB)
