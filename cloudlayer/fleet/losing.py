"""Machines that do not answer: when that is noted, when they are given up, and when it is rather our own fault.

A machine that is given up counts for nothing from then on, even when it answers again: its replicas have ended, others take
their place, and it is deleted before it is used again. So nothing is ever there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from cloudlayer.fleet.store import Event, FleetRows, MachineRow, MachineState, writes
from cloudlayer.fleet.view import Lose, View
from cloudlayer.units import format_duration

UNREACHABLE: Final = 5.0
"""Seconds after which a machine whose connection is lost is given up; that it is lost takes some seconds to be seen."""
SILENT: Final = 30.0
"""The same for one that can be reached and whose engine does not answer: an engine may be restarted meanwhile."""
OURSELVES: Final = 120.0
"""The same while most machines are away at once: the fault is near us then, and to give all of them up would mend nothing."""
FEW: Final = 3
"""With fewer machines than this, most of them may well be down."""

Write = Callable[[Connection], object]


def noted(
    rows: FleetRows, cut: Collection[str], silent: Collection[str], answered: Collection[str], now: float
) -> Iterator[Write]:
    """The writes for machines that have stopped to answer, or answer again.

    `cut` are those whose connection is lost, `silent` those whose engines did not answer the newest look, `answered` those
    whose engines did; both empty before the first one. One that was not asked, as its provider did not tell of it, stays as it
    is noted. While most are away and one comes back, the others' time begins anew.
    """
    running = [row for row in rows.machines if row.state is MachineState.RUNNING]
    before = {row.id for row in running if row.unreachable is not None}
    away = {row.id for row in running if row.id in cut or row.id in silent or (row.id in before and row.id not in answered)}
    for row in running:
        if row.id in away and row.unreachable is None:
            why = "its connection is lost" if row.id in cut else "its engine does not answer"
            yield from _note(row, now, now, "machine unreachable", f"{why}: it gets no calls until it answers")
        elif row.unreachable is not None and row.id not in away:
            yield from _note(row, None, now, "machine answers", f"after {format_duration(now - row.unreachable)}")
        elif row.unreachable is not None and _most(before, running) and before - away:
            yield partial(writes.change_machine, row=row, now=row.changed_at, unreachable=now)
    if _most(away, running) and not _most(before, running):
        what = f"{len(away)} of {len(running)} machines do not answer: the fault is likely to be near this controller"
        told = f"{what}; none is given up for {format_duration(OURSELVES)}"
        yield partial(writes.add_event, event=Event(0, rows.desired.name, now, "machines kept", rows.desired.name, told))


def given_up(view: View) -> Iterator[Lose]:
    """The machines to give up now, and the replicas that are left of those that were given up before."""
    running = [row for row in view.machines if row.state is MachineState.RUNNING]
    ours = _most([row.id for row in running if row.unreachable is not None], running)
    for row in view.machines:
        due = row.state is MachineState.RUNNING and _due(row, view, ours=ours)
        mine = tuple(each for each in view.replicas if each.machine == row.id and each.id not in view.busy)
        if due or (row.lost and mine):
            yield Lose(row, mine, _why(row, view.now) if due else row.reason)


def without(view: View, losses: Collection[Lose]) -> View:
    """The same without the machines that are given up, and with those left alone that do not answer."""
    now_lost = {loss.row.id for loss in losses}
    lost = now_lost | {row.id for row in view.machines if row.lost}
    away = {row.id for row in view.machines if row.unreachable is not None} - lost
    busy = view.busy | away | {row.id for row in view.replicas if row.machine in away}
    machines = tuple(row for row in view.machines if row.id not in now_lost or row.lost)
    replicas = tuple(row for row in view.replicas if row.machine not in lost)
    return replace(view, machines=machines, replicas=replicas, busy=busy)


def _due(row: MachineRow, view: View, *, ours: bool) -> bool:
    if row.unreachable is None or row.id in view.busy:
        return False
    limit = OURSELVES if ours else UNREACHABLE if row.id in view.cut else SILENT
    return view.now - row.unreachable >= limit


def _why(row: MachineRow, now: float) -> str:
    since = now if row.unreachable is None else row.unreachable
    return f"it has not answered for {format_duration(now - since)}"


def _most(away: Collection[str], running: Collection[MachineRow]) -> bool:
    return len(running) >= FEW and 2 * len(away) > len(running)


def _note(row: MachineRow, since: float | None, now: float, kind: str, message: str) -> Iterator[Write]:
    # Without a new `changed_at`: what is seen of it meanwhile is no older for that.
    yield partial(writes.change_machine, row=row, now=row.changed_at, unreachable=since)
    yield partial(writes.add_event, event=Event(0, row.fleet, now, kind, row.id, message))
