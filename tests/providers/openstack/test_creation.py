"""What a create leaves at Nova, Neutron and Cinder, and what a delete leaves of it."""

import time
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import (
    CapacityError,
    Conflict,
    InvalidSpec,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    TransientError,
)
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.compute.launches import plan_launches, request
from cloudlayer.resources import Instance
from cloudlayer.units import GIB

pytestmark = pytest.mark.openstack

OPEN = [{"port": 443, "source": "192.0.2.0/24"}, {"port": 443, "source": "192.0.2.0/24"}, {"port": 53, "source": "::/0"}]


@pytest.fixture
def run(cloud, faults):
    label = {"test-run": uuid4().hex}
    yield label
    faults.clear()
    cloud.compute.delete([instance.id for instance in cloud.compute.list(label)])
    for leftover in cloud.leftovers(label):
        cloud.delete_leftover(leftover)


@pytest.fixture
def spec(small, run):
    return small.model_copy(update={"labels": run})


def also(spec, **fields):
    return InstanceSpec.model_validate({**spec.model_dump(), **fields})


def eventually(holds, seconds=30.0):
    """Look again and again whether it holds, for so long at the most."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.3)


def ended(compute, *instances):
    compute.delete([instance.id for instance in instances])
    for instance in instances:
        compute.wait(instance, "deleted", timeout=60)


def test_a_whole_spec_leaves_labelled_pieces_that_go_with_the_instance(compute, spec, run, faults):
    whole = also(spec, open_ports=OPEN, public_address=True, disks=[{"size": GIB}, {"size": 2 * GIB, "boot": True}])
    made = compute.wait(compute.create(whole, token=str(uuid4())), "running", timeout=60)
    assert faults.holdings(run) == {"server": 1, "security group": 1, "floating ip": 1, "volume": 2}
    assert made.public_address and made.private_address
    ended(compute, made)
    assert faults.holdings(run) == {}


def test_the_firewall_is_open_where_asked_and_once(real, compute, spec, run):
    made = compute.create(also(spec, open_ports=OPEN), token=str(uuid4()))
    (name,) = (word for word in made.labels["cloudlayer-pieces"].split() if word.startswith("cloudlayer-group-"))
    (group,) = real.direct.network.security_groups(name=name)
    rules = [rule for rule in group.security_group_rules if rule["direction"] == "ingress"]
    found = {(rule["ethertype"], rule["protocol"], rule["port_range_min"], rule["remote_ip_prefix"]) for rule in rules}
    assert found == {("IPv4", "tcp", 443, "192.0.2.0/24"), ("IPv6", "tcp", 53, "::/0")}
    assert len(rules) == 2


def test_a_shared_firewall_stays_until_its_last_instance_goes(compute, spec, run, faults):
    opened = also(spec, open_ports=OPEN)
    first, second = compute.create_batch([opened, opened], token=str(uuid4()))
    assert faults.holdings(run) == {"server": 2, "security group": 1}
    compute.delete([first.id])
    compute.wait(first, "deleted", timeout=60)
    assert compute.wait(second, "running", timeout=60)
    assert faults.holdings(run) == {"server": 1, "security group": 1}
    ended(compute, second)
    assert faults.holdings(run) == {}


def test_labels_too_long_for_a_description_are_on_the_pieces_all_the_same(compute, spec, run, faults):
    many = {**run, **{f"label-{number}": "v" * 60 for number in range(9)}}
    made = compute.create(also(spec, labels=many, open_ports=OPEN), token=str(uuid4()))
    assert faults.holdings(many) == {"server": 1, "security group": 1}
    ended(compute, made)
    assert faults.holdings(many) == {}


def test_of_two_servers_for_one_place_the_older_stays(real, compute, spec, run):
    token = str(uuid4())
    first = compute.wait(compute.create(spec, token=token), "running", timeout=60)
    (launch,) = plan_launches([spec], token)
    body = request(launch, _parts(real, first), time.time())
    second = real.direct.compute.post("/servers", json=body, microversion="2.90").json()["server"]["id"]
    assert compute.create(spec, token=token).id == first.id
    compute.wait(second, "deleted", timeout=60)
    assert [instance.id for instance in compute.list(run) if not instance.state.gone] == [first.id]


def test_a_create_that_is_broken_off_is_completed_by_the_same_create(compute, spec, run, faults):
    whole, token = also(spec, open_ports=OPEN, public_address=True, disks=[{"size": GIB}]), str(uuid4())
    for after in (3, 6, 8, 10, 13):
        faults.break_off(after)
        with pytest.raises(TransientError):
            compute.create(whole, token=token, deadline=Deadline.after(3))
        faults.clear()
    made = compute.wait(compute.create(whole, token=token), "running", timeout=60)
    assert faults.holdings(run) == {"server": 1, "security group": 1, "floating ip": 1, "volume": 1}
    assert compute.get(made.id).public_address


def test_pieces_of_a_create_that_is_given_up_are_told_and_deleted(cloud, compute, spec, run, faults):
    faults.break_off(after=9)
    with pytest.raises(TransientError):
        compute.create(also(spec, open_ports=OPEN, disks=[{"size": GIB}]), token=str(uuid4()), deadline=Deadline.after(4))
    faults.clear()
    held = faults.holdings(run)
    assert held
    found = cloud.leftovers(run)
    assert len(found) == sum(held.values())
    for leftover in found:
        cloud.delete_leftover(leftover)
    assert faults.holdings(run) == {}


def test_a_lack_of_room_leaves_nothing(compute, spec, run, faults):
    faults.lack_capacity()
    whole = also(spec, open_ports=OPEN, disks=[{"size": GIB}])
    with pytest.raises(CapacityError) as caught:
        compute.create(whole, token=str(uuid4()))
    assert (caught.value.avoid.machine_type, caught.value.avoid.region) == ("m1.tiny", "RegionOne")
    assert faults.holdings(run) == {}


def test_a_quota_of_addresses_takes_the_instance_back(real, compute, spec, run, faults):
    document = {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['floatingip'].", "detail": ""}}
    real.proxy.fault(service="network", method="POST", path="*/floatingips", status=409, document=document)
    whole, token = also(spec, open_ports=OPEN, public_address=True, disks=[{"size": GIB}]), str(uuid4())
    with pytest.raises(QuotaError) as caught:
        compute.create(whole, token=token)
    assert caught.value.name == "floatingip"
    eventually(lambda: faults.holdings(run) == {})
    faults.clear()
    assert compute.wait(compute.create(whole, token=token), "running", timeout=60).public_address


def test_a_missing_role_leaves_no_pieces(compute, spec, run, faults):
    faults.deny()
    with pytest.raises(PermissionDenied):
        compute.create(also(spec, open_ports=OPEN, disks=[{"size": GIB}]), token=str(uuid4()))
    assert faults.holdings(run) == {}


def test_a_refused_server_leaves_none_of_its_pieces(compute, spec, run, faults):
    wrong = also(spec, open_ports=OPEN, disks=[{"size": GIB}], overrides={"key_name": "no-such-key"})
    with pytest.raises(RejectedSpec):
        compute.create(wrong, token=str(uuid4()))
    assert faults.holdings(run) == {}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"image": "no-such-image"}, "image"),
        ({"machine_type": "no-such-flavor"}, "machine_type"),
        ({"architecture": "arm64"}, "architecture"),
        ({"overrides": {"network": "no-such-network"}}, "network"),
        ({"overrides": {"security_groups": ["no-such-group"]}}, "security group"),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_made(compute, spec, run, faults, fields, place):
    opened = also(spec, open_ports=OPEN)
    with pytest.raises(InvalidSpec, match=place):
        compute.create_batch([opened, also(opened, **fields)], token=str(uuid4()))
    assert faults.holdings(run) == {}


def test_a_zone_that_is_not_there_is_a_fault_of_the_spec(compute, spec, run, faults):
    with pytest.raises(RejectedSpec):
        compute.create(also(spec, zone="no-such-zone"), token=str(uuid4()))
    assert faults.holdings(run) == {}


def test_a_network_and_a_group_are_found_by_name(real, compute, spec):
    wanted = also(spec, overrides={"network": "private", "security_groups": ["default"], "config_drive": True})
    made = compute.wait(compute.create(wanted, token=str(uuid4())), "running", timeout=60)
    assert made.private_address.startswith("10.0.0.")
    found = real.direct.compute.get_server(made.id)
    assert [group["name"] for group in found.security_groups] == ["default"]
    assert found.has_config_drive


def test_a_running_instance_is_not_resized(compute, spec):
    made = compute.wait(compute.create(spec, token=str(uuid4())), "running", timeout=60)
    with pytest.raises(Conflict, match="stop"):
        compute.resize(made.id, "m1.small")


def test_a_token_stays_used_when_its_deletion_began_during_the_build(compute, spec, run):
    token = str(uuid4())
    compute.delete([compute.create(spec, token=token).id])
    for _ in range(3):
        with pytest.raises(Conflict):
            compute.create(spec, token=token)
    assert [instance for instance in compute.list(run) if not instance.state.gone] == []


def test_slow_answers_make_nothing_twice(real, compute, spec, run):
    real.proxy.fault(service="compute", method="POST", path="*/servers", latency=2.0, times=1)
    token = str(uuid4())
    with pytest.raises(TransientError):
        compute.create(spec, token=token, deadline=Deadline.after(0.7))
    adopted = compute.create(spec, token=token)
    compute.wait(adopted, "running", timeout=60)
    assert compute.create(spec, token=token).id == adopted.id
    assert len([instance for instance in compute.list(run) if not instance.state.gone]) == 1
    assert adopted.labels[labels.TOKEN] == token


def _parts(real, instance: Instance):
    from cloudlayer.providers.openstack.compute.launches import Parts

    flavor = real.direct.compute.find_flavor(instance.machine_type).id
    return Parts(flavor, instance.image, real.direct.network.find_network("private").id)
