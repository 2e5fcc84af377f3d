"""What the benchmark shows is so: pipelines come together for next to nothing."""

from __future__ import annotations

import json

from benchmarks.call_graph import GRAPH, SECOND, run


def test_four_in_five_calls_between_machines_are_saved_for_at_most_a_fiftieth_of_the_cost():
    found = run(json.loads(GRAPH.read_text()), SECOND)
    assert min(found["graph"]["machines"], found["plain"]["machines"]) >= 20
    assert found["fewer_calls_percent"] >= 80
    assert found["more_cost_percent"] <= 2
