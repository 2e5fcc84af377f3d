"""A replica's life: it starts once, serves, ends, and is gone."""

import os
import threading
import time
import uuid

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline, ReplicaExit, ReplicaState
from cloudlayer.labels import MACHINE, OWNER
from cloudlayer.runtime.docker.daemon import DEFAULT_HOST
from tests.runtime.functions import post, until


def test_a_started_replica_becomes_ready_and_answers(fleet, engine):
    status = fleet.ready(engine)
    assert fleet.call(status, "result = 6 * 7") == (200, "[42]")
    assert status.handle == engine._client.inspect_container(f"cloudlayer-{status.id}")["Id"]


def test_a_replica_that_is_not_there_is_none_has_no_logs_and_stops_without_error(engine):
    unknown = str(uuid.uuid4())
    assert engine.get(unknown) is None
    assert list(engine.logs(unknown)) == []
    engine.stop(unknown)
    assert engine.wait(unknown, deadline=Deadline.after(1)).state is ReplicaState.EXITED


def test_starting_again_adopts_what_runs(fleet, engine):
    spec = fleet.spec()
    engine.start(spec)
    first = engine.wait(spec.id, deadline=Deadline.after(20))
    again = fleet.engine().start(spec)
    assert again == first
    assert len(engine.list()) == 1


def test_many_starts_at_once_start_one_container(fleet, engine):
    spec, found, other = fleet.spec(), [], fleet.engine()
    engine.prepare(spec)
    threads = [threading.Thread(target=lambda by=by: found.append(by.start(spec).handle)) for by in (engine, other) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 6
    assert len(set(found)) == 1


def test_a_replica_that_ended_never_runs_again(fleet, engine):
    spec = fleet.spec()
    status = engine.wait(engine.start(spec).id, deadline=Deadline.after(20))
    with pytest.raises(OSError):
        fleet.call(status, "import os; os._exit(3)")
    ended = fleet.until_ended(engine, spec.id)
    assert ended.exit is ReplicaExit.CRASHED
    assert "code 3" in ended.message
    assert fleet.engine().start(spec) == ended


def test_a_stopped_replica_never_runs_again(fleet, engine):
    status = fleet.ready(engine)
    engine.stop(status.id)
    assert engine.get(status.id) is None
    again = fleet.engine().start(fleet.spec(id=status.id))
    assert (again.state, again.exit) == (ReplicaState.EXITED, ReplicaExit.STOPPED)
    assert engine.list() == []


def test_a_replica_whose_container_someone_else_removed_never_runs_again(fleet, engine):
    status = fleet.ready(engine)
    engine._client.remove_container(status.handle, force=True)
    again = engine.start(fleet.spec(id=status.id))
    assert (again.state, again.exit) == (ReplicaState.EXITED, ReplicaExit.CRASHED)
    assert engine.list() == []


def test_a_stop_before_the_start_wins(fleet, engine):
    spec = fleet.spec()
    engine.stop(spec.id)
    assert engine.start(spec).exit is ReplicaExit.STOPPED
    assert engine.list() == []


def test_a_stop_that_races_a_start_leaves_nothing(fleet, engine):
    engine.prepare(fleet.spec())
    for pause in (0.0, 0.02, 0.05, 0.15):
        spec = fleet.spec()
        starting = threading.Thread(target=fleet.engine().start, args=(spec,))
        starting.start()
        time.sleep(pause)
        engine.stop(spec.id, grace=0)
        starting.join(30)
        assert engine.get(spec.id) is None


def test_stop_ends_every_process_even_those_that_ignore_being_asked(fleet, engine):
    status = fleet.ready(engine)
    fleet.look(status, STUBBORN)
    group = engine._client.top(status.handle)["Processes"]
    assert len(group) == 3  # init, the worker, and its stubborn child
    began = time.monotonic()
    engine.stop(status.id, grace=0.5)
    assert time.monotonic() - began < 5
    assert engine.get(status.id) is None
    assert engine._client.containers(all=True, filters={"id": status.handle}) == []


STUBBORN = """
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
"""


def test_stopping_twice_at_once_is_no_error(fleet, engine):
    status, errors = fleet.ready(engine), []

    def stop(by):
        try:
            by.stop(status.id, grace=0)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=stop, args=(by,)) for by in (engine, fleet.engine())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert engine.get(status.id) is None


def written(engine, id, **how):
    return [line.text for line in engine.logs(id, **how)]


def test_the_logs_of_a_replica_outlive_it_until_it_is_stopped(fleet, engine):
    status = fleet.ready(engine)
    fleet.look(status, "for number in range(5): print('line', number)")
    until(lambda: written(engine, status.id)[-2:] == ["line 3", "line 4"])  # the engine takes lines in by and by
    with pytest.raises(OSError):
        fleet.call(status, "print('the last'); import os; os._exit(1)")
    assert fleet.until_ended(engine, status.id).message == "it ended with code 1: the last"
    assert written(engine, status.id)[-1] == "the last"
    engine.stop(status.id)
    assert list(engine.logs(status.id)) == []


def test_the_lines_of_one_call_are_found_and_no_mark_is_seen(fleet, engine):
    status = fleet.ready(engine)
    for call in ("a", "b"):
        code = f"import subprocess; print('of', '{call}'); subprocess.run(['echo', 'program of {call}'])"
        assert post(status.address, code.encode(), Content_Type="text/plain", X_Request_Id=call)[0] == 200
    assert fleet.look(status, "print('nobody'); result = 1") == 1
    until(lambda: written(engine, status.id)[-1:] == ["nobody"])
    assert written(engine, status.id, call="b") == ["of b", "program of b"]
    assert written(engine, status.id, tail=3) == ["of b", "program of b", "nobody"]
    assert written(engine, status.id, call="b", tail=1) == ["program of b"]
    assert written(engine, status.id, call="c") == []


def test_list_filters_by_labels_and_tells_of_ended_ones(fleet, engine):
    red = fleet.ready(engine, labels={OWNER: fleet.owner, "colour": "red"})
    blue = fleet.ended(engine, labels={OWNER: fleet.owner, "colour": "blue"}, source=raising(fleet))
    assert {status.id for status in engine.list()} == {red.id, blue.id}
    assert [status.id for status in engine.list({"colour": "red"})] == [red.id]
    assert [(status.id, status.exit) for status in engine.list({"colour": "blue"})] == [(blue.id, ReplicaExit.FAILED_TO_LOAD)]
    assert engine.list({"colour": "red", "other": "x"}) == []


def raising(fleet):
    folder = fleet.folder / "raising"
    folder.mkdir(exist_ok=True)
    (folder / "raising.py").write_text("def load():\n    raise ValueError('no model')\n\ndef apply(input):\n    pass\n")
    return folder


def test_two_machines_do_not_see_or_touch_each_others_replicas(fleet, engine):
    other = fleet.engine("b")
    status = fleet.ready(engine)
    assert status.labels[MACHINE] == fleet.machine().id
    assert other.list() == []
    assert other.get(status.id) is None
    other.stop(status.id)
    assert engine.get(status.id).state is ReplicaState.READY
    with pytest.raises(EngineError, match="another machine"):
        fleet.engine("c").start(fleet.spec(id=status.id))


def test_a_call_whose_time_is_up_says_so_and_the_next_one_goes_through(fleet, engine):
    spec = fleet.spec()
    with pytest.raises(TransientError, match="out of time"):
        engine.start(spec, deadline=Deadline.after(0))
    engine.start(spec)
    assert engine.wait(spec.id, deadline=Deadline.after(20)).state is ReplicaState.READY


def test_close_leaves_replicas_running_and_removes_networks_that_are_empty(fleet, engine):
    status = fleet.ready(engine)
    fleet.engine().close()
    assert fleet.call(status, "result = 1") == (200, "[1]")
    engine.stop(status.id)
    fleet.engine().close()
    assert engine._client.networks(filters={"label": f"{MACHINE}={fleet.machine().id}"}) == []


@pytest.mark.parametrize("host", ["here"], indirect=True)
def test_an_engine_that_went_away_may_be_asked_again_later(fleet, monkeypatch, tmp_path):
    link = tmp_path / "d.sock"
    link.symlink_to((os.environ.get("DOCKER_HOST") or DEFAULT_HOST).removeprefix("unix://"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{link}")
    engine = fleet.engine()
    status = fleet.ready(engine)
    target = link.readlink()
    link.unlink()
    engine._client.close()
    with pytest.raises(TransientError, match="did not answer while looking at a container"):
        engine.get(status.id)
    link.symlink_to(target)
    assert engine.get(status.id) == status
