"""What EC2 sells, and images by name."""

from datetime import UTC, date, datetime

import pytest

from cloudlayer.errors import InvalidSpec, RejectedSpec
from cloudlayer.providers.aws.compute.prices import load_prices
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.aws.provider import AwsProvider
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.resources import InstanceSpec, MachineType, Offer, Price
from cloudlayer.units import GIB, MIB
from tests.providers.aws.conftest import KEYS, TYPES

RESERVATION = {
    "CapacityReservationId": "cr-0123456789abcdef0",
    "InstanceType": "p4d.24xlarge",
    "InstancePlatform": "Linux/UNIX",
    "AvailabilityZone": "us-east-1b",
    "AvailableInstanceCount": 3,
    "TotalInstanceCount": 4,
    "State": "active",
    "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.fixture
def fresh(aws):
    """A provider that has looked at no offers yet."""
    return AwsProvider("us-east-1", Options(endpoint_url=aws.url, machine_types=TYPES, **KEYS)).compute


def kinds(compute):
    return {offer.machine_type.name: offer.machine_type for offer in compute.offers()}


def test_gpus_are_counted_with_the_memory_of_each(compute):
    big = kinds(compute)["g5.12xlarge"]
    assert [device.model for device in big.accelerators] == ["A10G"] * 4
    assert {device.memory for device in big.accelerators} == {22888 * MIB}
    assert kinds(compute)["m7i.large"].accelerators == ()


def test_figures_are_ec2s_and_what_is_usable_is_less(compute):
    small = kinds(compute)["m7i.large"]
    assert (small.cpu, small.memory, small.architecture, small.disk) == (2, 8 * GIB, "x86_64", None)
    assert small.usable_memory == int(8 * GIB * 0.925) - 256 * MIB
    assert kinds(compute)["c7g.large"].architecture == "arm64"


def test_each_type_is_on_offer_in_each_zone_that_has_it(compute, ec2):
    answer = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["g5.xlarge"]}]
    )
    zones = {item["Location"] for item in answer["InstanceTypeOfferings"]}
    on_demand = [
        offer for offer in compute.offers() if offer.machine_type.name == "g5.xlarge" and offer.purchase == "on_demand"
    ]
    assert len(on_demand) == len(zones) > 1
    assert {offer.zone for offer in on_demand} == zones


def test_prices_on_demand_are_dated_and_unknown_ones_are_none(compute):
    prices = {offer.machine_type.name: offer.price for offer in compute.offers() if offer.purchase == "on_demand"}
    assert prices["g5.xlarge"] == Price(1.006, "USD", "karpenter-provider-aws@1d927085d", date(2026, 7, 20))
    assert prices["c7g.large"] is None


def test_spot_prices_are_ec2s_own(compute):
    spot = [offer for offer in compute.offers() if offer.purchase == "spot"]
    assert {(offer.price.amount, offer.price.source) for offer in spot} == {(0.00001, "EC2 spot price history")}


def test_reservations_are_on_offer_as_far_as_they_are_free(aws, compute):
    aws.options.reservations = [RESERVATION]
    (offer,) = [offer for offer in compute.offers() if offer.purchase == "reserved"]
    assert (offer.machine_type.name, offer.zone, offer.available) == ("p4d.24xlarge", "us-east-1b", 3)
    assert offer.reservation == "cr-0123456789abcdef0"
    assert offer.price.amount == 0


def test_offers_are_whole_in_the_smallest_pages(aws, compute, fresh):
    aws.options.page = 5
    assert {offer.id for offer in fresh.offers()} == {offer.id for offer in compute.offers()}
    assert aws.count("DescribeInstanceTypeOfferings") > 2
    assert aws.count("DescribeSpotPriceHistory") > 2


def test_a_fault_on_the_way_leaves_no_half_of_the_offers(aws, fresh):
    aws.options.page = 5
    aws.fault(action="DescribeInstanceTypeOfferings", after=2, times=1, code="UnauthorizedOperation")
    with pytest.raises(Exception, match="UnauthorizedOperation"):
        fresh.offers()
    assert len({offer.machine_type.name for offer in fresh.offers()}) == len(TYPES.split(","))


def test_an_unknown_machine_type_is_rejected(fresh):
    with pytest.raises(RejectedSpec):
        fresh.create(InstanceSpec(machine_type="m99.huge", image="ami-0a01"), token="00000000-0000-4000-8000-000000000001")


def test_a_price_list_of_ones_own_takes_the_place_of_ours(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("region,instance_type,price_usd_h,source,as_of\nus-east-1,c7g.large,0.07,invoice,2026-11-01\n")
    assert load_prices("us-east-1", str(path)) == {"c7g.large": Price(0.07, "USD", "invoice", date(2026, 11, 1))}
    assert load_prices("eu-west-1", str(path)) == {}


def test_a_vague_date_is_kept_in_words():
    price = load_prices("us-west-2")["p5.48xlarge"]
    assert (price.as_of, price.amount) == (date(2025, 6, 1), 55.04)
    assert "undated, 2025-06 or later" in price.source


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "region,instance_type,price_usd_h,source,as_of\nus-east-1,m,cheap,x,2026-01-01\n"]
)
def test_a_price_list_that_cannot_be_read_names_its_line(tmp_path, text):
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(InvalidSpec, match=r"prices\.csv, line 2: needs the columns region"):
        load_prices("us-east-1", str(path))
    with pytest.raises(InvalidSpec, match="cannot be read"):
        load_prices("us-east-1", str(tmp_path / "absent.csv"))


def offer(name, cpu, price, **fields):
    amount = None if price is None else Price(price, "USD", "test", date(2026, 1, 1))
    return Offer("aws", "us-east-1", "us-east-1a", MachineType(name, cpu, 8 * GIB, **fields), "on_demand", amount)


def test_the_cheapest_that_fits_is_chosen_and_an_unknown_price_comes_last():
    offers = [offer("dear", 4, 2.0), offer("small", 1, 0.1), offer("cheap", 4, 1.0), offer("unknown", 4, None)]
    assert cheapest(InstanceSpec(cpu=3), offers).machine_type.name == "cheap"
    assert cheapest(InstanceSpec(cpu=3), offers[3:]).machine_type.name == "unknown"


def test_an_architecture_that_is_not_named_is_x86_64():
    offers = [offer("arm", 4, 0.5, architecture="arm64"), offer("intel", 4, 1.0)]
    assert cheapest(InstanceSpec(cpu=3), offers).machine_type.name == "intel"
    assert cheapest(InstanceSpec(cpu=3, architecture="arm64"), offers).machine_type.name == "arm"


def test_a_friendly_name_leads_to_the_publishers_newest_image(compute):
    found = compute.images("ubuntu-22.04")
    assert [image.id for image in found] == ["ami-0a03", "ami-0a02", "ami-0a01"]
    assert (found[1].architecture, found[1].created_at.year) == ("x86_64", 2025)


def test_without_a_name_there_is_the_newest_for_each_name_and_architecture(compute):
    assert [image.id for image in compute.images()] == ["ami-0a04", "ami-0a05", "ami-0a02", "ami-0a03", "ami-0b01", "ami-0c01"]


def test_images_are_found_by_id_by_parameter_and_by_the_accounts_own_names(cloud):
    cloud.native("ssm").put_parameter(Name="/ours/image", Value="ami-0d02", Type="String")
    images = cloud.compute.images
    assert [image.name for image in images("ami-0d01")] == ["our-own-image"]
    assert [image.id for image in images("our-own-image")] == ["ami-0d01"]
    assert [image.id for image in images("ssm:/ours/image")] == ["ami-0d02"]
    assert images("ami-0fff") == images("ssm:/not/there") == images("nothing-like-this") == []


def test_an_instance_starts_from_the_image_of_its_architecture(compute):
    spec = InstanceSpec(machine_type="c7g.large", image="ubuntu-22.04")
    assert compute.create(spec, token="00000000-0000-4000-8000-000000000002").image == "ami-0a03"
