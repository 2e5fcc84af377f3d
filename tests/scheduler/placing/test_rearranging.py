"""Where best fit leaves some out, those placed by the same plan come closer together; nobody loses by it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.placing import existing, rearranging
from cloudlayer.scheduler.placing.existing import use_existing
from cloudlayer.scheduler.sizes import Yardstick, classes
from tests.scheduler.build import RULES, demand, demand_lists, inhabited, machine, machine_lists, offer, plan, replicas
from tests.scheduler.checker import check

FEW = settings(max_examples=60, deadline=None)


@st.composite
def tight(draw):
    """Machines and demands that fill them to the last, some more of the same, and some that may not be moved."""
    count = draw(st.integers(1, 3))
    machines, demands = [], []
    for number in range(count):
        cpus = draw(st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.5]), min_size=1, max_size=5))
        parts = draw(st.lists(st.sampled_from([200, 300, 400, 500]), max_size=5))
        memory = [draw(st.sampled_from([1, 2, 3])) for _ in (*cpus, *parts)]
        gpus = [("L4", 24, 24)] * -(-sum(parts) // 1000)
        machines.append(machine(f"m{number}", cpu=sum(cpus) + len(parts), memory=sum(memory), gpus=gpus))
        demands += [demand("", f"c{cpu}-{size}", cpu=cpu, memory=size) for cpu, size in zip(cpus, memory, strict=False)]
        demands += [
            demand("", f"g{part}-{size}", memory=size, gpu_count=1, gpu_compute=part)
            for part, size in zip(parts, memory[len(cpus) :], strict=True)
        ]
    more = draw(st.lists(st.sampled_from(demands), max_size=2))
    held = draw(st.lists(st.sampled_from(["machine", "apart"]), max_size=2))
    demands += more
    demands += [
        demand("", f"h{kind}", cpu=0.5, **({"spread": kind} if kind == "machine" else {"apart": frozenset({f"h{kind}"})}))
        for kind in held
    ]
    names = draw(st.permutations(range(len(demands))))
    return [named(each, f"d{name:02}") for each, name in zip(demands, names, strict=True)], machines


def named(each, name):
    return demand(
        name, each.function, cpu=each.cpu, memory=each.memory // 2**30, spread=each.spread, apart=each.apart,
        gpu_count=each.gpu_count, gpu_compute=each.gpu_compute,
    )  # fmt: skip


def placed(rest, demands):
    left = {replica for each in rest for replica in each.ids}
    return Counter(each.group for each in demands if each.id not in left)


@FEW
@given(tight())
def test_of_no_version_fewer_have_a_place_than_by_best_fit_alone(instance):
    demands, machines = instance
    wanted = classes(demands, Yardstick.of(machines))
    alone, together = Packing(machines), Packing(machines)
    before, after = existing._one_by_one(wanted, alone), use_existing(wanted, together)
    assert placed(before, demands) <= placed(after, demands)
    if placed(before, demands) == placed(after, demands):
        assert alone.placements() == together.placements()


@FEW
@given(tight(), st.randoms(use_true_random=False))
def test_rearranged_plans_pass_the_checker_in_whatever_order_they_are_asked_for(instance, random):
    demands, machines = instance
    answer = plan(demands, machines)
    left = check(answer, demands, machines, RULES)
    missing = {each.demand for each in answer.unplaced}
    assert not any(site.could_take(each) for each in demands if each.id in missing for site in left.values())
    assert plan(random.sample(demands, len(demands)), machines[::-1]) == answer


@FEW
@given(demand_lists(), machine_lists(), machine_lists())
def test_who_was_placed_before_stays_where_it_is(demands, machines, _):
    half = len(demands) // 2
    yardstick, packing = Yardstick.of(machines), Packing(machines)
    use_existing(classes(demands[:half], yardstick), packing)
    before = packing.placements()
    use_existing(classes(demands[half:], yardstick), packing)
    assert set(before) <= set(packing.placements())


def thirds():
    """Two machines that two replicas of 4 cores and four of 3 fill, and that best fit does not."""
    demands = [*replicas(2, "large", cpu=4.0), *replicas(4, "small", cpu=3.0)]
    return demands, [machine(name, cpu=10.0) for name in "ab"]


def test_what_was_bought_for_some_replicas_is_enough_for_them():
    demands, machines = thirds()
    answer = plan(demands, machines, [offer(cpu=10.0)])
    assert not answer.purchases and not answer.unplaced
    check(answer, demands, machines, RULES)


def test_without_rearranging_one_more_machine_would_be_bought(monkeypatch):
    demands, machines = thirds()
    monkeypatch.setattr(existing, "rearranged", lambda wanted, rest, packing: rest)
    assert len(plan(demands, machines, [offer(cpu=10.0)]).purchases) == 1


def test_replicas_that_run_are_not_moved():
    demands, machines = thirds()
    there = [inhabited(machines[0], demands[:2]), machines[1]]
    answer = plan(demands[2:], there)
    assert len(answer.placements) == 3 and len(answer.unplaced) == 1
    check(answer, demands[2:], there, RULES)


@pytest.mark.parametrize(
    "demands",
    [
        replicas(3, cpu=3.0),  # a third of what is free in all is missing
        [*replicas(2, cpu=2.0), demand("d", "g", cpu=9.0)],  # larger than any machine
    ],
)
def test_nothing_is_tried_where_it_cannot_help(demands, monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a search was made")

    monkeypatch.setattr(rearranging, "batch", fail)
    machines = [machine("a", cpu=4.0), machine("b", cpu=4.0)]
    assert len(use_existing(classes(demands, Yardstick.of(machines)), Packing(machines))) == 1
