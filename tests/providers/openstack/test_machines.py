"""Flavors as machine types: their GPUs, their architecture, what of them can be used, what they cost."""

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.openstack.compute.catalogue import machine_type
from cloudlayer.providers.openstack.compute.gpus import Gpus
from cloudlayer.providers.openstack.compute.prices import load_prices
from cloudlayer.resources import Accelerator
from cloudlayer.units import GIB, MIB


def flavor(**extra_specs):
    specs = {name.replace("__", ":", 1): value for name, value in extra_specs.items()}
    return {"name": "f", "vcpus": 4, "ram": 16384, "disk": 80, "extra_specs": specs}


@pytest.mark.parametrize(
    ("specs", "devices"),
    [
        ({"resources:CUSTOM_GPU_A100": "2"}, [Accelerator("A100", 40 * GIB)] * 2),
        ({"resources:CUSTOM_NVIDIA_A100_80GB": "1"}, [Accelerator("A100-80GB", 80 * GIB)]),
        ({"pci_passthrough:alias": "nvidia-h100:4,nic:1"}, [Accelerator("H100", 80 * GIB)] * 4),
        ({"pci_passthrough:alias": "l40s"}, [Accelerator("L40S", 48 * GIB)]),
        ({"resources1:CUSTOM_GPU_T4": "1"}, [Accelerator("T4", 16 * GIB)]),
        ({"resources:VGPU": "1"}, []),
        ({"resources:CUSTOM_FPGA": "1", "hw:cpu_policy": "dedicated"}, []),
        ({}, []),
    ],
)
def test_gpus_are_those_whose_name_is_known(specs, devices):
    assert list(Gpus().of(specs)) == devices


def test_the_operators_words_come_first():
    known = Gpus(["vgpu=A16:4GiB", "CUSTOM_GPU_A100=A100:80GiB"])
    assert known.of({"resources:VGPU": "2"}) == (Accelerator("A16", 4 * GIB),) * 2
    assert known.of({"resources:CUSTOM_GPU_A100": "1"}) == (Accelerator("A100", 80 * GIB),)


@pytest.mark.parametrize("word", ["VGPU", "VGPU=A16", "VGPU=A16:4", "VGPU=:4GiB"])
def test_an_operators_word_that_is_not_whole_is_refused(word):
    with pytest.raises(InvalidSpec, match="WORD=MODEL:MEMORY"):
        Gpus([word])


def test_a_flavor_is_a_machine_type():
    kind = machine_type(flavor(), Gpus())
    assert (kind.name, kind.cpu, kind.memory, kind.disk, kind.architecture) == ("f", 4, 16384 * MIB, 80 * GIB, "x86_64")
    assert 0.9 * kind.memory < kind.usable_memory < kind.memory


def test_a_flavor_without_a_disk_has_none():
    assert machine_type({**flavor(), "disk": 0}, Gpus()).disk is None


@pytest.mark.parametrize(
    "specs", [{"hw:architecture": "aarch64"}, {"trait:COMPUTE_ARCH_AARCH64": "required"}, {"hw_architecture": "aarch64"}]
)
def test_arm_is_told_by_extra_specs(specs):
    assert machine_type({**flavor(), "extra_specs": specs}, Gpus()).architecture == "arm64"


def test_a_trait_that_is_forbidden_tells_nothing():
    kind = machine_type({**flavor(), "extra_specs": {"trait:COMPUTE_ARCH_AARCH64": "forbidden"}}, Gpus())
    assert kind.architecture == "x86_64"


def test_prices_are_those_of_the_region(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(
        "region,flavor,price_h,currency,source,as_of\none,m1,0.5,EUR,list,2026-01-02\ntwo,m1,0.7,EUR,list,2026-01-02\n"
    )
    (price,) = load_prices("two", str(file)).values()
    assert (price.amount, price.currency, price.source, str(price.as_of)) == (0.7, "EUR", "list", "2026-01-02")
    assert load_prices("one", None) == {}


@pytest.mark.parametrize("row", ["one,m1,much,EUR,list,2026-01-02", "one,m1,1,EUR,list,lately", "one"])
def test_a_price_that_cannot_be_read_is_told_with_its_line(tmp_path, row):
    file = tmp_path / "prices.csv"
    file.write_text(f"region,flavor,price_h,currency,source,as_of\n{row}\n")
    with pytest.raises(InvalidSpec, match="line 2"):
        load_prices("one", str(file))


def test_a_price_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidSpec, match="cannot be read"):
        load_prices("one", str(tmp_path / "none.csv"))
