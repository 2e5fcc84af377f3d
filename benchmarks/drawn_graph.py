"""A call graph drawn at random for `benchmarks.call_graph`: ten pipelines of ten functions.

Four are chains, three have an ensemble (one function calls five), three a cycle, and a few calls go from each pipeline to
another. Shapes, replicas, rates and sizes are drawn from Python's generator.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

PIPELINES: Final = ("reviews", "invoices", "photos", "speech", "search", "chat", "maps", "fraud", "news", "sensors")
STEPS: Final = ("Receive", "Decode", "Clean", "Split", "Embed", "Rank", "Classify", "Merge", "Check", "Store")
SHAPES: Final = ((0.25, 0.5), (0.5, 1), (0.5, 2), (1, 1), (1, 2), (1, 4), (1.5, 3), (2, 4), (2, 8), (3, 6))
"""Cores and GiB of one replica."""
CHAIN: Final = tuple((step, step + 1, 1.0) for step in range(9))
ENSEMBLE: Final = (*CHAIN[:2], *((2, step, 1.0) for step in range(3, 8)), (7, 8, 1.0), (8, 9, 0.25))
CYCLE: Final = (*CHAIN[:6], (6, 4, 0.5), *CHAIN[6:8], (8, 9, 0.5))
"""Which step calls which, and how often for each call that the pipeline gets."""


def drawn(seed: int) -> dict[str, Any]:
    """A graph, as benchmarks/data/call_graph.json has it, which is that of seed 7."""
    draw = random.Random(seed)  # noqa: S311 - it draws an example
    functions: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for number, pipeline in enumerate(PIPELINES):
        functions += _functions(draw, pipeline)
        calls += _calls(draw, pipeline, (CHAIN, ENSEMBLE, CYCLE)[number % 3])
    for number, pipeline in enumerate(PIPELINES):
        calls.append(_call(f"{pipeline}/Store", f"{PIPELINES[(number + 3) % 10]}/Receive", 0.2, 8))
    return {"functions": functions, "calls": calls}


def _functions(draw: random.Random, pipeline: str) -> Iterator[dict[str, Any]]:
    replicas = draw.choice([4, 5, 6])
    for step in STEPS:
        cpu, memory = draw.choice(SHAPES)
        number = max(3, replicas + draw.choice([-1, 0, 0, 0, 1]))
        yield {"name": f"{pipeline}/{step}", "replicas": number, "cpu": cpu, "memory_gib": memory}


def _calls(draw: random.Random, pipeline: str, edges: tuple[tuple[int, int, float], ...]) -> Iterator[dict[str, Any]]:
    rate = draw.choice([4, 8, 15, 25, 40])
    for caller, callee, part in edges:
        names = f"{pipeline}/{STEPS[caller]}", f"{pipeline}/{STEPS[callee]}"
        yield _call(*names, rate * part, draw.choice([2, 8, 32, 128]))


def _call(caller: str, callee: str, rate: float, kib: int) -> dict[str, Any]:
    return {"caller": caller, "callee": callee, "calls": round(rate, 2), "kib": kib}
