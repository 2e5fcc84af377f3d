"""A process that is killed at any step leaves a host that the next one sets right."""

import os
from contextlib import suppress
from itertools import count
from uuid import UUID

import pytest

from cloudlayer.errors import Conflict
from cloudlayer.interfaces import ReplicaSpec
from cloudlayer.providers.local import records
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.resources import Instance, InstanceSpec, InstanceState
from cloudlayer.units import GIB
from tests.runtime.simulated.killing import killed_at

pytestmark = pytest.mark.crashes
HOST = HostFigures(millicores=8000, memory=32 * GIB, disk=64 * GIB)
SPECS = [InstanceSpec(machine_type="quarter", name=name) for name in ("a", "b")]
TOKEN = str(UUID(int=7))


def every_kill(tmp_path, prepare, work):
    """A state folder for each step at which the work can be killed, after the kill."""
    for step in count():
        provider = LocalProvider(tmp_path / str(step), lambda: HOST)
        given = prepare(provider)
        if not killed_at(step, tmp_path, lambda provider=provider, given=given: work(provider, given)):
            assert step > 5, "the work has hardly any steps: are they counted?"
            return
        yield provider, given


def test_a_killed_create_is_made_whole_by_its_token(tmp_path):
    def create(provider, _):
        return provider.compute.create_batch(SPECS, token=TOKEN)

    for provider, _ in every_kill(tmp_path, lambda _: None, create):
        answers = create(provider, None)
        assert [answer.name for answer in answers if isinstance(answer, Instance)] == ["a", "b"]
        machines = provider.compute.list()
        assert sorted(machine.id for machine in machines) == sorted(answer.id for answer in answers)
        assert len(list((provider.compute.records.state / "machines").iterdir())) == 2


def test_what_a_killed_create_made_is_never_made_again_once_it_is_deleted(tmp_path):
    def create(provider, _):
        with suppress(Conflict):
            provider.compute.create_batch(SPECS, token=TOKEN)

    for provider, _ in every_kill(tmp_path, lambda _: None, create):
        made = {machine.id for machine in provider.compute.list()}
        provider.compute.delete(made)
        create(provider, None)
        assert not made & {machine.id for machine in provider.compute.list()}


def with_replicas(provider):
    made = provider.compute.create_batch(SPECS, token=TOKEN)
    engine = provider.engine("simulated", made[0])
    engine.start(ReplicaSpec(id=TOKEN, function="a/B", version="1.0.0", cpu=1, memory=GIB))
    return made


def test_a_killed_delete_is_ended_by_whoever_looks_next_or_by_asking_again(tmp_path):
    for provider, made in every_kill(tmp_path, with_replicas, lambda provider, made: provider.compute.delete([made[0].id])):
        states = {machine.id: machine.state for machine in provider.compute.list()}
        assert states.get(made[0].id) in (None, InstanceState.RUNNING)
        provider.compute.delete([made[0].id])
        assert [machine.id for machine in provider.compute.list()] == [made[1].id]
        again = provider.compute.create_batch(SPECS, token=TOKEN)
        assert [answer.state for answer in again] == [InstanceState.DELETED, InstanceState.RUNNING]
        assert [machine.id for machine in provider.compute.list()] == [made[1].id]


def test_a_killed_stop_is_ended_by_whoever_looks_next(tmp_path):
    for provider, made in every_kill(tmp_path, with_replicas, lambda provider, made: provider.compute.stop(made[0].id)):
        found = next(machine for machine in provider.compute.list() if machine.id == made[0].id)
        assert found.state in (InstanceState.RUNNING, InstanceState.STOPPED)
        provider.compute.stop(made[0].id)
        provider.compute.start(made[0].id)
        assert provider.engine("simulated", found).list() == []


def test_a_kill_in_the_middle_of_a_write_leaves_the_record_as_it_was(tmp_path):
    provider = LocalProvider(tmp_path / "state", lambda: HOST)
    (made, _) = provider.compute.create_batch(SPECS, token=TOKEN)
    if not (child := os.fork()):

        def half(descriptor):
            os.ftruncate(descriptor, 20)
            os._exit(9)

        os.fsync = half
        try:
            provider.compute.stop(made.id)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert provider.compute.get(made.id) == made
    provider.compute.stop(made.id)
    assert provider.compute.get(made.id).state is InstanceState.STOPPED


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch):
    """Nothing here is about the power going off, and hundreds of syncs are slow."""
    monkeypatch.setattr("os.fsync", lambda _: None)


def test_who_looks_in_the_middle_of_a_deletion_does_not_bring_the_machines_folder_back(tmp_path, monkeypatch):
    provider, other = (LocalProvider(tmp_path / "state", lambda: HOST) for _ in range(2))
    (made, _) = provider.compute.create_batch(SPECS, token=TOKEN)
    discard = records._discard

    def look_first(path):
        if path.name == "machine.json":
            other.compute.list()
        discard(path)

    monkeypatch.setattr(records, "_discard", look_first)
    provider.compute.delete([made.id])
    assert not provider.compute.records.folder(made.id).exists()
