"""Images: friendly names lead to families of public projects, paths lead where they say, other names to one's own."""

from uuid import uuid4

import pytest
from google.cloud import compute_v1

from cloudlayer import InstanceSpec
from cloudlayer.errors import InvalidSpec, RejectedSpec
from cloudlayer.providers.gcp.compute.images import SOURCES
from tests.conformance.gcp.holdings import sdk

FAMILY = "projects/debian-cloud/global/images/family/debian-12"


@pytest.fixture
def own(gce):
    """An image of the project's own, made of a disk."""
    disk = compute_v1.Disk({"name": "golden", "size_gb": 10})
    sdk(gce, compute_v1.DisksClient).insert_unary(project="proj", zone="us-central1-a", disk_resource=disk)
    image = compute_v1.Image({"name": "golden", "source_disk": "zones/us-central1-a/disks/golden"})
    sdk(gce, compute_v1.ImagesClient).insert_unary(project="proj", image_resource=image)
    return "projects/proj/global/images/golden"


def source(gce):
    (thing,) = [disk for disk in gce.things("disks") if disk["name"] != "golden"]
    return thing["sourceImage"]


def create(compute, **fields):
    return compute.create(InstanceSpec.model_validate({"machine_type": "e2-small", **fields}), token=str(uuid4()))


@pytest.mark.parametrize(
    ("image", "start"),
    [
        ("debian-12", "debian-12-bookworm-v"),
        ("ubuntu-22.04", "ubuntu-2204-jammy-v20261015"),
        (None, "ubuntu-2404-noble-amd64"),
        (FAMILY, "debian-12-bookworm-v"),
        ("https://www.googleapis.com/compute/v1/projects/cos-cloud/global/images/family/cos-stable", "cos-stable-121"),
        ("projects/ubuntu-os-cloud/global/images/ubuntu-2204-jammy-v20260901", "ubuntu-2204-jammy-v20260901"),
    ],
)
def test_a_name_or_path_leads_to_its_newest_image(compute, gce, image, start):
    create(compute, image=image)
    assert source(gce).rpartition("/")[2].startswith(start)


def test_the_image_is_one_for_the_machines_architecture(compute, gce):
    create(compute, machine_type="t2a-standard-1", image="ubuntu-22.04")
    assert "arm64" in source(gce)


def test_an_image_that_there_is_not_for_the_architecture_is_told(compute):
    with pytest.raises(InvalidSpec, match=r'no "ubuntu-22\.04-gpu" for arm64'):
        create(compute, machine_type="t2a-standard-1", image="ubuntu-22.04-gpu")


def test_ones_own_image_is_found_by_its_name(compute, gce, own):
    made = create(compute, image="golden")
    assert made.image == own
    assert source(gce).endswith("/projects/proj/global/images/golden")
    assert [image.id for image in compute.images("golden")] == [own]


@pytest.mark.parametrize("name", ["no-such-image", "No/such", "ubuntu"])
def test_an_unknown_name_is_told_with_those_that_are_known(compute, gce, name):
    with pytest.raises(InvalidSpec, match=r"use one of ubuntu-24\.04"):
        create(compute, image=name)
    assert gce.things("instances") == []
    assert compute.images(name) == []


def test_a_path_that_leads_nowhere_is_refused_by_the_cloud_as_a_fault_of_the_spec(compute):
    with pytest.raises(RejectedSpec) as caught:
        create(compute, image="projects/debian-cloud/global/images/debian-1")
    assert caught.value.code == "notFound"


def test_images_are_told_newest_first_and_without_the_outdated(compute):
    found = compute.images("ubuntu-22.04")
    assert [image.name for image in found if image.architecture == "x86_64"] == ["ubuntu-2204-jammy-v20261015"]
    dates = [image.created_at for image in found]
    assert dates == sorted(dates, reverse=True)


def test_every_friendly_name_leads_somewhere(compute):
    assert len(compute.images()) >= len(SOURCES) - 1
    assert {image.architecture for image in compute.images()} == {"x86_64", "arm64"}
    assert [image.id for image in compute.images(FAMILY)] == [image.id for image in compute.images("debian-12")][:1]
