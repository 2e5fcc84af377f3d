"""Idle replicas make room on GPUs for one that is called: enough, none too many, and the cheapest first."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.scheduler import Demand, Device, Machine
from cloudlayer.scheduler.devices import occupied
from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.turns import Idle, best, makers_of_room, makers_on, room_on, without
from cloudlayer.units import GIB


def demand(memory: int | None, count: int = 1) -> Demand:
    return Demand(
        id="d", group="g", function="f", cpu=1.0, memory=GIB, disk=0, engine="docker", gpu_count=count,
        gpu_memory=None if memory is None else memory * GIB,
    )  # fmt: skip


def machine(id: str = "m", devices: int = 1, memory: int = 24) -> Machine:
    return Machine(
        id, "z", ("docker",), "x86_64", 64.0, 256 * GIB, 1 << 40, (Device("L4", memory * GIB, memory * GIB),) * devices
    )


def filled(place: Machine, ones: list[Idle]) -> Machine:
    devices = place.devices
    for one in ones:
        devices = occupied(devices, one.demand, one.devices)
    return replace(place, devices=devices)


def idle(id: str, memory: int, device: int = 0, back: float = 5.0, seconds: float = 60.0) -> Idle:
    return Idle(id, demand(memory), (device,), back, seconds)


def test_the_least_recently_used_goes_where_all_cost_the_same() -> None:
    ones = [idle("a", 12, seconds=30), idle("b", 12, seconds=90)]
    found = makers_of_room(demand(10), filled(machine(), ones), ones)
    assert found is not None
    assert [one.id for one in found] == ["b"]


def test_one_that_is_dear_to_bring_back_stays_longer() -> None:
    ones = [idle("a", 12, back=1, seconds=30), idle("b", 12, back=20, seconds=90)]
    found = makers_of_room(demand(10), filled(machine(), ones), ones)
    assert found is not None
    assert [one.id for one in found] == ["a"]


def test_one_that_was_called_a_moment_ago_never_goes() -> None:
    ones = [idle("a", 20, back=5, seconds=4)]
    assert makers_of_room(demand(10), filled(machine(), ones), ones) is None


def test_nobody_goes_where_there_is_room_and_where_all_would_not_be_enough() -> None:
    ones = [idle("a", 4)]
    assert makers_of_room(demand(10), filled(machine(), ones), ones) == ()
    assert makers_of_room(demand(30), filled(machine(), ones), ones) is None


def test_of_several_machines_the_one_where_it_costs_least() -> None:
    here, there = [idle("a", 20, seconds=30)], [idle("b", 20, seconds=300)]
    machines = [filled(machine("m1"), here), filled(machine("m2"), there)]
    found = best(demand(10), machines, {"m1": here, "m2": there})
    assert found is not None
    assert [one.id for one in found] == ["b"]


def test_state_comes_back_to_its_own_devices() -> None:
    ones = [idle("a", 20, device=0), idle("b", 20, device=1, seconds=900)]
    place = filled(machine(devices=2), ones)
    assert not room_on(demand(10), place, (0,))
    found = makers_on(demand(10), place, (0,), ones)
    assert found is not None
    assert [one.id for one in found] == ["a"]


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2), st.floats(0.1, 30), st.floats(0, 200)), min_size=1, max_size=8),
    st.integers(1, 24),
    st.integers(1, 2),
)
def test_there_is_room_afterwards_and_each_that_goes_is_needed(
    drawn: list[tuple[int, int, float, float]], memory: int, count: int
) -> None:
    place, ones = machine(devices=3), []
    for number, (size, device, back, seconds) in enumerate(drawn):
        one = idle(f"r{number}", size, device, back, seconds)
        if room_on(one.demand, filled(place, ones), one.devices):
            ones.append(one)
    full, wanted = filled(place, ones), demand(memory, count)
    found = makers_of_room(wanted, full, ones)
    willing = [one for one in ones if one.idle >= one.back]
    if found is None:
        assert fit(wanted, without(full, willing)) is None
        return
    assert set(found) <= set(willing)
    assert fit(wanted, without(full, found)) is not None
    for one in found:
        assert fit(wanted, without(full, [other for other in found if other is not one])) is None
    assert makers_of_room(wanted, full, list(reversed(ones))) == found
