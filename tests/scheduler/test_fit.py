"""What fits a machine, and on which devices."""

from __future__ import annotations

import pytest

from cloudlayer.scheduler.fit import Constraint, copies, empty_machine, fit, misfits, occupy, release
from cloudlayer.units import GIB
from tests.scheduler.build import demand, inhabited, machine, offer


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
        (demand(gpu_count=1, gpu_compute=401), machine(gpus=[("L4", 24, 24, 400)]), Constraint.GPU_COMPUTE),
        (demand(gpu_count=1, gpu_memory=8, gpu_compute=401), machine(gpus=[("L4", 24, 8, 400)]), Constraint.GPU_COMPUTE),
        (demand(gpu_count=1), machine(gpus=[("L4", 24, 24, 999)]), Constraint.GPU_MEMORY),
        (demand(gpu_count=1, gpu_memory=1), machine(gpus=[("A100", 40, 40, 1000, 0b1)]), Constraint.GPU_MEMORY),
        (demand(gpu_count=1, gpu_profile="1g.5gb"), machine(gpus=[("L4", 24, 24)]), Constraint.GPU_PROFILE),
        (demand(gpu_count=1, gpu_profile="1g.5gb"), machine(gpus=[("A100", 40, 39)]), Constraint.GPU_PROFILE),
        (demand(gpu_count=1, gpu_profile="4g.20gb"), machine(gpus=[("A100", 40, 40, 1000, 0b1000)]), Constraint.GPU_PROFILE),
        (demand(tolerates=frozenset({"new"})), machine(taints=frozenset({"gpu", "new"})), Constraint.TAINT),
        (demand(spot=False), machine(purchase="spot"), Constraint.SPOT),
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


def test_shares_by_compute_alone_take_no_memory_but_leave_no_whole_device():
    there, half = machine(gpus=[("L4", 24, 24)]), demand(gpu_count=1, gpu_compute=500)
    there = occupy(there, half, [(0,)])
    assert (there.devices[0].free, there.devices[0].compute) == (24 * GIB, 500)
    assert fit(half, there) == (0,)
    assert fit(demand(gpu_count=1, gpu_memory=24), there) == (0,)
    assert fit(demand(gpu_count=1), there) is None


def test_a_share_goes_to_the_device_whose_scarcer_part_is_least():
    gpus = [("L4", 24, 24), ("L4", 24, 24, 300), ("L4", 24, 10)]
    assert fit(demand(gpu_count=1, gpu_memory=6, gpu_compute=200), machine(gpus=gpus)) == (1,)
    assert fit(demand(gpu_count=1, gpu_memory=6, gpu_compute=400), machine(gpus=gpus)) == (2,)


def test_mig_instances_fill_a_device_that_has_some_before_another_becomes_one():
    there = machine(gpus=[("A100", 40, 40), ("A100", 40, 40, 1000, 0b11110000)], memory=100, cpu=100.0)
    placed = copies(demand(gpu_count=1, gpu_profile="2g.10gb"), there, 9)
    assert placed == [(1,), (1,), (0,), (0,), (0,)]
    assert fit(demand(gpu_count=1), there) == (0,)
    assert fit(demand(gpu_count=2, gpu_profile="3g.20gb"), there) == (0, 1)


@pytest.mark.parametrize(
    "wanted",
    [
        demand(cpu=0.5, disk=1, gpu_count=2, apart=frozenset("g")),
        demand(gpu_count=1, gpu_memory=6, gpu_compute=250),
        demand(gpu_count=1, gpu_compute=250),
        demand(gpu_count=2, gpu_profile="2g.10gb"),
    ],
)
def test_what_ends_gives_back_just_what_it_took(wanted):
    empty = machine(gpus=[("A100", 40, 40)] * 2)
    there = inhabited(empty, [wanted])
    assert there != empty
    assert release(there, there.residents[0]) == empty


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
