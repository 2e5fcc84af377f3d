"""What every plan promises, whatever is asked. `tests.scheduler.checker` shares no code with the scheduler."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.build import demand_lists, machine_lists, offer_lists, plan, rule_sets
from tests.scheduler.checker import check

WORLD = (demand_lists(), machine_lists(), offer_lists(), rule_sets())
relaxed = settings(max_examples=100, deadline=None)


@relaxed
@given(*WORLD)
def test_every_plan_passes_the_independent_checker(demands, machines, offers, rules):
    check(plan(demands, machines, offers, rules), demands, machines, rules)


@relaxed
@given(*WORLD)
def test_nothing_is_unplaced_that_what_is_left_could_hold(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    left = check(answer, demands, machines, rules)
    missing = {each.demand for each in answer.unplaced}
    for demand in demands:
        if demand.id in missing and demand.gang is None:
            assert not any(site.could_take(demand) for site in left.values())


@relaxed
@given(*WORLD, st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_decides_nothing(demands, machines, offers, rules, random):
    answer = plan(demands, machines, offers, rules)
    shuffled = [random.sample(each, len(each)) for each in (demands, machines, offers)]
    assert plan(*shuffled, rules) == answer


@relaxed
@given(*WORLD)
def test_every_reason_is_one_line_and_names_an_obstacle(demands, machines, offers, rules):
    for each in plan(demands, machines, offers, rules).unplaced:
        assert "\n" not in each.reason
        assert any(words in each.reason for words in ("offer no machines", "nearest is", "gang"))
        assert not each.reason.endswith(": ")
