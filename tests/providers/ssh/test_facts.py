"""What a machine prints is understood, and what it lacks is told with its mend."""

import base64
import json
from dataclasses import asdict, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Access
from cloudlayer.providers.ssh.facts import Claim, Facts, claim_in, faults, from_json, lacks, machine_type, understood
from cloudlayer.providers.ssh.inventory import Box
from cloudlayer.resources import Accelerator, Price
from cloudlayer.units import GIB, KIB, MIB

SAID = """\
has root
has bash
has python3
has iptables
has flock
has docker
has nvidia
engine 24.0.7
cores 16
memory 65536000
disk 104857600
architecture aarch64
card 0000:01:00.0
card 0000:02:00.0
gpu 0, GPU-1f, NVIDIA A100-SXM4-80GB, 81920, 535.104.05
gpu 1, GPU-2f, NVIDIA L4, 23034, 535.104.05
"""
BOX = Box("box", "default", Access("10.0.0.1"), Price(0.0, "USD", "inventory", date(2026, 11, 29)))

claims = st.builds(
    Claim,
    id=st.text(max_size=20),
    token=st.uuids().map(str),
    digest=st.text("0123456789abcdef", max_size=16),
    index=st.integers(0, 99),
    labels=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
    created_at=st.floats(0, 4e9),
    name=st.none() | st.text(max_size=9),
)


def test_a_machine_with_gpus_is_understood():
    facts, claim = understood(SAID.encode(), "box", at=7.0)
    assert claim is None
    assert (facts.cores, facts.memory, facts.disk) == (16.0, 65536000 * KIB, 100 * GIB)
    assert (facts.architecture, facts.engine, facts.driver) == ("arm64", "24.0.7", "535.104.05")
    assert facts.gpus == (("A100-80GB", 81920 * MIB), ("L4", 23034 * MIB))
    assert from_json(json.loads(json.dumps(asdict(facts)))) == facts
    assert list(faults(BOX, facts)) == []


@settings(deadline=None)
@given(claim=claims)
def test_a_claim_is_read_as_it_was_written(claim):
    said = base64.b64encode(json.dumps(asdict(claim)).encode()).decode()
    assert claim_in(f"claim {said}\n".encode(), "box") == claim


@settings(deadline=None)
@given(said=st.binary(max_size=60))
def test_what_is_no_survey_is_told_as_such(said):
    with pytest.raises(EngineError, match="box"):
        understood(said, "box", 0.0)


@settings(deadline=None)
@given(cores=st.integers(1, 512), memory=st.integers(1, 1 << 31), disk=st.integers(0, 1 << 40))
def test_what_replicas_may_use_is_less_than_there_is_and_never_nothing(cores, memory, disk):
    facts = Facts(cores, memory * KIB, disk, "x86_64")
    kind = machine_type(BOX, facts)
    assert 0 < kind.usable_cpu <= kind.cpu == cores
    assert 0 < kind.usable_memory <= kind.memory


def test_the_inventory_counts_before_what_the_machine_tells():
    facts, _ = understood(SAID.encode(), "box", 0.0)
    kind = machine_type(replace(BOX, cpu=4.0, memory=8 * GIB, gpus=(Accelerator("L4", 24 * GIB),)), facts)
    assert (kind.name, kind.cpu, kind.memory, kind.accelerators) == ("box", 4.0, 8 * GIB, (Accelerator("L4", 24 * GIB),))


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        ("has root", "allow sudo"),
        ("has python3", "install python3"),
        ("has bash", "install bash"),
        ("has iptables", "install iptables"),
        ("has docker", "install Docker Engine"),
        ("has nvidia", "install nvidia-container-toolkit"),
        ("engine 24.0.7", "group docker"),
        ("gpu 1, GPU-2f, NVIDIA L4, 23034, 535.104.05", "2 GPUs and nvidia-smi shows 1"),
    ],
)
def test_what_is_missing_is_told_with_its_mend(absent, told):
    facts, _ = understood(SAID.replace(f"{absent}\n", "").encode(), "box", 0.0)
    (line,) = faults(BOX, facts)
    assert told in line


def test_a_machine_that_is_to_be_used_without_its_gpus_needs_nothing_for_them():
    facts, _ = understood(SAID.replace("has nvidia\n", "").encode(), "box", 0.0)
    assert list(lacks(replace(BOX, gpus=()), facts)) == []


def test_a_gpu_without_a_driver_makes_a_machine_no_worse_than_one_without_a_gpu():
    facts, _ = understood("".join(f"{line}\n" for line in SAID.splitlines() if line[:4] != "gpu ").encode(), "box", 0.0)
    assert list(lacks(BOX, facts)) == []
    (line,) = faults(BOX, facts)
    assert "install NVIDIA's driver" in line


def test_gpus_that_the_inventory_has_and_the_machine_has_not_are_told():
    facts, _ = understood(SAID.encode(), "box", 0.0)
    (line,) = faults(replace(BOX, gpus=(Accelerator("L4", 24 * GIB),) * 3), facts)
    assert "correct the inventory" in line
