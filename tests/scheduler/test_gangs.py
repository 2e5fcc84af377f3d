"""A gang has all of its members placed, or none; on one machine or in one zone, where it asks for that."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.build import (
    RULES,
    demand,
    demand_lists,
    machine,
    machine_lists,
    offer,
    offer_lists,
    plan,
    replicas,
    rule_sets,
)
from tests.scheduler.checker import check

relaxed = settings(max_examples=60, deadline=None)


def gang(name="g", size=4, **rest):
    return [demand(f"{name}-{rank}", "f", gang=name, rank=rank, **rest) for rank in range(size)]


def homes(answer, name="g") -> list[str]:
    return sorted(each.machine for each in answer.placements if each.demand.startswith(f"{name}-"))


@st.composite
def gang_lists(draw):
    """Demands, of which some are in gangs."""
    found = []
    for each in draw(demand_lists()):
        name = draw(st.sampled_from([None, "x", "y", "z"]))
        found.append(replace(each, gang=name, together=draw(st.sampled_from([None, None, "zone", "machine"])), spread=None))
    ranks: Counter[str] = Counter()
    for number, each in enumerate(found):
        found[number] = replace(each, rank=ranks[each.gang])
        ranks[each.gang] += 1
    return found


WORLD = (gang_lists(), machine_lists(), offer_lists(), rule_sets())


def test_a_gang_that_does_not_fit_as_a_whole_takes_no_room_at_all():
    answer = plan([*gang(size=3, cpu=2.0), demand("alone", "h", cpu=1.0)], [machine(cpu=4.0)])
    assert [each.demand for each in answer.placements] == ["alone"]
    assert {each.demand for each in answer.unplaced} == {"g-0", "g-1", "g-2"}


def test_a_gang_is_parted_over_what_is_there_and_what_is_bought():
    answer = plan(gang(size=4, cpu=2.0), [machine(cpu=4.0)], [offer("t", 1.0, cpu=4.0)])
    assert homes(answer) == ["m", "m", "new-0", "new-0"]


def test_a_gang_for_half_of_which_the_money_lasts_is_not_bought_for():
    answer = plan(gang(size=4, cpu=2.0), (), [offer("t", 1.0, cpu=2.0)], replace(RULES, max_price=2.0))
    assert not answer.placements
    assert not answer.purchases


def test_a_gang_of_which_too_few_machines_are_for_sale_is_not_bought_for():
    assert not plan(gang(size=4, cpu=2.0), (), [offer("t", 1.0, cpu=2.0, available=3)]).purchases
    assert len(plan(gang(size=4, cpu=2.0), (), [offer("t", 1.0, cpu=2.0, available=4)]).purchases) == 4


def test_of_two_gangs_for_one_of_which_there_is_room_one_is_placed_whole():
    answer = plan([*gang("g", 3), *gang("h", 3)], [machine(cpu=5.0)])
    assert homes(answer, "g") == ["m"] * 3
    assert homes(answer, "h") == []


def test_a_smaller_gang_takes_the_room_that_is_too_little_for_a_larger_one():
    answer = plan([*gang("g", 5), *gang("h", 3)], [machine(cpu=4.0)])
    assert homes(answer, "g") == []
    assert homes(answer, "h") == ["m"] * 3


def test_a_gang_together_on_one_machine_goes_to_the_fullest_that_holds_all_of_it():
    machines = [machine("half", cpu=2.0), machine("large", cpu=16.0), machine("whole", cpu=4.0)]
    assert homes(plan(gang(together="machine"), machines)) == ["whole"] * 4


def test_a_gang_together_on_one_machine_has_the_cheapest_one_bought_that_holds_all_of_it():
    offers = [offer("small", 0.1, cpu=2.0), offer("fit", 0.9, cpu=4.0), offer("large", 1.0, cpu=8.0)]
    answer = plan(gang(together="machine"), [machine("m", cpu=3.0)], offers)
    assert homes(answer) == ["new-0"] * 4
    assert [each.offer.machine_type.name for each in answer.purchases] == ["fit"]


def test_a_gang_together_in_one_zone_is_placed_in_the_one_that_costs_the_least():
    offers = [offer("t", 1.0, zone="a", cpu=2.0), offer("t", 1.1, zone="b", cpu=2.0)]
    machines = [machine("m1", zone="a", cpu=1.0), machine("m2", zone="b", region="cloud:east", cpu=2.0)]
    answer = plan(gang(together="zone"), machines, offers)
    assert homes(answer) == ["m2", "m2", "new-0", "new-0"]
    assert [each.offer.zone for each in answer.purchases] == ["b"]


def test_zones_of_two_regions_that_are_called_alike_are_two_zones():
    machines = [machine(name, zone="a", region=name, cpu=2.0) for name in ("cloud:east", "cloud:west")]
    assert homes(plan(gang(together="zone"), machines)) == []
    assert homes(plan(gang(), machines)) == ["cloud:east"] * 2 + ["cloud:west"] * 2


def test_a_gang_that_keeps_apart_from_itself_gets_a_machine_for_each_member():
    answer = plan(gang(apart=frozenset("f")), [machine(f"m{number}") for number in range(3)], [offer()])
    assert homes(answer) == ["m0", "m1", "m2", "new-0"]
    assert not plan(gang(apart=frozenset("f")), [machine(f"m{number}") for number in range(3)]).placements


def test_others_are_placed_beside_a_gang_on_what_is_bought_for_it():
    answer = plan([*gang(size=3, together="machine"), demand("alone", "h")], (), [offer(cpu=4.0)])
    assert {each.machine for each in answer.placements} == {"new-0"}


def test_the_reason_is_the_same_for_the_whole_gang_and_tells_how_many_lack_a_place():
    (reason,) = {each.reason for each in plan(gang(size=4, cpu=2.0), [machine(cpu=4.0)], [offer("t", cpu=1.0)]).unplaced}
    assert reason.startswith("gang g is placed all or none, and 2 of its 4 find no place: no room on the 1 machine there is; ")
    assert reason.endswith("nearest is cloud/east/a/t/on_demand: lower resources.cpu to 1")


def test_the_reason_says_so_when_a_gang_fits_but_not_together():
    machines = [machine("m1", cpu=2.0), machine("m2", cpu=2.0)]
    (reason,) = {each.reason for each in plan(gang(together="machine"), machines).unplaced}
    assert reason == "gang g is placed all or none on one machine, and there is none with room for all 4 of it"


@pytest.mark.parametrize("together", [None, "machine", "zone"])
def test_a_hundred_gangs_take_seconds_at_most(together):
    demands = [each for number in range(100) for each in gang(f"g{number}", 4, together=together, cpu=0.5 + number % 3)]
    offers = [
        offer(f"t{cores}-{zone}", 0.1 * cores, cpu=float(cores), memory=4 * cores, zone=f"z{zone}")
        for cores in (1, 2, 4, 8, 16)
        for zone in range(6)
    ]
    start = time.process_time()
    answer = plan(demands, [machine(f"m{number}") for number in range(50)], offers)
    assert time.process_time() - start < 10
    assert len(answer.placements) == 400


@relaxed
@given(*WORLD)
def test_every_gang_is_placed_whole_or_not_at_all(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    placed = {each.demand for each in answer.placements}
    for name in {each.gang for each in demands if each.gang}:
        assert len({each.id in placed for each in demands if each.gang == name}) == 1


@relaxed
@given(*WORLD)
def test_every_gang_stays_together_as_its_strictest_member_asks(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    zones = {each.id: (each.region, each.zone) for each in machines}
    zones |= {each.id: (f"{each.offer.provider}:{each.offer.region}", each.offer.zone) for each in answer.purchases}
    where = {each.demand: each.machine for each in answer.placements}
    for name in {each.gang for each in demands if each.gang}:
        members = [each for each in demands if each.gang == name and each.id in where]
        asked = {each.together for each in members}
        if "machine" in asked:
            assert len({where[each.id] for each in members}) == 1
        elif "zone" in asked:
            assert len({zones[where[each.id]] for each in members}) == 1


@relaxed
@given(*WORLD)
def test_every_plan_of_gangs_passes_the_independent_checker(demands, machines, offers, rules):
    check(plan(demands, machines, offers, rules), demands, machines, rules)


@relaxed
@given(*WORLD)
def test_all_members_of_a_gang_are_told_one_reason(demands, machines, offers, rules):
    reasons = {each.demand: each.reason for each in plan(demands, machines, offers, rules).unplaced}
    for name in {each.gang for each in demands if each.gang}:
        told = {reasons[each.id] for each in demands if each.gang == name and each.id in reasons}
        assert len(told) <= 1
        assert all("all or none" in each and "\n" not in each for each in told)


@relaxed
@given(*WORLD, st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_decides_nothing_for_gangs(demands, machines, offers, rules, random):
    answer = plan(demands, machines, offers, rules)
    shuffled = [random.sample(each, len(each)) for each in (demands, machines, offers)]
    assert plan(*shuffled, rules) == answer


def test_replicas_without_a_gang_are_none_of_it():
    answer = plan([*gang(size=3), *replicas(2, "h")], [machine(cpu=4.0)])
    assert homes(answer) == ["m"] * 3
    assert len(answer.unplaced) == 1
