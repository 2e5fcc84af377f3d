"""The moves that are said to make room do make it, one after another, with both copies up at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler import Demand, Resident, telling
from cloudlayer.scheduler.account import lacking
from cloudlayer.scheduler.defragmentation import MOST_MOVES, room_by_moves
from cloudlayer.scheduler.fit import fit, occupy, release
from cloudlayer.scheduler.outcome import Outcome
from tests.scheduler.build import RULES, demand, demand_lists, inhabited, machine, machine_lists, plan
from tests.scheduler.checker import existing


@st.composite
def fleets(draw):
    """Machines that are half full, and one more replica, which is large."""
    numbers = iter(range(100))
    machines = []
    for name in "abcd"[: draw(st.integers(1, 4))]:
        there = machine(name, cpu=6.0, memory=12, gpus=[("L4", 24, 24)] * draw(st.integers(0, 2)))
        running = draw(st.lists(_running(), max_size=4))
        machines.append(inhabited(there, [replace(each, id=f"r{next(numbers)}") for each in running]))
    parts = draw(st.sampled_from([{}, {"gpu_count": 1}, {"gpu_count": 2}, {"gpu_count": 1, "gpu_memory": 16}]))
    return demand("wanted", "w", cpu=draw(st.sampled_from([2.0, 4.0, 5.0])), **parts), machines


def _running():
    parts = st.sampled_from([{}, {}, {"gpu_count": 1, "gpu_memory": 6}, {"gpu_count": 1, "gpu_compute": 500}])
    others = st.sampled_from([{}, {}, {}, {"gang": "g"}, {"spread": "machine"}, {"apart": frozenset("w")}])
    return st.builds(
        lambda cpu, part, other: demand("", f"f{cpu}{len(part)}", cpu=cpu, **part, **other),
        st.sampled_from([1.0, 2.0, 3.0]), parts, others,
    )  # fmt: skip


def carried_out(moves, machines):
    """The machines as the checker sees them, with the moves made: a copy comes up, then the other ends."""
    now, sites = {each.id: each for each in machines}, existing(machines)
    for move in moves:
        resident = next(each for each in now[move.source].residents if each.demand.id == move.replica)
        devices = fit(resident.demand, now[move.target])
        assert sites[move.target].accepts(resident.demand, devices)
        sites[move.target].put(resident.demand, devices)
        now[move.target] = occupy(now[move.target], resident.demand, [devices])
        sites[move.source].evict(move.replica)
        now[move.source] = release(now[move.source], resident)
    return sites


@settings(max_examples=60, deadline=None)
@given(fleets())
def test_the_moves_make_room_one_after_another_and_none_is_in_vain(fleet):
    wanted, machines = fleet
    moves = room_by_moves(wanted, machines)
    assert len(moves) <= MOST_MOVES and len({move.replica for move in moves}) == len(moves)
    if moves:
        assert any(site.could_take(wanted) for site in carried_out(moves, machines).values())
        assert not any(site.could_take(wanted) for site in carried_out(moves[:-1], machines).values())


@settings(max_examples=60, deadline=None)
@given(fleets())
def test_where_the_end_of_one_replica_that_fits_elsewhere_is_enough_one_move_is_found(fleet):
    wanted, machines = fleet
    if any(fit(wanted, each) is not None for each in machines):
        return
    for each in machines:
        for resident in each.residents:
            own = resident.demand
            bound = own.gang is not None or own.spread is not None or own.apart
            if not bound and fit(wanted, release(each, resident)) is not None:
                others = [other for other in machines if other is not each and fit(own, other) is not None]
                assert not others or room_by_moves(wanted, machines)


@settings(max_examples=60, deadline=None)
@given(demand_lists(), machine_lists(), st.randoms(use_true_random=False))
def test_who_may_not_move_is_not_moved_and_the_order_decides_nothing(demands, machines, random):
    residents = {each.demand.id: each.demand for one in machines for each in one.residents}
    for wanted in demands:
        moves = room_by_moves(wanted, machines)
        assert moves == room_by_moves(wanted, random.sample(machines, len(machines)))
        moved = [residents[move.replica] for move in moves]
        assert not moves or wanted.gang is None
        assert all(each.gang is None and each.spread is None and each.gpu_profile is None for each in moved)


def halves(**rest):
    """Two machines of 4 cores, each with a replica of 2: nothing of 3 cores has room."""
    running = [demand("r0", "f", cpu=2.0, **rest), demand("r1", "f", cpu=2.0, **rest)]
    return [inhabited(machine("a"), running[:1]), inhabited(machine("b"), running[1:])]


def test_one_move_is_enough_for_what_needs_the_room_of_two_halves():
    (move,) = room_by_moves(demand("d", "g", cpu=3.0), halves())
    assert move.source != move.target


@pytest.mark.parametrize("wish", [{"gang": "x"}, {"spread": "machine"}, {"apart": frozenset("f")}])
def test_who_is_bound_to_its_place_stays_there(wish):
    assert room_by_moves(demand("d", "g", cpu=3.0), halves(**wish)) == ()


def test_one_that_is_leaving_is_not_moved():
    leaving = [replace(each, residents=tuple(replace(one, leaving=True) for one in each.residents)) for each in halves()]
    assert room_by_moves(demand("d", "g", cpu=3.0), leaving) == ()


def test_nothing_moves_where_there_is_room_or_where_there_is_too_little_in_all():
    assert room_by_moves(demand("d", "g", cpu=2.0), halves()) == ()
    assert room_by_moves(demand("d", "g", cpu=4.5), halves()) == ()


def test_two_do_not_change_places_since_each_has_to_come_up_first():
    large, small = demand("large", "f", cpu=3.0), demand("small", "g", cpu=2.0)
    machines = [inhabited(machine("a", cpu=4.0), [large]), inhabited(machine("b", cpu=3.0), [small])]
    assert room_by_moves(demand("d", "h", cpu=2.0), machines) == ()


def test_a_replica_that_moves_to_another_gpu_of_its_machine_lets_one_in_that_needs_a_whole_one():
    share = {"cpu": 0.5, "gpu_count": 1, "gpu_compute": 400}
    there = machine("a", gpus=[("L4", 24, 24, 1000), ("L4", 24, 24, 1000)])
    for number, device in enumerate((0, 1)):
        each = demand(f"r{number}", "f", **share)
        there = replace(occupy(there, each, [(device,)]), residents=(*there.residents, Resident(each, (device,))))
    (move,) = room_by_moves(demand("d", "g", gpu_count=1), [there])
    assert move.source == move.target == "a"
    (told,) = telling.moves([move])
    assert told.endswith("from a to other GPUs there would make one.")


def test_what_has_no_place_is_told_which_moves_would_make_room():
    machines, wanted = halves(), Demand("d", "g/1", "g", 3.0, 0)
    outcome = Outcome(plan([wanted], machines), [wanted], machines, [], RULES)
    (missing,) = lacking(outcome)
    (told,) = telling.moves(missing.moves)
    (move,) = missing.moves
    assert told == (
        f"There is room for it in pieces, of which moving f {move.replica} from {move.source} to {move.target} would make one."
    )
