"""What replicas and machines use, as Prometheus reads it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloudlayer.errors import TransientError
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.figures import FRESH_SECONDS, Figures
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.store import Database, MachineRow, MachineState, ReplicaRow, ReplicaRowState, Store, offer_from, writes
from cloudlayer.interfaces import ReplicaUsage
from cloudlayer.units import GIB

KIND = {"name": "gpu-1", "cpu": 8.0, "memory": 64 * GIB, "architecture": "x86_64", "accelerators": [["L4", 24 * GIB]],
        "disk": None, "allocatable_cpu": 8.0, "allocatable_memory": 64 * GIB}  # fmt: skip
OFFER = {"provider": "cloud", "region": "east", "zone": "a", "machine_type": KIND, "purchase": "spot", "reservation": None,
         "price": [1.5, "USD", "list", "2026-01-01"]}  # fmt: skip
SPEC = {"name": "a/F", "version": "1.0.0", "image": "x:1",
        "resources": {"cpu": 2.0, "memory": "1GiB", "gpu": {"count": 1, "memory": "4GiB"}}}  # fmt: skip


class Boxes:
    """Machines that answer what they are told to, and count how often they are asked."""

    def __init__(self) -> None:
        self.uses: dict[str, dict[str, ReplicaUsage]] = {}
        self.now = 100.0
        self.asked = 0
        self.clock = SimpleNamespace(monotonic=lambda: self.now)

    def engine(self, machine: MachineRow, name: str) -> Any:
        return SimpleNamespace(usage=lambda deadline: self._usage(machine.id))

    def deadline(self, seconds: float) -> None:
        assert seconds <= 3

    def _usage(self, machine: str) -> dict[str, ReplicaUsage]:
        self.asked += 1
        if machine not in self.uses:
            raise TransientError("away")
        return self.uses[machine]


class Fleet:
    """A fleet's store, its machines, and its figures."""

    def __init__(self, folder: Path) -> None:
        home = Home(folder)
        home.prepare()
        self.store = Store(Database(home.store_url))
        self.boxes = Boxes()
        self.figures = Figures(self.store, cast(Clouds, self.boxes), "f")

    def machine(self, id: str, state: MachineState = MachineState.RUNNING) -> None:
        row = MachineRow("f", id, "b", 0, "cloud:east", offer_from(OFFER), {}, state)
        with self.store.database.write() as connection:
            writes.add_machines(connection, [row])

    def replica(self, id: str, machine: str, state: ReplicaRowState, **fields: Any) -> ReplicaRow:
        where = {"function": "a/F", "version": "1.0.0", **fields}
        row = ReplicaRow(
            "f", id, where.pop("function"), where.pop("version"), "d", machine, "docker", (0,), SPEC, state, **where
        )
        with self.store.database.write() as connection:
            writes.add_replica(connection, row)
        return row

    def read(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        self.boxes.now += FRESH_SECONDS
        families = text_string_to_metric_families(self.figures.text())
        return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "home")


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_what_a_replica_uses_stands_beside_what_it_may(fleet: Fleet) -> None:
    fleet.machine("m-1")
    fleet.replica("r-1", "m-1", ReplicaRowState.READY)
    fleet.boxes.uses["m-1"] = {"r-1": ReplicaUsage(12.5, 300, {0: 7, 2: 9})}
    found, whose = fleet.read(), {"function": "a/F", "version": "1.0.0", "machine": "m-1", "replica": "r-1"}
    assert value(found, "cloudlayer_replica_cpu_seconds_total", **whose) == 12.5
    assert value(found, "cloudlayer_replica_cpu_limit_cores", **whose) == 2.0
    assert value(found, "cloudlayer_replica_memory_bytes", **whose) == 300
    assert value(found, "cloudlayer_replica_memory_limit_bytes", **whose) == GIB
    assert value(found, "cloudlayer_replica_gpu_memory_bytes", **whose, device="2") == 9
    assert value(found, "cloudlayer_replica_gpu_memory_limit_bytes", **whose) == 4 * GIB


def test_states_ends_and_prices_are_told(fleet: Fleet) -> None:
    fleet.machine("m-1")
    fleet.machine("m-2", MachineState.PENDING)
    fleet.boxes.uses["m-1"] = {}
    fleet.replica("r-1", "m-1", ReplicaRowState.READY)
    fleet.replica("r-2", "m-1", ReplicaRowState.STARTING)
    for number, how in enumerate(("out_of_memory", "out_of_memory", "crashed", None)):
        fleet.replica(f"e-{number}", "m-1", ReplicaRowState.ENDED, exit=how)
    found, version = fleet.read(), {"function": "a/F", "version": "1.0.0"}
    kind = {"provider": "cloud:east", "machine_type": "gpu-1", "purchase": "spot"}
    assert value(found, "cloudlayer_fleet_replicas", **version, state="ready") == 1
    assert value(found, "cloudlayer_fleet_replicas", **version, state="starting") == 1
    assert value(found, "cloudlayer_fleet_replica_starts_total", **version) == 6
    assert value(found, "cloudlayer_fleet_replica_ends_total", **version, reason="out_of_memory") == 2
    assert value(found, "cloudlayer_fleet_replica_ends_total", **version, reason="stopped") == 1
    assert value(found, "cloudlayer_fleet_machines", **kind, state="pending") == 1
    assert value(found, "cloudlayer_machine_price_per_hour", **kind, machine="m-2", currency="USD") == 1.5
    assert value(found, "cloudlayer_machine_up", machine="m-1") == 1
    assert value(found, "cloudlayer_machine_up", machine="m-2") is None


def test_a_machine_that_does_not_answer_hides_its_own_figures_alone(fleet: Fleet) -> None:
    for machine in ("m-1", "m-2"):
        fleet.machine(machine)
        fleet.replica(f"r-{machine}", machine, ReplicaRowState.READY)
    fleet.boxes.uses["m-2"] = {"r-m-2": ReplicaUsage(1.0, 1)}
    found = fleet.read()
    assert value(found, "cloudlayer_machine_up", machine="m-1") == 0
    assert {dict(labels)["replica"] for name, labels in found if name == "cloudlayer_replica_memory_bytes"} == {"r-m-2"}


def test_the_series_of_what_is_gone_are_gone(fleet: Fleet) -> None:
    fleet.machine("m-1")
    row = fleet.replica("r-1", "m-1", ReplicaRowState.READY)
    fleet.boxes.uses["m-1"] = {"r-1": ReplicaUsage(1.0, 1)}
    assert any("r-1" in dict(labels).values() for _, labels in fleet.read())
    with fleet.store.database.write() as connection:
        writes.change_replica(connection, row, 1.0, state=ReplicaRowState.ENDED)
    assert not any({"r-1", "a/F"} & set(dict(labels).values()) for _, labels in fleet.read())


def test_two_who_ask_at_once_cost_one_look(fleet: Fleet) -> None:
    fleet.machine("m-1")
    fleet.replica("r-1", "m-1", ReplicaRowState.READY)
    fleet.boxes.uses["m-1"] = {}
    first = fleet.figures.text()
    assert fleet.figures.text() == first
    assert fleet.boxes.asked == 1
    fleet.boxes.now += FRESH_SECONDS
    fleet.figures.text()
    assert fleet.boxes.asked == 2


def test_whatever_machines_are_called_the_text_can_be_read(fleet: Fleet) -> None:
    names = ['quote"', "back\\slash", "new\nline", "comma,brace}", "ü€", " "]
    for name in names:
        fleet.machine(name)
    assert {dict(labels)["machine"] for key, labels in fleet.read() if key == "cloudlayer_machine_price_per_hour"} == set(names)
