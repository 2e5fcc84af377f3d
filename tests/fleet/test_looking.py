"""Looks at many machines at once: what one of them does not say keeps nobody from seeing the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from cloudlayer.errors import CloudLayerError, EngineError, NotFound, TransientError
from cloudlayer.fleet.observe import LOOKERS, Observation, Observer
from cloudlayer.fleet.store import DesiredRow, FleetRows, MachineRow, MachineState
from cloudlayer.interfaces import Access, Deadline
from cloudlayer.resources import Instance, InstanceState, MachineType, Offer
from cloudlayer.units import GIB

OFFER = Offer("shop", "here", "here-a", MachineType("small", 2.0, 4 * GIB), "on_demand", None)


class Shop:
    """A provider whose machines answer by `list`; `keeps_machines` is false where they are parts of this host."""

    def __init__(self, names: list[str], list: Any, *, keeps: bool = True) -> None:
        self.name, self.region, self.keeps_machines = "shop", "here", keeps
        self.capabilities = SimpleNamespace(engines=lambda: ("docker",))
        instances = [Instance(name, "shop", "here", "here-a", InstanceState.RUNNING, "small") for name in names]
        self.compute = SimpleNamespace(list=lambda labels, deadline: instances)
        self.list = list
        self.access = lambda instance: None

    def provider(self, key: str) -> Shop:
        return self

    def engine(self, machine: MachineRow, name: str) -> Any:
        return SimpleNamespace(list=lambda labels, deadline: self.list(machine.id))

    def deadline(self, seconds: float = 45.0) -> Deadline:
        return Deadline.after(seconds)


@pytest.fixture
def lookers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(LOOKERS) as lookers:
        yield lookers


def look(
    shop: Shop, names: list[str], lookers: ThreadPoolExecutor, state: MachineState = MachineState.RUNNING
) -> tuple[Observation, dict[str, CloudLayerError]]:
    heard: dict[str, CloudLayerError] = {}
    machines = tuple(MachineRow("f", name, "b", 0, "shop:here", OFFER, {}, state, instance=name) for name in names)
    rows = FleetRows(DesiredRow("f", 1, None), machines, (), ())
    observer = Observer(shop, "owner", "f", lookers, lookers)
    return observer.look(rows, (), 0.0, lambda subject, error: heard.update({subject: error})), heard


def test_machines_are_looked_at_all_at_once(lookers: ThreadPoolExecutor) -> None:
    names = [f"m{number}" for number in range(8)]
    together = threading.Barrier(len(names), timeout=10)

    def ask(machine: str) -> list[Any]:
        together.wait()  # breaks if they are asked one after another
        return []

    seen, heard = look(Shop(names, ask), names, lookers)
    assert set(seen.replicas) == set(names) and not heard


def test_one_that_cannot_be_reached_is_silent_and_one_that_refuses_is_not(lookers: ThreadPoolExecutor) -> None:
    errors = {"m1": TransientError("it does not answer"), "m2": EngineError("it knows no such thing")}

    def ask(machine: str) -> list[Any]:
        if machine in errors:
            raise errors[machine]
        return []

    seen, heard = look(Shop(["m0", "m1", "m2"], ask), ["m0", "m1", "m2"], lookers)
    assert set(seen.replicas) == {"m0"}
    assert seen.silent == {"m1"}
    assert heard == errors


def test_what_nobody_foresaw_of_one_machine_is_its_error_and_the_end_of_nothing_else(lookers: ThreadPoolExecutor) -> None:
    def ask(machine: str) -> list[Any]:
        if machine == "m1":
            raise KeyError("Id")
        return []

    seen, heard = look(Shop(["m0", "m1"], ask), ["m0", "m1"], lookers)
    assert (set(seen.replicas), seen.silent) == ({"m0"}, frozenset())
    assert str(heard["m1"]).startswith("KeyError: 'Id'; this is a fault of cloudlayer's own")


@pytest.mark.parametrize("error", [NotFound("boxes.toml has no machine m1 any more: put it back"), RuntimeError("no home")])
def test_a_new_machine_that_cannot_be_looked_at_waits_and_says_why(lookers: ThreadPoolExecutor, error: Exception) -> None:
    shop = Shop(["m0", "m1"], lambda machine: [])

    def access(instance: Instance) -> Access | None:
        if instance.id == "m1":
            raise error
        return Access("")

    shop.access = access
    shop.reach = SimpleNamespace(reasons=dict)
    seen, heard = look(shop, ["m0", "m1"], lookers, MachineState.PENDING)
    assert set(heard) == {"m1"}
    assert str(error) in seen.findings["m1"].reason
    assert "does not answer by SSH" in seen.findings["m0"].reason


def test_this_host_is_never_silent(lookers: ThreadPoolExecutor) -> None:
    def ask(machine: str) -> list[Any]:
        raise TransientError("no engine runs here")

    seen, heard = look(Shop(["m0"], ask, keeps=False), ["m0"], lookers)
    assert seen.silent == frozenset() and set(heard) == {"m0"}
