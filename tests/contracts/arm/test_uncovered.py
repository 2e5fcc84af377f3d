"""What no schema covers: sizes, prices, images, usages and the resource group, in the form that the documentation shows."""

import pytest
import requests

from tests.contracts.arm import bodies


def prices(arm, text):
    items, link = [], f"{arm.url}/api/retail/prices?$filter={text}"
    while link:
        answer = requests.get(link, timeout=10)
        assert answer.status_code == 200
        items += answer.json()["Items"]
        link = answer.json()["NextPageLink"]
    return items


def test_sizes_tell_their_capabilities_and_zones(arm, sdk):
    arm.options.page = 5
    found = {sku.name: sku for sku in sdk.skus.resource_skus.list(filter="location eq 'eastus'")}
    capabilities = {one.name: one.value for one in found["Standard_NC24ads_A100_v4"].capabilities}
    assert (capabilities["vCPUs"], capabilities["MemoryGB"], capabilities["GPUs"]) == ("24", "220", "1")
    assert found["Standard_NC24ads_A100_v4"].location_info[0].zones == ["1", "2"]
    assert {one.name: one.value for one in found["Standard_D2ps_v5"].capabilities}["CpuArchitectureType"] == "Arm64"
    assert found["Premium_LRS"].resource_type == "disks"


def test_sizes_tell_where_the_subscription_may_not_have_them(arm, sdk):
    arm.options.restricted = {"Standard_B1s": (), "Standard_B2s": ("1",)}
    found = {sku.name: sku for sku in sdk.skus.resource_skus.list(filter="location eq 'eastus'")}
    whole, part = found["Standard_B1s"].restrictions[0], found["Standard_B2s"].restrictions[0]
    assert (whole.type, whole.reason_code) == ("Location", "NotAvailableForSubscription")
    assert (part.type, part.restriction_info.zones) == ("Zone", ["1"]) and not found["Standard_D2s_v5"].restrictions


def test_sizes_of_every_location_are_told_without_a_filter(arm, sdk):
    places = {sku.locations[0] for sku in sdk.skus.resource_skus.list()}
    assert places == set(arm.locations)


def test_prices_are_found_by_region_service_and_size(arm):
    found = prices(arm, "armRegionName eq 'eastus' and armSkuName eq 'Standard_D2s_v5' and priceType eq 'Consumption'")
    assert {item["meterName"] for item in found} == {"D2s v5", "D2s v5 Spot", "D2s v5 Low Priority"}
    linux = [item for item in found if "Windows" not in item["productName"] and item["meterName"] == "D2s v5"]
    assert [item["retailPrice"] for item in linux] == [0.096]


def test_prices_come_in_pages(arm):
    whole = prices(arm, "serviceName eq 'Virtual Machines'")
    arm.options.page = 50
    assert prices(arm, "serviceName eq 'Virtual Machines'") == whole and len(whole) > 100


def test_filters_of_prices_take_alternatives_and_parts(arm):
    sizes = "(armSkuName eq 'Standard_B1s' or armSkuName eq 'Standard_B2s')"
    found = prices(arm, f"armRegionName eq 'westeurope' and {sizes} and contains(meterName, 'Spot')")
    assert {item["armSkuName"] for item in found} == {"Standard_B1s", "Standard_B2s"} and len(found) == 4
    none = prices(arm, "armRegionName ne 'eastus' and armRegionName ne 'westeurope' and armRegionName ne 'westus2'")
    assert none == []


@pytest.mark.parametrize("text", ["armRegionName", "(armRegionName eq 'a'", "armRegionName eq 'a' armSkuName eq 'b'"])
def test_a_filter_that_is_none_is_refused(arm, text):
    assert requests.get(f"{arm.url}/api/retail/prices?$filter={text}", timeout=10).status_code == 400


def test_images_are_found_by_publisher_offer_and_sku(sdk):
    images = sdk.compute.virtual_machine_images
    assert {"Canonical", "Debian", "microsoft-dsvm"} <= {one.name for one in images.list_publishers("eastus")}
    assert "ubuntu-hpc" in {one.name for one in images.list_offers("eastus", "microsoft-dsvm")}
    assert [one.name for one in images.list_skus("eastus", "microsoft-dsvm", "ubuntu-hpc")] == ["2204"]
    place = ("eastus", "Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2")
    newest = images.list(*place, orderby="name desc", top=1)
    assert [one.name for one in newest] == ["22.04.202405140"]
    assert images.get(*place, "22.04.202405140").os_disk_image.operating_system == "Linux"


def test_usages_follow_what_is_there(arm, running):
    compute = {one.name.value: one.current_value for one in running.compute.usage.list("eastus")}
    assert (compute["cores"], compute["standardDSv5Family"], compute["virtualMachines"]) == (2, 2, 1)
    network = {one.name.value: one.current_value for one in running.network.usages.list("eastus")}
    assert (network["NetworkInterfaces"], network["PublicIPAddresses"], network["VirtualNetworks"]) == (1, 1, 1)


def test_the_resource_group_is_in_its_location(ask):
    assert ask("GET", bodies.GROUP, version="2021-04-01").json()["location"] == "eastus"
