"""A replica's life on this host: it starts once, serves, ends, and is gone with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cloudlayer.errors import EngineError, InvalidSpec, Unsupported
from cloudlayer.interfaces import Deadline, LogLine, ReplicaExit, ReplicaState
from cloudlayer.runtime.sources import source_digest
from tests.runtime.functions import post, until

MIB = 1024**2


@pytest.fixture(params=["forked", "spawned"])
def way(request, monkeypatch) -> str:
    if request.param == "spawned":
        monkeypatch.setenv("CLOUDLAYER_FORK", "0")
    return request.param


def test_a_replica_starts_serves_and_is_gone_after_stop(host, way) -> None:
    engine, spec = host.engine(), host.spec()
    engine.prepare(spec)
    status = host.run(engine, spec)
    assert status.state is ReplicaState.READY
    assert post(status.address, {"a": 1}) == (200, {"a": 1})
    assert psutil.pid_exists(int(status.handle))
    assert [one.id for one in engine.list(spec.labels)] == [spec.id]
    assert engine.list({"cloudlayer-owner": "another"}) == []
    engine.stop(spec.id)
    assert engine.get(spec.id) is None
    assert engine.list() == []
    assert not Path(status.address.removeprefix("unix:")).exists()


def test_a_replica_on_a_mig_instance_is_refused_in_one_line(host, engine) -> None:
    with pytest.raises(Unsupported, match="makes no MIG instances: ask for a share by memory and compute"):
        engine.start(host.spec(gpu_profile="1g.5gb", devices=(0,), slices=(6,)))


def test_starting_twice_is_starting_once(host, engine) -> None:
    spec = host.spec()
    first = host.run(engine, spec)
    again = [engine.start(spec), host.engine().start(spec)]
    assert [one.handle for one in again] == [first.handle] * 2


def test_many_that_start_one_id_at_once_get_the_same_process(host) -> None:
    spec = host.spec()
    engines = [host.engine() for _ in range(3)]
    host.engines[0].prepare(spec)
    handles: list[str] = []
    threads = [threading.Thread(target=lambda one=one: handles.append(one.start(spec).handle)) for one in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = engines[0].wait(spec.id, deadline=Deadline.after(10))
    assert handles == [status.handle] * 3
    assert post(status.address, 1) == (200, 1)


def test_a_start_after_stop_comes_to_nothing(host, engine) -> None:
    spec = host.spec()
    engine.stop(spec.id)
    status = engine.start(spec)
    assert (status.state, status.exit) == (ReplicaState.EXITED, ReplicaExit.STOPPED)
    assert engine.get(spec.id) is None
    running = host.spec()
    host.run(engine, running)
    engine.stop(running.id)
    assert host.engine().start(running).exit is ReplicaExit.STOPPED


def test_a_stop_that_meets_a_start_wins(host) -> None:
    engines = [host.engine(), host.engine()]
    spec = host.spec()
    for engine in engines:
        engine.prepare(spec)
    for number in range(20):
        one = replace(spec, id=f"r-{number}")
        errors: list[Exception] = []

        def start(one=one, errors=errors) -> None:
            try:
                engines[0].start(one)
            except EngineError as error:
                errors.append(error)

        thread = threading.Thread(target=start)
        thread.start()
        time.sleep(number * 0.0004)  # not for luck: each round meets the start at another of its steps
        engines[1].stop(one.id, grace=0.0)
        thread.join()
        assert errors == []
        assert engines[1].get(one.id) is None
        assert engines[1].start(one).exit is ReplicaExit.STOPPED
    assert engines[0].list() == []
    assert [entry.name for entry in host.context.folder.iterdir()] == ["ended"]


def test_an_id_that_ended_never_runs_again(host, engine) -> None:
    spec = host.spec("import os\ndef apply(input):\n    os._exit(3)\n")
    status = host.run(engine, spec)
    with pytest.raises(OSError):
        post(status.address)
    assert host.until_ended(engine, spec.id).exit is ReplicaExit.CRASHED
    assert host.engine().start(spec).state is ReplicaState.EXITED


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ("os._exit(3)", "ended by itself with exit code 3"),
        ("sys.exit('the last')", "its last words: the last"),
        ("import ctypes; ctypes.string_at(0)", "was killed by SIGSEGV"),
    ],
)
def test_a_replica_that_exits_in_a_call_is_told_as_crashed_with_how(host, way, leave, said) -> None:
    engine, spec = host.engine(), host.spec(f"import os, sys\ndef apply(input):\n    {leave}\n")
    status = host.run(engine, spec)
    with pytest.raises(OSError):
        post(status.address)
    ended = host.until_ended(engine, spec.id)
    assert ended.exit is ReplicaExit.CRASHED
    assert said in ended.message


def test_a_function_that_cannot_be_loaded_says_why(host, way) -> None:
    engine = host.engine()
    spec = host.spec("def load():\n    raise ValueError('no model here')\ndef apply(input): ...\n")
    status = host.run(engine, spec)
    assert (status.exit, status.message) == (ReplicaExit.FAILED_TO_LOAD, "could not be loaded: no model here")
    assert any("ValueError" in line.text for line in engine.logs(spec.id))


def test_a_replica_that_overruns_its_memory_is_told_so_and_the_next_call_elsewhere_works(host, way) -> None:
    engine = host.engine()
    code = "def apply(input):\n    kept = []\n    while True:\n        kept.append(bytearray(b'x' * 2**20))\n"
    spec = host.spec(code, memory=64 * MIB)
    status = host.run(engine, spec)
    try:
        answer = post(status.address)[1]
        assert answer["error"]["error_type"] == "OutOfMemoryError"
    except OSError:
        assert host.until_ended(engine, spec.id).exit is ReplicaExit.OUT_OF_MEMORY


def test_one_huge_allocation_fails_in_the_call_and_the_replica_lives(host, engine) -> None:
    spec = host.spec("def apply(input):\n    return len(bytearray(input))\n")
    status = host.run(engine, spec)
    assert post(status.address, 1000 * MIB)[1]["error"]["error_type"] == "OutOfMemoryError"
    assert post(status.address, 10) == (200, 10)


CHILDREN = """
    import os, subprocess, sys, time
    def apply(input):
        subprocess.Popen(["sleep", "1000"])
        subprocess.Popen(["sleep", "1001"], start_new_session=True, env={}, cwd="/", stdout=-3, stderr=-3)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvp("sleep", ["sleep", "1002"])
            os._exit(0)
        os.wait()
        if input == "leave":
            os._exit(1)
        return os.getpid()
"""


def _sleepers(user: int) -> list[psutil.Process]:
    asleep = [one for one in psutil.process_iter(["name", "status", "uids"]) if one.info["name"] == "sleep"]
    return [one for one in asleep if one.info["uids"].real == user and one.info["status"] != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("how", ["stop", "exit", "kill"])
def test_all_that_a_replica_started_ends_with_it(host, way, how) -> None:
    engine, spec = host.engine(), host.spec(CHILDREN)
    status = host.run(engine, spec)
    user = psutil.Process(int(status.handle)).uids().real
    if how == "exit":
        with pytest.raises(OSError):
            post(status.address, "leave")
    else:
        assert post(status.address, "stay")[0] == 200
        until(lambda: len(_sleepers(user)) == 3)  # the last one may not be a sleep yet
        if how == "kill":
            os.kill(int(status.handle), signal.SIGKILL)
    if how == "stop":
        engine.stop(spec.id)
        assert _sleepers(user) == []
    else:
        host.until_ended(engine, spec.id)
        assert _sleepers(user) == []


def test_stop_lets_a_call_in_flight_end_within_its_grace_and_kills_after_it(host, engine) -> None:
    code = "import time\ndef apply(input):\n    print('begun')\n    time.sleep(input)\n    return 'done'\n"
    for seconds, answered in ((0.3, True), (60, False)):
        spec = host.spec(code)
        status = host.run(engine, spec)
        answers: list[object] = []

        def call(address: str = status.address, seconds: float = seconds, answers: list[object] = answers) -> None:
            try:
                answers.append(post(address, seconds))
            except OSError:
                answers.append(None)

        thread = threading.Thread(target=call)
        thread.start()
        until(lambda one=spec.id: LogLine("begun") in engine.logs(one))
        engine.stop(spec.id, grace=3.0 if answered else 0.2)
        thread.join()
        assert answers == [(200, b"done") if answered else None]
        with contextlib.suppress(psutil.NoSuchProcess):
            assert psutil.Process(int(status.handle)).status() == psutil.STATUS_ZOMBIE


def test_the_log_is_kept_until_stop_and_stays_small(host, engine) -> None:
    code = "def apply(input):\n    for number in range(input):\n        print('line', number, 'x' * 1000)\n"
    spec = host.spec(code)
    status = host.run(engine, spec)
    post(status.address, 3)
    assert [line.text[:6] for line in engine.logs(spec.id, tail=2)] == ["line 1", "line 2"]
    for _ in range(3):
        post(status.address, 5000)
        engine.get(spec.id)
    assert sum(path.stat().st_size for path in (host.root / "m" / spec.id).glob("log*")) < 16 * MIB
    assert engine.logs(spec.id, tail=1)[0].text.startswith("line 4999")


def test_what_runs_is_what_was_deployed_though_the_folder_changed(host, engine) -> None:
    spec = host.spec("def apply(input):\n    return 'old'\n")
    spec = replace(spec, source_digest=source_digest(spec.source))
    engine.prepare(spec)
    (spec.source / "served.py").write_text("def apply(input):\n    return 'new'\n")
    assert post(host.run(engine, spec).address) == (200, b"old")
    with pytest.raises(EngineError, match="deploy it again"):
        engine.prepare(replace(spec, source_digest="0" * 64))


def test_a_killed_warm_parent_is_replaced(host, engine) -> None:
    spec = host.spec()
    engine.prepare(spec)
    next(iter(engine._warmth._parents.values()))._process.kill()
    assert host.run(engine, spec).state is ReplicaState.READY


@pytest.mark.parametrize(
    "line", ["import os; os.abort()", "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"]
)
def test_a_module_that_cannot_be_loaded_before_a_fork_is_loaded_after_it(host, engine, line) -> None:
    spec = host.spec("import odd.thing\ndef apply(input):\n    return odd.thing.value\n", memory=128 * MIB)
    (spec.source / "sub").mkdir()
    package = spec.source / "sub" / "odd"
    package.mkdir()
    (package / "__init__.py").write_text("")
    once = f"import os\nif 'CLOUDLAYER_REPLICA' not in os.environ:\n    {line}\nvalue = 5\n"
    (package / "thing.py").write_text(once)
    (spec.source / "served.py").write_text(
        "import sys, pathlib\nsys.path.append(str(pathlib.Path(__file__).parent / 'sub'))\n"
        "import odd.thing\ndef apply(input):\n    return odd.thing.value\n"
    )
    assert post(host.run(engine, spec).address) == (200, 5)


def test_a_bad_id_or_a_missing_source_is_refused(host, engine) -> None:
    with pytest.raises(InvalidSpec, match="not a replica's id"):
        engine.stop("../etc")
    with pytest.raises(EngineError, match="source folders"):
        engine.start(replace(host.spec(), source=None, image="x"))
    with pytest.raises(EngineError, match="start it first"):
        engine.wait("unknown", deadline=Deadline.after(1))
    engine.stop("unknown")


def test_a_socket_is_reachable_however_long_the_folders_name(host) -> None:
    from cloudlayer.interfaces import MachineContext
    from cloudlayer.runtime.process.engine import ProcessEngine

    folder = host.root / ("long" * 25)
    engine = ProcessEngine(MachineContext("m-2", folder, host.root / "cache"))
    spec = host.spec()
    status = host.run(engine, spec)
    assert len(status.address) < 107
    assert post(status.address, 1) == (200, 1)
    engine.stop(spec.id)
    engine.close()
    assert not Path(status.address.removeprefix("unix:")).exists()
