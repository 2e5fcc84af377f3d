"""What is asked of Nova for a spec, and what is known again of it."""

import base64
import json

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.openstack.compute.launches import METADATA, Parts, plan_launches, request
from cloudlayer.providers.openstack.compute.servers import Record, record_of
from cloudlayer.providers.openstack.pieces import described, labels_of, tags
from cloudlayer.units import GIB

TOKEN = "11111111-2222-4333-8444-555555555555"
PARTS = Parts("flavor", "image", "network")
NOW = 1_700_000_000.25


def server(**fields):
    (launch,) = plan_launches([InstanceSpec(**fields)], TOKEN)
    return request(launch, PARTS, NOW)


def test_equal_batches_have_equal_launches_and_each_place_its_own():
    specs = [InstanceSpec(name="a", disks=[{"size": GIB}]), InstanceSpec(name="a", disks=[{"size": GIB}])]
    first, second = plan_launches(specs, TOKEN)
    assert [first, second] == plan_launches(specs, TOKEN)
    assert first.disks != second.disks
    assert (first.record.place, second.record.place) == (0, 1)


def test_equal_openings_of_a_batch_share_a_group():
    opened = {"open_ports": [{"port": 443, "source": "192.0.2.0/24"}]}
    other = {"open_ports": [{"port": 80, "source": "192.0.2.0/24"}]}
    groups = [launch.group for launch in plan_launches([InstanceSpec(**each) for each in (opened, opened, other, {})], TOKEN)]
    assert groups[0] == groups[1] != groups[2] is not None
    assert groups[3] is None


def test_the_request_carries_labels_token_and_place():
    body = server(name="one", labels={"colour": "blue"}, zone="z1", user_data="#!/bin/sh\n")["server"]
    assert (body["name"], body["availability_zone"], body["networks"]) == ("one", "z1", [{"uuid": "network"}])
    assert body["metadata"].items() >= {"colour": "blue", labels.TOKEN: TOKEN, "cloudlayer-place": "0"}.items()
    assert body["tags"] == [f"{labels.TOKEN}={TOKEN}"]
    assert base64.b64decode(body["user_data"]) == b"#!/bin/sh\n"
    assert record_of({"description": body["description"]}).token == TOKEN


def test_without_disks_the_flavors_own_disk_is_used():
    body = server()["server"]
    assert body["imageRef"] == "image"
    assert "block_device_mapping_v2" not in body


def test_a_boot_disk_takes_the_images_place():
    (launch,) = plan_launches([InstanceSpec(disks=[{"size": GIB}, {"size": 2 * GIB, "boot": True}])], TOKEN)
    body = request(launch, Parts("flavor", "image", "network", volumes=["v0", "v1"]), NOW)["server"]
    devices = body["block_device_mapping_v2"]
    assert body["imageRef"] == ""
    assert [(device["uuid"], device["boot_index"]) for device in devices] == [("v0", -1), ("v1", 0)]
    assert all(device["delete_on_termination"] for device in devices)


def test_data_disks_leave_the_image_on_the_flavors_disk():
    (launch,) = plan_launches([InstanceSpec(disks=[{"size": GIB}])], TOKEN)
    body = request(launch, Parts("flavor", "image", "network", volumes=["v0"]), NOW)["server"]
    local, data = body["block_device_mapping_v2"]
    assert (local["uuid"], local["destination_type"], local["boot_index"]) == ("image", "local", 0)
    assert (data["uuid"], data["boot_index"]) == ("v0", -1)


def test_overrides_reach_nova():
    body = server(overrides={"key_name": "mine", "server_group": "g", "config_drive": True})
    assert body["server"]["key_name"] == "mine"
    assert body["server"]["config_drive"] is True
    assert body["os:scheduler_hints"] == {"group": "g"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"user_data": "x" * 50000}, "user_data"),
        ({"open_ports": [{"port": 1, "source": "anywhere"}]}, "open_ports.source"),
        ({"overrides": {"colour": "blue"}}, "overrides.colour"),
    ],
)
def test_what_nova_would_refuse_is_refused_before_any_call(fields, place):
    with pytest.raises(InvalidSpec, match=place):
        plan_launches([InstanceSpec(**fields)], TOKEN)


def test_a_label_of_our_own_is_refused():
    with pytest.raises(InvalidSpec, match="cloudlayer-place"):
        METADATA.check({"cloudlayer-place": "1"})


def test_a_record_survives_its_description():
    record = Record(TOKEN, "0123456789abcdef", 12, 1_700_000_000_000_000, "deleted")
    assert record_of({"description": str(record)}) == record
    assert record_of({"description": "web server of the shop"}) is None
    assert record_of({"description": None}) is None


def test_labels_that_fit_are_in_the_description_and_the_rest_in_tags():
    few = {labels.OWNER: "o" * 32, labels.TOKEN: TOKEN}
    assert labels_of({"description": described(few), "tags": []}) == few
    assert tags(few) == []
    many = {**few, **{f"label-{number}": "v" * 60 for number in range(9)}}
    description = described(many)
    assert len(description) <= 255
    assert json.loads(description).items() >= few.items()
    assert labels_of({"description": description, "tags": tags(many)}) == many


def test_a_description_of_somebody_elses_has_no_labels():
    for description in ("", "Default security group", "[1]", '{"a": 1}'):
        assert labels_of({"description": description, "tags": ["a=b"]}) == {}
