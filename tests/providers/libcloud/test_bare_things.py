"""Volumes, snapshots and balancers of a driver with the base interface alone."""

from uuid import uuid4

import pytest
import requests

from cloudlayer import InstanceSpec
from cloudlayer.errors import Conflict, NotFound, Unsupported
from cloudlayer.resources import LoadBalancerSpec, TargetSpec, VolumeSpec
from cloudlayer.units import GIB

LISTENER = {"port": 80, "protocol": "tcp", "target_port": 80}
VOLUME = VolumeSpec(name="data", size=GIB + 1, zone="here")
BALANCER = LoadBalancerSpec(name="front", listeners=[LISTENER])


@pytest.fixture
def token():
    return str(uuid4())


@pytest.fixture
def instance(provider):
    return provider.compute.create(InstanceSpec(machine_type="s", zone="here"), token=str(uuid4()))


def test_a_volume_is_found_again_by_its_name(bare, connected, token):
    made = connected().storage.create(VOLUME, token=token)
    assert (made.name, made.size, made.zone, made.state) == ("data", 2 * GIB, "here", "available")
    assert connected().storage.create(VOLUME, token=token).id == made.id
    assert len(bare.volumes) == 1
    with pytest.raises(Conflict):
        connected().storage.create(VOLUME.model_copy(update={"size": 9 * GIB}), token=token)


def test_a_volumes_lost_answer_is_looked_for(bare, provider, token):
    bare.fault("create_volume", requests.ConnectionError("reset"), after=True)
    provider.storage.create(VOLUME, token=token)
    assert bare.calls.count("create_volume") == len(bare.volumes) == 1


def test_labels_of_volumes_are_refused_before_any_call(bare, provider, token):
    with pytest.raises(Unsupported, match="volumes and snapshots"):
        provider.storage.create(VOLUME.model_copy(update={"labels": {"a": "b"}}), token=token)
    assert bare.calls == []


def test_a_volume_is_attached_within_its_zone_and_not_deleted_meanwhile(provider, instance, token):
    storage = provider.storage
    made = storage.create(VOLUME, token=token)
    elsewhere = storage.create(VOLUME.model_copy(update={"zone": "there"}), token=str(uuid4()))
    with pytest.raises(Conflict, match="within its zone"):
        storage.attach(elsewhere.id, instance.id)
    storage.attach(made.id, instance.id)
    assert storage.wait(made, "attached").attached_to == instance.id
    storage.attach(made.id, instance.id)
    with pytest.raises(Conflict):
        storage.delete(made.id)
    storage.detach(made.id)
    storage.detach(made.id)
    storage.delete(made.id)
    storage.delete(made.id)
    with pytest.raises(NotFound):
        storage.get(made.id)


def test_a_volume_stays_while_it_has_snapshots_that_would_be_lost_without_it(provider, token):
    storage = provider.storage
    made = storage.create(VOLUME, token=token)
    copy = storage.snapshot(made.id, token=token, name="copy")
    assert storage.snapshot(made.id, token=token, name="copy").id == copy.id
    assert [(one.id, one.name, one.volume) for one in storage.snapshots()] == [(copy.id, "copy", made.id)]
    with pytest.raises(Conflict, match="snapshots"):
        storage.delete(made.id)
    storage.delete_snapshot(copy.id)
    storage.delete_snapshot(copy.id)
    storage.delete(made.id)


def test_a_balancer_is_found_again_by_its_name(bare, connected, token):
    made = connected().load_balancing.create(BALANCER, token=token)
    assert (made.name, made.address, made.state) == ("front", "192.0.2.9", "active")
    assert connected().load_balancing.create(BALANCER, token=token).id == made.id
    assert len(bare.balancers) == 1
    with pytest.raises(Conflict):
        connected().load_balancing.create(BALANCER.model_copy(update={"name": "back"}), token=token)


def test_a_balancers_lost_answer_is_looked_for(bare, provider, token):
    bare.fault("create_balancer", requests.ConnectionError("reset"), after=True)
    provider.load_balancing.create(BALANCER, token=token)
    assert len(bare.balancers) == 1


def test_targets_are_instances_and_addresses(provider, instance, token):
    balancers = provider.load_balancing
    made = balancers.create(BALANCER, token=token)
    targets = [TargetSpec(instance=instance.id), TargetSpec(address="10.0.0.251")]
    for _ in range(2):
        balancers.register(made.id, targets)
    assert [one.target for one in balancers.health(made.id)] == [instance.id, "10.0.0.251"]
    with pytest.raises(NotFound):
        balancers.register(made.id, [TargetSpec(address="10.0.0.252"), TargetSpec(instance="nobody")])
    for _ in range(2):
        balancers.deregister(made.id, targets[:1])
    assert [(one.target, one.state) for one in balancers.health(made.id)] == [("10.0.0.251", "unknown")]


def test_a_deleted_balancer_is_gone(provider, token):
    balancers = provider.load_balancing
    made = balancers.create(BALANCER, token=token)
    for _ in range(2):
        balancers.delete(made.id)
    assert balancers.list() == []
    for call in (balancers.get, balancers.health):
        with pytest.raises(NotFound):
            call(made.id)


@pytest.mark.parametrize(
    "asked",
    [
        {"labels": {"a": "b"}},
        {"listeners": [LISTENER, {**LISTENER, "port": 81, "target_port": 81}]},
        {"listeners": [{**LISTENER, "target_port": 8080}]},
        {"listeners": [{**LISTENER, "protocol": "http"}]},
        {"health_check": {"interval": "5s"}},
        {"public": True},
        {"targets": [{"group": "g"}]},
    ],
)
def test_what_libclouds_balancers_cannot_be_asked_for_is_refused_before_any_call(bare, provider, token, asked):
    with pytest.raises(Unsupported):
        provider.load_balancing.create(LoadBalancerSpec(**{"name": "front", "listeners": [LISTENER], **asked}), token=token)
    assert bare.calls == []
