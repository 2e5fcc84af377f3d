"""A draft of a plan, changed such that its machines and its calls together cost less. Never to one that costs more.

One objective, in money per hour: the price of the machines that are bought, and what calls cost (see `calls.cost`). What is
bought is bought anew for bundles of replicas that call each other, if that promises to be cheaper; then machines go to
the zones where calls cost least, replicas are exchanged, and machines that are worth little for their price are given up.
Whoever has a place keeps one, and what is spread stays as even as it was. Residents and gangs that are to be together stay
where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cloudlayer.scheduler.admission import Tier, cost
from cloudlayer.scheduler.buying import Form
from cloudlayer.scheduler.calls.bundles import bundles
from cloudlayer.scheduler.calls.cost import call_price, edges
from cloudlayer.scheduler.calls.exchange import LEAST, Exchange, flows_of
from cloudlayer.scheduler.calls.layout import Layout, Seat, as_even, built
from cloudlayer.scheduler.calls.repacking import without_the_least
from cloudlayer.scheduler.calls.zones import with_best_zones
from cloudlayer.scheduler.draft import Draft
from cloudlayer.scheduler.fit import fit
from cloudlayer.scheduler.types import Demand, Rules

BUNDLES: Final = (1.0, 0.5)
"""The part of a machine that a bundle takes at most: beside large ones room is wasted."""
GIVEN_UP: Final = (0.2, 0.1, 0.1)
"""How much of the machines, by price, is given up at a time."""
LASTING: Final = 1 / 3
"""What exchanges commonly leave of what calls cost. By it drafts are compared of which only the best is worked on."""


def improve(start: Draft, draft: Draft) -> Draft:
    """The draft, or one that costs less. `start` is the draft before anything was placed. The one returned is changed."""
    if not draft.packing.placements() or flows_of(draft.packing, draft.rules).cost < LEAST:
        return draft
    before, proved, best = objective(draft), draft.copy(), draft
    if not draft.evicted and _comparable(draft):
        best = min((_worked_on(start, each) for each in _candidates(start, draft)), key=objective)
    if best is draft or objective(best) > before:
        best = _exchanged(draft)
    best.bounded_like(proved)
    return best


def objective(draft: Draft) -> float:
    """Money per hour: what the draft buys and uses, and the calls."""
    return _price(draft) + flows_of(draft.packing, draft.rules).cost


def _candidates(start: Draft, draft: Draft) -> list[Draft]:
    """The draft bought anew as promises most; and as it is, if that promises more than anything else."""
    regrouped = (_regrouped(start, draft, grain) for grain in BUNDLES)
    others = sorted((each for each in regrouped if each is not None), key=_promise)[:1]
    return [draft, *others] if not others or _promise(draft) <= _promise(others[0]) else others


def _worked_on(start: Draft, draft: Draft) -> Draft:
    return _repacked(start, _exchanged(with_best_zones(start, draft) or draft))


def _repacked(start: Draft, draft: Draft) -> Draft:
    """The draft without some machines that are worth little, as often as that pays after replicas are exchanged."""
    least = objective(draft)
    for part in GIVEN_UP:
        other = without_the_least(start, draft, part)
        if other is None or not _comparable(other):
            continue
        if (after := objective(_exchanged(other))) < least - LEAST:
            draft, least = other, after
    return draft


def _promise(draft: Draft) -> float:
    """What the draft will cost per hour, as far as that is known before replicas are exchanged."""
    return _price(draft) + LASTING * flows_of(draft.packing, draft.rules).cost


def _exchanged(draft: Draft) -> Draft:
    Exchange(draft.packing, _prices(draft), draft.rules).run()
    return draft


def _price(draft: Draft) -> float:
    return sum(_prices(draft).values())


def _prices(draft: Draft) -> dict[str, float]:
    return {bought.id: cost(bought.offer, draft.rules).amount for bought in draft.purchases()}


def _comparable(draft: Draft) -> bool:
    """Whether the prices of all that is bought add up."""
    return all(cost(bought.offer, draft.rules).tier <= Tier.KNOWN for bought in draft.purchases())


def _regrouped(start: Draft, draft: Draft, grain: float) -> Draft | None:
    """What `draft` bought, bought anew for bundles; None where not all of them find a place, or less evenly."""
    layout = Layout.of(draft)
    kept = [each for each in layout.bought if any(seat.demand.gang for seat in each.seats)]
    wanted = [seat.demand_with_id for each in layout.bought if each not in kept for seat in each.seats]
    if not wanted:
        return None
    made = bundles(wanted, _links(draft.rules), _holds(start.on_sale(wanted)), grain)
    trial = built(start, layout.existing, kept)
    if trial.place(bundle.demand for bundle in made):
        return None
    members = {bundle.demand.id: bundle.members for bundle in made}
    split = Layout.of(trial).replaced(lambda seat: _members(seat, members.get(seat.id)))
    other = as_even(draft, built(start, split.existing, split.bought))
    return other if other is not None and _comparable(other) else None


def _members(seat: Seat, members: Sequence[Demand] | None) -> list[Seat]:
    """A seat for each member of a bundle; the devices are those of the one member that has some."""
    if members is None:
        return [seat]
    bare = Seat(seat.id, seat.demand, ())
    sitting = [(each, seat if each.gpu_count else bare) for each in members]
    return [Seat(each.id, replace(each, id=""), on.devices, on.slices) for each, on in sitting]


def _links(rules: Rules) -> list[tuple[str, str]]:
    """Who calls whom, the costliest first."""
    ranked = sorted((-call.calls * sum(call_price(call, rules.call_prices)), call.caller, call.callee) for call in edges(rules))
    return [(caller, callee) for _, caller, callee in ranked]


def _holds(on_sale: Sequence[Form]) -> Callable[[Demand], bool]:
    machines = sorted((form.machine for form in on_sale), key=lambda machine: (-machine.cpu, -machine.memory))
    return lambda demand: any(fit(demand, machine) is not None for machine in machines)
