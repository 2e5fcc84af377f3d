import pytest

SHOP = """
from datetime import date
from types import SimpleNamespace
from cloudlayer.resources import Accelerator, MachineType, Offer, Price

G = 1024**3
def offer(name, amount, cpu=2, memory=4, devices=(), purchase="on_demand", currency="USD"):
    kind = MachineType(name, cpu, memory * G, accelerators=tuple(Accelerator(model, size * G) for model, size in devices))
    price = None if amount is None else Price(amount, currency, "list", date(2020, 1, 1))
    return Offer("shop", "here", "here-a", kind, purchase, price)

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
BROKEN = 'from cloudlayer.errors import AuthError\nraise AuthError("no credentials: log in", provider="broken")'
EMPTY = "from types import SimpleNamespace\nreturn SimpleNamespace(compute=SimpleNamespace(offers=lambda: []))"


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
    assert lines[0].split()[:2] == ["PRICE/H", "PROVIDER"]
    assert "3.0000 USD" in lines[6]
    assert "2 x A10G 24GiB" in lines[6]
    assert "list, " in lines[6]
    assert lines[6].endswith(" d old")
    assert lines[7].split()[0] == "?"


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
