"""Where replicas go and what is bought for them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from cloudlayer.errors import Avoid
from cloudlayer.resources import Offer
from cloudlayer.scheduler import Plan
from cloudlayer.scheduler.price import total
from cloudlayer.units import GIB
from tests.scheduler.build import RULES, demand, machine, offer, plan, replicas


def types(answer: Plan) -> list[str]:
    return sorted(bought.offer.machine_type.name for bought in answer.purchases)


def on(answer: Plan) -> Counter[str]:
    return Counter(placement.machine for placement in answer.placements)


def test_existing_machines_are_used_before_any_is_bought():
    answer = plan(replicas(4), [machine(cpu=3.0)], [offer("tiny", 0.01, cpu=1.0)])
    assert on(answer) == {"m": 3, "new-0": 1}


def test_of_existing_machines_the_one_that_is_filled_best_is_taken():
    answer = plan([demand(cpu=1.0)], [machine("large", cpu=8.0), machine("small", cpu=1.5)])
    assert on(answer) == {"small": 1}


def test_a_demand_without_gpus_spares_machines_that_have_them():
    answer = plan([demand()], [machine("gpu", cpu=1.0, memory=1, gpus=[("L4", 24, 24)]), machine("plain", cpu=64.0)])
    assert on(answer) == {"plain": 1}


def test_the_offer_that_absorbs_the_most_for_its_price_is_bought():
    small, large = offer("small", 1.0, cpu=2.0, memory=4), offer("large", 3.0, cpu=8.0, memory=16)
    assert types(plan(replicas(8), (), [small, large])) == ["large"]
    assert types(plan(replicas(2), (), [small, large])) == ["small"]
    assert types(plan(replicas(10), (), [small, large])) == ["large", "small"]


def test_a_machine_that_stays_part_empty_is_bought_smaller():
    offers = [offer("wide", 2.0, cpu=16.0, memory=64), offer("narrow", 1.5, cpu=2.0, memory=64)]
    assert types(plan(replicas(2), (), offers)) == ["narrow"]


def test_equal_prices_go_to_the_smaller_machine():
    assert types(plan([demand()], (), [offer("b", 1.0, cpu=8.0), offer("a", 1.0, cpu=16.0)])) == ["b"]


def test_unknown_prices_come_after_every_known_one():
    offers = [offer("unknown", None), offer("dear", 900.0, available=1)]
    assert types(plan(replicas(1), (), offers)) == ["dear"]
    assert types(plan(replicas(5), (), offers)) == ["dear", "unknown"]


def test_free_machines_come_first_and_are_no_larger_than_needed():
    cuts = [
        offer(f"1/{parts}", 0.0, cpu=8.0 / parts, memory=16 // parts, disk=160 // parts, available=parts)
        for parts in (1, 2, 4, 8)
    ]
    paid = offer("paid", 0.001, cpu=1.0)
    assert types(plan([demand()], (), [*cuts, paid])) == ["1/8"]
    assert types(plan(replicas(4), (), [*cuts, paid])) == ["1/2"]
    assert types(plan(replicas(8), (), [*cuts, paid])) == ["1/1"]


def test_what_is_reserved_is_used_before_anything_is_bought_and_its_price_is_told():
    held, other = offer("r", 9.0, purchase="reserved", available=1), offer("t", 0.1)
    answer = plan(replicas(2, cpu=4.0), (), [held, other], replace(RULES, max_price=0.1))
    assert sorted(bought.offer.id for bought in answer.purchases) == [held.id, other.id]
    assert total(answer.purchases).amounts == {"USD": 9.1}


def test_zones_of_two_regions_that_are_called_alike_are_two_zones():
    here, there = machine("m", region="cloud:east", zone="1"), machine("n", region="cloud:west", zone="1")
    busy = replace(here, groups=("f", "f"))
    answer = plan(replicas(2, spread="zone"), [busy, there])
    assert {placement.machine for placement in answer.placements} == {"n"}


def test_mig_instances_are_bought_as_many_to_a_device_as_its_slices_have_room_for():
    card = offer("a", 1.0, cpu=64.0, memory=640, gpus=[("A100", 40)] * 2)
    answer = plan(
        [*replicas(4, "f", gpu_count=1, gpu_profile="3g.20gb"), *replicas(7, "g", gpu_count=1, gpu_profile="1g.5gb")],
        (),
        [card],
    )
    assert (len(answer.purchases), len(answer.unplaced)) == (2, 0)
    assert all(len(placement.slices) == 1 for placement in answer.placements)


def test_no_more_of_an_offer_is_bought_than_there_are():
    answer = plan(replicas(9), (), [offer("few", 1.0, available=1), offer("many", 2.0)])
    assert types(answer) == ["few", "many", "many"]


def test_what_is_avoided_is_not_bought_at_any_scope():
    offers = [offer("t", 1.0, zone="a"), offer("t", 2.0, zone="b"), offer("u", 3.0, zone="b", region="west")]
    for avoid, prices in {
        Avoid(60, "cloud", zone="a"): [2.0],
        Avoid(60, "cloud", region="east"): [3.0],
        Avoid(60, "cloud", machine_type="t"): [3.0],
        Avoid(60, "cloud", zone="a", purchase="spot"): [1.0],
        Avoid(60, "other"): [1.0],
        Avoid(60, "cloud"): [],
    }.items():
        answer = plan([demand()], (), offers, replace(RULES, avoid=(avoid,)))
        assert [bought.offer.price.amount for bought in answer.purchases] == prices, avoid


def test_a_plan_stays_below_the_price_of_the_whole_fleet():
    rules = replace(RULES, max_price=2.5, spent=1.0)
    answer = plan(replicas(12), (), [offer("t", 1.0)], rules)
    assert (len(answer.purchases), len(answer.placements), len(answer.unplaced)) == (1, 4, 8)
    assert "the fleet would cost 3.0000 USD/h, its max_price is 2.5000 USD/h" in answer.unplaced[0].reason


def test_under_a_price_limit_the_dearer_of_two_is_bought_only_while_it_fits_the_rest():
    offers = [offer("small", 1.0, cpu=2.0, memory=4), offer("large", 3.0, cpu=8.0, memory=16)]
    answer = plan(replicas(8), (), offers, replace(RULES, max_price=2.0))
    assert types(answer) == ["small", "small"]
    assert len(answer.unplaced) == 4


def test_whole_gpus_and_shares_of_one_never_meet_on_a_device():
    demands = [demand("whole", "g", gpu_count=1), *replicas(2, "f", cpu=0.5, gpu_count=1, gpu_memory=10)]
    answer = plan(demands, (), [offer("gpus", 2.0, cpu=8.0, memory=32, gpus=[("L4", 24)] * 2)])
    devices = {placement.demand: placement.devices for placement in answer.placements}
    assert types(answer) == ["gpus"]
    assert devices["f-0"] == devices["f-1"] != devices["whole"]


def test_functions_apart_never_share_a_machine_whichever_of_them_says_so():
    demands = [demand("one", "f", apart=frozenset("g")), demand("two", "g")]
    assert sorted(on(plan(demands, (), [offer()])).values()) == [1, 1]


def test_replicas_of_a_function_apart_from_itself_get_a_machine_each():
    assert set(on(plan(replicas(3, apart=frozenset("f")), (), [offer()])).values()) == {1}


def test_spread_evens_a_group_out_over_machines_and_counts_who_is_there():
    machines = [machine("m1", groups=("f",), functions=("f",), cpu=3.0), machine("m2", cpu=4.0), machine("m3", cpu=4.0)]
    assert on(plan(replicas(5, spread="machine"), machines)) == {"m1": 1, "m2": 2, "m3": 2}


def test_spread_evens_a_group_out_over_zones():
    machines = [machine("m1", zone="a"), machine("m2", zone="a"), machine("m3", zone="b")]
    answer = on(plan(replicas(4, spread="zone"), machines))
    assert answer["m1"] + answer["m2"] == answer["m3"] == 2


def test_spread_uses_what_is_bought_anyway_and_buys_nothing_more():
    assert on(plan(replicas(4, spread="machine"), (), [offer()])) == {"new-0": 4}
    answer = plan(replicas(6, spread="machine"), (), [offer("t", 1.0, cpu=4.0)])
    assert on(answer) == {"new-0": 3, "new-1": 3}


def test_equally_cheap_zones_are_bought_in_turn_for_a_group_spread_over_zones():
    offers = [offer("t", 1.0, zone=zone) for zone in "abc"]
    answer = plan(replicas(12, spread="zone"), (), offers)
    assert sorted(bought.offer.zone for bought in answer.purchases) == ["a", "b", "c"]


def test_a_disk_bought_apart_holds_what_is_placed_with_the_systems_share():
    answer = plan(replicas(3, disk=10), (), [offer()])
    assert [bought.disk for bought in answer.purchases] == [62 * GIB]


def test_names_of_new_machines_are_none_that_exist():
    answer = plan([demand()], [machine("new-0", cpu=0.1)], [offer()])
    assert [bought.id for bought in answer.purchases] == ["new-1"]


def test_the_price_of_a_plan_keeps_the_unknown_apart():
    answer = plan(replicas(12), (), [offer("known", 1.5, available=2), offer("unknown", None)])
    assert str(total(answer.purchases)) == "3.0000 USD/h + 1 machine of unknown price"
    assert str(total(plan(replicas(1), (), [offer("own", 0.0)]).purchases)) == "free"


def test_a_thousand_demands_a_hundred_machines_and_five_hundred_offers_take_seconds_at_most():
    demands = [
        replace(replicas(1, f"f{number % 40}", cpu=0.25 * (1 + number % 7), memory=1 + number % 5)[0], id=f"d{number}")
        for number in range(1000)
    ]
    machines = [machine(f"m{number}", zone="ab"[number % 2], cpu=2.0 + number % 5) for number in range(100)]
    offers: list[Offer] = [
        offer(f"t{number}", 0.05 * cores + 0.001 * number, cpu=float(cores), memory=cores * (2 + number % 4), zone=zone)
        for number, cores in enumerate([1, 2, 4, 8, 16] * 50)
        for zone in "ab"
    ]
    start = time.process_time()
    answer = plan(demands, machines, offers)
    assert time.process_time() - start < 6  # about 0.5 s on one idle core; the bound is for a busy one
    assert len(answer.placements) == 1000
