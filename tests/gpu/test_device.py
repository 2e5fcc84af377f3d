"""On a real device: shares are seen and kept, and what is moved off it comes back the same."""

import os
import shutil
from dataclasses import replace

import pytest

from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.gpu import checkpoint, multi_process
from cloudlayer.runtime.gpu.reading import read
from cloudlayer.runtime.gpu.shares import Share, exceeding
from cloudlayer.runtime.hosts.local import LocalHost
from cloudlayer.units import MIB

OUT_OF_MEMORY = "cuMemAlloc 2"


@pytest.fixture
def host():
    return LocalHost()


def held(host, pid):
    """What a process holds of device 0, once the driver tells of it."""
    deadline = Deadline.after(20)
    while True:
        found = [one.used for one in read(host).processes if one.pid == pid and one.used]
        if found:
            return sum(found)
        deadline.check("waiting for the driver to tell of a process")


def by_process(reading):
    """Each process as if it were a container of its own."""
    return replace(reading, processes=tuple(replace(one, container=str(one.pid)) for one in reading.processes))


def test_two_processes_share_a_device_and_only_the_one_that_exceeds_its_share_is_named(host, hold):
    modest, greedy = hold(256), hold(2048)
    assert (modest.said, greedy.said) == ("held", "held")
    assert held(host, modest.pid) >= 256 * MIB
    assert held(host, greedy.pid) >= 2048 * MIB
    # A context takes some hundreds of MiB beside what a process asks for.
    shares = [Share(name, str(one.pid), (0,), 1500 * MIB) for name, one in (("modest", modest), ("greedy", greedy))]
    (excess,) = exceeding(by_process(read(host)), shares)
    assert excess.replica == "greedy"
    greedy.close()
    assert modest.check() == "same"
    assert not list(exceeding(by_process(read(host)), shares[:1]))


@pytest.mark.skipif(os.geteuid() != 0, reason="the service for sharing is started as another user, by root")
def test_the_service_for_sharing_refuses_what_is_beyond_a_share(host, hold):
    multi_process.ensure(host, os.getuid(), os.getgid())
    environment = {**os.environ, **multi_process.environment((0,), 1024 * MIB, 250)}
    within, beyond = hold(256, environment), hold(4096, environment)
    assert within.said == "held"
    assert beyond.said == OUT_OF_MEMORY
    assert within.check() == "same"


@pytest.mark.skipif(shutil.which(checkpoint.TOOL) is None, reason=f"there is no {checkpoint.TOOL} here")
def test_what_is_moved_off_frees_the_device_and_comes_back_the_same(host, hold):
    checkpoint.require(read(host).gpus[0].driver)
    holder = hold(1024)
    before = read(host).gpus[0].used
    checkpoint.move_off(host, (holder.pid,))
    assert read(host).gpus[0].used <= before - 1024 * MIB
    checkpoint.bring_back(host, (holder.pid,))
    assert holder.check() == "same"
    assert held(host, holder.pid) >= 1024 * MIB
