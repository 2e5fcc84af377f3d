"""Sharing a device side by side, and in turn."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from cloudlayer.errors import EngineError, Unsupported
from cloudlayer.runtime.gpu import checkpoint, multi_process
from cloudlayer.runtime.gpu.reading import read
from cloudlayer.runtime.hosts.local import LocalHost
from cloudlayer.units import MIB


def states(host):
    return [one["state"] for one in host.read()["processes"]]


@pytest.fixture
def full(host):
    """One device that two processes fill only in turn."""
    host.change(
        gpus=[{"uuid": "GPU-0", "model": "H100", "memory": 1000}],
        processes=[
            {"pid": 11, "uuid": "GPU-0", "used": 700, "state": "running"},
            {"pid": 12, "uuid": "GPU-0", "used": 600, "state": "checkpointed"},
        ],
    )
    return host


def test_memory_that_is_moved_off_is_free_and_comes_back_the_same(full):
    checkpoint.move_off(full, (11,))
    assert read(full).gpus[0].used == 0
    checkpoint.bring_back(full, (12,))
    assert read(full).gpus[0].used == 600 * MIB
    assert states(full) == ["checkpointed", "running"]


def test_what_has_no_room_stays_off_and_the_others_live_on(full):
    with pytest.raises(EngineError, match="out of memory"):
        checkpoint.bring_back(full, (12,))
    assert states(full) == ["running", "checkpointed"]


def test_doing_it_twice_is_doing_it_once(full):
    checkpoint.move_off(full, (11, 12))
    checkpoint.move_off(full, (11, 12))
    assert states(full) == ["checkpointed", "checkpointed"]


def test_a_machine_without_the_tool_says_which(host, tmp_path):
    (tmp_path / "bin" / "cuda-checkpoint").unlink()
    with pytest.raises(EngineError, match="is cuda-checkpoint installed there"):
        checkpoint.move_off(host, (1,))


@pytest.mark.parametrize("driver", ["550.54.15", "", "none"])
def test_an_old_driver_is_told_from_one_that_can(driver):
    with pytest.raises(Unsupported, match="555 or newer"):
        checkpoint.require(driver)
    checkpoint.require("555.42.02")


def test_the_service_for_sharing_is_started_once(host):
    multi_process.ensure(host, 65534, 65534)
    multi_process.ensure(host, 65534, 65534)
    assert host.read()["starts"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a process a view of files of its own")
def test_the_service_has_shared_memory_of_its_own_that_the_machine_does_not_see(tmp_path, monkeypatch):
    folder, shared = tmp_path / "pipe", tmp_path / "memory"
    monkeypatch.setattr(multi_process, "FOLDER", str(folder))
    monkeypatch.setattr(multi_process, "SHARED", str(shared))
    programs = tmp_path / "bin"
    programs.mkdir()
    daemon = programs / "nvidia-cuda-mps-control"
    daemon.write_text('#!/bin/sh\n[ "$1" = -d ] || exit 1\necho of the service > /dev/shm/pipe.x\n')
    daemon.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    tmp_path.chmod(0o755)
    try:
        multi_process.ensure(LocalHost(), os.getuid(), os.getgid())
        assert (shared / "pipe.x").read_text() == "of the service\n"
        assert not Path("/dev/shm/pipe.x").exists()
        assert shared.stat().st_mode & 0o777 == 0o700
        multi_process.ensure(LocalHost(), os.getuid(), os.getgid())
    finally:
        subprocess.run(["umount", shared], check=False)
    assert not (shared / "pipe.x").exists()


SLOW = """#!/bin/sh
if [ "$1" = -d ]; then [ ! -e serves ] && touch serves; exit; fi
if [ ! -e serves ]; then sleep 0.3; exit 1; fi
"""


def test_of_two_that_start_the_service_at_once_one_does(host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin" / "nvidia-cuda-mps-control").write_text(SLOW)
    barrier = Barrier(2)

    def start(_):
        barrier.wait(10)
        multi_process.ensure(host, 65534, 65534)

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(start, range(2))) == [None, None]


def test_a_machine_without_the_service_says_what_to_do(host, tmp_path):
    (tmp_path / "bin" / "nvidia-cuda-mps-control").unlink()
    with pytest.raises(EngineError, match="cannot be shared on box: install"):
        multi_process.ensure(host, 65534, 65534)


def test_a_client_is_limited_to_its_share_of_each_of_its_devices():
    found = multi_process.environment((2, 5), 6 * 1024 * MIB, 250)
    assert found["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=6144M,1=6144M"
    assert found["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "25"
    assert "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE" not in multi_process.environment((0,), MIB, None)
