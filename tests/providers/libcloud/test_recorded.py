"""Real clouds' recorded answers, as Libcloud's own package ships them, through Libcloud's own drivers over HTTP."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, connect, labels
from cloudlayer.errors import AuthError, InvalidSpec, Throttled, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import Accelerator, InstanceState, LoadBalancerSpec, TargetSpec, VolumeState
from cloudlayer.units import GIB
from tests.providers.libcloud.recorded import Recorded

DIGITALOCEAN = {
    "GET /v2/regions": (200, "list_locations.json"),
    "GET /v2/sizes": (200, "list_sizes.json"),
    "GET /v2/images": (200, "list_images.json"),
    "GET /v2/droplets": (200, "list_nodes.json"),
    "POST /v2/droplets": (202, "list_node.json"),
    "DELETE /v2/droplets/3164444": (204, ""),
    "POST /v2/droplets/3164444/actions": (201, "reboot_node.json"),
    "GET /v2/volumes": (200, "list_volumes.json"),
}
LINODE = {
    "GET /v4/regions": (200, "list_locations.json"),
    "GET /v4/linode/types": (200, "list_types.json"),
    "GET /v4/images": (200, "list_images.json"),
    "GET /v4/linode/instances": (200, "list_nodes.json"),
    "POST /v4/linode/instances": (200, "create_node.json"),
    "GET /v4/volumes": (200, "list_volumes.json"),
}
VULTR = {
    "GET /v2/regions": (200, "list_locations.json"),
    "GET /v2/plans": (200, "list_sizes.json"),
    "GET /v2/plans-metal": (200, "ex_list_bare_metal_sizes.json"),
    "GET /v2/os": (200, "list_images.json"),
    "GET /v2/instances": (200, "list_nodes.json"),
    "GET /v2/bare-metals": (200, "ex_list_bare_metal_nodes.json"),
    "GET /v2/blocks": (200, "list_volumes.json"),
}
CLOUDSTACK = {
    "GET listLoadBalancerRules": (200, "listLoadBalancerRules_default.json"),
    "GET listLoadBalancerRuleInstances": (200, "listLoadBalancerRuleInstances_default.json"),
    "GET removeFromLoadBalancerRule": (200, "removeFromLoadBalancerRule_default.json"),
    "GET deleteLoadBalancerRule": (200, "deleteLoadBalancerRule_default.json"),
    "GET disassociateIpAddress": (200, "disassociateIpAddress_default.json"),
    "GET queryAsyncJobResult": (200, "queryAsyncJobResult_17340.json"),
    **{
        f"GET {command}": (200, f'{{"{command.lower()}response": {{}}}}')
        for command in ("listVirtualMachines", "listPublicIpAddresses", "listPortForwardingRules", "listIpForwardingRules")
    },
}
CLOUDS = {
    "digitalocean": ("compute/fixtures/digitalocean_v2", DIGITALOCEAN),
    "linode": ("compute/fixtures/linode_v4", LINODE),
    "vultr": ("compute/fixtures/vultr_v2", VULTR),
    "cloudstack": ("loadbalancer/fixtures/cloudstack", CLOUDSTACK),
}


@pytest.fixture
def recorded():
    """Starts the cloud of a driver; returns it, and the provider that is connected to it."""
    started = []

    def recorded(name, region="", **options):
        cloud = Recorded(*CLOUDS[name])
        started.append(cloud)
        place = {"host": cloud.host, "port": cloud.port, "secure": False}
        return cloud, connect(f"libcloud:{name}{region}", key="hidden-secret", **place, **options)

    yield recorded
    for cloud in started:
        cloud.close()


@pytest.mark.parametrize("name", ["digitalocean", "linode", "vultr"])
def test_a_cloud_in_order_is_found_to_be_so(recorded, name):
    assert recorded(name)[1].check() == []


def test_droplets_are_instances_with_their_size_place_and_addresses(recorded):
    _, cloud = recorded("digitalocean")
    (found,) = cloud.compute.list()
    assert (found.id, found.state, found.machine_type) == ("3164444", InstanceState.RUNNING, "s-1vcpu-1gb")
    assert (found.private_address, found.public_address, found.zone) == ("10.124.0.2", "128.199.13.158", "San Francisco 3")
    assert found.created_at.year == 2020


def test_a_droplet_is_made_with_labels_and_token_as_tags(recorded):
    cloud, provider = recorded("digitalocean")
    token = str(uuid4())
    spec = InstanceSpec(name="one", machine_type="512mb", image="119192817", zone="nyc1", labels={"team": "nlp"})
    spec = spec.model_copy(update={"overrides": {"ex_create_attr": {"ipv6": True}}})
    provider.compute.create(spec, token=token)
    (sent,) = [document for method, _, document in cloud.asked if method == "POST"]
    assert (sent["name"], sent["size"], sent["region"], sent["image"]) == ("one", "512mb", "nyc1", "119192817")
    assert sent["ipv6"] is True
    assert {"team:nlp", f"{labels.TOKEN}:{token.replace('-', '')}"} < set(sent["tags"])


def test_user_data_and_reboots_reach_the_cloud(recorded):
    cloud, provider = recorded("digitalocean")
    spec = InstanceSpec(machine_type="512mb", image="119192817", zone="nyc1", user_data="#!/bin/sh")
    provider.compute.create(spec, token=str(uuid4()))
    provider.compute.reboot("3164444")
    provider.compute.delete(["3164444", "absent"])
    assert cloud.asked[-1][:2] == ("DELETE", "/v2/droplets/3164444")
    assert [
        document.get("user_data") for method, path, document in cloud.asked if (method, path) == ("POST", "/v2/droplets")
    ] == ["#!/bin/sh"]


def test_prices_are_for_an_hour_whatever_the_driver_counts_in(recorded):
    droplets = {offer.machine_type.name: offer.price for offer in recorded("digitalocean")[1].compute.offers()}
    assert str(droplets["512mb"]) == "0.0074 USD/h"
    assert droplets["512mb"].source == "libcloud driver digitalocean"
    vultr = {offer.machine_type.name: offer.price for offer in recorded("vultr")[1].compute.offers()}
    assert vultr["vc2-1c-1gb"].amount == pytest.approx(5 / 730)


def test_linodes_sizes_have_disks_in_mebibytes_and_their_gpus(recorded):
    kinds = {offer.machine_type.name: offer.machine_type for offer in recorded("linode")[1].compute.offers()}
    assert kinds["g6-nanode-1"].disk == 25 * GIB
    assert kinds["g1-gpu-rtx6000-1"].accelerators == (Accelerator("RTX-6000", 24 * GIB),)


def test_lists_of_linodes_are_whole_and_read(recorded):
    found = recorded("linode")[1].compute.list()
    assert [(one.machine_type, one.zone) for one in found[:2]] == [("g6-nanode-1", "eu-west")] * 2


def test_a_linodes_label_that_is_too_long_for_a_tag_is_refused_before_any_call(recorded):
    cloud, provider = recorded("linode")
    spec = InstanceSpec(machine_type="g6-nanode-1", image="linode/debian9", labels={"n" * 30: "v" * 30})
    with pytest.raises(InvalidSpec, match="at most 49"):
        provider.compute.create(spec, token=str(uuid4()))
    assert cloud.asked == []


def test_volumes_tell_where_they_are_attached(recorded):
    first, second = recorded("linode")[1].storage.list()[:2]
    assert (first.state, first.attached_to, first.size) == (VolumeState.ATTACHED, "456353688", 100 * GIB)
    assert first.device
    assert (second.state, second.attached_to, second.device) == (VolumeState.AVAILABLE, None, None)
    assert recorded("digitalocean")[1].storage.list()[0].zone == "nyc1"


def test_a_region_is_a_location_of_the_cloud(recorded):
    _, vultr = recorded("vultr", ":ewr")
    assert vultr.region == "ewr"
    assert {offer.zone for offer in vultr.compute.offers()} == {"ewr"}


def test_labels_at_a_cloud_without_any_are_refused_with_the_reason(recorded):
    cloud, vultr = recorded("vultr", ":ewr")
    with pytest.raises(Unsupported, match="sweep"):
        vultr.compute.create(InstanceSpec(machine_type="vc2-1c-1gb", labels={"a": "b"}), token=str(uuid4()))
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("status", "error", "code"), [(401, AuthError, "unauthorized"), (429, Throttled, "429"), (503, TransientError, "503")]
)
def test_a_clouds_refusal_is_told_by_its_status_and_code(recorded, status, error, code):
    cloud, provider = recorded("digitalocean")
    text = '{"id":"unauthorized","message":"Unable to authenticate you."}' if status == 401 else "{}"
    cloud.routes["GET /v2/droplets"] = (status, text)
    with pytest.raises(error) as caught:
        provider.compute.list(deadline=Deadline.after(3))
    assert (type(caught.value), caught.value.code) == (error, code)
    assert "hidden-secret" not in str(caught.value)


def test_what_throttles_and_then_answers_is_waited_out(recorded):
    cloud, provider = recorded("digitalocean")
    cloud.routes["GET /v2/droplets"] = [(503, "{}"), (200, "list_nodes.json")]
    assert len(provider.compute.list()) == 1
    assert cloud.count("GET /v2/droplets") == 2


def test_balancers_are_read_their_targets_taken_out_and_they_are_deleted(recorded):
    cloud, provider = recorded("cloudstack", secret="another-secret", path="/client/api")
    balancers = provider.load_balancing
    first, second = balancers.list()
    assert (first.id, first.name, first.state, first.address) == ("2253", "test", "active", "1.1.1.49")
    assert [listener.port for listener in second.listeners] == [80]
    targets = balancers.health("2253")
    assert {one.state for one in targets} == {"unknown"}
    balancers.deregister("2253", [TargetSpec(address=targets[0].target)])
    assert cloud.count("GET removeFromLoadBalancerRule") == 1
    balancers.delete("2253")
    balancers.delete("no-such")
    assert cloud.count("GET deleteLoadBalancerRule") == cloud.count("GET disassociateIpAddress") == 1


def test_a_create_that_the_driver_cannot_make_without_more_is_told_and_makes_nothing(recorded):
    cloud, provider = recorded("cloudstack", secret="another-secret", path="/client/api")
    spec = LoadBalancerSpec(name="web", listeners=[{"port": 80, "protocol": "http", "target_port": 80}])
    with pytest.raises(Unsupported, match="speak no http"):
        provider.load_balancing.create(spec, token=str(uuid4()))
    assert cloud.asked == []
