"""Where there is not enough for all, those of higher priority come first, and room is made for them. Else nothing changes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler import Machine, Resident
from cloudlayer.scheduler.fit import fit, occupy
from tests.scheduler.build import (
    RULES,
    demand,
    machine,
    offer,
    plan,
    replicas,
)
from tests.scheduler.checker import check

relaxed = settings(max_examples=60, deadline=None)


def settled(where: Machine, *running, ages=(), leaving=()) -> Machine:
    """The machine with these on it."""
    residents = []
    for number, each in enumerate(running):
        devices = fit(each, where)
        assert devices is not None
        where = occupy(where, each, [devices])
        age = ages[number] if ages else 60.0 * number
        residents.append(Resident(each, devices, age, leaving=each.id in leaving))
    return replace(where, residents=(*where.residents, *residents))


def priorities(demands) -> dict[str, int]:
    """By demand; all of a gang have the highest one that a member has."""
    bands = {each.id: each.gang or each.id for each in demands}
    return {name: max(each.priority for each in demands if bands[each.id] == band) for name, band in bands.items()}


def evicted(answer) -> list[str]:
    return [each.replica for each in answer.evictions]


def placed(answer) -> list[str]:
    return [each.demand for each in answer.placements]


@st.composite
def needs(draw, name, most):
    """Demands that differ in little but priority, so that they are in each other's way."""
    kinds = st.sampled_from([(0, None), (0, None), (1, None), (1, 12), (2, 8)])
    found = []
    for number in range(draw(st.integers(1, most))):
        count, share = draw(kinds)
        each = demand(
            f"{name}{number}",
            draw(st.sampled_from("fgh")),
            cpu=draw(st.sampled_from([0.5, 1.0, 2.0, 3.0])),
            gpu_count=count,
            gpu_memory=share,
            apart=draw(st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset("f")])),
            priority=draw(st.integers(0, 3)),
            gang=draw(st.sampled_from([None, None, None, f"{name}-x", f"{name}-y"])),
            rank=number,
        )
        found.append(each)
    together = {name: draw(st.sampled_from([None, None, "machine", "zone"])) for name in {each.gang for each in found}}
    return [replace(each, together=together[each.gang] if each.gang else None) for each in found]


@st.composite
def busy_machines(draw):
    """Machines with as many residents as fit; gangs of them have members anywhere."""
    machines = [
        machine(f"m{number}", zone="ab"[number % 2], cpu=4.0, memory=16, gpus=[("L4", 24, 24)] * draw(st.integers(0, 2)))
        for number in range(draw(st.integers(1, 3)))
    ]
    running, found = draw(needs("r", 12)), []
    for number, free in enumerate(machines):
        on_it = []
        filled = free
        for one in running[number :: len(machines)]:
            if (devices := fit(one, filled)) is not None:
                filled = occupy(filled, one, [devices])
                on_it.append(Resident(one, devices, float(draw(st.integers(0, 9))), leaving=draw(st.integers(0, 5)) == 0))
        found.append(replace(filled, residents=tuple(on_it)))
    return found


_few = st.sampled_from([(), (), (offer("t", 1.0, cpu=2.0, available=1),), (offer("t", 1.0, cpu=4.0, memory=16),)])
_money = st.sampled_from([RULES, replace(RULES, max_price=1.0)])
WORLD = (needs("d", 8), busy_machines(), _few, _money)


def test_with_room_for_all_priorities_change_nothing():
    plain = [*replicas(3, "f"), *replicas(3, "g", cpu=2.0)]
    ranked_ = [replace(each, priority=number) for number, each in enumerate(plain)]
    offers = [offer("t", 1.0), offer("u", 1.7, cpu=8.0)]
    assert plan(ranked_, [machine()], offers) == plan(plain, [machine()], offers)


def test_the_larger_comes_after_the_one_of_higher_priority_where_there_is_room_for_one():
    answer = plan([demand("large", cpu=4.0), demand("small", priority=1)], [machine(cpu=4.0)])
    assert placed(answer) == ["small"]


def test_the_money_is_spent_on_the_higher_priority_first():
    rules = replace(RULES, max_price=1.0)
    answer = plan([demand("low", cpu=4.0), demand("high", "g", cpu=4.0, priority=1)], (), [offer("t", 1.0)], rules)
    assert placed(answer) == ["high"]


def test_nothing_is_evicted_for_what_can_be_bought():
    there = settled(machine(), demand("old", cpu=4.0))
    answer = plan([demand("new", "g", cpu=4.0, priority=9)], [there], [offer()])
    assert not answer.evictions
    assert len(answer.purchases) == 1


def test_one_of_lower_priority_ends_where_nothing_can_be_bought():
    there = settled(machine(), demand("old", cpu=4.0, priority=1))
    answer = plan([demand("new", "g", cpu=2.0, priority=2)], [there])
    assert placed(answer) == ["new"]
    (eviction,) = answer.evictions
    assert (eviction.replica, eviction.machine) == ("old", "m")
    assert eviction.reason == "room for g, whose priority 2 is higher"


def test_nobody_is_evicted_for_an_equal_or_a_lower_priority():
    there = settled(machine(), demand("old", cpu=4.0, priority=1))
    for priority in (0, 1):
        answer = plan([demand("new", "g", priority=priority)], [there])
        assert not answer.evictions
        assert [each.demand for each in answer.unplaced] == ["new"]


def test_nobody_is_evicted_in_vain():
    there = settled(machine(), demand("low", cpu=2.0), demand("high", cpu=2.0, priority=5))
    assert not plan([demand("new", "g", cpu=3.0, priority=5)], [there]).evictions


def test_the_fewest_are_evicted_then_the_lowest_then_the_youngest():
    many = settled(machine("many"), *replicas(4, "a"))
    one = settled(machine("one"), demand("b", "b", cpu=4.0, priority=3))
    assert evicted(plan([demand("new", cpu=4.0, priority=5)], [many, one])) == ["b"]
    lower = settled(machine("lower"), demand("c", "c", cpu=4.0, priority=2))
    assert evicted(plan([demand("new", cpu=4.0, priority=5)], [many, one, lower])) == ["c"]
    younger = settled(machine("older"), demand("d", "d", cpu=4.0, priority=2), ages=[-1.0])
    assert evicted(plan([demand("new", cpu=4.0, priority=5)], [many, lower, younger])) == ["d"]


def test_one_large_enough_ends_in_place_of_several_small_ones():
    there = settled(machine(), demand("small-1", cpu=0.5), demand("small-2", cpu=0.5), demand("large", cpu=3.0))
    assert evicted(plan([demand("new", "g", cpu=3.0, priority=1)], [there])) == ["large"]


def test_two_large_ones_end_in_place_of_six_small_ones():
    small = [demand(f"s{number}", cpu=1, priority=0) for number in range(6)]
    large = [demand(f"b{number}", cpu=3, priority=0) for number in range(2)]
    where = settled(machine(cpu=12, memory=64), *small, *large, ages=[1.0] * 6 + [50.0] * 2)
    answer = plan([demand("d", cpu=6, priority=1)], [where])
    assert evicted(answer) == ["b0", "b1"]


def test_room_that_an_eviction_left_over_is_used_before_another_ends():
    full = settled(machine("m", cpu=4, memory=64), demand("big", cpu=4))
    other = settled(machine("n", cpu=1, memory=64), demand("small", cpu=1))
    wanted = [demand("b", "b", cpu=3, priority=5), demand("c", "c", cpu=1, priority=5)]
    for machines in ([full, other], [full]):
        answer = plan(wanted, machines)
        assert evicted(answer) == ["big"]
        assert placed(answer) == ["b", "c"]


def test_only_a_device_with_room_for_it_is_cleared():
    def share(name, priority=0):
        return demand(name, name, cpu=0.1, gpu_count=1, gpu_memory=12, priority=priority)

    there = settled(machine(gpus=[("L4", 24, 24)] * 2), share("a"), share("b"), share("c", 2), share("d"))
    answer = plan([demand("whole", "w", cpu=0.1, gpu_count=1, priority=1)], [there])
    assert evicted(answer) == ["a", "b"]
    assert [each.devices for each in answer.placements] == [(0,)]


def test_a_gang_is_evicted_whole_wherever_its_members_are():
    old = [demand(f"old-{rank}", "o", cpu=4.0, gang="old", rank=rank) for rank in range(2)]
    machines = [settled(machine("m1"), old[0]), settled(machine("m2"), old[1])]
    assert evicted(plan([demand("new", "g", cpu=4.0, priority=1)], machines)) == ["old-0", "old-1"]


def test_a_gang_with_one_member_of_equal_priority_stays():
    old = [demand(f"old-{rank}", "o", cpu=4.0, gang="old", rank=rank, priority=rank) for rank in range(2)]
    machines = [settled(machine("m1"), old[0]), settled(machine("m2"), old[1])]
    assert not plan([demand("new", "g", cpu=4.0, priority=1)], machines).evictions


def test_a_gang_has_room_made_for_all_of_it_or_nobody_is_evicted():
    machines = [settled(machine("m1"), demand("a", cpu=4.0)), settled(machine("m2"), demand("b", cpu=4.0))]
    for size, ending in ((2, ["a", "b"]), (3, [])):
        gang = [demand(f"g-{rank}", "g", cpu=4.0, gang="g", rank=rank, priority=1) for rank in range(size)]
        assert evicted(plan(gang, machines)) == ending


def test_a_gang_together_on_one_machine_has_that_one_cleared():
    machines = [settled(machine("m1"), *replicas(4, "a")), settled(machine("m2"), *replicas(2, "b", cpu=2.0))]
    gang = [demand(f"g-{rank}", "g", cpu=2.0, gang="g", rank=rank, priority=1, together="machine") for rank in range(2)]
    answer = plan(gang, machines)
    assert evicted(answer) == ["b-0", "b-1"]
    assert {each.machine for each in answer.placements} == {"m2"}


def test_who_is_ending_anyway_is_waited_for_before_another_has_to_end():
    machines = [
        settled(machine("m1"), demand("going", cpu=4.0, priority=7), leaving={"going"}),
        settled(machine("m2"), demand("staying", cpu=4.0)),
    ]
    assert evicted(plan([demand("new", "g", cpu=4.0, priority=1)], machines)) == ["going"]


def test_what_is_freed_beyond_the_need_is_used_by_the_lower_ones():
    there = settled(machine(), demand("old", cpu=4.0))
    answer = plan([demand("new", "g", cpu=2.0, priority=2), demand("low", "h", cpu=1.0)], [there])
    assert placed(answer) == ["low", "new"]


@relaxed
@given(*WORLD)
def test_nobody_is_without_a_place_who_has_one_when_lower_priorities_are_not_asked_for(demands, machines, offers, rules):
    highest = priorities(demands)
    lacking = {each.demand for each in plan(demands, machines, offers, rules).unplaced}
    for priority in set(highest.values()):
        alone = [each for each in demands if highest[each.id] >= priority]
        missing = {each.demand for each in plan(alone, machines, offers, rules).unplaced}
        assert {name for name in lacking if highest[name] >= priority} <= missing


@relaxed
@given(*WORLD)
def test_every_plan_with_evictions_passes_the_independent_checker(demands, machines, offers, rules):
    highest = priorities(demands)
    told = [replace(each, priority=highest[each.id]) for each in demands]
    check(plan(demands, machines, offers, rules), told, machines, rules)


@relaxed
@given(*WORLD)
def test_only_residents_of_strictly_lower_priority_are_evicted_and_gangs_whole(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    homes = {one.demand.id: (each.id, one) for each in machines for one in each.residents}
    highest = max((each.priority for each in demands if each.id in placed(answer)), default=None)
    for eviction in answer.evictions:
        home, resident = homes[eviction.replica]
        assert home == eviction.machine
        assert resident.leaving or (highest is not None and resident.demand.priority < highest)
    ending = set(evicted(answer))
    for name in {one.demand.gang for _, one in homes.values() if one.demand.gang and one.demand.id in ending}:
        assert {one.demand.id for _, one in homes.values() if one.demand.gang == name} <= ending


@relaxed
@given(*WORLD)
def test_no_eviction_could_be_left_out(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    units: dict[str, list[str]] = {}
    homes = {one.demand.id: (each, one) for each in machines for one in each.residents}
    for name in evicted(answer):
        units.setdefault(homes[name][1].demand.gang or name, []).append(name)
    for members in units.values():
        left = set(evicted(answer)) - set(members)
        assert not _all_fit(answer, demands, machines, left)
    assert _all_fit(answer, demands, machines, set(evicted(answer)))


def _all_fit(answer, demands, machines, ending: set[str]) -> bool:
    """Whether what was placed on machines that exist fits them beside the residents but those who end: by sums alone."""
    by_id = {each.id: each for each in demands}
    return all(
        _fits(each, [one for one in each.residents if one.demand.id not in ending], [
            (by_id[one.demand], one.devices) for one in answer.placements if one.machine == each.id
        ])
        for each in machines
    )  # fmt: skip


def _fits(where: Machine, residents, added) -> bool:
    everyone = [(one.demand, one.devices) for one in residents] + added
    before = [(one.demand, one.devices) for one in where.residents]

    def taken(loads, what):
        return sum(what(each) for each, _ in loads)

    room = all(
        taken(everyone, what) <= free + taken(before, what) + 1e-6
        for what, free in (
            (lambda each: each.cpu, where.cpu),
            (lambda each: each.memory, where.memory),
            (lambda each: each.disk, where.disk),
        )
    )
    devices = all(
        _device(device.memory, everyone, index) <= device.free + _device(device.memory, before, index)
        for index, device in enumerate(where.devices)
    )
    apart = not any(
        one.function in other.apart
        for number, (one, _) in enumerate(everyone)
        for place, (other, _) in enumerate(everyone)
        if number != place
    )
    return room and devices and apart


def _device(size: int, loads, index: int) -> int:
    """The bytes that the loads take of the device."""
    return sum(size if each.gpu_memory is None else each.gpu_memory for each, devices in loads if index in devices)


@relaxed
@given(*WORLD)
def test_the_evicted_never_evict_back(demands, machines, offers, rules):
    """Each plan is carried out and the evicted are asked for again: it comes to an end, at most once for each priority."""
    for _ in range(5):
        answer = plan(demands, machines, (), rules)
        if not answer.evictions:
            return
        machines, demands = _carried_out(answer, demands, machines)
    raise AssertionError("evictions go on")


def _carried_out(answer, demands, machines):
    by_id, ending = {each.id: each for each in demands}, set(evicted(answer))
    after, again = [], [one.demand for each in machines for one in each.residents if one.demand.id in ending]
    for each in machines:
        stays = [one for one in each.residents if one.demand.id not in ending]
        new = [Resident(by_id[one.demand], one.devices) for one in answer.placements if one.machine == each.id]
        whole = replace(
            each,
            cpu=each.cpu + sum(one.demand.cpu for one in each.residents),
            memory=each.memory + sum(one.demand.memory for one in each.residents),
            disk=each.disk + sum(one.demand.disk for one in each.residents),
            devices=tuple(
                replace(
                    device, free=device.free + _device(device.memory, [(o.demand, o.devices) for o in each.residents], index)
                )
                for index, device in enumerate(each.devices)
            ),
            functions=(),
            groups=(),
            apart=frozenset(),
            residents=(*stays, *new),
        )
        for one in whole.residents:
            whole = occupy(whole, one.demand, [one.devices])
        after.append(whole)
    return after, again


@relaxed
@given(*WORLD, st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_decides_nothing_under_scarcity(demands, machines, offers, rules, random):
    answer = plan(demands, machines, offers, rules)
    shuffled = [random.sample(list(each), len(each)) for each in (demands, machines, offers)]
    assert plan(*shuffled, rules) == answer
