"""What calls cost follows the model, call by call, wherever the replicas are and whatever is exchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.scheduler import CallPrices, Rules, Traffic
from cloudlayer.scheduler.calls.cost import Flows, edges
from cloudlayer.units import GIB
from tests.scheduler.build import machine

PRICES = CallPrices(
    egress_zone=0.001,
    egress_region=0.01,
    egress_world=0.08,
    latency_zone=0.001,
    latency_region=0.002,
    latency_world=0.05,
    second=0.01,
)
FUNCTIONS = {"f": 0, "g": 1, "h": 2}
PLACES = (("east", "a"), ("east", "b"), ("west", "a"))


def one_by_one(calls, counts, machines) -> tuple[float, float, float]:
    """Calls between machines, between zones, and their cost, from the model's words."""
    between = zones = cost = 0.0
    for call in calls:
        callers, callees = counts[FUNCTIONS[call.caller]], counts[FUNCTIONS[call.callee]]
        if not sum(callers) or not sum(callees):
            continue
        share = call.calls * sum(callers) / sum(callees)
        left = [max(0.0, call.calls * made - share * served) for made, served in zip(callers, callees, strict=True)]
        free = [max(0.0, share * served - call.calls * made) for made, served in zip(callers, callees, strict=True)]
        for source, sent in zip(machines, left, strict=True):
            for target, room in zip(machines, free, strict=True):
                flow = sent * room / (sum(free) or 1.0)
                near = source.region == target.region
                same = near and source.zone == target.zone
                level = "zone" if same else "region" if near else "world"
                each = (
                    call.size / GIB * getattr(PRICES, f"egress_{level}") + getattr(PRICES, f"latency_{level}") * PRICES.second
                )
                between, zones, cost = between + flow, zones + flow * (not same), cost + 3600 * flow * each
    return between, zones, cost


@st.composite
def situations(draw):
    """Machines in some places, counts of replicas on them, and calls."""
    number = draw(st.integers(1, 5))
    places = draw(st.lists(st.sampled_from(PLACES), min_size=number, max_size=number))
    machines = [machine(f"m{index}", zone=zone, region=region) for index, (region, zone) in enumerate(places)]
    counts = draw(st.lists(st.lists(st.integers(0, 4), min_size=number, max_size=number), min_size=3, max_size=3))
    pairs = draw(st.lists(st.sampled_from([(a, b) for a in FUNCTIONS for b in FUNCTIONS if a != b]), unique=True, max_size=5))
    rates = st.sampled_from([0.5, 3.0, 20.0])
    return (
        machines,
        counts,
        [Traffic(caller, callee, draw(rates), draw(st.sampled_from([0.0, 1e6]))) for caller, callee in pairs],
    )


def flows(machines, counts, calls) -> Flows:
    return Flows(calls, PRICES, FUNCTIONS, np.array(counts), machines)


@settings(max_examples=200, deadline=None)
@given(situations())
def test_calls_cost_what_they_cost_one_by_one(situation):
    machines, counts, calls = situation
    found = flows(machines, counts, calls).crossing()
    expected = one_by_one(calls, counts, machines)
    assert (found.machines, found.zones, found.cost) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(situations(), st.data())
def test_an_exchange_changes_the_cost_by_what_was_said_before(situation, data):
    machines, counts, calls = situation
    known = flows(machines, counts, calls)
    source = data.draw(st.integers(0, len(machines) - 1))
    change = np.zeros(3, dtype=np.int64)
    targets = np.array([place for place in range(len(machines)) if place != source])
    if not len(targets):
        return
    for target in targets.tolist():
        for function in range(3):
            change[function] = data.draw(st.integers(-counts[function][target], counts[function][source]))
        moved = change @ known.steps
        said = known.changes(moved[None, :], source, np.array([target]))[0]
        after = np.array(counts)
        after[:, source] -= change
        after[:, target] += change
        assert known.cost + said == pytest.approx(flows(machines, after, calls).cost, abs=1e-9)
        applied = flows(machines, counts, calls)
        applied.apply(moved, source, target)
        assert applied.cost == pytest.approx(flows(machines, after, calls).cost, abs=1e-9)


def test_a_local_replica_takes_its_fair_share_and_no_more():
    # Two callers on m0, one of two callees there: it takes half of the calls, and the other half go to m1.
    two = [machine("m0"), machine("m1")]
    assert flows(two, [[2, 0], [1, 1], [0, 0]], [Traffic("f", "g", 10.0)]).crossing().machines == 10.0


def test_calls_of_a_pair_are_summed_and_a_functions_calls_of_itself_cost_nothing():
    traffic = (Traffic("f", "g", 1.0, 10.0), Traffic("f", "g", 3.0, 2.0), Traffic("f", "f", 9.0, 1e9))
    assert edges(Rules(traffic=traffic, call_prices=PRICES)) == [Traffic("f", "g", 4.0, 4.0)]


def test_calls_that_cost_nothing_anywhere_are_no_edges():
    free = CallPrices(egress_region=0.0, egress_world=0.0)
    assert edges(Rules(traffic=(Traffic("f", "g", 5.0, 10.0),), call_prices=free)) == []
