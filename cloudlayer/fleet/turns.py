"""Functions that fit the GPUs only in turn: idle replicas are moved off them, and brought back when they are called.

A replica that is parked is on its machine still, with what it had on its GPUs in the machine's memory; it takes no calls. It
stays parked as long as nobody calls its version, and ends when it would have ended for being idle. Where a machine cannot move
GPU memory, or has not so much of its own, the replica ends in place of being parked, and the next call starts one anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from cloudlayer.fleet import demands as words
from cloudlayer.fleet.store import MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.fleet.view import Drain, Park, Return, Stop, View
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.scheduler import Demand, Machine, Plan
from cloudlayer.scheduler.devices import occupied, released
from cloudlayer.scheduler.turns import Idle, best, makers_on, room_on
from cloudlayer.units import GIB

BYTES_A_SECOND: Final = 8 * GIB
"""How quickly memory comes back to a GPU, by the slower of the buses that are in use."""
LEAST_SECONDS: Final = 1.0
"""What bringing back takes in any case."""


def parked(view: View, spec: FunctionSpec) -> list[ReplicaRow]:
    """A version's replicas that are off their GPUs, or on the way, in the form that is wanted; the newest first."""
    states = (ReplicaRowState.PARKING, ReplicaRowState.PARKED)
    rows = (row for row in view.replicas if row.key == spec.key and row.state in states and view.spec(row) is not None)
    return sorted(rows, key=lambda row: (-row.changed_at, row.id))


def ends(view: View) -> Iterator[Stop]:
    """Those that are parked and of no use any more: of another form, more than are wanted, or on a machine that has to go."""
    if not any(row.state is ReplicaRowState.PARKED for row in view.replicas):
        return
    going = {row.id for row in view.machines if row.emptying is not None or row.cordoned}
    serving = Counter(row.key for row in view.replicas if row.state.serving)
    useful: set[str] = set()
    for spec in view.desired.manifest.function if view.desired is not None else ():
        wanted = max(0, view.wanted.get(spec.key, spec.scale.min) - serving[spec.key])
        useful |= {row.id for row in parked(view, spec)[:wanted] if row.machine not in going}
    for row in view.replicas:
        if row.state is ReplicaRowState.PARKED and row.id not in useful and row.id not in view.busy:
            yield Stop(row, "it is off its GPU, and not wanted any more")


def returns(view: View, machines: Sequence[Machine], lacking: Mapping[str, int]) -> list[Return | Park | Drain]:
    """The parked replicas that come back, since their versions are called and lack some; and who makes room for the others."""
    free, idle = {machine.id: machine for machine in machines}, _idle(view, machines)
    found: list[Return | Park | Drain] = []
    for spec in view.desired.manifest.function if view.desired is not None else ():
        able = [row for row in parked(view, spec) if _can_return(view, row) and row.machine in free]
        for row in able[: max(0, lacking.get(spec.key, 0))] if view.idle_for(spec.key) == 0 else ():
            demand, machine = words.demand(row.id, spec, row.engine), free[row.machine]
            if room_on(demand, machine, row.devices):
                found.append(Return(row, fresh=True, why="its version is called"))
                free[row.machine] = _taken(machine, demand, row.devices)
            elif not room_on(demand, _after_leaving(machine), row.devices):
                makers = makers_on(demand, _after_leaving(machine), row.devices, idle.get(row.machine, ()))
                found += _left(view, makers or (), spec.key)
    return found


def making_room(
    view: View, plan: Plan, demands: Sequence[Demand], machines: Sequence[Machine], ending: Container[str]
) -> list[Park | Drain]:
    """Who leaves its GPUs so that one of the demands without a place gets it in a later step, which sees how it was used.

    Nobody does for one that may not come up or that no call waits for, and none that is `ending`.
    """
    unplaced = {one.demand for one in plan.unplaced}
    waiting = [each for each in demands if each.id in unplaced and each.gpu_count and each.gang is None]
    if not waiting:
        return []
    running = {row.id for row in view.machines if row.state is MachineState.RUNNING}
    able, idle = [_after_leaving(machine) for machine in machines if machine.id in running], _idle(view, machines, ending)
    for demand in waiting:
        if demand.group not in view.failing and view.idle_for(demand.group) == 0:
            makers = best(demand, able, idle)
            if makers is not None:
                return _left(view, makers, demand.group)
    return []


def with_returns(view: View, actions: Sequence[Return | Park | Drain]) -> View:
    """The fleet as it is once these have begun: what comes back has its GPUs again, and what leaves takes no more calls."""
    states = {action.row.id: action.state for action in actions}
    rows = tuple(replace(row, state=states.get(row.id, row.state)) for row in view.replicas)
    return replace(view, replicas=rows) if states else view


def _left(view: View, makers: Sequence[Idle], needed_for: str) -> list[Park | Drain]:
    rows, found = {row.id: row for row in view.replicas}, list[Park | Drain]()
    for one in makers:
        why = f"its GPU is needed for {needed_for}, and nobody called it for {one.idle:.0f} s"
        found.append(Drain(rows[one.id], why) if one.ends else Park(rows[one.id], fresh=True, why=why))
    return found


def _can_return(view: View, row: ReplicaRow) -> bool:
    home = next((machine for machine in view.machines if machine.id == row.machine), None)
    return (
        row.state is ReplicaRowState.PARKED
        and row.id not in view.busy
        and home is not None
        and home.state is MachineState.RUNNING
        and home.id not in view.busy
    )


def _idle(view: View, machines: Sequence[Machine], ending: Container[str] = ()) -> dict[str, list[Idle]]:
    """By machine, the replicas on GPUs that no call uses, and that could leave them; not what has yet to prove itself."""
    found: dict[str, list[Idle]] = defaultdict(list)
    candidates = view.desired.candidates if view.desired is not None else frozenset()
    places = {machine.id: machine for machine in machines}
    for row in view.replicas:
        machine, seconds = places.get(row.machine), min(view.idle_for(row.key), view.now - row.changed_at)
        if machine is None or seconds <= 0 or row.id in view.busy or row.gang is not None or row.slices:
            continue
        if row.id in ending or row.key in candidates:
            continue
        if row.state is ReplicaRowState.READY and row.devices:
            demand = words.demand(row.id, words.checked_spec(row), row.engine)
            held = sum(demand.gpu_memory or machine.devices[index].memory for index in row.devices)
            back = max(LEAST_SECONDS, held / BYTES_A_SECOND)
            ends, spec = held > machine.memory, view.spec(row)
            if ends and spec is not None and spec.scale.min:
                continue  # one of these has to be there at least, and would have to be started anew
            found[row.machine].append(Idle(row.id, demand, row.devices, back, seconds, held, ends))
    return found


def _after_leaving(machine: Machine) -> Machine:
    """The machine once those that are ending, or leaving their GPUs, have done so."""
    devices = machine.devices
    for one in machine.residents:
        if one.leaving:
            devices = released(devices, one.demand, one.devices, one.slices)
    return replace(machine, devices=devices)


def _taken(machine: Machine, demand: Demand, devices: Sequence[int]) -> Machine:
    return replace(machine, devices=occupied(machine.devices, demand, devices))
