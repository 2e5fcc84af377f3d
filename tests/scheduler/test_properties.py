"""What every plan promises, whatever is asked. The checker here shares no code with the scheduler."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.units import GIB
from tests.scheduler.build import demand_lists, machine_lists, offer_lists, plan, rule_sets

WORLD = (demand_lists(), machine_lists(), offer_lists(), rule_sets())
relaxed = settings(max_examples=250, deadline=None)


class Site:
    """A machine as the checker sees it: what it has and who is on it."""

    def __init__(self, cpu, memory, disk, devices, engines, architecture, functions=(), apart=frozenset()):
        self.cpu, self.memory, self.disk = cpu, memory, disk
        self.devices = [[device.model, device.memory, free] for device, free in devices]
        self.engines, self.architecture = engines, architecture
        self.functions, self.apart = list(functions), set(apart)

    def accepts(self, demand, chosen) -> bool:
        return (
            demand.cpu <= self.cpu + 1e-6
            and demand.memory <= self.memory
            and (self.disk is None or demand.disk <= self.disk)
            and demand.engine in self.engines
            and demand.architecture in (None, self.architecture)
            and demand.function not in self.apart
            and not demand.apart & set(self.functions)
            and len(set(chosen)) == len(chosen) == demand.gpu_count
            and all(self._device_accepts(demand, self.devices[index]) for index in chosen)
        )

    @staticmethod
    def _device_accepts(demand, device) -> bool:
        model, total, free = device
        named = not demand.gpu_models or any(fnmatchcase(model.lower(), each.lower()) for each in demand.gpu_models)
        return named and (free == total if demand.gpu_memory is None else free >= demand.gpu_memory)

    def first_devices(self, demand) -> list[int]:
        good = [index for index, device in enumerate(self.devices) if self._device_accepts(demand, device)]
        return good[: demand.gpu_count]

    def put(self, demand, chosen) -> None:
        self.cpu -= demand.cpu
        self.memory -= demand.memory
        self.disk = None if self.disk is None else self.disk - demand.disk
        for index in chosen:
            self.devices[index][2] -= self.devices[index][1] if demand.gpu_memory is None else demand.gpu_memory
        self.functions.append(demand.function)
        self.apart |= demand.apart


def sites(machines, purchases, rules) -> dict[str, Site]:
    found = {
        each.id: Site(
            each.cpu, each.memory, each.disk, [(gpu, gpu.free) for gpu in each.devices],
            each.engines, each.architecture, each.functions, each.apart,
        )
        for each in machines
    }  # fmt: skip
    for bought in purchases:
        kind = bought.offer.machine_type
        engines = rules.engines.get(f"{bought.offer.provider}:{bought.offer.region}", ())
        devices = [(gpu, gpu.memory) for gpu in kind.accelerators]
        assert bought.id not in found
        found[bought.id] = Site(kind.usable_cpu, kind.usable_memory, kind.disk, devices, engines, kind.architecture)
    return found


def fill(answer, demands, machines, rules) -> dict[str, Site]:
    """Put every placement where the plan says, checking each; what is left is returned."""
    by_id = {demand.id: demand for demand in demands}
    found = sites(machines, answer.purchases, rules)
    for placement in answer.placements:
        site, demand = found[placement.machine], by_id[placement.demand]
        assert site.accepts(demand, placement.devices), placement
        site.put(demand, placement.devices)
    return found


@relaxed
@given(*WORLD)
def test_every_placement_fits_its_machine_beside_all_others(demands, machines, offers, rules):
    fill(plan(demands, machines, offers, rules), demands, machines, rules)


@relaxed
@given(*WORLD)
def test_every_demand_is_placed_or_unplaced_exactly_once(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    told = [each.demand for each in (*answer.placements, *answer.unplaced)]
    assert Counter(told) == Counter(demand.id for demand in demands)


@relaxed
@given(*WORLD)
def test_nothing_is_unplaced_that_what_is_left_could_hold(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    left = fill(answer, demands, machines, rules)
    missing = {each.demand for each in answer.unplaced}
    for demand in demands:
        if demand.id in missing:
            assert not any(site.accepts(demand, site.first_devices(demand)) for site in left.values())


@relaxed
@given(*WORLD)
def test_only_admitted_offers_are_bought_within_their_number_and_the_price(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    bought = [each.offer for each in answer.purchases]
    for offer, number in Counter(bought).items():
        assert offer.available is None or number <= offer.available
        assert offer.purchase != "spot" or rules.spot
        assert any(fnmatchcase(offer.machine_type.name, each) for each in rules.machine_types)
        assert not any(fnmatchcase(offer.machine_type.name, each) for each in rules.denied_machine_types)
        assert any(fnmatchcase(offer.region, each) for each in rules.regions)
        assert not any(each.provider == "cloud" and each.zone == offer.zone for each in rules.avoid)
    if rules.max_price is not None:
        assert all(offer.price is not None for offer in bought)
        paid = [offer.price for offer in bought if offer.price.amount]
        assert all(price.currency == rules.currency for price in paid)
        assert not paid or rules.spent + sum(price.amount for price in paid) <= rules.max_price + 1e-6


@relaxed
@given(*WORLD)
def test_every_bought_machine_is_used_and_has_a_disk_for_what_is_on_it(demands, machines, offers, rules):
    answer = plan(demands, machines, offers, rules)
    disks: Counter[str] = Counter()
    for placement in answer.placements:
        disks[placement.machine] += next(each.disk for each in demands if each.id == placement.demand)
    for bought in answer.purchases:
        assert bought.id in disks
        expected = 0 if bought.offer.machine_type.disk is not None else disks[bought.id] + 32 * GIB
        assert bought.disk == expected


@relaxed
@given(*WORLD, st.randoms(use_true_random=False))
def test_the_order_of_the_arguments_decides_nothing(demands, machines, offers, rules, random):
    answer = plan(demands, machines, offers, rules)
    shuffled = [random.sample(each, len(each)) for each in (demands, machines, offers)]
    assert plan(*shuffled, rules) == answer


@relaxed
@given(*WORLD)
def test_every_reason_is_one_line_and_names_an_obstacle(demands, machines, offers, rules):
    for each in plan(demands, machines, offers, rules).unplaced:
        assert "\n" not in each.reason
        assert "offer no machines" in each.reason or "nearest is" in each.reason
        assert not each.reason.endswith(": ")
