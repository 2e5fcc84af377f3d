from datetime import date

import pytest

from cloudlayer.cli import forms
from cloudlayer.fleet.store.rows import Event, LedgerRow, MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.resources import Instance, InstanceState, MachineType, Offer, Price
from cloudlayer.units import GIB


def entry(price, currency="USD", started=0.0, ended=None):
    return LedgerRow(
        "sentiment", "m-1", "i-1", "aws", "g6.xlarge", "spot", price, currency, "list", "2026-01-01", started, ended
    )


def price(amount, currency="USD"):
    return Price(amount, currency, "list", date(2026, 1, 1))


def test_a_machine_costs_from_its_launch_to_its_end():
    assert forms.ledger_row(entry(2.0, started=0.0, ended=1800.0), now=9e9)[-3:] == ("2.0000 USD", "30m", "1.0000 USD")


def test_a_machine_that_runs_costs_until_now():
    assert forms.ledger_row(entry(2.0, started=3600.0), now=7200.0)[-1] == "2.0000 USD"


def test_a_price_that_is_not_known_is_never_zero():
    assert forms.ledger_row(entry(None, None), now=3600.0)[-3:] == ("?", "1h", "?")
    assert forms.totals([entry(None, None), entry(1.0)], 3600.0) == ({"USD": 1.0}, 1)


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ([], "nothing"),
        ([price(0.0)], "0.0000 USD/h"),
        ([price(1.0), price(0.25)], "1.2500 USD/h"),
        ([price(1.0), None], "1.0000 USD/h and 1 machine of unknown price"),
        ([None, None], "2 machines of unknown price"),
        ([price(1.0), price(2.0, "EUR")], "2.0000 EUR/h and 1.0000 USD/h"),
    ],
)
def test_a_sum_names_what_it_does_not_know(prices, words):
    assert forms.per_hour(prices) == words


def test_currencies_are_not_mixed():
    assert forms.totals([entry(1.0, "USD"), entry(1.0, "EUR")], 3600.0) == ({"USD": 1.0, "EUR": 1.0}, 0)


def replica(**changes):
    values = {
        "fleet": "sentiment",
        "id": "0123456789abcdef",
        "function": "nlp/Echo",
        "version": "1.0.0",
        "digest": "digest",
        "machine": "m-1",
        "engine": "process",
        "devices": (),
        "spec": {},
        "state": ReplicaRowState.READY,
        "handle": "4711",
        "created_at": 100.0,
    }
    return ReplicaRow(**{**values, **changes})


def test_a_replica_is_shown_with_what_the_machine_calls_it_and_why_it_ended():
    row = forms.replica_row(replica(state=ReplicaRowState.ENDED, exit="crashed"), now=160.0)
    assert len(row) == len(forms.REPLICAS)
    assert row[:2] == ("sentiment", "01234567")
    assert row[2:] == ("nlp/Echo", "1.0.0", "ended", "m-1", "process", "4711", "1m", "crashed")


@pytest.mark.parametrize(
    ("engine", "handle", "pid", "container"),
    [
        ("process", "4711", 4711, None),
        ("process", None, None, None),
        ("docker", "c0ffee", None, "c0ffee"),
        ("simulated", "sim-1", None, None),
    ],
)
def test_a_replica_in_json_has_a_pid_or_a_container(engine, handle, pid, container):
    document = forms.replica_document(replica(engine=engine, handle=handle), now=160.0)
    assert (document["pid"], document["container"]) == (pid, container)
    assert (document["id"], document["age_s"]) == ("0123456789abcdef", 60.0)


def test_a_machine_is_shown_with_the_price_it_was_bought_at():
    offer = Offer("aws", "us", "us-a", MachineType("g6.xlarge", 4, GIB), "spot", price(0.25))
    machine = MachineRow("sentiment", "m-1", "b", 0, "aws:us", offer, {}, MachineState.RUNNING, created_at=100.0)
    row = forms.machine_row(machine, now=160.0)
    assert len(row) == len(forms.MACHINES)
    assert row == ("m-1", "running", "aws:us", "us-a", "g6.xlarge", "spot", "0.2500 USD", "1m")


def test_an_event_is_told_with_its_time_and_its_reason():
    event = Event(1, "sentiment", 0.0, "bought", "m-1", "no machine had room")
    row = forms.event_row(event)
    assert len(row) == len(forms.EVENTS)
    assert row == (1, "1970-01-01 00:00:00", "sentiment", "bought", "m-1", "no machine had room")
    assert forms.event_line(event) == "1970-01-01 00:00:00  bought  m-1  no machine had room"


def test_a_reason_of_several_lines_is_told_in_one():
    event = Event(1, "sentiment", 0.0, "error", "r-1", "a: wrong\n  b: wrong too\n")
    assert forms.event_row(event)[-1] == "a: wrong / b: wrong too"
    assert "\n" not in forms.event_line(event)
    assert forms.replica_row(replica(reason="one\ntwo"), now=160.0)[-1] == "one / two"


def test_an_instance_shows_the_address_that_reaches_it():
    instance = Instance("i-1", "aws", "us", "us-a", InstanceState.RUNNING, "t", private_address="10.0.0.1")
    row = forms.instance_row(instance)
    assert len(row) == len(forms.INSTANCES)
    assert row[-2] == "10.0.0.1"
