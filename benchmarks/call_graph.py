"""How many calls between machines the call graph saves, and for how much: `python -m benchmarks.call_graph [--json]`.

`--graph FILE` is JSON: `functions`, each with `name`, `replicas`, `cpu` in cores and `memory_gib` of one replica; and
`calls`, each with `caller`, `callee`, `calls` a second of one replica of the caller, and `kib` that one call carries both
ways. The default, benchmarks/data/call_graph.json, is made for this benchmark: ten pipelines of ten functions, four of them
chains, three with an ensemble (one function calls five), three with a cycle, and a few calls from each pipeline to another;
shapes, replicas and rates were drawn at random once (benchmarks/drawn_graph.py, seed 7); `--seed` draws another. The fleet is
empty, and everything is bought at on-demand prices in two zones of a region (AWS us-east-1, m7i, c7i and r7i, July 2026), of
`--sizes` alone. A second that a call waits costs `--second`, and bytes cost what `CallPrices` says. Over seeds 1 to 8 there
were 73.6 to 87.5 % fewer calls for -0.3 to 4.1 % more, and for four of them both 80 % or more and 2 % or less; with all sizes
on sale, over seeds 1 to 3, 87 to 93 % fewer for 5.5 to 7.9 % more.

`graph` is the plan that knows who calls whom, `plain` that of the same scheduler without. Of each: `machines`; their `cost` in
USD per hour; `calls` between machines a second, `cross_zone` those of them between zones, and `call_cost` in USD per hour, by
the model of cloudlayer/scheduler/calls/cost.py; and `cpu_s` of processor time. The counts are made anew from the plan's
placements, machine by machine. `fewer_calls_percent` and `more_cost_percent` compare the two.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from benchmarks.drawn_graph import drawn
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.scheduler import BestFitDecreasing, CallPrices, Demand, Plan, Rules, Traffic
from cloudlayer.units import GIB, KIB

GRAPH: Final = Path(__file__).parent / "data" / "call_graph.json"
PRICES: Final = {"c7i": (2, 0.04463), "m7i": (4, 0.0504), "r7i": (8, 0.06615)}
"""GiB and USD per hour of one vCPU of a family."""
SIZES: Final = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48}
"""vCPU."""
SIZE: Final = "4xlarge"
"""One size alone: in smaller machines of the same price per vCPU a plan without the graph has more calls between them."""
SECOND: Final = 0.001
"""USD for a second that a call waits."""
ZONES: Final = ("us-east-1a", "us-east-1b")


def offers(sizes: Sequence[str]) -> list[Offer]:
    """What is on sale."""
    return [
        Offer(
            "aws",
            "us-east-1",
            zone,
            MachineType(f"{family}.{size}", float(SIZES[size]), SIZES[size] * memory * GIB),
            "on_demand",
            Price(round(SIZES[size] * price, 4), "USD", "aws.amazon.com", date(2026, 7, 20)),
        )
        for family, (memory, price) in PRICES.items()
        for size in sizes
        for zone in ZONES
    ]


def demands(functions: Sequence[Mapping[str, Any]]) -> list[Demand]:
    """A demand for each replica."""
    return [
        Demand(f"{each['name']}#{number}", each["name"], each["name"], each["cpu"], round(each["memory_gib"] * GIB))
        for each in functions
        for number in range(each["replicas"])
    ]


def traffic(calls: Sequence[Mapping[str, Any]]) -> tuple[Traffic, ...]:
    """Who calls whom."""
    return tuple(Traffic(each["caller"], each["callee"], each["calls"], each["kib"] * KIB) for each in calls)


def run(graph: Mapping[str, Any], second: float = SECOND, sizes: Sequence[str] = (SIZE,)) -> dict[str, Any]:
    """Plan both ways and compare."""
    wanted, sold, edges = demands(graph["functions"]), offers(sizes), traffic(graph["calls"])
    rules = Rules(engines={"aws:us-east-1": ("process",)}, call_prices=CallPrices(second=second))
    BestFitDecreasing().plan(wanted[:20], (), sold, replace(rules, traffic=edges))  # imports are not what is measured
    plain = _measured(wanted, sold, rules, edges)
    known = _measured(wanted, sold, replace(rules, traffic=edges), edges)
    return {
        "graph": known,
        "plain": plain,
        "fewer_calls_percent": round(100 * (1 - known["calls"] / plain["calls"]), 2),
        "more_cost_percent": round(100 * (known["cost"] / plain["cost"] - 1), 3),
    }


def _measured(wanted: Sequence[Demand], sold: Sequence[Offer], rules: Rules, edges: Sequence[Traffic]) -> dict[str, Any]:
    start = time.process_time()
    plan = BestFitDecreasing().plan(wanted, (), sold, rules)
    seconds = time.process_time() - start
    assert not plan.unplaced and len(plan.placements) == len(wanted)
    cost = sum(bought.offer.price.amount for bought in plan.purchases if bought.offer.price is not None)
    calls, zones, price = _crossing(plan, wanted, edges, rules.call_prices)
    figures = {"machines": len(plan.purchases), "cost": round(cost, 4), "calls": round(calls, 2)}
    return {**figures, "cross_zone": round(zones, 2), "call_cost": round(price, 4), "cpu_s": round(seconds, 3)}


def _crossing(plan: Plan, wanted: Sequence[Demand], edges: Sequence[Traffic], prices: CallPrices) -> tuple[float, float, float]:
    """Calls a second between machines, between zones, and what they cost per hour: each replica of a callee serves its fair
    share of a caller's calls, those of its own machine first, and what is left goes alike to all that is left."""
    zone = {bought.id: bought.offer.zone for bought in plan.purchases}
    functions = {demand.id: demand.function for demand in wanted}
    there: dict[str, Counter[str]] = defaultdict(Counter)
    for placement in plan.placements:
        there[functions[placement.demand]][placement.machine] += 1
    between = zones = cost = 0.0
    for edge in edges:
        callers, callees = there[edge.caller], there[edge.callee]
        made = {machine: edge.calls * number for machine, number in callers.items()}
        share = sum(made.values()) / sum(callees.values())
        left = {machine: max(0.0, calls - share * callees[machine]) for machine, calls in made.items()}
        free = {machine: max(0.0, share * number - made.get(machine, 0.0)) for machine, number in callees.items()}
        total = sum(free.values()) or 1.0
        gib = edge.size / GIB
        for source, calls in left.items():
            for target, room in free.items():
                flow, far = calls * room / total, zone[source] != zone[target]
                between += flow
                zones += flow * far
                egress, latency = (
                    (prices.egress_region, prices.latency_region) if far else (prices.egress_zone, prices.latency_zone)
                )
                cost += 3600 * flow * (gib * egress + latency * prices.second)
    return between, zones, cost


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.call_graph", description=__doc__)
    parser.add_argument("--graph", type=Path, default=GRAPH, help="functions and calls, as JSON")
    parser.add_argument("--seed", type=int, help="draw the graph from this seed instead")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=[SIZE], help="sizes of machines on sale")
    parser.add_argument("--second", type=float, default=SECOND, help="USD for a second that a call waits")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    graph = json.loads(options.graph.read_text()) if options.seed is None else drawn(options.seed)
    found = run(graph, options.second, options.sizes)
    if options.json:
        print(json.dumps(found))
        return
    for name in ("graph", "plain"):
        print(f"{name:6}", "  ".join(f"{key} {value}" for key, value in found[name].items()))
    print(f"{found['fewer_calls_percent']} % fewer calls between machines for {found['more_cost_percent']} % more")


if __name__ == "__main__":
    main()
