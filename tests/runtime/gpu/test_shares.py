"""Who exceeds a share is named, and nobody else."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import TransientError
from cloudlayer.runtime.gpu.reading import Gpu, GpuProcess, Reading
from cloudlayer.runtime.gpu.shares import Share, exceeding
from cloudlayer.runtime.gpu.watch import GpuWatch
from cloudlayer.units import MIB

CONTAINERS = [letter * 64 for letter in "abc"]
DEVICES = tuple(Gpu(index, f"GPU-{index}", "L4", 24000 * MIB, 0, "560.1") for index in range(2))


def share(number, memory=1000 * MIB, devices=(0,)):
    return Share(f"replica-{number}", CONTAINERS[number], devices, memory)


def held(*processes):
    return Reading(DEVICES, tuple(GpuProcess(device, pid, used, CONTAINERS[whose]) for device, pid, used, whose in processes))


def test_the_one_that_holds_more_is_named_and_its_neighbour_is_not():
    reading = held((0, 1, 1500 * MIB, 0), (0, 2, 900 * MIB, 1))
    (excess,) = exceeding(reading, [share(0), share(1)])
    assert excess.replica == "replica-0"
    assert excess.message == "it held 1500 MiB of GPU 0 and its share is 1000 MiB"


def test_a_device_that_it_was_not_given_is_no_part_of_its_share():
    (excess,) = exceeding(held((1, 1, 10 * MIB, 0)), [share(0)])
    assert (excess.device, excess.memory) == (1, 0)


def test_processes_of_nobody_here_are_nobodys_fault():
    stranger = Reading(DEVICES, (GpuProcess(0, 1, 20000 * MIB, ""), GpuProcess(0, 2, 20000 * MIB, "d" * 64)))
    assert list(exceeding(stranger, [share(0), share(1)])) == []


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 999), st.integers(0, 3000), st.integers(0, 2)), max_size=10),
    st.lists(st.integers(1, 2000), min_size=3, max_size=3),
)
def test_a_replica_is_named_exactly_when_it_is_over_by_more_than_what_rounding_makes(processes, shares):
    reading = held(*((device, pid, used * MIB, whose) for device, pid, used, whose in processes))
    wanted = [share(number, memory * MIB) for number, memory in enumerate(shares)]
    named = {one.replica for one in exceeding(reading, wanted)}
    for number, one in enumerate(wanted):
        mine = [(device, used) for device, _, used, whose in processes if whose == number]
        over = any(
            sum(used for device, used in mine if device == each)
            >= (shares[number] if each == 0 else 0) + sum(device == each for device, _ in mine)
            for each in {device for device, _ in mine}
        )
        assert (one.replica in named) == over


def test_the_watch_tells_of_it_within_a_few_looks_and_survives_a_machine_that_is_away(host, monkeypatch):
    host.change(
        gpus=[{"uuid": "GPU-0", "model": "L4", "memory": 24000}],
        processes=[{"pid": 1, "uuid": "GPU-0", "used": 9, "state": "running"}],
    )
    answers, plain = [TransientError("away", provider="ssh", code="unreachable")], host.run
    monkeypatch.setattr(host, "run", lambda *arguments, **options: raised(answers) or inside(plain(*arguments, **options)))
    told = threading.Event()
    watch = GpuWatch(host, lambda: [share(0, 1 * MIB)], lambda excess: told.set(), period=0.01)
    watch.wake()
    watch.wake()
    assert told.wait(20)
    assert not answers
    watch.close()


def test_what_nobody_foresaw_is_told_and_the_watch_goes_on(host, caplog):
    host.change(gpus=[{"uuid": "GPU-0", "model": "L4", "memory": 24000}])
    looks, again = [], threading.Event()

    def shares():
        looks.append(1)
        if len(looks) == 1:
            raise OSError(28, "No space left on device")
        again.set()
        return [share(0)]

    watch = GpuWatch(host, shares, lambda excess: None, period=0.01)
    watch.wake()
    assert again.wait(20)
    assert "No space left on device" in caplog.text
    watch.close()


def test_a_watch_over_nothing_ends_and_begins_anew_when_there_is_a_share(host):
    host.change(gpus=[{"uuid": "GPU-0", "model": "L4", "memory": 24000}])
    there, seen = [], threading.Event()

    def shares():
        if there:
            seen.set()
        return there

    watch = GpuWatch(host, shares, lambda excess: None, period=0.01)
    watch.wake()
    first = watch._thread
    first.join(20)
    assert not first.is_alive()
    there.append(share(0))
    watch.wake()
    assert seen.wait(20)
    watch.close()


def test_a_share_that_comes_while_it_looks_is_watched(host):
    host.change(gpus=[{"uuid": "GPU-0", "model": "L4", "memory": 24000}])
    answers, seen = [[], [share(0)]], threading.Event()

    def shares():
        watch.wake()
        if len(answers) == 1:
            seen.set()
        return answers.pop(0) if len(answers) > 1 else answers[0]

    watch = GpuWatch(host, shares, lambda excess: None, period=0.01)
    watch.wake()
    thread = watch._thread
    assert seen.wait(20)
    assert watch._thread is thread
    watch.close()


def raised(errors):
    if errors:
        raise errors.pop()


def inside(output):
    """The process is in the first container."""
    return output.replace(b"1, 9, ", b"1, 9, " + CONTAINERS[0].encode())
