"""Offers: sizes and GPUs, zones, restrictions, patterns, prices of a list and of Azure's own."""

from datetime import date
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure import connect
from cloudlayer.providers.azure.compute.machines import read_sku
from cloudlayer.units import GIB


def sku(name, gpus=None, **facts):
    capabilities = {"vCPUs": "4", "MemoryGB": "28", "LowPriorityCapable": "True", **facts}
    if gpus is not None:
        capabilities["GPUs"] = gpus
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "family": "aFamily",
        "locationInfo": [{"location": "EastUS", "zones": ["2", "1"]}],
        "capabilities": [{"name": key, "value": value} for key, value in capabilities.items()],
        "restrictions": [],
    }


@pytest.mark.parametrize(
    ("name", "gpus", "devices"),
    [
        ("Standard_D2s_v5", None, []),
        ("Standard_NC4as_T4_v3", "1", [("T4", 16)]),
        ("Standard_NC64as_T4_v3", "4", [("T4", 16)] * 4),
        ("Standard_NC24ads_A100_v4", "1", [("A100-80GB", 80)]),
        ("Standard_NC96ads_A100_v4", "4", [("A100-80GB", 80)] * 4),
        ("Standard_NC40ads_H100_v5", "1", [("H100-NVL", 94)]),
        ("Standard_NC80adis_H100_v5", "2", [("H100-NVL", 94)] * 2),
        ("Standard_ND96asr_v4", "8", [("A100", 40)] * 8),
        ("Standard_ND96amsr_A100_v4", "8", [("A100-80GB", 80)] * 8),
        ("Standard_ND96isr_H100_v5", "8", [("H100", 80)] * 8),
        ("Standard_ND96isr_H200_v5", "8", [("H200", 141)] * 8),
        ("Standard_NC6s_v3", "1", [("V100", 16)]),
        ("Standard_NV6ads_A10_v5", "1", [("A10", 4)]),
        ("Standard_NV12ads_A10_v5", "1", [("A10", 8)]),
        ("Standard_NV18ads_A10_v5", "1", [("A10", 12)]),
        ("Standard_NV36ads_A10_v5", "1", [("A10", 24)]),
        ("Standard_NV36adms_A10_v5", "1", [("A10", 24)]),
        ("Standard_NV72ads_A10_v5", "2", [("A10", 24)] * 2),
    ],
)
def test_a_share_of_a_gpu_is_one_device_of_that_memory(name, gpus, devices):
    kind = read_sku(sku(name, gpus), "eastus").kind
    assert [(device.model, device.memory / GIB) for device in kind.accelerators] == devices


def test_a_size_with_gpus_that_are_not_known_here_is_not_on_offer():
    assert read_sku(sku("Standard_NX8_v9", "1"), "eastus") is None


def test_what_is_no_size_of_machines_is_not_on_offer():
    assert read_sku({**sku("Standard_D2s_v5"), "resourceType": "disks"}, "eastus") is None


def test_figures_are_those_of_the_size():
    found = read_sku(sku("Standard_D2ps_v5", CpuArchitectureType="Arm64", vCPUsAvailable="2", HyperVGenerations="V1"), "eastus")
    kind = found.kind
    assert (kind.cpu, kind.memory, kind.architecture) == (2.0, 28 * GIB, "arm64")
    assert kind.usable_memory < kind.memory
    assert (found.zones, found.spot, found.first_generation) == (("1", "2"), True, True)


def test_every_size_is_on_offer_in_each_zone_on_demand_and_spot(compute):
    places = {(offer.zone, offer.purchase) for offer in compute.offers() if offer.machine_type.name == "Standard_D2s_v5"}
    assert places == {(zone, purchase) for zone in "123" for purchase in ("on_demand", "spot")}
    gpu = {offer.zone for offer in compute.offers() if offer.machine_type.name == "Standard_NC40ads_H100_v5"}
    assert gpu == {"3"}


def test_what_the_subscription_may_not_have_is_told_as_none_available(arm, options):
    arm.options.restricted = {"Standard_D2s_v5": ("2",), "Standard_D4s_v5": ()}
    offers = connect("eastus", options).compute.offers()
    available = {(offer.machine_type.name, offer.zone): offer.available for offer in offers}
    assert [available["Standard_D2s_v5", zone] for zone in "123"] == [None, 0, None]
    assert [available["Standard_D4s_v5", zone] for zone in "123"] == [0, 0, 0]


def test_patterns_limit_what_is_on_offer_and_not_what_can_be_named(arm, options):
    compute = connect("eastus", {**options, "machine_types": "standard_d?s_v5, Standard_NC*"}).compute
    names = {offer.machine_type.name for offer in compute.offers()}
    assert {"Standard_D2s_v5", "Standard_NC4as_T4_v3"} <= names
    assert not {"Standard_B1s", "Standard_E8s_v5"} & names


def test_prices_on_demand_are_those_of_the_dated_list(compute):
    offers = {(offer.machine_type.name, offer.purchase): offer.price for offer in compute.offers()}
    price = offers["Standard_D2s_v5", "on_demand"]
    assert (price.amount, price.currency, price.as_of) == (0.096, "USD", date(2026, 6, 18))
    assert offers["Standard_D2s_v5", "spot"] is None
    assert offers["Standard_B1s", "on_demand"] is None


def test_a_list_of_ones_own_takes_its_place(arm, options, tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("region,instance_type,price_usd_h,source,as_of\neastus,Standard_B1s,0.5,ours,2026-01-02\n")
    offers = connect("eastus", {**options, "prices": str(path)}).compute.offers()
    assert {offer.machine_type.name for offer in offers if offer.price} == {"Standard_B1s"}


@pytest.mark.parametrize("row", ["eastus,Standard_B1s,cheap,ours,2026-01-02", "eastus,Standard_B1s,0.5,ours,long ago"])
def test_a_wrong_line_of_it_is_named(options, tmp_path, row):
    path = tmp_path / "prices.csv"
    path.write_text(f"region,instance_type,price_usd_h,source,as_of\n{row}\n")
    with pytest.raises(InvalidSpec, match="line 2"):
        connect("eastus", {**options, "prices": str(path)})


def test_live_prices_are_those_of_linux_on_demand_and_spot(arm, options):
    arm.options.page = 7
    offers = connect("eastus", {**options, "prices": "live"}).compute.offers()
    prices = {(offer.machine_type.name, offer.purchase): offer.price for offer in offers}
    assert prices["Standard_B1s", "on_demand"].amount == 0.0104
    assert prices["Standard_B1s", "spot"].amount == 0.0042
    assert prices["Standard_NC4as_T4_v3", "spot"].amount == 0.0789
    assert {price.source for price in prices.values()} == {"Azure Retail Prices API"}


def test_live_prices_are_of_the_location_and_asked_for_without_credentials(arm, options):
    offers = connect("westeurope", {**options, "prices": "live"}).compute.offers()
    assert {
        offer.price.amount for offer in offers if (offer.machine_type.name, offer.purchase) == ("Standard_D2s_v5", "on_demand")
    } == {0.1152}
    asked = [call for call in arm.calls if call.method == "RetailPrices_List"]
    assert asked and not any("authorization" in call.headers for call in asked)


def test_a_gpu_is_found_by_its_figures(compute):
    made = compute.create(InstanceSpec(gpu="T4", gpu_count=2), token=str(uuid4()))
    assert made.machine_type == "Standard_NC64as_T4_v3"
    assert made.image.startswith("microsoft-dsvm:ubuntu-hpc:2204:")


def test_a_location_that_there_is_not_is_told_with_the_mend(arm, options):
    cloud = connect("marsnorth", options)
    with pytest.raises(InvalidSpec, match='sells nothing in "marsnorth": is it one of `az account list-locations`'):
        cloud.compute.offers()
    with pytest.raises(InvalidSpec, match="marsnorth"):
        cloud.compute.create(InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04"), token=str(uuid4()))


@pytest.mark.parametrize("machine_type", ["Standard_D2s_v5", None])
def test_a_zone_that_there_is_not_is_told_with_those_that_there_are(arm, compute, machine_type):
    spec = InstanceSpec(machine_type=machine_type, image="ubuntu-22.04", zone="9")
    with pytest.raises(InvalidSpec, match='eastus has no zone "9"; use one of 1, 2, 3'):
        compute.create(spec, token=str(uuid4()))
    assert not [call for call in arm.calls if call.method == "VirtualMachines_CreateOrUpdate"]
