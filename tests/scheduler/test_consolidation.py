"""Consolidation saves more than it disrupts, moves nobody for nothing, and comes to rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.random_fleets import course, random_fleet
from benchmarks.simulated_fleet import Fleet
from cloudlayer.scheduler import BestFitDecreasing, CallPrices, Resident, Traffic
from cloudlayer.scheduler.admission import new_machine
from cloudlayer.scheduler.consolidation import Emptying, Terms, consolidate, disruption, examined
from cloudlayer.scheduler.fit import occupy
from tests.scheduler.build import RULES, demand, offer, replicas

OLD = 1e6
BIG = offer("big", 1.0, cpu=4.0, memory=16)
SMALL = offer("small", 0.3, cpu=1.0, memory=4)


def inhabited(name, bought, *demands, age=OLD, **resident):
    """A machine bought by an offer, with replicas on it."""
    machine = replace(new_machine(bought, RULES), id=name, offer=bought)
    for each in demands:
        machine = occupy(machine, each, [()])
    return replace(machine, residents=tuple(Resident(each, age=age, **resident) for each in demands))


def step(machines, offers=(BIG,), rules=RULES, **terms) -> Emptying | None:
    return consolidate(machines, offers, rules, policy=BestFitDecreasing(), terms=Terms(**terms))


def why_not(machine, machines, offers=(BIG,), rules=RULES, **terms) -> Emptying | str:
    return examined(machine, machines, offers, rules, policy=BestFitDecreasing(), terms=Terms(**terms))


def test_a_machine_whose_replicas_fit_elsewhere_is_emptied():
    found = step([inhabited("m1", BIG, *replicas(2, "f")), inhabited("m2", BIG, demand("g", "g"))])
    assert found is not None
    assert (found.machines, found.moves, found.saving) == (("m2",), 1, 1.0)
    assert [(each.demand, each.machine) for each in found.plan.placements] == [("g", "m1")]


def test_a_machine_is_swapped_for_a_cheaper_one_that_holds_the_same():
    found = step([inhabited("m1", BIG, demand())], [BIG, SMALL])
    assert found is not None
    assert [bought.offer for bought in found.plan.purchases] == [SMALL]
    assert found.saving == pytest.approx(0.7)


def test_two_half_empty_machines_become_a_cheaper_one_where_neither_alone_could_go():
    middle, large = offer("middle", 1.0, cpu=2.0, memory=8), offer("large", 1.5, cpu=4.0, memory=16)
    machines = [inhabited(name, middle, *replicas(2, function)) for name, function in (("m1", "f"), ("m2", "g"))]
    assert isinstance(why_not(machines[0], machines, [middle, large]), str)
    found = step(machines, [middle, large])
    assert found is not None
    assert (found.machines, found.saving) == (("m1", "m2"), 0.5)


def test_nothing_moves_for_less_than_the_threshold():
    cheaper = offer("cheaper", 0.95, cpu=4.0, memory=16)
    machines = [inhabited("m1", BIG, demand())]
    assert step(machines, [BIG, cheaper]) is None
    assert why_not(machines[0], machines, [BIG, cheaper]) == "it would save 0.0500 per hour, and must save 0.1000"
    assert step(machines, [BIG, cheaper], share=0.01) is not None


def test_what_is_saved_within_the_payback_time_is_more_than_what_moving_costs():
    machines = [inhabited("m1", BIG, demand())]
    assert step(machines, [BIG, SMALL], payback=3600.0, move=0.69) is not None
    assert step(machines, [BIG, SMALL], payback=3600.0, move=0.71) is None
    assert step(machines, [BIG, SMALL], payback=7200.0, move=0.71) is not None


def test_a_replica_that_says_what_its_moving_costs_is_heard():
    assert step([inhabited("m1", BIG, demand(), move=100.0)], [BIG, SMALL]) is None


def test_slow_starts_and_young_replicas_are_moved_less_readily():
    def harm(**resident):
        return disruption(inhabited("m", BIG, demand(), **resident), 1.0, Terms())

    assert harm() == pytest.approx(0.005)
    assert harm(start=36.0) == pytest.approx(0.015)
    assert harm(age=0.0) == pytest.approx(0.01)
    assert harm(age=300.0) == pytest.approx(0.0075)


@pytest.mark.parametrize(
    ("bought", "reason"),
    [
        (offer("big", 0.0, cpu=4.0, memory=16), "it is known to cost nothing"),
        (offer("big", 1.0, cpu=4.0, memory=16, purchase="reserved", reservation="r"), "it is known to cost nothing"),
        (offer("big", None, cpu=4.0, memory=16), "its price is unknown"),
        (offer("big", 1.0, cpu=4.0, memory=16, currency="EUR"), "its price is unknown"),
    ],
)
def test_what_costs_nothing_or_nobody_knows_what_is_never_emptied_for_money(bought, reason):
    machines = [inhabited("m1", bought, demand("a")), inhabited("m2", bought, demand("b"))]
    assert step(machines, [bought, SMALL]) is None
    assert why_not(machines[0], machines, [bought, SMALL]) == reason


def test_replicas_move_to_what_costs_nothing():
    free = offer("free", 0.0, cpu=4.0, memory=16)
    found = step([inhabited("m1", free, demand("a")), inhabited("m2", BIG, demand("b"))])
    assert found is not None and found.machines == ("m2",)


def test_a_machine_with_nothing_on_it_is_left_to_idleness_and_counts_when_it_is_put_to_use():
    idle = inhabited("m1", BIG)
    assert step([idle]) is None
    found = why_not(full := inhabited("m2", BIG, demand("a")), [idle, full])
    assert found == "it would save 0.0000 per hour, and must save 0.1000"


def test_members_of_gangs_are_not_moved():
    crewed = inhabited("m1", BIG, demand("a", gang="crew"))
    assert step([crewed, inhabited("m2", BIG, demand("b", gang="other"))]) is None
    assert why_not(crewed, [crewed]) == "a replica of a gang runs on it"


def test_replicas_that_are_kept_apart_stay_apart():
    apart = [demand(name, "f", apart=frozenset("f")) for name in ("a", "b")]
    assert step([inhabited("m1", BIG, apart[0]), inhabited("m2", BIG, apart[1])]) is None


def test_functions_that_call_each_other_are_not_torn_apart_for_less_than_their_calls_cost():
    caller, callee = demand("a", "a", cpu=2.0), demand("b", "b", cpu=2.0)
    pair = inhabited("m1", BIG, caller, callee)
    others = [inhabited(name, SMALL, demand(name, "c", cpu=0.1)) for name in ("m2", "m3")]
    two = offer("two", 0.4, cpu=2.0, memory=8)

    def found(**calls):
        traffic = (Traffic("a", "b", 10.0, 1e6),)
        return why_not(pair, [pair, *others], [two], replace(RULES, traffic=traffic, call_prices=CallPrices(**calls)))

    assert isinstance(found(egress_zone=0.0), Emptying)
    assert "must save" in str(found(egress_zone=0.01))


def test_no_more_replicas_move_at_once_than_the_terms_say():
    machines = [inhabited("m1", BIG, *replicas(2, "f")), inhabited("m2", BIG, *replicas(2, "g"))]
    assert step(machines, moves=2) is not None
    assert step(machines, moves=1) is None


def test_what_is_bought_has_room_under_the_price_limit_beside_what_it_replaces():
    machines = [inhabited("m1", BIG, demand())]
    assert step(machines, [SMALL], replace(RULES, max_price=1.3, spent=1.0)) is not None
    assert step(machines, [SMALL], replace(RULES, max_price=1.2, spent=1.0)) is None


def test_the_order_of_machines_and_offers_decides_nothing():
    fleet, offers = random_fleet(3)
    machines = fleet.machines()
    assert step(machines, offers, fleet.rules) == step(machines[::-1], offers[::-1], fleet.rules)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_fleet_under_constant_load_comes_to_rest_and_its_bill_falls_with_each_step(seed):
    fleet, _ = random_fleet(seed)
    before = _replicas(fleet)
    found = course(fleet, Terms())
    assert found.at_rest and not found.rose and not found.repeated
    assert all(after <= before - 0.01 + 1e-9 for before, after in zip(found.bills, found.bills[1:], strict=False))
    assert _replicas(fleet) == before
    assert all(min(machine.cpu, machine.memory, machine.disk) >= -1e-6 for machine in fleet.machines())


def _replicas(fleet: Fleet) -> set[str]:
    return {replica for site in fleet.sites.values() for replica in site.replicas}
