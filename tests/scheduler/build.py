"""Demands, machines and offers for tests, written short; and hypothesis strategies of them."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from cloudlayer.errors import Avoid
from cloudlayer.resources import Accelerator, MachineType, Offer, Price
from cloudlayer.scheduler import BestFitDecreasing, Demand, Device, Machine, Plan, Rules
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
    """A machine; `gpus` are (model, memory, free) in GiB."""
    devices = tuple(Device(model, total * GIB, free * GIB) for model, total, free in gpus)
    architecture = rest.pop("architecture", "x86_64")
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


def plan(demands, machines=(), offers=(), rules: Rules = RULES) -> Plan:
    return BestFitDecreasing().plan(demands, machines, offers, rules)


FUNCTIONS = ("f", "g", "h")
MODELS = ("L4", "A100")

_cpus = st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 3.3])
_models = st.sampled_from([(), ("l4",), ("A100",), ("a*", "L4")])


@st.composite
def demand_lists(draw):
    """Up to 14 demands of up to 4 versions, so that replicas of one version are alike."""
    versions = draw(st.lists(_versions(), min_size=1, max_size=4))
    chosen = draw(st.lists(st.integers(0, len(versions) - 1), max_size=14))
    return [Demand(id=f"d{number}", group=f"v{version}", **versions[version]) for number, version in enumerate(chosen)]


@st.composite
def _versions(draw):
    gpus = draw(st.sampled_from([0, 0, 1, 1, 2]))
    return {
        "function": draw(st.sampled_from(FUNCTIONS)),
        "cpu": draw(_cpus),
        "memory": draw(st.integers(1, 6)) * GIB,
        "disk": draw(st.integers(0, 4)) * GIB,
        "engine": draw(st.sampled_from(["process", "process", "docker"])),
        "architecture": draw(st.sampled_from([None, None, "x86_64", "arm64"])),
        "gpu_count": gpus,
        "gpu_memory": draw(st.sampled_from([None, 6 * GIB, 11 * GIB])) if gpus else None,
        "gpu_models": draw(_models) if gpus else (),
        "spread": draw(st.sampled_from([None, "machine", "zone"])),
        "apart": draw(st.sampled_from([frozenset(), frozenset(), frozenset("f"), frozenset("gh")])),
    }


@st.composite
def machine_lists(draw):
    count = draw(st.integers(0, 4))
    return [
        machine(
            f"m{number}",
            zone=draw(st.sampled_from("ab")),
            cpu=draw(st.sampled_from([0.0, 0.3, 1.0, 2.5, 8.0])),
            memory=draw(st.integers(0, 12)),
            disk=draw(st.integers(0, 12)),
            gpus=draw(st.lists(st.sampled_from([("L4", 24, 24), ("L4", 24, 12), ("A100", 40, 5)]), max_size=3)),
            engines=draw(st.sampled_from([("process",), ("docker",), ("docker", "process")])),
            architecture=draw(st.sampled_from(["x86_64", "x86_64", "arm64"])),
            functions=draw(st.sampled_from([(), ("f",), ("g", "h")])),
            groups=draw(st.sampled_from([(), ("v0",), ("v0", "v1")])),
            apart=draw(st.sampled_from([frozenset(), frozenset("f")])),
        )
        for number in range(count)
    ]


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
            purchase=draw(st.sampled_from(["on_demand", "spot"])),
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
        "gpus": draw(st.lists(st.sampled_from([("L4", 24), ("A100", 40)]), max_size=4)),
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
        avoid=tuple(draw(st.lists(st.sampled_from([Avoid(60, "cloud", zone="b"), Avoid(60, "other")]), max_size=1))),
    )
