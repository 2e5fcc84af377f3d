"""The picture of machines while they are filled, and what breaks ties in it."""

from __future__ import annotations

from cloudlayer.scheduler.packing import Packing
from tests.scheduler.build import demand, machine, plan


def test_a_replica_that_moves_leaves_the_others_room_taken_and_gives_back_its_own():
    packing = Packing([machine("m", cpu=4.0), machine("n", cpu=4.0)])
    packing.put("a", demand(cpu=1.0), "m", ())
    packing.put("b", demand(cpu=2.0), "m", ())
    packing.move("b", "m", "n", ())
    assert (packing.machines["m"].cpu, packing.machines["n"].cpu) == (3.0, 2.0)
    assert packing.machines["m"].functions == packing.machines["n"].functions == ("f",)


def test_of_demands_of_one_size_the_smaller_id_comes_first_in_whatever_order_they_are_given():
    demands = [demand("b", "f"), demand("a", "g")]
    answers = [plan(given, [machine(cpu=1.0)]) for given in (demands, demands[::-1])]
    assert [answer.placements[0].demand for answer in answers] == ["a", "a"]
