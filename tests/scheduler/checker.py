"""Whether a plan keeps its promises, straight from the definitions: this file shares no code with the scheduler.

`check` says it of a whole plan, and returns the machines as the plan leaves them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from math import inf

from cloudlayer.units import GIB

EPSILON = 1e-6
# What `nvidia-smi mig -lgipp` prints: each profile's first slices, and how many slices from there.
SEVENTHS = ((range(7), 1), ((0, 2, 4, 6), 2), ((0, 2, 4), 2), ((0, 4), 4), ((0,), 4), ((0,), 8))
EIGHTY = ("1g.10gb", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb")
MIG = {
    ("A30", 24): dict(zip(("1g.6gb", "2g.12gb", "4g.24gb"), ((range(4), 1), ((0, 2), 2), ((0,), 4)), strict=True)),
    ("A100", 40): dict(zip(("1g.5gb", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb"), SEVENTHS, strict=True)),
    ("A100-80GB", 80): dict(zip(EIGHTY, SEVENTHS, strict=True)),
    ("H100", 80): dict(zip(EIGHTY, SEVENTHS, strict=True)),
    ("H200", 141): dict(zip(("1g.18gb", "1g.35gb", "2g.35gb", "3g.71gb", "4g.71gb", "7g.141gb"), SEVENTHS, strict=True)),
}


class Card:
    """A device as the checker sees it: bytes and thousandths that are free, and the slices that are taken."""

    def __init__(self, model, total, free, compute=1000, slices=0):
        self.model, self.total, self.free, self.compute = model, total, free, compute
        self.taken = {number for number in range(8) if slices >> number & 1}

    def untouched(self) -> bool:
        return self.free == self.total and self.compute == 1000 and not self.taken

    def instance(self, profile, first) -> set[int] | None:
        """The slices of an instance that starts at `first`; None where this device has no such place."""
        starts, length = MIG.get((self.model, self.total // GIB), {}).get(profile, ((), 0))
        return set(range(first, first + length)) if first in starts else None

    def accepts(self, demand, first) -> bool:
        if demand.gpu_models and not any(fnmatchcase(self.model.lower(), each.lower()) for each in demand.gpu_models):
            return False
        if demand.gpu_profile is not None:
            slices = self.instance(demand.gpu_profile, first)
            return self.free == self.total and self.compute == 1000 and slices is not None and not slices & self.taken
        if demand.gpu_memory is None and demand.gpu_compute is None:
            return self.untouched()
        return not self.taken and self.free >= (demand.gpu_memory or 0) and self.compute >= (demand.gpu_compute or 0)

    def change(self, demand, first, sign) -> None:
        """Take a replica's part (`sign` 1), or give it back (-1)."""
        if demand.gpu_profile is not None:
            slices = self.instance(demand.gpu_profile, first)
            self.taken = self.taken | slices if sign > 0 else self.taken - slices
        elif demand.gpu_memory is None and demand.gpu_compute is None:
            self.free, self.compute = (0, 0) if sign > 0 else (self.total, 1000)
        else:
            self.free -= sign * (demand.gpu_memory or 0)
            self.compute -= sign * (demand.gpu_compute or 0)


class Site:
    """A machine as the checker sees it: what it has free and who is on it."""

    def __init__(self, each, cards, disk, *, region, purchase, taints):
        self.cpu, self.memory, self.disk = each.cpu, each.memory, disk
        self.cards, self.engines, self.architecture = cards, each.engines, each.architecture
        self.functions, self.apart = Counter(each.functions), set(each.apart)
        self.place, self.purchase, self.taints = (region, each.zone), purchase, taints
        self.residents = {resident.demand.id: resident for resident in each.residents}

    def accepts(self, demand, chosen, slices=()) -> bool:
        return (
            demand.cpu <= self.cpu + EPSILON
            and demand.memory <= self.memory
            and (self.disk is None or demand.disk <= self.disk)
            and demand.engine in self.engines
            and demand.architecture in (None, self.architecture)
            and demand.function not in self.apart
            and not demand.apart & set(+self.functions)
            and self.taints <= demand.tolerates
            and (demand.spot or self.purchase != "spot")
            and len(set(chosen)) == len(chosen) == demand.gpu_count
            and len(slices) == (demand.gpu_count if demand.gpu_profile is not None else 0)
            and all(0 <= index < len(self.cards) for index in chosen)
            and all(self.cards[index].accepts(demand, first) for index, first in pairs(chosen, slices))
        )

    def could_take(self, demand) -> bool:
        """Whether some choice of devices and slices is accepted."""
        found = []
        for index, card in enumerate(self.cards):
            firsts = range(8) if demand.gpu_profile is not None else (None,)
            found += [(index, first) for first in firsts if card.accepts(demand, first)][:1]
        found = found[: demand.gpu_count]
        slices = tuple(first for _, first in found) if demand.gpu_profile is not None else ()
        return self.accepts(demand, tuple(index for index, _ in found), slices)

    def put(self, demand, chosen, slices=(), sign=1) -> None:
        self.cpu -= sign * demand.cpu
        self.memory -= sign * demand.memory
        self.disk = None if self.disk is None else self.disk - sign * demand.disk
        for index, first in pairs(chosen, slices):
            self.cards[index].change(demand, first, sign)
        self.functions[demand.function] += sign
        if sign > 0:
            self.apart |= demand.apart

    def evict(self, replica) -> None:
        resident = self.residents.pop(replica)
        self.put(resident.demand, resident.devices, resident.slices, -1)
        self.apart -= resident.demand.apart
        for other in self.residents.values():
            self.apart |= other.demand.apart


def pairs(chosen, slices):
    return zip(chosen, slices or [None] * len(chosen), strict=True)


def existing(machines) -> dict[str, Site]:
    return {
        each.id: Site(
            each,
            [Card(card.model, card.memory, card.free, card.compute, card.slices) for card in each.devices],
            each.disk,
            region=each.region,
            purchase=each.purchase,
            taints=set(each.taints),
        )
        for each in machines
    }


def bought(purchases, rules) -> dict[str, Site]:
    found = {}
    for each in purchases:
        offer, kind = each.offer, each.offer.machine_type
        assert each.id not in found, "two purchases have one id"
        taints = {name for name, patterns in rules.taints.items() if any(fnmatchcase(kind.name, one) for one in patterns)}
        form = _Form(offer, kind, rules.engines.get(f"{offer.provider}:{offer.region}", ()))
        cards = [Card(card.model, card.memory, card.memory) for card in kind.accelerators]
        region = f"{offer.provider}:{offer.region}"
        found[each.id] = Site(form, cards, kind.disk, region=region, purchase=offer.purchase, taints=taints)
    return found


class _Form:
    """What a new machine has before anything runs on it."""

    functions, apart, residents = (), (), ()

    def __init__(self, offer, kind, engines):
        self.cpu, self.memory = kind.usable_cpu, kind.usable_memory
        self.engines, self.architecture, self.zone = engines, kind.architecture, offer.zone


def sites(answer, machines, rules, *, spared=frozenset()) -> dict[str, Site]:
    """All machines of a plan after its evictions but those that are `spared`, before its placements."""
    found, new = existing(machines), bought(answer.purchases, rules)
    assert not found.keys() & new.keys(), "a purchase has the id of a machine that exists"
    found |= new
    for eviction in answer.evictions:
        if eviction.replica not in spared:
            assert eviction.replica in found[eviction.machine].residents, eviction
            found[eviction.machine].evict(eviction.replica)
    return found


def fill(answer, demands, machines, rules) -> dict[str, Site]:
    """Put every placement where the plan says, checking each; what is left is returned."""
    by_id = {demand.id: demand for demand in demands}
    found = sites(answer, machines, rules)
    for placement in answer.placements:
        site, demand = found[placement.machine], by_id[placement.demand]
        assert site.accepts(demand, placement.devices, placement.slices), placement
        site.put(demand, placement.devices, placement.slices)
    return found


def check(answer, demands, machines, rules) -> dict[str, Site]:
    """All that every plan promises but its price and completeness; returns the machines as the plan leaves them."""
    told = [each.demand for each in (*answer.placements, *answer.unplaced)]
    assert Counter(told) == Counter(demand.id for demand in demands), "each demand is placed or unplaced exactly once"
    left = fill(answer, demands, machines, rules)
    check_gangs(answer, demands, machines, rules)
    check_evictions(answer, demands, machines, rules)
    check_purchases(answer, demands, rules)
    return left


def check_gangs(answer, demands, machines, rules) -> None:
    """All members of a gang are placed or none, and together where that is asked for, beside those that run already."""
    places = {each.demand: each.machine for each in answer.placements}
    found = sites(answer, machines, rules)
    homes = defaultdict(set)
    for name, site in found.items():
        for resident in site.residents.values():
            homes[resident.demand.gang].add(name)
    gangs = defaultdict(list)
    for demand in demands:
        if demand.gang is not None:
            gangs[demand.gang].append(demand)
    for gang, members in gangs.items():
        placed = {places[member.id] for member in members if member.id in places}
        assert not placed or all(member.id in places for member in members), f"a part of gang {gang} is placed"
        everywhere = placed | homes[gang] if placed else set()
        if any(member.together == "machine" for member in members):
            assert len(everywhere) <= 1, f"gang {gang} is on {everywhere}"
        if any(member.together == "zone" for member in members):
            assert len({found[machine].place for machine in everywhere}) <= 1, f"gang {gang} is in several zones"


def check_evictions(answer, demands, machines, rules) -> None:
    """Only residents are evicted, each once, and each for demands of a higher priority that would not fit beside it.

    Members of a gang may go together, as long as one of them has to. The room of one that is leaving anyway is anybody's.
    """
    by_id = {demand.id: demand for demand in demands}
    evicted = [each.replica for each in answer.evictions]
    assert len(set(evicted)) == len(evicted), "a replica is evicted twice"
    residents = {each.demand.id: each for machine in machines for each in machine.residents}
    units = defaultdict(set)
    for replica in evicted:
        units[residents[replica].demand.gang or f"replica {replica}"].add(replica)
    for unit in units.values():
        staying = [residents[replica].demand for replica in unit if not residents[replica].leaving]
        priority = max((demand.priority for demand in staying), default=-inf)
        found = sites(answer, machines, rules, spared=unit)
        higher = [each for each in answer.placements if by_id[each.demand].priority > priority]
        assert not all(_fits(found, by_id[each.demand], each) for each in higher), f"{unit} had not to be evicted"


def _fits(found, demand, placement) -> bool:
    site = found[placement.machine]
    accepted = site.accepts(demand, placement.devices, placement.slices)
    if accepted:
        site.put(demand, placement.devices, placement.slices)
    return accepted


def check_purchases(answer, demands, rules) -> None:
    """Only what the rules admit is bought, as much as there is, within the limit; each machine is used and has its disk."""
    offers = [each.offer for each in answer.purchases]
    for offer, number in Counter(offers).items():
        assert offer.available is None or number <= offer.available
        assert offer.purchase != "spot" or rules.spot
        assert any(fnmatchcase(offer.machine_type.name, each) for each in rules.machine_types)
        assert not any(fnmatchcase(offer.machine_type.name, each) for each in rules.denied_machine_types)
        assert any(fnmatchcase(offer.region, each) for each in rules.regions)
        assert not any(fnmatchcase(offer.region, each) for each in rules.denied_regions)
        assert not any(_avoided(offer, each) for each in rules.avoid)
    check_price([offer for offer in offers if offer.purchase != "reserved"], rules)
    disks = Counter({each.id: 0 for each in answer.purchases})
    by_id = {demand.id: demand for demand in demands}
    for placement in answer.placements:
        disks[placement.machine] += by_id[placement.demand].disk
    used = {placement.machine for placement in answer.placements}
    for each in answer.purchases:
        assert each.id in used, f"{each.id} is bought for nothing"
        assert each.disk == (0 if each.offer.machine_type.disk is not None else disks[each.id] + 32 * GIB)


def check_price(offers, rules) -> None:
    if rules.max_price is None:
        return
    assert all(offer.price is not None for offer in offers)
    paid = [offer.price for offer in offers if offer.price.amount]
    assert all(price.currency == rules.currency for price in paid)
    assert not paid or rules.spent + sum(price.amount for price in paid) <= rules.max_price + EPSILON


def _avoided(offer, avoid) -> bool:
    fields = ("region", "zone", "purchase")
    return (
        avoid.provider == offer.provider
        and avoid.machine_type in (None, offer.machine_type.name)
        and all(getattr(avoid, field) in (None, getattr(offer, field)) for field in fields)
    )
