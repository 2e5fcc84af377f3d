"""What is on offer: machine types, zones, ways of buying, and reservations."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError, InvalidSpec
from cloudlayer.units import GIB
from tests.conformance.gcp.cloud import reserve

E2 = {"machine_type": "e2-small", "image": "debian-12"}


def reserved(compute):
    return {offer.reservation: offer for offer in compute.offers() if offer.purchase == "reserved"}


def test_each_type_is_on_offer_in_each_zone_that_sells_it_on_demand_and_spot(compute):
    found = {(offer.zone[-1], offer.purchase) for offer in compute.offers() if offer.machine_type.name == "t2a-standard-1"}
    assert found == {(zone, purchase) for zone in "abf" for purchase in ("on_demand", "spot")}


def test_figures_and_architecture_are_the_clouds(compute):
    kinds = {offer.machine_type.name: offer.machine_type for offer in compute.offers()}
    assert (kinds["n1-standard-8"].cpu, kinds["n1-standard-8"].memory) == (8.0, 30 * GIB)
    assert kinds["t2a-standard-1"].architecture == "arm64"
    assert kinds["n2-standard-8"].usable_memory < kinds["n2-standard-8"].memory


def test_patterns_limit_what_is_on_offer_and_not_what_can_be_had_by_name(another):
    compute = another(machine_types="e2-standard-?,n1-standard-8+nvidia-tesla-t4x1").compute
    names = {offer.machine_type.name for offer in compute.offers()}
    assert names == {"e2-standard-2", "e2-standard-4", "e2-standard-8", "n1-standard-8+nvidia-tesla-t4x1"}
    assert compute.create(InstanceSpec(**E2), token=str(uuid4())).machine_type == "e2-small"


def test_without_patterns_everything_is_on_offer(another):
    names = {offer.machine_type.name for offer in another(machine_types="").compute.offers()}
    assert {"e2-micro", "c4-standard-2", "a3-highgpu-8g", "n1-highmem-8+nvidia-tesla-t4x4"} <= names


def test_what_is_sold_is_asked_for_once_an_hour(another, gce, clock):
    compute = another().compute
    compute.offers()
    before = gce.count("compute.machineTypes.list")
    compute.offers()
    assert gce.count("compute.machineTypes.list") == before
    clock.sleep(3700)
    compute.offers()
    assert gce.count("compute.machineTypes.list") == 2 * before


def test_a_custom_machine_type_can_be_had_by_its_name(compute):
    wanted = InstanceSpec(machine_type="n2-custom-4-8192", image="debian-12", zone="us-central1-a")
    assert compute.create(wanted, token=str(uuid4())).machine_type == "n2-custom-4-8192"


def test_an_open_reservation_is_on_offer_with_what_is_left_of_it(compute, gce):
    reserve(gce, "kept", count=2)
    offer = reserved(compute)["kept"]
    assert (offer.machine_type.name, offer.zone, offer.available) == ("e2-small", "us-central1-b", 2)
    assert offer.price.amount == 0.0
    bought = InstanceSpec(**E2, purchase="reserved", reservation="kept")
    made = compute.create(bought, token=str(uuid4()))
    assert (made.purchase, made.zone) == ("reserved", "us-central1-b")
    assert reserved(compute)["kept"].available == 1


def test_without_a_name_one_with_room_is_taken(compute, gce):
    reserve(gce, "small", count=1, zone="us-central1-a")
    reserve(gce, "large", count=2, zone="us-central1-c")
    bought = InstanceSpec(**E2, purchase="reserved")
    made = [compute.create(bought, token=str(uuid4())).zone for _ in range(3)]
    assert sorted(made) == ["us-central1-a", "us-central1-c", "us-central1-c"]
    with pytest.raises(InvalidSpec, match="no reservation with room for e2-small"):
        compute.create(bought, token=str(uuid4()))


def test_a_reservation_that_cannot_be_named_is_not_on_offer(compute, gce):
    reserve(gce, "loose", count=1, named=False)
    assert reserved(compute) == {}
    with pytest.raises(InvalidSpec, match="--require-specific-reservation"):
        compute.create(InstanceSpec(**E2, purchase="reserved", reservation="loose"), token=str(uuid4()))


def test_a_reservation_that_is_full_is_a_lack_of_capacity_or_told_before(compute, gce):
    reserve(gce, "kept", count=1)
    bought = InstanceSpec(**E2, purchase="reserved", reservation="kept")
    compute.create(bought, token=str(uuid4()))
    with pytest.raises((CapacityError, InvalidSpec)):
        compute.create(bought, token=str(uuid4()))
    assert len(gce.things("instances")) == 1


def test_a_reservation_that_is_not_there_is_told(compute):
    with pytest.raises(InvalidSpec, match='no reservation "absent"'):
        compute.create(InstanceSpec(**E2, purchase="reserved", reservation="absent"), token=str(uuid4()))
