"""A world in a file is whole at every moment, whoever writes it and whoever is killed at it."""

import threading
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from uuid import UUID, uuid4

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.simulated import World
from cloudlayer.resources import InstanceSpec
from cloudlayer.runtime.simulated.records import Settings, empty
from cloudlayer.runtime.simulated.store import FileStore, MemoryStore
from tests.runtime.simulated.killing import killed_at

SMALL = InstanceSpec(machine_type="cpu-2")


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    def new():
        return empty(Settings())

    return MemoryStore(new) if request.param == "memory" else FileStore(tmp_path / "world.json", new)


def test_what_a_transaction_changes_is_kept(store):
    with store.transaction() as document:
        document["serial"] = 7
    assert store.read()["serial"] == 7


def test_a_transaction_that_fails_changes_nothing(store):
    with pytest.raises(ZeroDivisionError), store.transaction() as document:
        document["serial"] = 7
        raise ZeroDivisionError
    assert store.read()["serial"] == 0
    with store.transaction() as document:
        assert document["serial"] == 0


def test_what_is_done_to_a_document_that_was_read_is_lost(store):
    store.read()["serial"] = 7
    assert store.read()["serial"] == 0


def test_transactions_of_many_threads_are_one_after_the_other(store):
    def add():
        for _ in range(25):
            with store.transaction() as document:
                document["serial"] += 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert store.read()["serial"] == 100


def create_some(file):
    compute = World(file).connect().compute
    return [compute.create(SMALL, token=str(uuid4())).id for _ in range(10)]


def test_several_processes_use_one_world_at_once(tmp_path):
    file = tmp_path / "world.json"
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        made = [one for some in processes.map(create_some, [file] * 3) for one in some]
    assert len(set(made)) == 30
    assert sorted(made) == [found.id for found in World(file).instances()]
    assert World(file).counts() == {"create": 30}


def test_a_world_survives_a_kill_at_every_step(tmp_path):
    token = str(UUID(int=7))
    for step in count():
        file = tmp_path / str(step) / "world.json"
        World(file)

        def create(file=file):
            return World(file).connect().compute.create_batch([SMALL, SMALL], token=token)

        if not killed_at(step, file.parent, create):
            break
        before = [found.id for found in World(file).instances()]
        assert len(before) in (0, 2)
        assert [answer.id for answer in create()] == (before or [found.id for found in World(file).instances()])
        assert len(World(file).instances()) == 2
    assert step > 5


def test_a_file_that_cannot_be_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSpec, match=r"world\.json"):
        World(tmp_path / "file" / "world.json")


@pytest.mark.parametrize("content", ["# not a world", "[]", "{}"])
def test_a_file_that_is_no_world_is_refused_by_name(tmp_path, content):
    (tmp_path / "world.json").write_text(content)
    with pytest.raises(InvalidSpec, match=r"world\.json"):
        World(tmp_path / "world.json")


def test_only_its_owner_may_read_a_world(tmp_path):
    World(tmp_path / "world.json").connect().compute.list()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
