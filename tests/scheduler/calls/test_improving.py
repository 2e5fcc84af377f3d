"""Functions that call each other come together when that costs less than it saves, and nobody loses a place by it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler import CallPrices, Traffic
from cloudlayer.scheduler.draft import Draft
from tests.scheduler.build import (
    FUNCTIONS,
    RULES,
    demand,
    demand_lists,
    inhabited,
    machine,
    machine_lists,
    offer,
    offer_lists,
    plan,
    replicas,
    rule_sets,
)
from tests.scheduler.calls.test_cost import PRICES
from tests.scheduler.checker import check

pairs = st.sampled_from([(caller, callee) for caller in FUNCTIONS for callee in FUNCTIONS])
traffics = st.lists(pairs, max_size=5, unique=True).map(
    lambda found: tuple(Traffic(*pair, 10.0 * (number + 1), 1e6) for number, pair in enumerate(found))
)
WORLD = (demand_lists(), machine_lists(), offer_lists(), rule_sets(), traffics)
relaxed = settings(max_examples=50, deadline=None)


def calling(rules, *traffic: Traffic, second: float = 1.0):
    return replace(rules, traffic=traffic, call_prices=CallPrices(second=second))


def homes(answer, demands) -> dict[str, list[str]]:
    """The machines of each function's replicas."""
    functions = {each.id: each.function for each in demands}
    found = defaultdict(list)
    for placement in answer.placements:
        found[functions[placement.demand]].append(placement.machine)
    return found


def objective(answer, demands, machines, rules) -> float:
    """Machines and calls, from the plan alone."""
    from cloudlayer.scheduler.admission import cost
    from cloudlayer.scheduler.calls.exchange import flows_of
    from cloudlayer.scheduler.packing import Packing

    bought = [
        machine(each.id, zone=each.offer.zone, region=f"{each.offer.provider}:{each.offer.region}") for each in answer.purchases
    ]
    by_id = {each.id: each for each in demands}
    packing = Packing([*machines, *bought])
    for placement in answer.placements:
        packing.put(placement.demand, replace(by_id[placement.demand], gpu_count=0), placement.machine, ())
    price = sum(cost(each.offer, rules).amount for each in answer.purchases)
    return price + flows_of(packing, rules).cost


@relaxed
@given(*WORLD)
def test_every_plan_with_calls_keeps_all_promises(demands, machines, offers, rules, traffic):
    rules = replace(rules, traffic=traffic, call_prices=PRICES)
    check(plan(demands, machines, offers, rules), demands, machines, rules)


@relaxed
@given(*WORLD)
def test_nobody_loses_a_place_to_the_calls_and_the_objective_never_rises(demands, machines, offers, rules, traffic):
    priced = replace(rules, call_prices=PRICES)
    plain, known = plan(demands, machines, offers, priced), plan(demands, machines, offers, replace(priced, traffic=traffic))
    assert [each.demand for each in known.unplaced] == [each.demand for each in plain.unplaced]
    told = replace(priced, traffic=traffic)
    assert objective(known, demands, machines, told) <= objective(plain, demands, machines, told) + 1e-9


@relaxed
@given(*WORLD)
def test_groups_that_are_spread_stay_as_even(demands, machines, offers, rules, traffic):
    priced = replace(rules, call_prices=PRICES)
    plain, known = plan(demands, machines, offers, priced), plan(demands, machines, offers, replace(priced, traffic=traffic))
    spread = {each.id: each.group for each in demands if each.spread == "machine"}

    def crowding(answer):
        there = Counter((spread[each.demand], each.machine) for each in answer.placements if each.demand in spread)
        there.update((group, each.id) for each in machines for group in each.groups if group in spread.values())
        found = Counter()
        for (group, _), number in there.items():
            found[group] += number * number
        return found

    assert all(number <= crowding(plain)[group] for group, number in crowding(known).items())


@relaxed
@given(*WORLD, st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_decides_nothing(demands, machines, offers, rules, traffic, random):
    rules = replace(rules, traffic=traffic, call_prices=PRICES)
    shuffled = [random.sample(each, len(each)) for each in (demands, machines, offers)]
    mixed = replace(rules, traffic=tuple(random.sample(traffic, len(traffic))))
    assert plan(*shuffled, mixed) == plan(demands, machines, offers, rules)


@relaxed
@given(demand_lists(), machine_lists(), offer_lists(), rule_sets())
def test_without_calls_their_prices_change_nothing(demands, machines, offers, rules):
    assert plan(demands, machines, offers, replace(rules, call_prices=PRICES)) == plan(demands, machines, offers, rules)


def test_without_calls_the_graph_is_not_even_looked_at(monkeypatch):
    monkeypatch.setattr(Draft, "bounded_like", lambda *_: pytest.fail("the draft was worked on"))
    plan(replicas(3), [machine()], [offer()])


def test_a_callee_goes_where_its_callers_run_already():
    machines = [inhabited(machine("m2", cpu=8.0), replicas(2, "f")), machine("m1", cpu=2.0)]
    wanted = replicas(2, "g")
    assert set(homes(plan(wanted, machines), wanted)["g"]) == {"m1"}  # the fullest, where no calls are known
    assert set(homes(plan(wanted, machines, rules=calling(RULES, Traffic("f", "g", 5.0))), wanted)["g"]) == {"m2"}


def test_a_machine_that_is_bought_goes_to_the_zone_of_those_that_it_calls():
    there = inhabited(machine("m", zone="b", region="cloud:east", cpu=1.0), [demand("d0", "f")])
    sold = [offer(zone="a"), offer(zone="b")]
    rules = calling(RULES, Traffic("g", "f", 5.0))
    assert plan([demand("d1", "g")], [there], sold).purchases[0].offer.zone == "a"
    assert plan([demand("d1", "g")], [there], sold, rules).purchases[0].offer.zone == "b"


def test_another_zone_is_paid_for_only_where_calls_cost_more():
    there = inhabited(machine("m", zone="b", region="cloud:east", cpu=1.0), [demand("d0", "f")])
    sold = [offer(zone="a", price=1.0), offer(zone="b", price=1.1)]
    for second, zone in ((0.0001, "a"), (1.0, "b")):
        rules = calling(RULES, Traffic("g", "f", 50.0), second=second)
        assert plan([demand("d1", "g")], [there], sold, rules).purchases[0].offer.zone == zone


@pytest.mark.parametrize(
    "calls",
    [
        [("a", "b"), ("b", "c"), ("c", "d")],
        [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")],
        [("a", "b"), ("a", "c"), ("a", "d")],
    ],
    ids=["a pipeline", "a cycle", "an ensemble"],
)
def test_each_machine_gets_one_replica_of_all_that_belong_together(calls):
    wanted = [each for name in "abcd" for each in replicas(3, name)]
    rules = calling(RULES, *(Traffic(*pair, 10.0) for pair in calls))
    found = homes(plan(wanted, (), [offer(cpu=4.0, memory=4)], rules), wanted)
    assert all(sorted(found[name]) == sorted(found["a"]) for name in "bcd")
    assert len(set(found["a"])) == 3


def test_calls_do_not_bring_together_what_is_to_be_apart():
    wanted = [*replicas(2, "f", apart=frozenset("g")), *replicas(2, "g")]
    found = homes(plan(wanted, (), [offer()], calling(RULES, Traffic("f", "g", 100.0))), wanted)
    assert not set(found["f"]) & set(found["g"])


def test_a_replica_with_a_gpu_is_followed_by_those_that_call_it():
    wanted = [*replicas(2, "model", gpu_count=1, gpu_memory=20), *replicas(4, "front")]
    sold = [offer("gpu", 3.0, cpu=3.0, memory=8, gpus=[("L4", 24)]), offer("cpu", 1.0, cpu=2.0)]
    found = homes(plan(wanted, (), sold, calling(RULES, Traffic("front", "model", 10.0))), wanted)
    assert sorted(set(found["front"])) == sorted(set(found["model"]))
