"""What replicas and machines use and cost, in Prometheus' text format.

Nothing is measured unless somebody asks, and what was measured is good for a moment, so that several who ask cost one look.
There are series of what is there alone: a replica's end with it, and a version's with its last replica, once it is not wanted.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.demands import checked_spec
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.store import FleetRows, MachineRow, MachineState, ReplicaRow, Store
from cloudlayer.fleet.usage import measured
from cloudlayer.interfaces import ReplicaUsage
from cloudlayer.runtime.counting import REGISTRY

FRESH_SECONDS: Final = 1.0
"""How long figures are good for: less than any scraper waits between two looks."""
MEASURE_SECONDS: Final = 3.0
"""How long a machine has to tell. The gateway waits for all of them, and the scraper for the gateway."""

_REPLICA: Final = ("function", "version", "machine", "replica")
Key = tuple[str, str]


class Figures:
    """The figures of one fleet. Thread-safe."""

    def __init__(self, store: Store, clouds: Clouds, fleet: str) -> None:
        self._store = store
        self._clouds = clouds
        self._fleet = fleet
        self._lock = threading.Lock()
        self._text = ""
        self._until = float("-inf")

    def text(self) -> str:
        """What is there now."""
        with self._lock:
            if self._clouds.clock.monotonic() >= self._until:
                self._text = self._looked_up()
                self._until = self._clouds.clock.monotonic() + FRESH_SECONDS
            return self._text

    def _looked_up(self) -> str:
        rows = self._store.read(self._fleet)
        running = [row for row in rows.machines if row.state is MachineState.RUNNING]
        silent: set[str] = set()

        def complain(machine: str, _: CloudLayerError) -> None:
            silent.add(machine)

        samples = measured(self._clouds, running, rows.replicas, complain, seconds=MEASURE_SECONDS)
        used = {replica: usage for sample in samples.values() for replica, (_, usage) in sample.items()}
        registry = CollectorRegistry()
        registry.register(_Families(_usage(rows.replicas, used)))
        registry.register(_Families(_replicas(rows, self._store.outcomes(self._fleet))))
        registry.register(_Families(_machines(rows.machines, silent)))
        return (generate_latest(registry) + generate_latest(REGISTRY)).decode()


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def _usage(replicas: Iterable[ReplicaRow], used: Mapping[str, ReplicaUsage]) -> Iterator[Metric]:
    """What each replica that is measured uses, of what it may."""
    cpu = CounterMetricFamily("cloudlayer_replica_cpu_seconds", "Seconds of a core that it used", labels=_REPLICA)
    cores = GaugeMetricFamily("cloudlayer_replica_cpu_limit_cores", "Cores that it may use", labels=_REPLICA)
    memory = GaugeMetricFamily("cloudlayer_replica_memory_bytes", "Memory that it uses", labels=_REPLICA)
    limit = GaugeMetricFamily("cloudlayer_replica_memory_limit_bytes", "Memory that it may use", labels=_REPLICA)
    gpu = GaugeMetricFamily(
        "cloudlayer_replica_gpu_memory_bytes",
        "GPU memory that it holds, by device",
        labels=(*_REPLICA, "device"),
    )
    share = GaugeMetricFamily(
        "cloudlayer_replica_gpu_memory_limit_bytes",
        "Its share of each device's memory, if it has one",
        labels=_REPLICA,
    )
    for row in replicas:
        if row.id not in used:
            continue
        one, needs = used[row.id], checked_spec(row).resources
        names = (row.function, row.version, row.machine, row.id)
        cpu.add_metric(names, one.cpu)
        cores.add_metric(names, needs.cpu)
        memory.add_metric(names, one.memory)
        limit.add_metric(names, needs.memory)
        for device, held in sorted(one.gpu.items()):
            gpu.add_metric((*names, str(device)), held)
        if needs.gpu is not None and needs.gpu.memory is not None:
            share.add_metric(names, needs.gpu.memory)
    yield from (cpu, cores, memory, limit, gpu, share)


def _replicas(rows: FleetRows, outcomes: Mapping[Key, Mapping[str, int]]) -> Iterator[Metric]:
    """How the replicas of each version that is wanted, or still there, stand and fared."""
    states = GaugeMetricFamily("cloudlayer_fleet_replicas", "Replicas, by state", labels=("function", "version", "state"))
    started = CounterMetricFamily(
        "cloudlayer_fleet_replica_starts", "Replicas that there ever were", labels=("function", "version")
    )
    ended = CounterMetricFamily(
        "cloudlayer_fleet_replica_ends",
        "Replicas that ended, by how: stopped, crashed, out_of_memory, out_of_gpu_memory, failed_to_load, stuck, lost",
        labels=("function", "version", "reason"),
    )
    standing = Counter((row.function, row.version, row.state.value) for row in rows.replicas)
    for names, count in sorted(standing.items()):
        states.add_metric(names, count)
    desired = Desired.of_rows(rows)
    versions = {(row.function, row.version) for row in rows.replicas}
    versions |= {(spec.name, spec.version) for spec in desired.manifest.function} if desired is not None else set()
    for key in sorted(versions):
        found = outcomes.get(key, {})
        started.add_metric(key, sum(found.values()))
        for reason, count in sorted(found.items()):
            if reason:
                ended.add_metric((*key, reason), count)
    yield from (states, started, ended)


def _machines(machines: Iterable[MachineRow], silent: set[str]) -> Iterator[Metric]:
    """How many machines there are, what each costs, and whether those that run could be asked."""
    kind = ("provider", "machine_type", "purchase")
    states = GaugeMetricFamily("cloudlayer_fleet_machines", "Machines, by state", labels=(*kind, "state"))
    price = GaugeMetricFamily(
        "cloudlayer_machine_price_per_hour", "What it costs an hour, where that is known", labels=("machine", *kind, "currency")
    )
    asked = GaugeMetricFamily(
        "cloudlayer_machine_up",
        "Whether it told what its replicas use",
        labels=("machine",),
    )
    counts: Counter[tuple[str, ...]] = Counter()
    for row in machines:
        names = (row.provider, row.offer.machine_type.name, row.offer.purchase)
        counts[*names, row.state.value] += 1
        if row.offer.price is not None:
            price.add_metric((row.id, *names, row.offer.price.currency), row.offer.price.amount)
        if row.state is MachineState.RUNNING:
            asked.add_metric((row.id,), row.id not in silent)
    for each, count in sorted(counts.items()):
        states.add_metric(each, count)
    yield from (states, price, asked)
