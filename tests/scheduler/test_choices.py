"""Why a replica is where a plan puts it: what is said of it holds in the plan as it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from cloudlayer.scheduler import Eviction, Placement, Plan, Traffic, telling
from cloudlayer.scheduler.account import account
from cloudlayer.scheduler.choices import Chooser, Distance, Ground
from cloudlayer.scheduler.fit import misfits
from cloudlayer.scheduler.outcome import Outcome
from tests.scheduler.build import (
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


def choices(demands, machines=(), offers=(), rules=RULES, made=None):
    """What is said of each placement, by demand."""
    made = made or plan(demands, machines, offers, rules)
    return {choice.demand: choice for choice in account(made, demands, machines, offers, rules).choices}


def chosen(wanted, machines, place, rules=RULES):
    """What is said of one replica that a plan puts on the machine `place`."""
    return choices([wanted], machines, rules=rules, made=Plan((Placement(wanted.id, place),)))[wanted.id]


def test_of_one_machine_it_is_told_that_there_is_no_other():
    choice = choices([demand()], [machine()])["d"]
    assert (choice.ground, choice.others, telling.ground(choice)) == (Ground.ONLY, 0, "It is the only machine there is")


def test_what_keeps_it_from_the_other_machines_is_counted():
    others = [machine("small", cpu=0.5), machine("tiny", cpu=0.1, memory=0), machine("other", engines=("docker",))]
    choice = choices([demand()], [machine("m"), *others])["d"]
    assert (choice.machine, choice.others, choice.fitting) == ("m", 3, 0)
    assert {each.constraint: each.count for each in choice.excluded} == {"cpu": 2, "memory": 1, "engine": 1}
    assert telling.ground(choice).startswith("No room is left on the 3 other machines there: 2 with too few cores")


def test_the_fullest_machine_is_told_as_such_and_another_is_not():
    machines = [machine("full", cpu=1), machine("empty", cpu=8)]
    assert chosen(demand(), machines, "full").ground is Ground.FULLEST
    assert chosen(demand(), machines, "empty").ground is Ground.NONE
    assert telling.ground(chosen(demand(), machines, "empty")) == "1 other machine has room left for it too"


def test_sparing_gpus_is_told_of_machines_and_of_devices():
    card = [("L4", 24, 24)]
    assert chosen(demand(), [machine("plain"), machine("cards", gpus=card)], "plain").ground is Ground.GPUS
    wanted = demand(gpu_count=1, gpu_memory=6)
    used = [machine("used", gpus=[("L4", 24, 8)]), machine("whole", gpus=card)]
    made = Plan((Placement("d", "used", (0,)),))
    assert choices([wanted], used, made=made)["d"].ground is Ground.GPUS


def test_spreading_is_told_where_it_made_a_difference():
    wanted = replicas(2, spread="machine")
    found = choices(wanted, [machine("a", groups=("f", "f")), machine("b")])
    assert {(choice.machine, choice.ground) for choice in found.values()} == {("b", Ground.SPREAD)}


def test_a_gang_that_is_together_is_told():
    gang = [demand(f"g{rank}", gang="g", rank=rank, together="machine") for rank in range(2)]
    found = choices(gang, [machine("a"), machine("b")])
    assert {choice.ground for choice in found.values()} == {Ground.GANG}
    assert "gang g is together here" in telling.ground(found["g0"])


def test_whom_it_calls_and_how_far_away_that_is_is_told():
    rules = replace(RULES, traffic=(Traffic("f", "g", 5.0), Traffic("h", "f", 1.0)))
    there = [inhabited(machine("a", zone="x"), [demand("r", "g")]), machine("b", zone="x"), machine("c", zone="y")]
    beside = chosen(demand(), there, "a", rules)
    assert [(partner.function, partner.calls, partner.distance) for partner in beside.partners] == [
        ("g", True, Distance.MACHINE),
        ("h", False, None),
    ]
    assert beside.ground is Ground.CALLS
    assert chosen(demand(), there, "b", rules).partners[0].distance is Distance.ZONE
    assert chosen(demand(), there, "c", rules).partners[0].distance is Distance.REGION
    assert list(telling.calls(beside)) == ["It calls g, on this machine.", "It is called by h, without a replica."]


def test_a_machine_to_buy_is_compared_with_the_next_best_that_holds_the_same():
    offers = [offer("small", 1.0), offer("large", 3.0, cpu=8, memory=16), offer("tiny", 0.1, cpu=1)]
    choice = choices([demand(cpu=3)], (), offers)["d"]
    assert choice.bought
    assert (choice.offer.machine_type.name, choice.bargain.next_best.machine_type) == ("small", "large")
    assert "The next best that holds the same is large (on-demand, a) for 3.0000 USD/h, 200 % more." in telling.told(choice)


def test_what_shares_a_machine_is_told_and_what_one_alone_would_cost():
    wanted = [demand("a", cpu=3), demand("b", "g", cpu=1)]
    offers = [offer("small", 0.5, cpu=1), offer("large", 1.2)]
    choice = choices(wanted, (), offers, made=None)["b"]
    assert choice.beside == (("f", 1),)
    assert choice.bargain.alone.machine_type == "small"
    assert "It shares the machine with 1 x f." in telling.told(choice)


def test_spot_and_reserved_machines_are_told_as_what_they_are():
    spot = choices([demand()], (), [offer("t", 0.25, purchase="spot"), offer("t", 1.0)])["d"]
    assert "It is a spot machine, 75 % below its on-demand price of 1.0000 USD/h." in telling.told(spot)
    reserved = choices([demand()], (), [offer("t", 1.0, purchase="reserved"), offer("u", 0.2)])["d"]
    assert reserved.bargain.reserved
    sentences = list(telling.told(reserved))
    assert "The machine is reserved, and paid for whether it is used or not; so it is used first." in sentences
    assert "Otherwise the cheapest that holds the same is u (on-demand, a) for 0.2000 USD/h." in sentences


def test_a_cheaper_machine_that_would_hold_the_same_is_not_kept_back():
    offers = [offer("dear", 2.0), offer("cheap", 1.0)]
    dear = plan([demand()], (), offers[:1])
    (choice,) = account(dear, [demand()], (), offers, RULES).choices
    assert "cheap (on-demand, a) for 1.0000 USD/h would hold the same for 50 % less." in telling.told(choice)


def test_an_offer_that_is_bought_up_is_no_alternative():
    offers = [offer("t", 1.0), offer("u", 2.0, available=0), offer("v", 3.0)]
    assert choices([demand()], (), offers)["d"].bargain.next_best.machine_type == "v"


def test_the_limit_of_the_price_holds_for_alternatives_beside_what_they_replace():
    offers, limited = [offer("t", 1.0), offer("u", 2.0, cpu=8)], replace(RULES, max_price=2.0)
    assert choices([demand()], (), offers, limited)["d"].bargain.next_best.machine_type == "u"
    assert choices([demand()], (), offers, replace(RULES, max_price=1.5))["d"].bargain.next_best is None


def test_what_ends_for_another_takes_no_room_any_more():
    there = inhabited(machine(cpu=1), [demand("low")])
    made = Plan((Placement("d", "m"),), evictions=(Eviction("low", "m", "why"),))
    choice = choices([demand(priority=1)], [there], made=made)["d"]
    assert choice.beside == ()


def test_room_that_is_left_elsewhere_is_not_hidden_when_a_machine_is_bought():
    made = plan([demand()], (), [offer()])
    (choice,) = account(made, [demand()], [machine()], [offer()], RULES).choices
    assert (choice.bought, choice.fitting) == (True, 1)
    assert telling.ground(choice) == "1 of 1 machine there has room left for one like it"


def test_a_replica_that_runs_is_told_of_too():
    there = [inhabited(machine("a"), [demand("r")]), machine("b", cpu=8)]
    choice = Chooser(Outcome(Plan(), (), there, (), RULES)).choice("r", "a")
    assert (choice.bought, choice.fitting, choice.ground) == (False, 1, Ground.FULLEST)


@pytest.mark.parametrize("zone", ["a", "b"])
def test_another_zone_is_no_other_machine(zone):
    found = choices([demand()], (), [offer("t"), offer("t", zone="b"), offer("t", 1.5, zone=zone, purchase="spot")])
    assert found["d"].bargain.next_best.purchase == "spot"


@settings(max_examples=60, deadline=None)
@given(demand_lists(), machine_lists(), offer_lists(), rule_sets())
def test_every_plan_can_be_told_and_what_is_said_of_it_is_so(demands, machines, offers, rules):
    made = plan(demands, machines, offers, rules)
    told, outcome = account(made, demands, machines, offers, rules), Outcome(made, demands, machines, offers, rules)
    assert [choice.demand for choice in told.choices] == [placement.demand for placement in made.placements]
    assert [missing.demand for missing in told.missing] == [missing.demand for missing in made.unplaced]
    wanted = {each.id: each for each in demands}
    for choice in told.choices:
        fits = [
            each.id for each in outcome.there() if each.id != choice.machine and not tuple(misfits(wanted[choice.demand], each))
        ]
        assert choice.fitting == len(fits)
        assert all(sentence.endswith(".") for sentence in telling.told(choice))
    for missing in told.missing:
        assert all(sentence.endswith(".") for sentence in telling.lacking(missing.explanation))
