"""Where the host gives less: no control groups, no root. Replicas still start once, serve, and end with all they started."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import ReplicaExit, ReplicaState
from cloudlayer.runtime.process import cgroups, plan
from cloudlayer.runtime.process.inside import sandbox
from tests.runtime.functions import post, until
from tests.runtime.process.test_replicas import CHILDREN

MIB = 1024**2
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def no_groups(monkeypatch):
    monkeypatch.setattr(cgroups, "detect", cgroups.Hierarchies)


def _sleepers(parents: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    every = psutil.process_iter(["name", "status"])
    asleep = [one for one in every if one.info["name"] == "sleep" and one.info["status"] != psutil.STATUS_ZOMBIE]
    found = []
    for one in asleep:
        with contextlib.suppress(psutil.NoSuchProcess):  # another test's may end at this moment
            found += [one] if parents(one) else []
    return found


def test_without_control_groups_all_that_a_replica_started_still_ends(host, no_groups) -> None:
    engine = host.engine()
    spec = host.spec(CHILDREN.replace("env={}, ", ""))
    status = host.run(engine, spec)
    user = psutil.Process(int(status.handle)).uids().real
    post(status.address, "stay")
    until(lambda: len(_sleepers(lambda one: one.uids().real == user)) == 3)  # the last one may not be a sleep yet
    engine.stop(spec.id)
    assert _sleepers(lambda one: one.uids().real == user) == []
    assert any("control groups" in line for line in engine.check())


def test_without_control_groups_memory_is_bounded_in_python(host, no_groups) -> None:
    engine = host.engine()
    status = host.run(engine, host.spec("def apply(input):\n    return len(bytearray(input))\n", memory=64 * MIB))
    assert post(status.address, 400 * MIB)[1]["error"]["error_type"] == "OutOfMemoryError"
    assert post(status.address, 1) == (200, 1)


def _as_nobody(host, act: Callable[[], None]) -> None:
    """Run `act` in a process of an ordinary user, to whom Python is shown though root's home is closed."""
    host.context.folder.parent.chmod(0o777)
    needed = [*plan.interpreter_folders(), Path(sys.prefix).resolve(), Path(cgroups.__file__).parents[3], host.root]
    hidden = plan.covers(needed)
    kept = [str(path) for path in needed if any(path.is_relative_to(cover) for cover in hidden)]
    pid = os.fork()
    if pid == 0:
        try:
            if hidden:
                sandbox.hide([str(path) for path in hidden], kept, [])
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


@as_root
@pytest.mark.parametrize("fork", ["1", "0"])
def test_an_ordinary_user_can_use_it_and_hears_what_is_weaker(host, monkeypatch, fork) -> None:
    monkeypatch.setenv("CLOUDLAYER_FORK", fork)
    spec, leaving = host.spec(), host.spec("import os\ndef apply(input):\n    os._exit(3)\n")

    def act() -> None:
        engine = host.engine()
        assert any("run as root" in line for line in engine.check())
        status = host.run(engine, spec)
        assert (status.state, post(status.address, 1)) == (ReplicaState.READY, (200, 1))
        gone = host.run(engine, leaving)
        with pytest.raises(OSError):
            post(gone.address)
        assert host.until_ended(engine, leaving.id).exit is ReplicaExit.CRASHED
        for one in (spec, leaving):
            engine.stop(one.id)
        assert engine.list() == []
        with pytest.raises(Unsupported, match='engine = "docker"'):
            engine.start(host.spec(internet=False))
        engine.close()

    _as_nobody(host, act)


def test_version_two_groups_are_made_with_their_limits(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "cloudlayer", tmp_path / "cloudlayer" / "m"):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory pids\n")
        (folder / "cgroup.subtree_control").write_text("")
    found = cgroups.detect(tmp_path)
    assert found.unified
    group = found.group("m", "r")
    (folder,) = group.folders
    folder.mkdir()
    for name in ("memory.max", "memory.swap.max", "cpu.max", "cgroup.procs", "cgroup.kill"):
        (folder / name).write_text("")
    group.create(64 * MIB, 0.5)
    assert (folder / "memory.max").read_text() == str(64 * MIB)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "cpu.max").read_text() == "50000 100000"
    assert (tmp_path / "cloudlayer" / "m" / "cgroup.subtree_control").read_text() == "+memory +cpu"
    (folder / "memory.events").write_text("oom 1\noom_kill 1\n")
    assert group.out_of_memory()
    group.kill()
    assert (folder / "cgroup.kill").read_text() == "1"


def test_groups_that_cannot_be_made_are_done_without(tmp_path: Path) -> None:
    assert not cgroups.detect(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu\n")
    assert not cgroups.detect(tmp_path)
