"""Libcloud's driver for GCE drives the fake: what it sends is accepted, and it reads what is answered."""

from urllib.parse import urlsplit

import pytest

pytest.importorskip("libcloud")

from libcloud.common import google
from libcloud.compute.drivers.gce import GCEConnection, GCENodeDriver
from libcloud.compute.types import NodeState

from tests.contracts.gce.bodies import firewall

PROJECT = "1234567890"
"""The number: libcloud replaces a project's name wherever it stands in a path, and "proj" stands in "projects" as well."""

FAMILY = "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/family/debian-12"
DISKS = [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": FAMILY}}]


class Token:
    """A credential that is there without asking anybody."""

    access_token = "token"

    def __init__(self, *args, **kwargs):
        pass


@pytest.fixture
def driver(gce, monkeypatch):
    place = urlsplit(gce.url)

    class Connection(GCEConnection):
        """To a port of this machine, which the driver's own arguments cannot say."""

        poll_interval = 0.0

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs, host=place.hostname, port=place.port)

    monkeypatch.setattr(google, "GoogleOAuth2Credential", Token)
    monkeypatch.setattr(GCENodeDriver, "connectionCls", Connection)
    return GCENodeDriver("tests@proj.iam.gserviceaccount.com", "key", "us-central1-a", PROJECT, secure=False)


@pytest.fixture
def node(driver):
    return driver.create_node("vm", "e2-small", None, ex_image_family=FAMILY, ex_labels={"a": "b"}, ex_metadata={"c": "d"})


def test_a_node_is_made_listed_changed_and_deleted(driver, gce, node):
    assert (node.state, node.extra["labels"]) == (NodeState.RUNNING, {"a": "b"})
    assert [one.name for one in driver.list_nodes()] == ["vm"]
    assert driver.ex_set_node_labels(node, {"team": "red"})
    assert driver.ex_set_node_tags(node, ["web"])
    assert driver.reboot_node(node)
    assert driver.stop_node(node)
    assert driver.ex_get_node("vm").state == NodeState.STOPPED
    assert driver.ex_set_machine_type(node, "e2-medium")
    assert driver.start_node(node)
    found = driver.ex_get_node("vm")
    assert (found.size, found.extra["labels"], found.extra["tags"]) == ("e2-medium", {"team": "red"}, ["web"])
    assert driver.destroy_node(node)
    assert gce.things("instances") == gce.things("disks") == []


def test_pages_of_one_are_read_to_the_end(driver, gce, node):
    gce.options.page = 1
    driver.create_node("two", "e2-small", None, ex_image_family=FAMILY)
    assert sorted(one.name for one in driver.list_nodes()) == ["two", "vm"]


def test_a_volume_is_made_attached_copied_and_deleted(driver, node):
    volume = driver.create_volume(20, "data", ex_disk_type="pd-ssd")
    assert driver.attach_volume(node, volume)
    assert driver.detach_volume(volume, ex_node=node)
    assert driver.ex_resize_volume(volume, 30)
    snapshot = driver.create_volume_snapshot(volume, "copy")
    assert [one.name for one in driver.list_volume_snapshots(volume)] == ["copy"]
    assert driver.destroy_volume_snapshot(snapshot)
    assert driver.destroy_volume(volume)
    assert [one.name for one in driver.list_volumes()] == ["vm"]


def test_errors_are_told_by_their_reasons(driver, node):
    with pytest.raises(google.ResourceExistsError):
        driver.create_node("vm", "e2-small", None, ex_image_family=FAMILY)
    with pytest.raises(google.ResourceNotFoundError):
        driver.ex_get_node("none")
    with pytest.raises(google.InvalidRequestError, match="resourceInUse"):
        driver.destroy_volume(driver.ex_get_volume("vm"))


def test_a_lack_of_room_is_an_error_of_the_operation(driver, gce):
    gce.options.room = 0
    with pytest.raises(google.GoogleBaseError) as caught:
        driver.create_node("vm", "e2-small", None, ex_image_family=FAMILY)
    assert caught.value.code == "ZONE_RESOURCE_POOL_EXHAUSTED"


def test_what_is_there_from_the_start_is_read(driver):
    sizes = {size.name: size for size in driver.list_sizes()}
    assert (sizes["e2-medium"].ram, sizes["g2-standard-4"].extra["guestCpus"]) == (4096, 4)
    assert {image.extra["family"] for image in driver.list_images("debian-cloud")} >= {"debian-12", "debian-13"}
    assert len(driver.list_locations()) == 6
    assert [network.name for network in driver.ex_list_networks()] == ["default"]


def test_networks_rules_and_addresses_are_made(driver):
    driver.ex_create_network("other", None, mode="custom")
    subnetwork = driver.ex_create_subnetwork("sub", "10.55.0.0/24", "other", "us-central1")
    assert subnetwork.cidr == "10.55.0.0/24"
    body = firewall()
    driver.ex_create_firewall("web", body["allowed"], network="other", source_ranges=body["sourceRanges"])
    assert [rule.name for rule in driver.ex_list_firewalls()] == ["web"]
    address = driver.ex_create_address("mine")
    assert driver.ex_destroy_address(address)


def test_groups_and_autoscalers_are_made(driver):
    template = driver.ex_create_instancetemplate("template", "e2-small", disks_gce_struct=DISKS)
    zone = driver.ex_get_zone("us-central1-a")
    manager = driver.ex_create_instancegroupmanager("group", zone, template, 2)
    assert len(manager.list_managed_instances()) == 2
    manager.resize(1)
    scaler = driver.ex_create_autoscaler("scaler", zone, manager, {"minNumReplicas": 2, "maxNumReplicas": 3})
    assert driver.ex_get_instancegroupmanager("group").size == 2
    assert driver.ex_destroy_autoscaler(scaler)
    assert driver.ex_destroy_instancegroupmanager(manager)
    assert driver.ex_destroy_instancetemplate(template)


def test_a_balancer_of_a_target_pool_is_made_and_checked(driver, gce, node):
    check = driver.ex_create_healthcheck("check")
    pool = driver.ex_create_targetpool("pool", healthchecks=[check], nodes=[node])
    rule = driver.ex_create_forwarding_rule("rule", pool, port_range="80-90")
    assert [one.name for one in driver.ex_list_forwarding_rules()] == ["rule"]
    assert [one["health"] for one in driver.ex_targetpool_get_health(pool)] == ["UNHEALTHY"]
    driver.ex_create_firewall("probes", firewall()["allowed"], source_ranges=["35.191.0.0/16"])
    assert [one["health"] for one in driver.ex_targetpool_get_health(pool)] == ["HEALTHY"]
    assert driver.ex_targetpool_remove_node(pool, node)
    assert driver.ex_targetpool_add_node(pool, node)
    with pytest.raises(google.InvalidRequestError, match="resourceInUse"):
        driver.ex_destroy_targetpool(pool)
    for destroy, thing in (("forwarding_rule", rule), ("targetpool", pool), ("healthcheck", check)):
        assert getattr(driver, f"ex_destroy_{destroy}")(thing)


def test_a_balancer_of_a_url_map_is_made(driver, node):
    zone = driver.ex_get_zone("us-central1-a")
    group = driver.ex_create_instancegroup("hand", zone, named_ports=[{"name": "http", "port": 80}])
    assert driver.ex_instancegroup_add_instances(group, [node])
    assert [one.name for one in driver.ex_instancegroup_list_instances(group)] == ["vm"]
    check = driver.ex_create_healthcheck("check")
    service = driver.ex_create_backendservice("service", [check])
    proxy = driver.ex_create_targethttpproxy("proxy", driver.ex_create_urlmap("map", service))
    address = driver.ex_create_address("front", region="global")
    rule = driver.ex_create_forwarding_rule("rule", proxy, global_rule=True, address=address, port_range="80")
    assert (rule.address, rule.extra["portRange"]) == (address.address, "80-80")
    assert driver.ex_destroy_forwarding_rule(rule)
