import json
import sys
from datetime import date

import pytest

from cloudlayer.cli.exits import NoPlace, Refused
from cloudlayer.cli.plans import agree, check_placed, costs, plan_document, print_plan
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.scheduler import Demand, Placement, Plan, Purchased, Unplaced
from cloudlayer.units import GIB
from tests.cli.stand_ins import preview


def offer(amount, name="small"):
    price = None if amount is None else Price(amount, "USD", "list", date(2026, 1, 1))
    return Offer("shop", "here", "here-a", MachineType(name, 2.0, 4 * GIB), "on_demand", price)


DEMANDS = [Demand(f"d{number}", f"nlp/Echo/1.0.{number % 2}", "nlp/Echo", 1.0, GIB) for number in range(5)]
PLAN = Plan(
    placements=(Placement("d0", "new"), Placement("d2", "new"), Placement("d1", "old")),
    purchases=(Purchased("new", offer(0.5), GIB),),
    unplaced=(Unplaced("d3", "no GPU is on sale"), Unplaced("d4", "no GPU is on sale")),
)
WHOLE = preview(PLAN, DEMANDS, kept={"old": offer(0.25), "odd": offer(None)}, deleted={"gone": offer(8.0)}, warnings=("look",))


def test_a_plan_shows_each_machine_with_what_becomes_of_it_and_what_runs_there(capsys):
    print_plan(WHOLE)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["buy", "new"], ["keep", "old"], ["keep", "odd"], ["delete", "gone"]]
    assert lines[1].endswith("0.5000 USD  2 x nlp/Echo/1.0.0")
    assert lines[2].endswith("0.2500 USD  1 x nlp/Echo/1.0.1")
    assert lines[3].endswith("?")


def test_a_plan_tells_what_it_costs_and_what_it_does_not_know(capsys):
    print_plan(WHOLE)
    told = "the fleet then costs 0.7500 USD/h and 1 machine of unknown price, of which 0.5000 USD/h is new"
    assert told in capsys.readouterr().err.splitlines()


def test_a_plan_tells_how_far_above_the_cheapest_possible_it_is_at_most(capsys):
    purchases = (Purchased("new", offer(0.5), GIB),)
    near = preview(Plan(PLAN.placements[:2], purchases, lower_bound=0.494), DEMANDS)
    print_plan(near)
    assert capsys.readouterr().err.splitlines()[1:] == ["what is new is at most 1.2 % above the cheapest possible"]
    assert plan_document(near)["gap"] == pytest.approx(0.5 / 0.494 - 1)
    assert plan_document(WHOLE)["gap"] is None


def test_what_finds_no_place_is_told_with_its_reason(capsys):
    print_plan(WHOLE)
    assert capsys.readouterr().err.splitlines()[1:3] == [
        "no place for 1 x nlp/Echo/1.0.0: no GPU is on sale",
        "no place for 1 x nlp/Echo/1.0.1: no GPU is on sale",
    ]


def test_warnings_come_last(capsys):
    print_plan(WHOLE)
    assert capsys.readouterr().err.splitlines()[3:] == ["look"]


def test_a_plan_can_be_shown_beside_a_document(capsys):
    print_plan(WHOLE, stream=sys.stderr)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "0.5000 USD  2 x nlp/Echo/1.0.0" in captured.err


def test_a_plan_without_machines_says_so(capsys):
    print_plan(preview())
    assert capsys.readouterr() == ("", "no machine is needed\n")


def test_a_plan_is_one_json_document():
    document = json.loads(json.dumps(plan_document(WHOLE)))
    assert [item["id"] for item in document["buy"]] == ["new"]
    assert [item["id"] for item in document["keep"]] == ["old", "odd"]
    assert document["keep"][1]["offer"]["price"] is None
    placed = {"function": "nlp/Echo/1.0.0", "demand": "d0", "machine": "new", "devices": [], "slices": []}
    assert document["placements"][0] == placed
    assert [item["reason"] for item in document["unplaced"]] == ["no GPU is on sale"] * 2
    assert document["warnings"] == ["look"]


@pytest.mark.parametrize(("amounts", "asked"), [([], False), ([0.0], False), ([0.0, 0.1], True), ([None], True)])
def test_what_costs_or_may_cost_is_asked_about(amounts, asked):
    assert costs([offer(amount) for amount in amounts]) is asked


def bought(*amounts):
    return preview(Plan(purchases=tuple(Purchased(f"m{number}", offer(amount), GIB) for number, amount in enumerate(amounts))))


def test_what_costs_nothing_is_done_without_a_question():
    agree(bought(0.0, 0.0), yes=False)


def test_a_question_tells_how_many_machines_for_how_much_and_what_is_unknown():
    with pytest.raises(Refused, match=r"buys 3 machines for 0\.7500 USD/h and 1 machine of unknown price"):
        agree(bought(0.5, 0.25, None), yes=False)


def test_nothing_is_asked_about_a_fleet_of_which_nothing_finds_a_place():
    with pytest.raises(NoPlace):
        agree(preview(Plan(unplaced=PLAN.unplaced), DEMANDS), yes=True)


@pytest.mark.parametrize(
    "placed",
    [preview(), WHOLE, preview(Plan(unplaced=PLAN.unplaced), DEMANDS, kept={"old": offer(0.25)})],
    ids=["nothing wanted", "a part placed", "machines there"],
)
def test_a_fleet_that_needs_nothing_or_has_something_is_no_failure(placed):
    check_placed(placed)
