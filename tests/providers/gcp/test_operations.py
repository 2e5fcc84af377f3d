"""Operations are followed to their end, where they are, and by our own polling."""

from uuid import uuid4

import pytest

from cloudlayer.errors import QuotaError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import VolumeSpec
from cloudlayer.units import GIB

RULE = {"name": "one", "allowed": [{"I_p_protocol": "tcp"}], "source_ranges": ["192.0.2.0/24"]}
DISK = {"name": "one", "size_gb": 10}
ADDRESS = {"name": "one"}


def made(gce, kind):
    return [thing["name"] for thing in gce.things(kind)]


def test_an_operation_is_followed_in_its_zone_its_region_or_globally(cloud, gce):
    gce.options.delay = 5.0
    client = cloud._client
    client.run("firewalls", "insert", firewall_resource=RULE)
    client.run("disks", "insert", zone="us-central1-a", disk_resource=DISK)
    client.run("addresses", "insert", region="us-central1", address_resource=ADDRESS)
    assert made(gce, "firewalls") == made(gce, "disks") == made(gce, "addresses") == ["one"]
    asked = {call.method for call in gce.calls}
    assert asked >= {"compute.globalOperations.get", "compute.zoneOperations.get", "compute.regionOperations.get"}


def test_polls_come_less_often_as_an_operation_lasts(cloud, gce):
    gce.options.delay = 60.0
    cloud._client.run("firewalls", "insert", firewall_resource=RULE)
    assert 20 <= gce.count("compute.globalOperations.get") <= 30


def test_an_operation_that_fails_raises_its_own_error(cloud, gce):
    gce.options.late = {"compute.disks.insert": "QUOTA_EXCEEDED"}
    with pytest.raises(QuotaError):
        cloud._client.run("disks", "insert", zone="us-central1-a", disk_resource=DISK)
    assert made(gce, "disks") == []


def test_an_operation_that_outlasts_the_deadline_is_a_passing_fault(cloud, gce, clock):
    gce.options.delay = 600.0
    with pytest.raises(TransientError, match="waiting for the insert of one") as caught:
        cloud._client.run("firewalls", "insert", firewall_resource=RULE, deadline=Deadline.after(20, clock))
    assert caught.value.code == "deadline"


def test_an_operation_that_is_forgotten_is_a_passing_fault(cloud, gce):
    gce.options.delay = 5.0
    gce.fault(method="compute.globalOperations.get", code="notFound", status=404)
    with pytest.raises(TransientError, match="must be looked for"):
        cloud._client.run("firewalls", "insert", firewall_resource=RULE)


def test_a_change_whose_answer_is_lost_is_made_once(cloud, gce):
    gce.fault(method="compute.firewalls.insert", lost_response=True, times=1)
    cloud._client.run("firewalls", "insert", firewall_resource=RULE)
    asked = [call.query["requestId"] for call in gce.calls if call.method == "compute.firewalls.insert"]
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert made(gce, "firewalls") == ["one"]


def test_the_same_request_id_is_the_same_operation(cloud, gce):
    own = str(uuid4())
    first, second = (cloud._client.begin("firewalls", "insert", firewall_resource=RULE, request_id=own) for _ in range(2))
    assert first.name == second.name


def test_deleting_what_is_not_there_is_no_error(cloud):
    cloud._client.remove("firewalls", firewall="absent", wait=True)


def test_what_is_just_being_made_is_waited_for_before_it_is_deleted(cloud, gce):
    gce.options.delay = 10.0
    cloud._client.begin("firewalls", "insert", firewall_resource=RULE)
    cloud._client.remove("firewalls", firewall="one", wait=True)
    assert made(gce, "firewalls") == []


def test_pages_are_flattened_whatever_their_size(cloud, gce):
    gce.options.page = 1
    zones = [zone.name for zone in cloud._client.pages("zones")]
    assert len(zones) == len(set(zones)) == gce.count("compute.zones.list")


def test_an_aggregated_list_holds_this_region_alone(cloud, gce):
    gce.options.page = 1
    for region in ("us-central1", "europe-west4"):
        cloud._client.run("addresses", "insert", region=region, address_resource={"name": f"in-{region}"})
    cloud._client.run("addresses", "insert", region="us-central1", address_resource={"name": "another"})
    found = cloud._client.everywhere("addresses")
    assert {address.name for address in found} == {"in-us-central1", "another"}


def test_a_list_that_is_not_whole_is_an_error_and_not_a_shorter_list(cloud, gce):
    cloud._client.run("addresses", "insert", region="us-central1", address_resource=ADDRESS)
    gce.options.unreachable = {"zones/europe-west4-a"}
    assert [address.name for address in cloud._client.everywhere("addresses")] == ["one"]
    gce.options.unreachable = {"zones/us-central1-b"}
    with pytest.raises(TransientError, match="cannot be listed whole now") as caught:
        list(cloud._client.everywhere("addresses"))
    assert caught.value.code == "UNREACHABLE"


def test_nothing_is_made_again_while_a_zone_cannot_be_looked_into(cloud, gce):
    token = str(uuid4())
    cloud.storage.create(VolumeSpec(size=GIB), token=token)
    gce.options.unreachable = {"zones/us-central1-a"}
    with pytest.raises(TransientError):
        cloud.storage.create(VolumeSpec(size=GIB), token=token)
    assert gce.count("compute.disks.insert") == 1
