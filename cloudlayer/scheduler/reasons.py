"""Why demands have no place, each told once: one alone by what excludes how many offers, a gang by what it lacks as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cloudlayer.scheduler.draft import Draft
from cloudlayer.scheduler.explain import explain
from cloudlayer.scheduler.gangs import Unit
from cloudlayer.scheduler.types import Demand, Unplaced


def unplaced(draft: Draft, missing: Iterable[Unit]) -> tuple[Unplaced, ...]:
    """The demands that have no place in the draft, by id. All members of a gang are told the same."""
    known: dict[Demand, str] = {}
    found = []
    for unit in missing:
        likeness = unit.first if unit.first.gang is not None else _alike(unit.first)
        if likeness not in known:
            known[likeness] = _gang_reason(draft, unit) if unit.first.gang is not None else _reason(draft, unit.first)
        found += [Unplaced(member.id, known[likeness]) for member in unit.members]
    return tuple(sorted(found, key=lambda each: each.demand))


def _alike(demand: Demand) -> Demand:
    return replace(demand, id="")


def _reason(draft: Draft, demand: Demand) -> str:
    return explain(demand, draft.offers, draft.rules, draft.there()).reason


def _gang_reason(draft: Draft, gang: Unit) -> str:
    """What its first member without a place lacks, were the others where they could be."""
    trial, number, together = draft.copy(), len(gang.members), gang.first.together
    lacking = trial.place(gang.members)
    name = f"gang {gang.first.gang} is placed all or none"
    if lacking:
        return f"{name}, and {len(lacking)} of its {number} find no place: {_reason(trial, lacking[0])}"
    return f"{name} on one {together}, and there is none with room for all {number} of it"
