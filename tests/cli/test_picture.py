"""The picture of a plan: everything of the plan is in it, at its right size, and nothing lies over anything else."""

import re
from dataclasses import replace
from datetime import date
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.cli import layout
from cloudlayer.cli.boxes import boxes
from cloudlayer.cli.picture import picture
from cloudlayer.fleet.service import Preview
from cloudlayer.resources import Accelerator, MachineType, Offer, Price
from cloudlayer.scheduler import Demand, Eviction, Machine, Placement, Plan, Purchased, Resident, Unplaced
from cloudlayer.units import GIB
from tests.cli.rows import buying

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = MachineType("plain", 4.0, 8 * GIB)
CARDS = MachineType("cards", 16.0, 64 * GIB, accelerators=(Accelerator("A100", 40 * GIB),) * 2)
SMALL = Demand("s", "nlp/Small/1.0.0", "nlp/Small", 1.0, GIB)
SHARE = Demand("h", "vision/Share/1.0.0", "vision/Share", 1.0, GIB, gpu_count=1, gpu_memory=10 * GIB)
WHOLE = Demand("w", "llm/Whole/1.0.0", "llm/Whole", 2.0, GIB, gpu_count=1)


def offer(kind=PLAIN, amount=1.0, purchase="on_demand"):
    price = None if amount is None else Price(amount, "USD", "list", date(2026, 1, 1))
    return Offer("shop", "here", "here-a", kind, purchase, price)


def preview(*tenants, kind=PLAIN, amount=1.0, machines=1, evictions=(), unplaced=(), deleted=None):
    """A plan that buys machines, on each of which the same (demand, devices) are placed."""
    demands, placements, purchases = [], [], []
    for number in range(machines):
        purchases.append(Purchased(f"new-{number}", offer(kind, amount), 0))
        for position, (demand, devices) in enumerate(tenants):
            replica = f"{number}-{position}"
            demands.append(replace(demand, id=replica))
            placements.append(Placement(replica, f"new-{number}", devices))
    demands += [SMALL] * bool(unplaced)
    plan = Plan(tuple(placements), tuple(purchases), tuple(unplaced), evictions)
    return Preview(plan, tuple(demands), {}, deleted or {}, ())


def drawn(what):
    return ElementTree.fromstring(picture(what, "seefood"))


def texts(what):
    return [element.text or "" for element in drawn(what).iter(f"{SVG}text")]


def hints(what):
    return [element.text for element in drawn(what).iter(f"{SVG}title")]


def test_machines_are_shown_with_their_type_place_price_and_waste():
    shown = texts(preview((SMALL, ())))
    assert {"Fleet seefood", "new-0", "plain", "shop here-a", "on-demand", "1.0000 USD/h", "waste 0.7500"} <= set(shown)
    assert "1 machine for 1.0000 USD/h, of which 0.7500 USD/h (75 %) is waste" in shown


def test_an_unknown_price_is_told_as_such_and_wastes_nothing_that_is_known():
    shown = texts(preview((SMALL, ()), amount=None))
    assert "price unknown" in shown
    assert not any(text.startswith("waste ") for text in shown)


def test_replicas_are_as_wide_as_their_part():
    found = {}
    for rect in drawn(preview((SHARE, (0,)), (WHOLE, (1,)), kind=CARDS)).iter(f"{SVG}rect"):
        hint = rect.find(f"{SVG}title")
        if hint is not None and "%" in (hint.text or ""):
            found.setdefault(hint.text, []).append(float(rect.get("width")))
    whole = layout.BOX_WIDTH - 2 * layout.PADDING
    assert found["vision/Share/1.0.0: 25.0 %"] == [pytest.approx(whole / 4 - 1)]
    assert found["llm/Whole/1.0.0: 100.0 %"] == [pytest.approx(whole - 1)]


def test_the_idle_part_of_gpus_is_what_is_wasted_where_there_are_some():
    (box,) = boxes(preview((SHARE, (0,)), (WHOLE, (1,)), kind=CARDS, amount=8.0))
    assert (box.idle, box.waste) == (pytest.approx(0.375), pytest.approx(3.0))


def test_shares_of_compute_have_a_bar_of_their_own():
    half = Demand("c", "a/Half/1.0.0", "a/Half", 1.0, GIB, gpu_count=1, gpu_memory=10 * GIB, gpu_compute=500)
    (box,) = boxes(preview((half, (0,)), kind=CARDS))
    assert [gauge.used for gauge in (*box.devices, *box.compute)] == [0.25, 0.0, 0.5, 0.0]
    assert box.idle == 0.75
    assert boxes(preview((SHARE, (0,)), kind=CARDS))[0].compute == ()


def test_mig_instances_are_as_wide_as_their_slices():
    slice_ = Demand("g", "a/Mig/1.0.0", "a/Mig", 1.0, GIB, gpu_count=1, gpu_profile="3g.20gb")
    (box,) = boxes(preview((slice_, (1,)), kind=CARDS))
    assert [gauge.used for gauge in box.devices] == [0.0, 0.5]


def test_machines_that_are_alike_are_one_box_with_their_number():
    shown = texts(preview((SMALL, ()), machines=12))
    assert "12 machines to buy" in shown
    assert "\N{MULTIPLICATION SIGN} 12" in shown
    assert shown.count("plain") == 1
    assert "12 machines for 12.0000 USD/h, of which 9.0000 USD/h (75 %) is waste" in shown


def test_bought_kept_and_deleted_machines_are_told_apart():
    what = preview((SMALL, ()), deleted={"gone": offer(amount=2.0)})
    what.kept["old"] = offer(amount=3.0)
    shown = texts(what)
    assert [text for text in shown if text.startswith("1 machine ")] == [
        "1 machine to buy",
        "1 machine kept",
        "1 machine to be deleted",
    ]
    kinds = [rect.get("class") for rect in drawn(what).iter(f"{SVG}rect") if (rect.get("class") or "").startswith("box")]
    assert kinds == ["box of-buy", "box of-keep", "box of-delete"]
    assert "2 machines for 4.0000 USD/h, of which 3.7500 USD/h (94 %) is waste" in shown


def test_what_runs_already_and_what_ends_to_make_room_is_shown():
    free = Machine("m", "a", (), "x86_64", 2.0, 6 * GIB, 0, residents=(Resident(SMALL), Resident(SHARE)), offer=offer())
    plan = Plan(evictions=(Eviction("s", "m", "why"),))
    what = Preview(plan, (), {"m": offer()}, {}, (), machines=(free,))
    assert "nlp/Small/1.0.0: 25.0 %, ends to make room" in hints(what)
    assert "vision/Share/1.0.0: 25.0 %" in hints(what)
    assert boxes(what)[0].idle == 0.75


def test_every_function_has_its_own_colour_in_the_legend():
    what = preview((SMALL, ()), (SHARE, (0,)), (WHOLE, (1,)), kind=CARDS)
    swatches = [rect.get("class") for rect in drawn(what).iter(f"{SVG}rect") if rect.get("height") == "12"]
    assert len(set(swatches)) == len(swatches) == 3
    style = drawn(what).find(f"{SVG}style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for part in (light, dark):
        assert len(set(re.findall(r"^\.c\d+ \{ fill: (#\w+)", part, re.MULTILINE))) == 3


def test_what_finds_no_place_is_told_with_its_reason():
    shown = texts(preview(unplaced=(Unplaced("s", "no GPU is on sale"),)))
    assert "1 replica without a place" in shown
    assert "1 \N{MULTIPLICATION SIGN} nlp/Small/1.0.0: no GPU is on sale" in shown


def test_an_empty_plan_is_a_picture_too():
    assert "no machine is needed" in texts(Preview(Plan(), (), {}, {}, ()))


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_whatever_things_are_called_it_is_well_formed(name, group):
    demand = Demand("d", group, group, 1.0, GIB)
    plan = Plan((Placement("d", name),), (Purchased(name, offer(MachineType(name, 2.0, 4 * GIB)), 0),), (Unplaced("d", name),))
    ElementTree.fromstring(picture(Preview(plan, (demand,), {}, {}, ()), name))


def areas(what):
    """Each text of a picture with the rectangle that it takes at most."""
    sizes = {"title": 22, "heading": 15, "name": 13, "small": 10}
    found = []
    for element in drawn(what).iter(f"{SVG}text"):
        if element.text:
            size = next((size for kind, size in sizes.items() if kind in (element.get("class") or "").split()), 11)
            width, x, y = layout.text_width(element.text, size), float(element.get("x")), float(element.get("y"))
            left = x - {"end": width, "middle": width / 2}.get(element.get("text-anchor"), 0)
            found.append((left, y - 0.8 * size, left + width, y + 0.2 * size))
    return found


def test_no_text_lies_over_another_or_outside_even_with_long_names_and_many_machines():
    long = "a-namespace-that-is-long/AFunctionWithAVeryLongName/10.11.12"
    kind = MachineType(
        "a-machine-type-with-a-name-that-is-far-too-long-for-its-box", 16.0, 64 * GIB, accelerators=CARDS.accelerators
    )
    demands, placements, purchases = [], [], []
    for number in range(150):
        purchases.append(Purchased(f"{'new' * 20}-{number}", offer(kind, 123456.789), 0))
        for position in range(number % 5):
            replica = f"{number}-{position}"
            demands.append(
                Demand(
                    replica,
                    f"{long}{number % 7}",
                    long,
                    0.5 + number / 100,
                    GIB,
                    gpu_count=1,
                    gpu_memory=(1 + number % 8) * GIB,
                )
            )
            placements.append(Placement(replica, purchases[-1].id, (position % 2,)))
    what = Preview(
        Plan(tuple(placements), tuple(purchases), (Unplaced("0-0", "why " * 200),)),
        (*demands, Demand("0-0", long, long, 1, 1)),
        {},
        {},
        (),
    )
    found = areas(what)
    assert len(found) > 1500
    assert min(left for left, *_ in found) >= 0
    assert max(right for _, _, right, _ in found) <= layout.WIDTH
    rows = sorted(found, key=lambda area: area[1])
    for position, area in enumerate(rows):
        for other in rows[position + 1 :]:
            if other[1] >= area[3]:
                break
            assert area[2] <= other[0] + 0.01 or other[2] <= area[0] + 0.01, (area, other)


def test_no_box_lies_over_another():
    what = preview((SMALL, ()), machines=1)
    many = [
        box
        for number in range(40)
        for box in boxes(preview(*[(SHARE, (0,))] * (number % 5), kind=CARDS if number % 3 else PLAIN))
    ]
    found, bottom = layout.sections(many, 100)
    placed = [each for section in found for each in section.placed]
    assert len(placed) == len(many)
    for one, other in combinations(placed, 2):
        apart = abs(one.x - other.x) >= layout.BOX_WIDTH or one.y + one.height <= other.y or other.y + other.height <= one.y
        assert apart
    assert max(each.y + each.height for each in placed) <= bottom
    assert boxes(what)


def test_plan_writes_the_picture_and_is_printed_as_well(cli, fleets, manifest, tmp_path):
    fleets.previews = buying(0.5)
    path = tmp_path / "plan.svg"
    outcome = cli("plan", manifest, "--picture", str(path))
    assert outcome.code == 0
    assert "0.5000 USD  1 x nlp/Echo/1.0.0" in outcome.out
    assert f"the picture is in {path}" in outcome.err
    assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"


def test_a_picture_that_cannot_be_written_is_told_after_the_plan(cli, fleets, manifest, tmp_path):
    fleets.previews = buying(0.5)
    outcome = cli("plan", manifest, "--json", "--picture", str(tmp_path / "none" / "plan.svg"))
    assert outcome.code == 2
    assert outcome.document["buy"]
    assert "plan.svg: the picture cannot be written: No such file or directory; name another --picture" in outcome.err
