"""What is on a machine's GPUs, as its driver tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import EngineError
from cloudlayer.runtime.gpu.reading import parse, read
from cloudlayer.units import MIB

ONE, OTHER = "a" * 64, "b" * 64


def test_devices_and_their_processes_are_told(host):
    host.change(
        gpus=[
            {"uuid": "GPU-1", "model": "NVIDIA L4", "memory": 23034},
            {"uuid": "GPU-2", "model": "NVIDIA L4", "memory": 23034},
        ],
        processes=[{"pid": 1, "uuid": "GPU-2", "used": 500, "state": "running"}],
    )
    found = read(host)
    assert [(gpu.index, gpu.model, gpu.memory, gpu.used) for gpu in found.gpus] == [
        (0, "NVIDIA L4", 23034 * MIB, 0),
        (1, "NVIDIA L4", 23034 * MIB, 500 * MIB),
    ]
    (process,) = found.processes
    assert (process.device, process.pid, process.used, process.container) == (1, 1, 500 * MIB, "")


def test_a_machine_without_a_driver_says_so(host, tmp_path):
    (tmp_path / "bin" / "nvidia-smi").unlink()
    with pytest.raises(EngineError, match="nvidia-smi"):
        read(host)


@pytest.mark.parametrize(
    "text", ["No devices were found", "0, GPU-1, L4, many, 0, 5\n\n", "0, GPU-1, L4, 1, 0, 5\n\nGPU-1, x, 1, "]
)
def test_what_is_not_understood_is_quoted(text):
    with pytest.raises(EngineError, match="nvidia-smi printed"):
        parse(text)


def test_memory_that_the_driver_does_not_tell_is_unknown_and_not_nothing():
    found = parse(f"0, GPU-1, L4, 100, 0, 560.1\n\nGPU-1, 7, [N/A], {ONE}\n")
    assert found.processes[0].used is None
    assert found.used_by(ONE) == {}


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 99999), st.integers(0, 80000), st.sampled_from([ONE, OTHER, ""])),
        max_size=12,
    )
)
def test_what_a_container_holds_is_the_sum_of_its_processes_on_each_device(processes):
    devices = "".join(f"{index}, GPU-{index}, H100, 81559, 0, 560.1\n" for index in range(4))
    text = devices + "\n" + "".join(f"GPU-{index}, {pid}, {used}, {container}\n" for index, pid, used, container in processes)
    found = parse(text)
    for container in (ONE, OTHER):
        expected = {}
        for index, _, used, whose in processes:
            if whose == container:
                expected[index] = expected.get(index, 0) + used * MIB
        assert found.used_by(container) == expected
