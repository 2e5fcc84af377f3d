"""What a user reads when a replica has no place."""

from __future__ import annotations

from dataclasses import replace

from cloudlayer.errors import Avoid
from cloudlayer.scheduler.explain import explain
from tests.scheduler.build import RULES, demand, machine, offer, plan


def reason(wanted, offers, rules=RULES, machines=()) -> str:
    (unplaced,) = plan([wanted], machines, offers, rules).unplaced
    return unplaced.reason


def mend(wanted, offers, rules=RULES) -> str:
    return reason(wanted, offers, rules).rpartition(": ")[2]


def test_the_reason_counts_what_excludes_how_many_offers_and_names_the_nearest():
    offers = [offer("small", memory=4), offer("middle", memory=16), offer("denied", memory=64)]
    assert reason(demand(memory=32), offers, replace(RULES, denied_machine_types=("den*",)), [machine()]) == (
        "no room on the 1 machine there is; no offer for 1 core, 32GiB memory, process engine: of 3, "
        "2 with too little memory, 1 in deny.machine_types; "
        'nearest is cloud/east/a/denied/on_demand: let deny.machine_types spare "denied"'
    )


def test_without_any_offer_the_reason_says_so():
    assert reason(demand(cpu=9), [], machines=[machine(), machine("n")]) == (
        "no room on the 2 machines there are; the fleet's providers offer no machines"
    )


def test_figures_that_are_too_large_are_told_with_the_most_that_would_fit():
    assert mend(demand(memory=32), [offer(memory=4), offer("u", memory=16)]) == "lower resources.memory to 16GiB"
    assert mend(demand(cpu=32), [offer(allocatable_cpu=3.5)]) == "lower resources.cpu to 3.5"
    assert mend(demand(disk=32), [offer(disk=10)]) == "lower resources.disk to 10GiB"


def test_sizes_in_a_mend_are_never_rounded_up():
    size = 15 * 1024**3 + 1024**3 * 999 // 1000
    assert mend(demand(memory=32), [offer(allocatable_memory=size)]) == "lower resources.memory to 16382MiB"


def test_gpu_reasons_speak_of_one_device():
    card = offer("g", gpus=[("L4", 24)] * 4)
    assert mend(demand(gpu_count=1, gpu_memory=40), [card]) == "lower resources.gpu.memory to 24GiB"
    assert mend(demand(gpu_count=8, gpu_memory=4), [card]) == "lower resources.gpu.count to 4"
    assert mend(demand(gpu_count=1, gpu_models=("H100",)), [card]) == "allow resources.gpu.model L4"
    assert mend(demand(gpu_count=1), [offer()]) == "add a provider whose machines have GPUs"


def test_parts_of_a_gpu_are_told_by_what_was_asked_for():
    card = offer("g", gpus=[("L4", 24)])
    assert "1 GPU with a MIG instance 1g.5gb on each" in reason(demand(gpu_count=1, gpu_profile="1g.5gb"), [card])
    assert "1 GPU with 40GiB and 0.25 of the compute each" in reason(
        demand(gpu_count=1, gpu_memory=40, gpu_compute=250), [card]
    )
    assert mend(demand(gpu_count=1, gpu_profile="1g.5gb"), [card]) == "allow GPUs that have MIG"
    other = offer("g", gpus=[("A30", 24)])
    assert (
        mend(demand(gpu_count=1, gpu_profile="1g.5gb"), [other]) == "set resources.gpu.profile to 1g.6gb or 2g.12gb or 4g.24gb"
    )


def test_taints_and_spot_are_told_with_the_key_to_change():
    tainted = replace(RULES, taints={"gpu": ("t",), "new": ("*",)})
    assert mend(demand(), [offer()], tainted) == "add gpu, new to tolerates"
    assert mend(demand(tolerates=frozenset({"gpu"})), [offer()], tainted) == "add new to tolerates"
    assert mend(demand(spot=False), [offer(purchase="spot")]) == "let it be on spot machines with spot = true"


def test_engine_and_architecture_are_told_as_they_are_there():
    assert mend(demand(engine="docker"), [offer(region="west")]) == "use engine process"
    assert mend(demand(), [offer(region="north")]) == "its machines run no engine, add a provider that does"
    assert mend(demand(architecture="arm64"), [offer()]) == "set resources.architecture to x86_64"


def test_rules_are_told_with_the_key_to_change():
    assert mend(demand(), [offer(purchase="spot")], replace(RULES, spot=False)) == "set allow.spot = true"
    assert mend(demand(), [offer("t")], replace(RULES, machine_types=("g*",))) == 'add "t" to allow.machine_types'
    assert mend(demand(), [offer()], replace(RULES, regions=("us-*",))) == 'add "east" to allow.regions'
    assert mend(demand(), [offer()], replace(RULES, denied_regions=("e*",))) == 'let deny.regions spare "east"'


def test_lack_and_failure_are_told_as_passing():
    assert mend(demand(), [offer(available=0)]) == "no more of t can be had now, free some or allow others"
    avoiding = replace(RULES, avoid=(Avoid(60, "cloud", zone="a"),))
    assert mend(demand(), [offer()], avoiding) == "it failed lately and is tried again by itself"


def test_under_a_price_limit_unknown_and_foreign_prices_are_told():
    limited = replace(RULES, max_price=5.0)
    assert "bought only without a max_price" in mend(demand(), [offer("t", None)], limited)
    assert mend(demand(), [offer(currency="EUR")], limited) == "its price is in EUR, so write max_price in EUR"


def test_what_a_plan_has_bought_up_itself_is_told_as_sold_out():
    answer = plan([demand("a", cpu=4), demand("b", cpu=4)], (), [offer(available=1)])
    assert "1 sold out" in answer.unplaced[0].reason


def test_an_explanation_counts_by_constraint_over_offers_and_over_machines():
    offers = [offer("small", memory=4), offer("spot", memory=16, purchase="spot")]
    machines = [machine("full", cpu=0.5, memory=1), machine("other", engines=("docker",), memory=64)]
    found = explain(demand(cpu=2, memory=32, spot=False), offers, RULES, machines)
    assert (found.offers, found.machines) == (2, 2)
    assert {each.constraint: each.count for each in found.by_offer} == {"memory": 2, "spot": 1}
    assert {each.constraint: each.count for each in found.by_machine} == {"memory": 1, "cpu": 1, "engine": 1}
    assert (found.nearest, found.mends) == (offers[0].id, ("lower resources.memory to 4GiB",))


def test_the_reason_is_made_of_the_explanation():
    offers, machines = [offer(memory=4)], [machine()]
    wanted = demand(memory=32)
    assert reason(wanted, offers, machines=machines) == explain(wanted, offers, RULES, machines).reason


def test_what_one_offer_could_hold_alone_has_no_mend():
    found = explain(demand(), [offer()], RULES, ())
    assert (found.by_offer, found.nearest, found.mends) == ((), None, ())
    assert found.reason == "no offer for 1 core, 1GiB memory, process engine: of 1, none is too small for one alone"
