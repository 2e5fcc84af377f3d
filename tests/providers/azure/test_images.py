"""Images by friendly name, by the marketplace's words, and of one's own."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.compute.images import Images
from cloudlayer.providers.azure.compute.machines import Sku
from cloudlayer.resources import Accelerator, MachineType
from cloudlayer.units import GIB

NEWEST = "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:22.04.202405140"


def test_a_friendly_name_leads_to_the_newest_version(compute):
    made = compute.create(InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04"), token=str(uuid4()))
    assert made.image == compute.get(made.id).image == NEWEST


def test_the_architecture_is_that_of_the_size(compute):
    made = compute.create(InstanceSpec(machine_type="Standard_D2ps_v5", image="debian-12"), token=str(uuid4()))
    assert made.image == "Debian:debian-12:12-arm64:0.20240507.1740"


def test_without_a_name_a_size_gets_ubuntu(compute):
    made = compute.create(InstanceSpec(machine_type="Standard_D2s_v5"), token=str(uuid4()))
    assert made.image.startswith("Canonical:ubuntu-24_04-lts:server:")


def test_images_of_a_name_are_the_newest_first_and_of_each_architecture(compute):
    found = compute.images("ubuntu-22.04")
    assert found[0].id == NEWEST
    assert {image.architecture for image in found} == {"x86_64", "arm64"}


def test_the_marketplaces_own_words_lead_to_a_version(compute):
    assert [image.id for image in compute.images(NEWEST)] == [NEWEST]
    latest = "Canonical:0001-com-ubuntu-server-focal:20_04-lts-gen2:latest"
    assert [image.id for image in compute.images(latest)] == [
        "Canonical:0001-com-ubuntu-server-focal:20_04-lts-gen2:20.04.202404290"
    ]
    assert compute.images("Nobody:nothing:none:latest") == []


def test_a_size_of_the_first_generation_gets_an_image_of_it(arm, cloud):
    kind = MachineType("Standard_NC6", cpu=6.0, memory=56 * GIB)
    old = Sku(kind, zones=(), closed=frozenset(), spot=True, first_generation=True)
    found = Images(cloud._client).resolve("ubuntu-22.04", old)
    assert found == "Canonical:0001-com-ubuntu-server-jammy:22_04-lts:22.04.202405140"


def test_drivers_of_nvidia_are_for_its_gpus_alone(arm, cloud):
    def default(model):
        kind = MachineType("any", cpu=4.0, memory=GIB, accelerators=(Accelerator(model, GIB),))
        return Images(cloud._client).resolve(None, Sku(kind, (), frozenset(), spot=True, first_generation=False))

    assert default("T4").startswith("microsoft-dsvm:ubuntu-hpc:2204:")
    assert default("MI300X").startswith("Canonical:ubuntu-24_04-lts:server:")


def test_an_image_of_ones_own_is_known_by_its_name_and_its_id(arm, cloud, compute):
    native = cloud.native("compute")
    disk = {"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 40}}
    source = native.disks.begin_create_or_update("group", "source", disk, api_version="2020-12-01", polling_interval=0).result()
    system = {"osType": "Linux", "osState": "Generalized", "managedDisk": {"id": source.id}}
    body = {"location": "eastus", "properties": {"storageProfile": {"osDisk": system}}}
    made = native.images.begin_create_or_update("group", "mine", body, api_version="2021-03-01", polling_interval=0).result()
    assert [image.id for image in compute.images("mine")] == [image.id for image in compute.images(made.id)] == [made.id]
    instance = compute.create(InstanceSpec(machine_type="Standard_D2s_v5", image="mine"), token=str(uuid4()))
    assert instance.image == made.id


@pytest.mark.parametrize(
    "image", ["no-such-image", "Nobody:nothing:none:latest", "/subscriptions/x/resourceGroups/g/providers/m/images/i"]
)
def test_an_image_that_is_not_there_is_told_with_what_could_be_named(arm, compute, image):
    with pytest.raises(InvalidSpec, match=r"ubuntu-24\.04, ubuntu-22\.04"):
        compute.create(InstanceSpec(machine_type="Standard_D2s_v5", image=image), token=str(uuid4()))
    assert arm.things("virtualMachines") == []
