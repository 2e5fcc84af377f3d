"""A controller on a simulated cloud, whose process can be ended at any of its store writes, provider calls and engine calls."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.store import Database, Lease, Store
from cloudlayer.functions.manifest import Manifest
from cloudlayer.providers.simulated import World
from cloudlayer.specs import checked

CRASHED = 86
FLEET = "seefood"


class Inline(Executor):
    """Does work at once, so that calls come in one order and every run is the same."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


class Crash:
    """Counts the places where a process may die, and ends it at one of them. No `finally` runs then.

    `passing` is called at each place that is passed, when nothing is half written.
    """

    def __init__(self, at: int | None = None, passing: Callable[[], None] = lambda: None) -> None:
        self.at = at
        self.passed = 0
        self._passing = passing

    def here(self) -> None:
        if self.passed == self.at:
            os._exit(CRASHED)
        self._passing()
        self.passed += 1

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def dangerous(*args: Any, **named: Any) -> Any:
            self.here()
            try:
                return call(*args, **named)
            finally:
                self.here()

        return dangerous


class Dangerous:
    """Stands before a provider, a compute or an engine: before and after each of its calls the process may die."""

    _CALLS = ("create_batch", "delete", "list", "get", "offers", "prepare", "start", "wait", "stop")

    def __init__(self, real: Any, crash: Crash) -> None:
        self._real = real
        self._crash = crash

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name == "compute":
            return Dangerous(found, self._crash)
        if name == "engine":
            return lambda *args: Dangerous(found(*args), self._crash)
        return self._crash.around(found) if name in self._CALLS else found


class DangerousDatabase(Database):
    """Before and after each write the process may die."""

    def __init__(self, url: str, crash: Crash) -> None:
        super().__init__(url)
        self._crash = crash

    @contextmanager
    def write(self) -> Iterator[Any]:
        self._crash.here()
        with super().write() as connection:
            yield connection
        self._crash.here()


@dataclass(frozen=True)
class Place:
    """A home and a cloud in one folder, which can be copied as they are."""

    folder: Path

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    def world(self) -> World:
        return World(self.folder / "world.json")

    def copy(self, to: Path) -> Place:
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.folder, to)
        return Place(to)

    def state(self) -> str:
        """A hash of all that survives a crash and that a recovery can see: not the logs of what was done."""
        store = Store(Database(self.home.store_url))
        rows, ledger = store.read(FLEET, ended=True), store.ledger(FLEET)
        store.close()
        world = (self.folder / "world.json").read_bytes()
        return hashlib.sha256(repr((rows, ledger)).encode() + world).hexdigest()


def manifest(version: str = "1.0.0", replicas: int = 2, **function: Any) -> Manifest:
    """One function of which two replicas fill a machine."""
    needs = {"cpu": 1.0, "memory": "1GiB"}
    one = {"name": "food/See", "version": version, "image": "see:1", "resources": needs, "scale": {"min": replicas}}
    return checked(Manifest, {"fleet": {"name": FLEET, "providers": ["simulated"]}, "function": [one | function]}, "")


def two_functions(replicas: int, *, consolidated: bool) -> Manifest:
    """So many replicas of each of two functions, two of any on a machine, in a fleet that is consolidated, soon or never."""
    needs = {"cpu": 0.9, "memory": "1GiB"}
    functions = [
        {"name": name, "version": "1.0.0", "image": "see:1", "resources": needs, "scale": {"min": replicas}}
        for name in ("food/Say", "food/See")
    ]
    consolidation = {"after": 1.0, "enabled": consolidated}
    fleet = {"name": FLEET, "providers": ["simulated"], "allow": {"machine_types": ["cpu-2"]}}
    return checked(Manifest, {"fleet": fleet | {"consolidation": consolidation}, "function": functions}, "")


def want(place: Place, wanted: Manifest | None) -> None:
    """Write down what is wanted, as a user does."""
    store = Store(Database(place.home.store_url))
    document = None if wanted is None else Desired(wanted).document()
    store.want(FLEET, document, after=store.desired(FLEET).generation, now=0.0)
    store.close()


def reconcile(place: Place, crash: Crash | None = None, *, rounds: int = 60, world: World | None = None) -> bool:
    """Be the controller until all is as wanted. Whether it came to that."""
    crash = crash or Crash()
    world = world or place.world()
    database = DangerousDatabase(place.home.store_url, crash)
    store = Store(database)
    lease = Lease(database, FLEET, place.home.locks, world.clock)
    clouds = Clouds(lambda _: Dangerous(world.connect(), crash), world.clock)
    actor = Actor(lease, clouds, Surroundings(place.home, store.owner, FLEET), world.clock)
    reconciler = Reconciler(store, lease, clouds, actor, executor=Inline(), clock=world.clock)
    try:
        lease.acquire("test")
        for _ in range(rounds):
            if reconciler.step(reconciler.look()).settled:
                return True
            world.advance(1.0)
            lease.renew()
        return False
    finally:
        lease.release()
        store.close()


def deaths(
    start: Place, folder: Path, run: Callable[[Place, Crash], object], state: Callable[[Place], str]
) -> tuple[dict[str, Place], list[str]]:
    """Every death that `run` can die from `start`: the states that they leave, its end included; and which one each leaves.

    What a process that dies leaves is what lies on the disk then: one run is enough, of which a copy is made at each place.
    """
    states: dict[str, Place] = {}
    left: list[str] = []
    alive = start.copy(folder / "alive")

    def copy() -> None:
        place = alive.copy(folder / str(len(left)))
        left.append(state(place))
        if states.setdefault(left[-1], place) is not place:
            shutil.rmtree(place.folder)

    run(alive, Crash(passing=copy))
    states.setdefault(state(alive), alive)
    return states, left


def crashed(place: Place, at: int) -> bool:
    """Be the controller in a child that dies at place number `at`. False if it came to its end before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if reconcile(place, Crash(at)) else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, CRASHED), f"a controller that should die at {at} ended with {code}"
    return code == CRASHED
