"""What the mix of offers promises. The checks are benchmarks/instance.py's, which share nothing with the scheduler."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.buying import problem, proof
from benchmarks.instance import Sale, Want, check_plan, proven
from cloudlayer.scheduler.admission import cost, distinct, refusals
from cloudlayer.scheduler.buying import Market, forms
from cloudlayer.scheduler.mixed import expressible
from cloudlayer.scheduler.mixing import answers, mix, mix_while
from cloudlayer.scheduler.mixing.bound import fillings
from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.sizes import Yardstick, classes
from tests.scheduler.build import RULES, demand, offer, offer_lists, plain_demand_lists, plan, replicas, rule_sets
from tests.scheduler.checker import check

relaxed = settings(max_examples=30, deadline=None)
MODELS = {"L4": 24.0, "A100": 40.0, "H100": 80.0}


@st.composite
def sales(draw):
    model = draw(st.sampled_from(["", *MODELS]))
    devices = draw(st.sampled_from([1, 2, 4])) if model else 0
    cpu, memory = draw(st.sampled_from([2.0, 4.0, 16.0, 48.0])), draw(st.sampled_from([4.0, 16.0, 64.0, 192.0]))
    price = draw(st.sampled_from([0.0, 0.1, 0.4, 1.0])) + 0.04 * cpu + 0.6 * devices
    return Sale("s", draw(st.sampled_from(["spot", "on_demand"])), cpu, memory, model, devices, MODELS.get(model, 0.0), price)


@st.composite
def wants(draw):
    devices = draw(st.sampled_from([0, 0, 1, 1, 1, 2]))
    share = devices == 1 and draw(st.booleans())
    size = draw(st.sampled_from([3.0, 5.0, 12.0, 16.0, 24.0])) if share else draw(st.sampled_from([0.0, 16.0, 40.0]))
    models = draw(st.sampled_from([(), (), ("L4",), ("A100", "H100")])) if devices else ()
    cpu, memory = draw(st.sampled_from([0.1, 0.5, 3.3, 8.0])), draw(st.sampled_from([0.5, 4.0, 16.0]))
    return Want("w", draw(st.integers(1, 30)), cpu, memory, devices, share, size if devices else 0.0, models)


INSTANCES = (st.lists(sales(), min_size=1, max_size=6), st.lists(wants(), min_size=1, max_size=6))


def machines(answer, offered):
    return [(offered[machine.lot], machine.contents) for machine in answer.machines]


def cheapest_alone(offered, wanted):
    """What it costs where each class has machines of its own, filled one replica a device at most: surely a plan."""
    return sum(want.count * min(sale.price for sale in offered if want.fits(sale)) for want in wanted)


@relaxed
@given(*INSTANCES)
def test_no_machine_and_no_device_is_ever_exceeded_and_everything_that_fits_is_placed(offered, wanted):
    for answer in islice(answers(problem(offered, wanted)), 12):
        placed = check_plan(wanted, machines(answer, offered))
        for index, want in enumerate(wanted):
            held = any(want.fits(sale) for sale in offered)
            assert answer.homeless[index] == (not held)
            assert placed[index] == (want.count if held else 0)


@relaxed
@given(*INSTANCES)
def test_the_bound_is_proven_and_never_above_what_is_bought(offered, wanted):
    for answer in islice(answers(problem(offered, wanted)), 0, 25, 6):
        held = [want for want in wanted if any(want.fits(sale) for sale in offered)]
        price = sum(sale.price for sale, _ in machines(answer, offered))
        assert price == pytest.approx(answer.cost)
        assert answer.lower_bound <= price
        assert answer.lower_bound <= proven(offered, wanted, proof(answer)) + 1e-9
        assert price <= cheapest_alone(offered, held) + 1e-9


@relaxed
@given(*INSTANCES)
def test_the_same_question_has_the_same_answers_and_later_ones_are_no_worse(offered, wanted):
    first, second = (list(islice(answers(problem(offered, wanted)), 8)) for _ in range(2))
    assert [answer.machines for answer in first] == [answer.machines for answer in second]
    assert all(later.cost <= answer.cost + 1e-9 for answer, later in pairwise(first))
    assert all(later.lower_bound >= answer.lower_bound - 1e-9 for answer, later in pairwise(first))


@relaxed
@given(*INSTANCES, st.data())
def test_no_more_is_bought_than_there_is_nor_beyond_the_budget(offered, wanted, data):
    question = problem(offered, wanted)
    limits = np.array(data.draw(st.lists(st.sampled_from([0, 1, 3, np.inf]), min_size=len(offered), max_size=len(offered))))
    budget = data.draw(st.sampled_from([0.5, 3.0, 20.0, np.inf]))
    question = replace(question, lots=replace(question.lots, limit=limits.astype(float)), budget=budget)
    free = mix(replace(question, lots=replace(question.lots, limit=np.full(len(offered), np.inf)), budget=np.inf))
    for answer in islice(answers(question), 0, 10, 3):
        bound = proven(offered, wanted, proof(answer), limits.tolist(), budget)
        assert answer.certificate.bound(question) <= max(bound, 0.0) + 1e-6
        assert answer.missing.any() or bound <= answer.cost + 1e-6
        placed = check_plan(wanted, machines(answer, offered))
        assert answer.cost <= budget + 1e-6
        assert all(number <= limits[lot] for lot, number in Counter(machine.lot for machine in answer.machines).items())
        for index, want in enumerate(wanted):
            assert placed[index] + answer.missing[index] == (0 if answer.homeless[index] else want.count)
        assert (answer.gap is None) == bool(answer.missing.any()) or not answer.lower_bound
        if not answer.missing.any() and (answer.homeless == free.homeless).all():
            assert answer.cost >= free.lower_bound - 1e-6


@settings(max_examples=100, deadline=None)
@given(plain_demand_lists(), offer_lists(), rule_sets())
def test_a_plan_is_never_dearer_than_the_greedy_one_nor_below_its_bound(demands, offers, rules):
    on_sale = forms([each for each in distinct(offers) if not refusals(each, rules)], rules)
    yardstick = Yardstick.of([form.machine for form in on_sale])
    wanted = classes(demands, yardstick)
    if not expressible(wanted, on_sale):
        assert plan(demands, (), offers, rules).gap is None
        return
    greedy = [cost(each.offer, rules) for each in Market(on_sale, wanted, rules, yardstick).purchases(Packing([]))]
    answer = plan(demands, (), offers, rules)
    check(answer, demands, (), rules)
    prices = [cost(each.offer, rules) for each in answer.purchases]
    if max((price.tier for price in [*greedy, *prices]), default=0) <= 1 and len(answer.unplaced) == 0:
        assert sum(price.amount for price in prices) <= sum(price.amount for price in greedy) + 1e-9
    if answer.lower_bound is not None:
        assert answer.gap is not None or not answer.lower_bound
        assert answer.lower_bound <= sum(price.amount for price in prices) + 1e-9


@pytest.mark.parametrize("part", [{"gpu_compute": 500}, {"gpu_memory": 12}, {"gpu_memory": 12, "gpu_compute": 400}])
def test_shares_of_a_device_by_whichever_is_scarce_for_all_have_a_proven_price(part):
    card = offer("card", 1.0, cpu=8.0, memory=64, gpus=[("L4", 24)])
    answer = plan(replicas(6, cpu=0.1, gpu_count=1, **part), (), [card])
    assert (len(answer.purchases), answer.lower_bound) == (3, pytest.approx(3.0))


def test_where_memory_is_scarce_for_some_and_compute_for_others_nothing_is_proven():
    card = offer("card", 1.0, cpu=8.0, memory=64, gpus=[("L4", 24)])
    much, fast = demand("a", gpu_count=1, gpu_memory=20), demand("b", "g", gpu_count=1, gpu_compute=900)
    answer = plan([much, fast], (), [card])
    assert (len(answer.purchases), len(answer.unplaced), answer.lower_bound) == (1, 0, None)


def test_taints_and_spot_are_kept_by_the_mix_and_its_bound():
    cheap, plain, tainted = offer("t", 1.0, purchase="spot"), offer("u", 3.0), offer("v", 2.0)
    rules = replace(RULES, taints={"old": ("v",)})
    answer = plan(replicas(4, cpu=4.0, spot=False), (), [cheap, plain, tainted], rules)
    assert {bought.offer.id for bought in answer.purchases} == {plain.id}
    assert answer.lower_bound == pytest.approx(12.0)
    tolerant = plan(replicas(4, cpu=4.0, spot=False, tolerates=frozenset({"old"})), (), [cheap, plain, tainted], rules)
    assert tolerant.lower_bound == pytest.approx(8.0)


def test_what_is_reserved_costs_nothing_more_in_a_mix_and_its_gap():
    held, other = offer("r", 9.0, purchase="reserved", available=2), offer("t", 1.0)
    answer = plan(replicas(4, cpu=4.0), (), [held, other])
    assert sorted(bought.offer.purchase for bought in answer.purchases) == ["on_demand", "on_demand", "reserved", "reserved"]
    assert (answer.lower_bound, answer.gap) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-6))


def test_a_plan_tells_how_far_from_the_cheapest_it_is_at_most():
    small, large = offer("small", 1.0, cpu=2.0, memory=4), offer("large", 3.0, cpu=8.0, memory=16)
    answer = plan(replicas(10), (), [small, large])
    assert answer.lower_bound == pytest.approx(3.75)
    assert answer.gap == pytest.approx(4 / 3.75 - 1)
    assert plan(replicas(2, spread="zone"), (), [small]).gap is None


def test_machines_that_cost_nothing_take_nothing_from_what_is_proven_of_the_others():
    gpus = offer("gpus", 2.0, cpu=8.0, memory=32, gpus=[("L4", 24)] * 2)
    answer = plan([*replicas(9), *replicas(3, "g", gpu_count=1)], (), [offer("own", 0.0), gpus])
    assert answer.lower_bound == pytest.approx(3.0)
    assert sum(each.offer.price.amount for each in answer.purchases) == 4.0


def test_shares_that_only_fit_in_sum_are_not_put_on_devices_together():
    two = offer("two", 1.0, cpu=8.0, memory=32, gpus=[("L4", 24)] * 2)
    answer = plan(replicas(3, gpu_count=1, gpu_memory=16), (), [two])
    assert len(answer.purchases) == 2
    assert answer.lower_bound == pytest.approx(1.5)


def test_a_mix_beats_buying_the_best_bargain_machine_by_machine():
    offers = [offer("even", 1.0, cpu=6.0, memory=64), offer("wide", 1.9, cpu=10.0, memory=64)]
    answer = plan([*replicas(4, "f", cpu=3.0), *replicas(4, "g", cpu=2.0)], (), offers)
    assert sum(each.offer.price.amount for each in answer.purchases) <= 4.0
    assert not answer.unplaced


def test_time_decides_only_how_long_the_search_goes_on():
    question = problem([Sale("s", "spot", 4.0, 16.0, "", 0, 0.0, 1.0)], [Want("w", 9, 1.5, 2.0, 0, False, 0.0, ())])
    asked = iter([True, True, False])
    answer = mix_while(question, lambda: next(asked), enough=-1.0)
    assert (len(answer.machines), answer.cost) == (5, 5.0)
    assert next(asked, "all asked") == "all asked"


def test_a_device_is_filled_in_every_way_that_leaves_no_room_and_in_no_other():
    assert sorted(fillings([3, 5], 11)) == [(0, 2), (2, 1), (3, 0)]
    assert fillings([1, 2, 3, 4, 5], 60) is None


def test_what_nothing_holds_is_named_and_the_rest_is_bought():
    answer = plan([demand("ok"), demand("huge", "g", cpu=99.0)], (), [offer()])
    assert [each.demand for each in answer.unplaced] == ["huge"]
    assert answer.gap == 0.0
