import io
import re
import sys

import pytest

SHOP = """
from datetime import date
from types import SimpleNamespace
from cloudlayer.resources import Accelerator, MachineType, Offer, Price

G = 1024**3
def offer(name, amount, cpu=2, memory=4, devices=(), purchase="on_demand", currency="USD", as_of=date(2020, 1, 1), **more):
    kind = MachineType(name, cpu, memory * G, accelerators=tuple(Accelerator(model, size * G) for model, size in devices))
    price = None if amount is None else Price(amount, currency, "list", as_of)
    return Offer("shop", "here", "here-a", kind, purchase, price, **more)

offers = [
    offer("dear", 2.0, cpu=8, memory=32),
    offer("unknown", None, cpu=64, memory=256),
    offer("cheap", 0.1),
    offer("cheap-spot", 0.04, purchase="spot"),
    offer("one-gpu", 1.0, cpu=4, memory=16, devices=[("L4", 24)]),
    offer("two-gpus", 3.0, cpu=8, memory=64, devices=[("A10G", 24), ("A10G", 24)]),
    offer("small-gpu", 0.5, cpu=4, memory=16, devices=[("T4", 16)]),
]
return SimpleNamespace(compute=SimpleNamespace(offers=lambda: offers))
""".strip()
STALL = """
offers = [
    offer("euro", 0.2, currency="EUR"),
    offer("held", 0.0, purchase="reserved", available=3, reservation="r-1"),
    offer("fresh", 0.3, purchase="spot", as_of=date(9999, 1, 1)),
    offer("sold-out", 0.4, available=0),
    offer("unknown", None, purchase="spot"),
]
return SimpleNamespace(compute=SimpleNamespace(offers=lambda: offers))
""".strip()
STALL = SHOP.partition("offers = [")[0] + STALL
WIDE = """
names = ["Standard_ND96isr_H100_v5", "Standard_NC40ads_H100_v5"]
offers = [offer(name, 98.32, cpu=96, memory=1900, devices=[("H100", 80)] * 8, reservation="r-1") for name in names]
return SimpleNamespace(compute=SimpleNamespace(offers=lambda: offers))
""".strip()
WIDE = SHOP.partition("offers = [")[0] + WIDE
BROKEN = 'from cloudlayer.errors import AuthError\nraise AuthError("no credentials: log in", provider="broken")'
EMPTY = "from types import SimpleNamespace\nreturn SimpleNamespace(compute=SimpleNamespace(offers=lambda: []))"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def names(cli, plug_in):
    """The machine types that `cloudlayer offers` shows, in order."""
    plug_in("shop", SHOP)

    def names(*arguments):
        outcome = cli("offers", "--provider", "shop", "--json", *arguments)
        assert outcome.code == 0, outcome.err
        return [offer["machine_type"]["name"] for offer in outcome.document]

    return names


def test_the_cheapest_comes_first_and_what_has_no_price_last(names):
    assert names() == ["cheap-spot", "cheap", "small-gpu", "one-gpu", "dear", "two-gpus", "unknown"]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--gpu", "L4"], ["one-gpu"]),
        (["--gpu", "l4"], ["one-gpu"]),
        (["--gpu", "A10*"], ["two-gpus"]),
        (["--gpu", "A10"], []),
        (["--gpu-memory", "16GiB"], ["small-gpu", "one-gpu", "two-gpus"]),
        (["--gpu-memory", "20GiB"], ["one-gpu", "two-gpus"]),
        (["--gpu-memory", "48GiB"], []),
        (["--gpu", "T4", "--gpu-memory", "24GiB"], []),
        (["--cpu", "8"], ["dear", "two-gpus", "unknown"]),
        (["--memory", "33GiB"], ["two-gpus", "unknown"]),
        (["--spot"], ["cheap-spot"]),
        (["--spot", "--cpu", "4"], []),
        (["--on-demand", "--cpu", "4", "--memory", "32GiB"], ["dear", "two-gpus", "unknown"]),
        (["--reserved"], []),
        (["--spot", "--on-demand"], ["cheap-spot", "cheap", "small-gpu", "one-gpu", "dear", "two-gpus", "unknown"]),
    ],
)
def test_a_filter_leaves_what_is_large_enough_and_of_the_kind(names, arguments, shown):
    assert names(*arguments) == shown


def test_a_size_without_a_binary_unit_is_wrong_usage_with_its_mend(cli, plug_in):
    plug_in("shop", SHOP)
    outcome = cli("offers", "--provider", "shop", "--memory", "16GB")
    assert outcome.code == 2
    assert '"16GiB"' in outcome.err


def test_the_table_tells_price_devices_and_the_age_of_the_price(cli, plug_in):
    plug_in("shop", SHOP)
    outcome = cli("offers", "--provider", "shop")
    lines = outcome.out.splitlines()
    assert lines[0].startswith("   PRICE/H  PRICE AGE  MACHINE TYPE")
    cells = re.split("  +", lines[6].strip())
    assert cells[0] == "3.0000 USD"
    assert re.fullmatch(r"\d{4,} d", cells[1])
    assert cells[2:] == ["two-gpus", "2 x A10G 24GiB", "shop here-a", "on_demand", "?", "8", "64GiB", "list"]
    assert lines[7].split()[0] == "?"
    assert outcome.err == ""


def test_a_zone_that_does_not_tell_its_region_comes_after_it(cli, plug_in):
    plug_in("shop", SHOP.replace('"here-a"', '"3"'))
    assert "  shop here 3  " in cli("offers", "--provider", "shop").out


@pytest.fixture
def stall(cli, plug_in):
    """What `cloudlayer offers` shows of another shop: its lines without the heading, and what it says beside them."""
    plug_in("stall", STALL)

    def stall(*arguments):
        outcome = cli("offers", "--provider", "stall", *arguments)
        return [re.split("  +", line.strip()) for line in outcome.out.splitlines()[1:]], outcome.err

    return stall


def test_prices_in_several_currencies_are_not_compared_and_that_is_told(stall):
    lines, told = stall()
    assert [line[0] for line in lines] == ["0.2000 EUR", "0.0000 USD", "0.3000 USD", "0.4000 USD", "?"]
    assert told == "prices in EUR and USD are not compared: each currency's offers stand together\n"
    assert stall("--spot")[1] == ""


def test_how_many_are_left_is_told_where_it_is_known_and_so_is_the_reservation(stall):
    lines, _ = stall()
    left = {line[2]: line[5] for line in lines if line[0] != "?"}
    assert left == {"euro": "?", "held": "3", "fresh": "?", "sold-out": "0"}
    (held,), _ = stall("--reserved")
    assert held[2:] == ["held", "shop here-a", "reserved", "3", "2", "4GiB", "r-1", "list"]


def test_a_price_of_today_says_so_and_one_that_is_not_known_has_no_age(stall):
    (fresh, unknown), _ = stall("--spot")
    assert fresh[:3] == ["0.3000 USD", "today", "fresh"]
    assert unknown[:2] == ["?", "unknown"]


def test_on_a_terminal_of_80_columns_no_word_is_cut_and_what_is_left_out_is_told(cli, plug_in, monkeypatch):
    plug_in("wide", WIDE)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout", Terminal())
    outcome = cli("offers", "--provider", "wide")
    shown = re.sub(r"\x1b\[\d*m", "", sys.stdout.getvalue())
    assert outcome.err == "the terminal is too narrow for MEMORY, RESERVATION, PRICE FROM\n"
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "…" not in shown
    for word in ("98.3200", "USD", "Standard_ND96isr_H100_v5", "Standard_NC40ads_H100_v5", "H100", "here-a", "on_demand"):
        assert re.search(rf"(?<!\S){word}(?!\S)", shown)


def test_a_provider_that_fails_hides_no_other(cli, plug_in):
    plug_in("shop", SHOP)
    plug_in("broken", BROKEN)
    outcome = cli("offers", "--provider", "broken", "--provider", "shop", "--json")
    assert outcome.code == 0
    assert len(outcome.document) == 7
    assert outcome.err == "broken is left out: no credentials: log in\n"


def test_when_all_fail_so_does_the_command_with_the_first_reason(cli, plug_in):
    plug_in("broken", BROKEN)
    outcome = cli("offers", "--provider", "broken", "--json")
    assert (outcome.code, outcome.out) == (5, "")
    assert "no credentials: log in" in outcome.err


def test_nothing_on_sale_is_no_error(cli, plug_in):
    plug_in("empty", EMPTY)
    assert cli("offers", "--provider", "empty", "--json").document == []
    assert cli("offers", "--provider", "empty").err == "no offer is like that\n"


def test_machines_that_are_not_real_are_shown_where_they_are_asked_for_and_nowhere_else(cli):
    assert cli("offers", "--provider", "simulated", "--json").document
    assert all(offer["provider"] != "simulated" for offer in cli("offers", "--json").document)
