"""Demands, machines and offers for tests, written short; and hypothesis strategies of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from cloudlayer.errors import Avoid
from cloudlayer.resources import Accelerator, MachineType, Offer, Price
from cloudlayer.scheduler import BestFitDecreasing, Demand, Device, Machine, Plan, Resident, Rules
from cloudlayer.scheduler.devices import choose_devices, first_slices
from cloudlayer.scheduler.fit import fit, occupy
from cloudlayer.units import GIB

RULES = Rules(engines={"cloud:east": ("process", "docker"), "cloud:west": ("process",)})


def demand(name="d", function="f", *, cpu=1.0, memory=1, disk=0, **rest) -> Demand:
    """A demand; memory and disk in GiB, and so is gpu_memory."""
    if rest.get("gpu_memory") is not None:
        rest["gpu_memory"] *= GIB
    return Demand(name, rest.pop("group", function), function, cpu, memory * GIB, disk=disk * GIB, **rest)


def replicas(count: int, function="f", **rest) -> list[Demand]:
    return [demand(f"{function}-{number}", function, **rest) for number in range(count)]


def machine(name="m", *, zone="a", cpu=4.0, memory=8, disk=100, gpus=(), engines=("process",), **rest) -> Machine:
    """A machine; `gpus` are (model, memory, free) in GiB, then the compute that is free and the slices taken, if any."""
    devices = tuple(Device(model, total * GIB, free * GIB, *more) for model, total, free, *more in gpus)
    architecture = rest.pop("architecture", "x86_64")
    rest.setdefault("region", "cloud:east")
    return Machine(name, zone, tuple(engines), architecture, cpu, memory * GIB, disk * GIB, devices, **rest)


def offer(name="t", price: float | None = 1.0, *, cpu=4.0, memory=8, disk=None, gpus=(), zone="a", **rest) -> Offer:
    """An offer; `gpus` are (model, memory) in GiB."""
    accelerators = tuple(Accelerator(model, size * GIB) for model, size in gpus)
    kind = MachineType(
        name,
        cpu,
        memory * GIB,
        architecture=rest.pop("architecture", "x86_64"),
        accelerators=accelerators,
        disk=None if disk is None else disk * GIB,
        allocatable_cpu=rest.pop("allocatable_cpu", None),
        allocatable_memory=rest.pop("allocatable_memory", None),
    )
    currency = rest.pop("currency", "USD")
    known = None if price is None else Price(price, currency, "test", date(2026, 1, 1))
    return Offer("cloud", rest.pop("region", "east"), zone, kind, rest.pop("purchase", "on_demand"), known, **rest)


def inhabited(there: Machine, demands) -> Machine:
    """The machine with those of the demands that fit running on it, one after another."""
    residents = []
    for each in demands:
        devices = choose_devices(each, there.devices)
        if devices is not None and fit(each, there) is not None:
            slices = first_slices(each, there.devices, devices)
            there = occupy(there, each, [devices], [slices])
            residents.append(Resident(each, devices, 60.0, slices))
    return replace(there, residents=(*there.residents, *residents))


def plan(demands, machines=(), offers=(), rules: Rules = RULES) -> Plan:
    return BestFitDecreasing().plan(demands, machines, offers, rules)


FUNCTIONS = ("f", "g", "h")
MODELS = ("L4", "A100")
CARDS = (
    ("L4", 24, 24),
    ("L4", 24, 12),
    ("L4", 24, 24, 400),
    ("A100", 40, 5),
    ("A100", 40, 40),
    ("A100", 40, 40, 1000, 0b110),
    ("A30", 24, 24),
)
PROFILES = ("1g.6gb", "1g.5gb", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb")
TAINTS = (frozenset(), frozenset(), frozenset({"gpu"}), frozenset({"gpu", "new"}))

_cpus = st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 3.3])
_models = st.sampled_from([(), ("l4",), ("A100",), ("a*", "L4")])


@st.composite
def demand_lists(draw):
    """Up to 14 demands of up to 4 versions, so that replicas of one version are alike; some of them are a gang."""
    versions = draw(st.lists(_versions(), min_size=1, max_size=4))
    chosen = draw(st.lists(st.integers(0, len(versions) - 1), max_size=14))
    gangs = draw(st.sets(st.integers(0, len(versions) - 1), max_size=1))
    together = draw(st.sampled_from([None, "machine", "zone"]))
    return [
        Demand(
            id=f"d{number}",
            group=f"v{version}",
            gang=f"v{version}" if version in gangs else None,
            rank=chosen[:number].count(version),
            together=together if version in gangs else None,
            **versions[version],
        )
        for number, version in enumerate(chosen)
    ]


@st.composite
def plain_demand_lists(draw):
    """Demands that arrays can express: whole devices, and shares of one, in each list all by memory or all by compute."""
    share = draw(st.sampled_from([{"gpu_memory": 6 * GIB}, {"gpu_compute": 333}]))
    alone = {"apart": frozenset(), "spread": None, "gang": None, "together": None, "gpu_profile": None, "priority": 0}
    found = []
    for each in draw(demand_lists()):
        parts = dict.fromkeys(("gpu_memory", "gpu_compute"))
        if each.gpu_memory or each.gpu_compute or each.gpu_profile:
            parts |= share | {"gpu_count": 1}
        found.append(replace(each, **alone, **parts))
    return found


@st.composite
def _versions(draw):
    gpus = draw(st.sampled_from([0, 0, 1, 1, 2]))
    part = draw(_parts()) if gpus else {}
    return {
        "function": draw(st.sampled_from(FUNCTIONS)),
        "cpu": draw(_cpus),
        "memory": draw(st.integers(1, 6)) * GIB,
        "disk": draw(st.integers(0, 4)) * GIB,
        "engine": draw(st.sampled_from(["process", "process", "docker"])),
        "architecture": draw(st.sampled_from([None, None, "x86_64", "arm64"])),
        "gpu_count": gpus,
        "gpu_models": draw(_models) if gpus else (),
        **part,
        "spread": draw(st.sampled_from([None, "machine", "zone"])),
        "apart": draw(st.sampled_from([frozenset(), frozenset(), frozenset("f"), frozenset("gh")])),
        "tolerates": draw(st.sampled_from(TAINTS)),
        "spot": draw(st.sampled_from([True, True, False])),
        "priority": draw(st.sampled_from([0, 0, 0, 1])),
    }


def _parts():
    """What is taken of each device: all of it, memory, compute, both, or a MIG instance."""
    memory = st.sampled_from([6 * GIB, 11 * GIB])
    compute = st.sampled_from([100, 333, 500, 1000])
    return st.one_of(
        st.just({}),
        st.builds(lambda size: {"gpu_memory": size}, memory),
        st.builds(lambda part: {"gpu_compute": part}, compute),
        st.builds(lambda size, part: {"gpu_memory": size, "gpu_compute": part}, memory, compute),
        st.builds(lambda name: {"gpu_profile": name}, st.sampled_from(PROFILES)),
    )


@st.composite
def machine_lists(draw):
    """Up to 4 machines; on some of them replicas run already."""
    count = draw(st.integers(0, 4))
    running = st.lists(_versions(), max_size=2)
    return [
        inhabited(_bare(draw, number), [Demand(f"r{number}-{one}", "v0", **each) for one, each in enumerate(draw(running))])
        for number in range(count)
    ]


def _bare(draw, number):
    return machine(
        f"m{number}",
        zone=draw(st.sampled_from("ab")),
        cpu=draw(st.sampled_from([0.0, 0.3, 1.0, 2.5, 8.0])),
        memory=draw(st.integers(0, 12)),
        disk=draw(st.integers(0, 12)),
        gpus=draw(st.lists(st.sampled_from(CARDS), max_size=3)),
        engines=draw(st.sampled_from([("process",), ("docker",), ("docker", "process")])),
        architecture=draw(st.sampled_from(["x86_64", "x86_64", "arm64"])),
        functions=draw(st.sampled_from([(), ("f",), ("g", "h")])),
        groups=draw(st.sampled_from([(), ("v0",), ("v0", "v1")])),
        apart=draw(st.sampled_from([frozenset(), frozenset("f")])),
        purchase=draw(st.sampled_from(["on_demand", "on_demand", "spot"])),
        taints=draw(st.sampled_from(TAINTS)),
    )


@st.composite
def offer_lists(draw):
    """Offers of up to 5 machine types in two regions and zones, some cheap, some free, some of unknown price."""
    types = draw(st.lists(_machine_types(), max_size=5))
    return [
        offer(
            f"t{number}",
            draw(st.sampled_from([None, 0.0, 0.1, 0.5, 1.0, 2.0])),
            **kind,
            zone=draw(st.sampled_from("ab")),
            region=draw(st.sampled_from(["east", "west"])),
            purchase=draw(st.sampled_from(["on_demand", "spot", "reserved"])),
            available=draw(st.sampled_from([None, None, 0, 1, 2])),
            currency=draw(st.sampled_from(["USD", "USD", "EUR"])),
        )
        for number, kind in enumerate(types)
        for _ in range(draw(st.integers(1, 2)))
    ]


@st.composite
def _machine_types(draw):
    return {
        "cpu": draw(st.sampled_from([1.0, 2.0, 4.0, 16.0])),
        "memory": draw(st.sampled_from([1, 4, 8, 32])),
        "disk": draw(st.sampled_from([None, None, 10])),
        "gpus": draw(st.lists(st.sampled_from([("L4", 24), ("A100", 40), ("A100", 40), ("A30", 24)]), max_size=4)),
        "architecture": draw(st.sampled_from(["x86_64", "x86_64", "arm64"])),
    }


@st.composite
def rule_sets(draw):
    return Rules(
        spot=draw(st.booleans()),
        machine_types=draw(st.sampled_from([("*",), ("*",), ("t0", "t1")])),
        denied_machine_types=draw(st.sampled_from([(), (), ("t2",)])),
        regions=draw(st.sampled_from([("*",), ("e*",)])),
        max_price=draw(st.sampled_from([None, 0.0, 1.2, 5.0])),
        spent=draw(st.sampled_from([0.0, 1.0])),
        engines=RULES.engines,
        taints=draw(st.sampled_from([{}, {}, {"gpu": ("t1", "t3")}, {"gpu": ("t[12]",), "new": ("t2",)}])),
        avoid=tuple(draw(st.lists(st.sampled_from([Avoid(60, "cloud", zone="b"), Avoid(60, "other")]), max_size=1))),
    )
