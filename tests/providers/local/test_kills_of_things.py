"""Whoever is killed while making or removing a volume, snapshot, balancer or group leaves what the next one sets right."""

from contextlib import suppress
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from cloudlayer.errors import Conflict
from cloudlayer.providers.local import proxies
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import InstanceSpec, Listener, LoadBalancerSpec, ScalingGroupSpec, TargetSpec, VolumeSpec
from cloudlayer.units import GIB, MIB
from tests.providers.local.servers import free_port, until
from tests.runtime.simulated.killing import killed_at

pytestmark = pytest.mark.crashes
HOST = HostFigures(millicores=8000, memory=32 * GIB, disk=64 * GIB)
TOKEN, OTHER = str(UUID(int=7)), str(UUID(int=8))
LABELS = {"of": "this-test"}
PORT = free_port()


class OfVolumes:
    folder = "volumes"

    def prepare(self, provider):
        source = provider.storage.create(VolumeSpec(size=MIB), token=OTHER)
        return provider.storage.snapshot(source.id, token=OTHER).id

    def create(self, provider, given):
        return provider.storage.create(VolumeSpec(size=MIB, snapshot=given, labels=LABELS), token=TOKEN)

    def delete(self, provider, id):
        provider.storage.delete(id)

    def all(self, provider):
        return provider.storage.list(LABELS)


class OfSnapshots(OfVolumes):
    folder = "snapshots"

    def prepare(self, provider):
        return provider.storage.create(VolumeSpec(size=MIB), token=OTHER).id

    def create(self, provider, given):
        return provider.storage.snapshot(given, token=TOKEN, labels=LABELS)

    def delete(self, provider, id):
        provider.storage.delete_snapshot(id)

    def all(self, provider):
        return provider.storage.snapshots(LABELS)


class OfBalancers:
    folder = "balancers"

    def prepare(self, provider):
        return provider.compute.create(InstanceSpec(machine_type="eighth"), token=OTHER).id

    def create(self, provider, given):
        listener, target = Listener(port=PORT, protocol="tcp", target_port=PORT + 1), TargetSpec(instance=given)
        spec = LoadBalancerSpec(name="front", listeners=(listener,), targets=(target,), drain=0.5, labels=LABELS)
        return provider.load_balancing.create(spec, token=TOKEN)

    def delete(self, provider, id):
        provider.load_balancing.delete(id)

    def all(self, provider):
        return provider.load_balancing.list(LABELS)


class OfGroups:
    folder = "groups"

    def prepare(self, provider):
        return None

    def create(self, provider, _):
        template = InstanceSpec(machine_type="eighth")
        spec = ScalingGroupSpec(name="web", template=template, max=2, desired=2, labels=LABELS)
        return provider.autoscaling.create(spec, token=TOKEN)

    def delete(self, provider, id):
        provider.autoscaling.delete(id)

    def all(self, provider):
        return provider.autoscaling.list(LABELS)


KINDS = [OfVolumes(), OfSnapshots(), OfBalancers(), OfGroups()]
BY_FOLDER = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.folder)


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch):
    """Nothing here is about the power going off, and hundreds of syncs are slow."""
    monkeypatch.setattr("os.fsync", lambda _: None)


def after_every_kill(tmp_path, prepare, work):
    """A provider for each step at which the work can be killed, after the kill; nothing of one runs when the next comes."""
    for step in count():
        provider = LocalProvider(tmp_path / str(step), lambda: HOST)
        given = prepare(provider)
        killed = killed_at(step, tmp_path, lambda provider=provider, given=given: work(provider, given))
        try:
            if not killed:
                assert step > 3, "the work has hardly any steps: are they counted?"
                return
            yield provider, given
        finally:
            for balancer in provider.load_balancing.list():
                provider.load_balancing.delete(balancer.id)


def left_in(provider, kind):
    return [path.name for path in (provider.compute.records.state / kind.folder).glob(".*")]


@BY_FOLDER
def test_a_killed_create_is_made_whole_by_its_token(kind, tmp_path):
    calm = LocalProvider(tmp_path / "calm", lambda: HOST)
    undisturbed = kind.create(calm, kind.prepare(calm))
    expected = pieces(calm)
    kind.delete(calm, undisturbed.id)
    for provider, given in after_every_kill(tmp_path, kind.prepare, kind.create):
        made = kind.create(provider, given)
        assert (made.id, made.state) == (undisturbed.id, undisturbed.state)
        assert [thing.id for thing in kind.all(provider)] == [made.id]
        assert pieces(provider) == expected
        assert left_in(provider, kind) == []


def pieces(provider):
    """How many machines, folders of things and processes there are."""
    state = provider.compute.records.state
    running = sum(proxies.holder(folder) is not None for folder in (state / "balancers").glob("*"))
    kinds = [kind.folder for kind in KINDS]
    return len(provider.compute.list()), running, *(len(list((state / folder).glob("*"))) for folder in kinds)


@BY_FOLDER
def test_a_killed_delete_is_ended_by_asking_again(kind, tmp_path):
    def prepare(provider):
        given = kind.prepare(provider)
        return given, kind.create(provider, given).id

    for provider, (given, made) in after_every_kill(tmp_path, prepare, lambda provider, given: kind.delete(provider, given[1])):
        kind.delete(provider, made)
        assert kind.all(provider) == []
        assert left_in(provider, kind) == []
        with pytest.raises(Conflict):
            kind.create(provider, given)
        assert not [machine for machine in provider.compute.list() if LABELS.items() <= machine.labels.items()]


@BY_FOLDER
def test_what_a_killed_create_left_is_told_and_can_be_removed(kind, tmp_path):
    told = 0
    for provider, _ in after_every_kill(tmp_path, kind.prepare, kind.create):
        leftovers = provider.leftovers(LABELS)
        told += len(leftovers)
        for leftover in leftovers:
            assert leftover.kind == kind.folder
            provider.delete_leftover(leftover)
        assert provider.leftovers(LABELS) == []
        for thing in kind.all(provider):
            kind.delete(provider, thing.id)
        without_records = [path for path in left_in(provider, kind) if (path_in(provider, kind, path) / "record.json").exists()]
        assert without_records == []
    assert told > 0


def path_in(provider, kind, name):
    return Path(provider.compute.records.state / kind.folder / name)


def test_a_process_whose_balancer_is_gone_ends_by_itself(tmp_path):
    kind = OfBalancers()
    for provider, machine in after_every_kill(tmp_path, kind.prepare, kind.create):
        folders = list((provider.compute.records.state / "balancers").glob("lb-*"))
        pids = [pid for pid in map(proxies.holder, folders) if pid is not None]
        for folder in folders:
            folder.rename(folder.with_name(".gone-by-hand"))
        until(lambda pids=pids: not any(alive(pid) for pid in pids))
        assert provider.compute.get(machine).state == "running"


def alive(pid):
    with suppress(FileNotFoundError, ProcessLookupError):
        return b"local.proxy" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
