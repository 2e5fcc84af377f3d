"""What engines did since this process began, as counters of Prometheus; whoever serves metrics adds these to its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter

REGISTRY: Final = CollectorRegistry()
PULLS: Final = Counter(
    "cloudlayer_image_pulls",
    "Images that machines pulled from a registry, by outcome",
    ["outcome"],
    registry=REGISTRY,
)
PULLED: Final = "success"
NOT_PULLED: Final = "failure"

P = ParamSpec("P")
R = TypeVar("R")

for _outcome in (PULLED, NOT_PULLED):
    PULLS.labels(_outcome)


def counted(pull: Callable[P, R]) -> Callable[P, R]:
    """The same function, its calls counted as pulls."""

    @wraps(pull)
    def counting(*arguments: P.args, **options: P.kwargs) -> R:
        outcome = NOT_PULLED
        try:
            result = pull(*arguments, **options)
            outcome = PULLED
            return result
        finally:
            PULLS.labels(outcome).inc()

    return counting
