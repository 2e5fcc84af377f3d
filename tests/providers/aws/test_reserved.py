"""Capacity reservations, and the blocks among them, which EC2 launches into in another way."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import InvalidSpec

PLAIN = {
    "CapacityReservationId": "cr-0123456789abcdef0",
    "InstanceType": "m7i.large",
    "InstancePlatform": "Linux/UNIX",
    "AvailabilityZone": "us-east-1b",
    "AvailableInstanceCount": 3,
    "TotalInstanceCount": 4,
    "State": "active",
    "ReservationType": "default",
    "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
}
BLOCK = {
    **PLAIN,
    "CapacityReservationId": "cr-0fedcba9876543210",
    "InstanceType": "p4d.24xlarge",
    "ReservationType": "capacity-block",
}


@pytest.fixture
def reserved(aws):
    aws.options.reservations = [PLAIN, BLOCK]
    return aws


def bought(compute, found):
    spec = InstanceSpec(
        machine_type=found["InstanceType"],
        image="ami-0a01",
        zone=found["AvailabilityZone"],
        purchase="reserved",
        reservation=found["CapacityReservationId"],
    )
    return compute.create(spec, token=str(uuid4()))


def test_a_block_is_on_offer_like_a_reservation_and_says_that_it_is_paid(reserved, compute):
    prices = {offer.reservation: offer.price for offer in compute.offers() if offer.purchase == "reserved"}
    assert prices[PLAIN["CapacityReservationId"]].source == "capacity reservation, paid for whether used or not"
    assert prices[BLOCK["CapacityReservationId"]].source == "capacity block, paid for in advance"
    assert {price.amount for price in prices.values()} == {0.0}


@pytest.mark.parametrize("found", [PLAIN, BLOCK])
def test_each_is_launched_into_as_ec2_wants_it(reserved, compute, found):
    made = bought(compute, found)
    (launch,) = [call.parameters for call in reserved.calls if call.action == "RunInstances"]
    target = "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId"
    assert launch[target] == found["CapacityReservationId"]
    assert launch.get("InstanceMarketOptions.MarketType") == ("capacity-block" if found is BLOCK else None)
    assert made.purchase == compute.get(made.id).purchase == "reserved"


def test_a_reservation_that_is_not_there_launches_nothing(reserved, compute):
    with pytest.raises(InvalidSpec):
        bought(compute, {**PLAIN, "CapacityReservationId": "cr-00000000000000000"})
    assert reserved.count("RunInstances") == 0


def test_a_reservation_that_is_over_is_not_on_offer(reserved, compute):
    reserved.options.reservations = [{**PLAIN, "State": "expired"}]
    assert [offer for offer in compute.offers() if offer.purchase == "reserved"] == []
