"""What fits a machine, and on which devices."""

from __future__ import annotations

import pytest

from cloudlayer.scheduler.fit import Constraint, copies, empty_machine, fit, misfits, occupy
from cloudlayer.units import GIB
from tests.scheduler.build import demand, machine, offer


@pytest.mark.parametrize(
    ("wanted", "there", "constraint"),
    [
        (demand(cpu=4.1), machine(cpu=4.0), Constraint.CPU),
        (demand(memory=9), machine(memory=8), Constraint.MEMORY),
        (demand(disk=101), machine(disk=100), Constraint.DISK),
        (demand(engine="docker"), machine(), Constraint.ENGINE),
        (demand(architecture="arm64"), machine(), Constraint.ARCHITECTURE),
        (demand(gpu_count=2), machine(gpus=[("L4", 24, 24)]), Constraint.GPU_COUNT),
        (demand(gpu_count=1, gpu_models=("A100",)), machine(gpus=[("L4", 24, 24)]), Constraint.GPU_MODEL),
        (demand(gpu_count=1, gpu_memory=13), machine(gpus=[("L4", 24, 12)]), Constraint.GPU_MEMORY),
        (demand(gpu_count=1), machine(gpus=[("L4", 24, 23)]), Constraint.GPU_MEMORY),
        (demand(apart=frozenset("g")), machine(functions=("g",)), Constraint.APART),
        (demand(function="f"), machine(functions=("g",), apart=frozenset("f")), Constraint.APART),
        (demand(apart=frozenset("f")), machine(functions=("f",)), Constraint.APART),
    ],
)
def test_each_constraint_alone_keeps_a_demand_off(wanted, there, constraint):
    assert misfits(wanted, there) == (constraint,)
    assert fit(wanted, there) is None


def test_gpu_memory_is_never_summed_over_devices():
    assert fit(demand(gpu_count=1, gpu_memory=30), machine(gpus=[("L4", 24, 24)] * 8)) is None


def test_a_share_goes_to_the_device_that_it_fills_best():
    gpus = [("L4", 24, 24), ("L4", 24, 8), ("L4", 24, 10)]
    assert fit(demand(gpu_count=1, gpu_memory=8), machine(gpus=gpus)) == (1,)
    assert fit(demand(gpu_count=2, gpu_memory=8), machine(gpus=gpus)) == (1, 2)
    assert fit(demand(gpu_count=1), machine(gpus=gpus)) == (0,)


def test_models_are_names_or_patterns_in_any_case():
    there = machine(gpus=[("A100-80GB", 80, 80), ("L4", 24, 24)])
    assert fit(demand(gpu_count=1, gpu_models=("a100*",)), there) == (0,)
    assert fit(demand(gpu_count=1, gpu_models=("l4",)), there) == (1,)
    assert fit(demand(gpu_count=1, gpu_models=("A100",)), there) is None


def test_ten_tenths_of_a_core_fit_one_core_and_an_eleventh_does_not():
    free = machine(cpu=1.0, memory=100)
    tenth = demand(cpu=0.1)
    for _ in range(10):
        chosen = fit(tenth, free)
        assert chosen is not None
        free = occupy(free, tenth, [chosen])
    assert fit(tenth, free) is None
    assert len(copies(tenth, machine(cpu=1.0, memory=100), 99)) == 10


def test_copies_of_a_function_apart_from_itself_are_one():
    assert copies(demand(apart=frozenset("f")), machine(), 5) == [()]


def test_copies_fill_devices_one_by_one():
    there = machine(memory=100, gpus=[("L4", 24, 24)] * 2)
    assert copies(demand(cpu=0.1, gpu_count=1, gpu_memory=10), there, 9) == [(0,), (0,), (1,), (1,)]


def test_a_new_machine_offers_what_is_allocatable_of_it():
    sold = offer(cpu=4.0, memory=16, allocatable_cpu=3.5, allocatable_memory=14 * GIB)
    there = empty_machine(sold, ("process",))
    assert (there.cpu, there.memory) == (3.5, 14 * GIB)
    assert fit(demand(cpu=4.0), there) is None
