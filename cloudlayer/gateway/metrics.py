"""What Prometheus reads at /metrics.

Labels are the functions and versions of the newest snapshot, and a closed set of outcomes. What replicas and machines use is
the controller's to tell, see `cloudlayer.fleet.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

SUCCESS: Final = "success"
OTHER: Final = "other"
OUTCOMES: Final = frozenset(
    {
        SUCCESS,
        "InputError",
        "UnsupportedError",
        "InitializationError",
        "OutOfMemoryError",
        "OutOfGpuMemoryError",
        "LanguageError",
        "TooLargeError",
        "ParsingError",
        "ThirdPartyCredentialError",
        "AlgorithmError",
        "TimeoutError",
        "AuthorizationError",
        "TooManyRequestsError",
        "UnavailableError",
    }
)

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


@dataclass(frozen=True, slots=True)
class Gauges:
    """One version as it is at this moment."""

    function: str
    version: str
    in_flight: int
    waiting: int
    replicas: int


class Metrics:
    """The gateway's own registry. `gauges` tells, when asked, how every version stands."""

    def __init__(self, gauges: Callable[[], Iterable[Gauges]]) -> None:
        self.registry = CollectorRegistry()
        labels = ["function", "version"]
        self._calls = Counter(
            "cloudlayer_gateway_calls", "Calls that ended, by outcome", [*labels, "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "cloudlayer_gateway_call_seconds",
            "Seconds from a call's arrival to its answer, waiting included",
            labels,
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._refused = Counter(
            "cloudlayer_gateway_refused",
            "Requests that named no version or were not let in",
            ["status"],
            registry=self.registry,
        )
        self._routed = Counter(
            "cloudlayer_gateway_routed",
            "Calls among those that ended that a machine's router carried, so that they never came here",
            registry=self.registry,
        )
        self._told = Gauge(
            "cloudlayer_gateway_controller_up",
            "Whether the controller told what replicas and machines use; those figures are absent otherwise",
            registry=self.registry,
        )
        self.registry.register(_Standing(gauges))

    def meter(self, function: str, version: str) -> Meter:
        """What counts the calls of one version."""
        return Meter(self._calls, self._seconds, function, version)

    def refused(self, status: int) -> None:
        """Count a request that came to no call."""
        self._refused.labels(str(status)).inc()

    def routed(self) -> None:
        """Count a call that a router carried."""
        self._routed.inc()

    def text(self, figures: str | None) -> bytes:
        """All of it, in Prometheus' text format; `figures` is what the controller told of replicas and machines."""
        self._told.set(figures is not None)
        return generate_latest(self.registry) + (figures or "").encode()


class Meter:
    """Counts the calls of one version; the counters are looked up once."""

    def __init__(self, calls: Counter, seconds: Histogram, function: str, version: str) -> None:
        self._calls = calls
        self._seconds = seconds
        self._names = (function, version)
        self._outcomes: dict[str, Counter] = {}
        self._histogram = seconds.labels(function, version)
        self._removed = False

    def count(self, outcome: str, seconds: float) -> None:
        """A call has ended, `seconds` after it came."""
        if self._removed:
            return
        outcome = outcome if outcome in OUTCOMES else OTHER
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._calls.labels(*self._names, outcome)
        counter.inc()
        self._histogram.observe(seconds)

    def remove(self) -> None:
        """The version is gone, and its counters with it."""
        self._removed = True
        for outcome in self._outcomes:
            self._calls.remove(*self._names, outcome)
        self._seconds.remove(*self._names)


class _Standing(Collector):
    def __init__(self, gauges: Callable[[], Iterable[Gauges]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        labels = ["function", "version"]
        in_flight = GaugeMetricFamily("cloudlayer_gateway_in_flight", "Calls that replicas work on", labels=labels)
        waiting = GaugeMetricFamily("cloudlayer_gateway_waiting", "Calls that wait for a replica", labels=labels)
        replicas = GaugeMetricFamily("cloudlayer_gateway_replicas", "Replicas that take calls", labels=labels)
        for each in self._gauges():
            names = [each.function, each.version]
            in_flight.add_metric(names, each.in_flight)
            waiting.add_metric(names, each.waiting)
            replicas.add_metric(names, each.replicas)
        yield from (in_flight, waiting, replicas)
