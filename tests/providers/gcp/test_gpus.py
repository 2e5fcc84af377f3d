"""GPUs: those that are a part of a machine type, and those that are attached to N1."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.gcp.compute.accelerators import Machine, devices, parse_machine
from cloudlayer.resources import InstanceState
from cloudlayer.units import GIB

T4 = "n1-standard-8+nvidia-tesla-t4x1"


def kinds(compute):
    return {offer.machine_type.name: offer.machine_type for offer in compute.offers()}


def only(gce):
    (thing,) = gce.things("instances")
    return thing


def test_a_machine_types_own_gpus_have_models_and_memory(compute):
    found = kinds(compute)
    assert [(one.model, one.memory) for one in found["a2-highgpu-2g"].accelerators] == [("A100", 40 * GIB)] * 2
    assert [(one.model, one.memory) for one in found["g2-standard-4"].accelerators] == [("L4", 24 * GIB)]
    assert found["n1-standard-8"].accelerators == ()


def test_n1_is_on_offer_with_each_number_of_devices_that_it_takes(compute):
    found = {name: len(kind.accelerators) for name, kind in kinds(compute).items() if name.startswith("n1-standard-8+")}
    assert found == {
        **{f"n1-standard-8+nvidia-tesla-t4x{count}": count for count in (1, 2, 4)},
        **{f"n1-standard-8+nvidia-tesla-v100x{count}": count for count in (1, 2, 4, 8)},
    }


def test_devices_are_on_offer_in_the_zones_that_have_them_alone(another):
    zones = {}
    for offer in another(region="europe-west4").compute.offers():
        zones.setdefault(offer.machine_type.name, set()).add(offer.zone)
    assert zones["n1-standard-8"] == {"europe-west4-a", "europe-west4-b"}
    assert zones["n1-standard-8+nvidia-tesla-v100x1"] == {"europe-west4-a"}


def test_a_large_machine_is_not_on_offer_with_fewer_devices_than_it_must_have(another):
    cloud = another(machine_types="n1-standard-32*")
    names = {offer.machine_type.name for offer in cloud.compute.offers()}
    assert "n1-standard-32+nvidia-tesla-v100x4" in names
    assert "n1-standard-32+nvidia-tesla-v100x2" not in names


def test_a_gpu_by_its_model_is_bought_attached_where_no_machine_type_has_it(compute, gce):
    made = compute.create(InstanceSpec(gpu="T4", image="debian-12"), token=str(uuid4()))
    assert made.machine_type == compute.get(made.id).machine_type == T4
    (card,) = only(gce)["guestAccelerators"]
    assert (card["acceleratorType"].rpartition("/")[2], card["acceleratorCount"]) == ("nvidia-tesla-t4", 1)
    assert only(gce)["scheduling"]["onHostMaintenance"] == "TERMINATE"


def test_a_machine_with_gpus_starts_from_an_image_that_puts_the_drivers_in(compute, gce):
    made = compute.create(InstanceSpec(machine_type="g2-standard-4"), token=str(uuid4()))
    assert "deeplearning-platform-release" in made.image
    assert {"key": "install-nvidia-driver", "value": "True"} in only(gce)["metadata"]["items"]
    assert (made.machine_type, made.state) == ("g2-standard-4", InstanceState.RUNNING)


def test_spot_instances_may_have_gpus(compute, gce):
    compute.create(InstanceSpec(machine_type=T4, purchase="spot"), token=str(uuid4()))
    assert only(gce)["scheduling"]["provisioningModel"] == "SPOT"


def test_an_instance_is_resized_to_have_devices_and_back(compute, gce):
    made = compute.create(InstanceSpec(machine_type="e2-medium", image="debian-12"), token=str(uuid4()))
    compute.stop(made.id)
    compute.wait(made.id, "stopped")
    for name in (T4, "n1-standard-8+nvidia-tesla-t4x2", "n1-standard-8+nvidia-tesla-t4x2", "n2-standard-8", T4, "e2-small"):
        compute.resize(made.id, name)
        assert compute.get(made.id).machine_type == name
    assert only(gce)["scheduling"]["onHostMaintenance"] == "MIGRATE"
    assert only(gce).get("guestAccelerators", []) == []


def test_a_device_that_is_not_known_is_told_with_those_that_are():
    with pytest.raises(InvalidSpec, match="nvidia-tesla-t4"):
        parse_machine("n1-standard-8+abacusx1")


@pytest.mark.parametrize("machine", [Machine("n1-standard-8"), Machine("n1-highmem-4", "nvidia-tesla-p100", 2)])
def test_a_machines_name_is_read_as_it_is_written(machine):
    assert parse_machine(str(machine)) == machine


def test_every_known_device_has_a_model_and_memory():
    assert {device.model for device in devices().values()} >= {"T4", "L4", "A100", "A100-80GB", "H100", "H200", "B200"}
    assert all(device.memory >= 8 * GIB for device in devices().values())
