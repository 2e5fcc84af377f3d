"""What `fit` says of objects, arrays say of whole numbers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing.arrays import fits
from cloudlayer.scheduler.placing.existing import arrays, use_existing
from cloudlayer.scheduler.sizes import DemandClass, Yardstick, classes
from tests.scheduler.build import demand, demand_lists, machine, machine_lists

relaxed = settings(max_examples=200, deadline=None)


@relaxed
@given(demand_lists(), machine_lists())
def test_arrays_say_of_every_demand_and_machine_what_fit_says(demands, machines):
    if demands and machines:
        shapes, there = arrays(demands, machines)
        for number, each in enumerate(demands):
            assert fits(shapes, number, there).tolist() == [fit(each, one) is not None for one in machines]


@settings(max_examples=100, deadline=None)
@given(demand_lists(), machine_lists())
def test_who_is_left_over_fits_no_machine_and_everyone_else_has_a_place(demands, machines):
    packing = Packing(machines)
    rest = use_existing(classes(demands, Yardstick.of(machines)), packing)
    left = {replica for each in rest for replica in each.ids}
    assert {placement.demand for placement in packing.placements()} == {each.id for each in demands} - left
    for each in rest:
        assert not packing.candidates(each.demand)


@given(st.integers(1, 40), st.sampled_from([0.1, 0.2, 0.3, 0.7, 1.1]))
def test_sums_of_fractions_of_a_core_fill_a_machine_to_the_last(count, cpu):
    packing = Packing([machine(cpu=count * cpu, memory=100)])
    each = DemandClass(demand(cpu=cpu), tuple(f"{number:02}" for number in range(count + 1)))
    (rest,) = use_existing([each], packing)
    assert len(rest.ids) == 1


def test_a_replica_that_is_kept_apart_goes_where_none_of_them_is():
    packing = Packing([machine("a"), machine("b")])
    (rest,) = use_existing([DemandClass(demand(function="f", apart=frozenset("f")), ("1", "2", "3"))], packing)
    assert rest.ids == ("3",)
    assert sorted(placement.machine for placement in packing.placements()) == ["a", "b"]


def test_a_spread_group_fills_zones_evenly_whatever_fits_best():
    packing = Packing([machine("a", zone="x", cpu=2.0), machine("b", zone="x", cpu=8.0), machine("c", zone="y", cpu=8.0)])
    assert use_existing([DemandClass(demand(spread="zone"), ("1", "2", "3", "4"))], packing) == []
    zones = [packing.machines[placement.machine].zone for placement in packing.placements()]
    assert sorted(zones) == ["x", "x", "y", "y"]
