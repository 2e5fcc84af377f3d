"""What `fit` says of objects, arrays say of whole numbers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing.arrays import fits
from cloudlayer.scheduler.placing.existing import use_existing
from cloudlayer.scheduler.placing.translating import arrays
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


@settings(deadline=None)
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


def test_mig_instances_fill_a_device_to_its_last_slice_at_the_places_that_its_geometry_has():
    packing = Packing([machine("a", cpu=64, memory=64, gpus=[("A100", 40, 40)])])
    large, small = demand(gpu_count=1, gpu_profile="3g.20gb"), demand(gpu_count=1, gpu_profile="1g.5gb")
    rest = use_existing([DemandClass(large, ("1",)), DemandClass(small, ("2", "3", "4", "5"))], packing)
    assert rest == []
    assert packing.machines["a"].devices[0].slices.bit_count() == 8
    firsts = {placement.demand: placement.slices for placement in packing.placements()}
    assert firsts["1"] == (4,)
    assert sorted(firsts[small] for small in ("2", "3", "4", "5")) == [(0,), (1,), (2,), (3,)]


def test_an_instance_goes_to_no_device_that_others_have_shares_of_and_a_share_to_none_that_is_cut():
    packing = Packing([machine("a", cpu=64, memory=64, gpus=[("A100", 40, 30), ("A100", 40, 40)])])
    instance, share = demand(gpu_count=1, gpu_profile="7g.40gb"), demand(gpu_count=1, gpu_memory=20)
    rest = use_existing([DemandClass(instance, ("1", "2")), DemandClass(share, ("3", "4"))], packing)
    assert [each.ids for each in rest] == [("2",), ("4",)]
    assert {placement.demand: placement.devices for placement in packing.placements()} == {"1": (1,), "3": (0,)}


def test_tainted_machines_take_only_who_tolerates_all_their_taints():
    packing = Packing([machine("a", taints=frozenset({"gpu", "new"}))])
    one, both = demand(tolerates=frozenset({"gpu"})), demand(tolerates=frozenset({"gpu", "new"}))
    rest = use_existing([DemandClass(one, ("1",)), DemandClass(both, ("2",))], packing)
    assert [each.ids for each in rest] == [("1",)]


def test_spot_machines_take_only_who_may_be_on_spot():
    packing = Packing([machine("a", purchase="spot"), machine("b")])
    rest = use_existing([DemandClass(demand(cpu=3.0, spot=False), ("1", "2")), DemandClass(demand(cpu=3.0), ("3",))], packing)
    assert [each.ids for each in rest] == [("2",)]
    assert {placement.demand: placement.machine for placement in packing.placements()} == {"1": "b", "3": "a"}
