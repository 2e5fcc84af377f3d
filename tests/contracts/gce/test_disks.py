"""Disks, snapshots and images."""

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, boot, disk, instance

DATA, VM = f"{ZONE}/disks/data", f"{ZONE}/instances/vm"


@pytest.fixture
def vm(client):
    client.do("POST", f"{ZONE}/instances", instance())


def test_a_disk_has_the_size_of_its_type_if_none_is_given(client):
    client.do("POST", f"{ZONE}/disks", {"name": "data"})
    made = client.get(DATA)
    assert (made["sizeGb"], made["type"].rpartition("/")[2], made["status"]) == ("500", "pd-standard", "READY")


@pytest.mark.parametrize(
    ("body", "is_good"),
    [
        (disk(size=9), False),
        (disk(size=65537), False),
        (disk(kind="pd-extreme", size=500, provisionedIops="20000"), True),
        (disk(kind="pd-extreme", size=100), False),
        (disk(kind="pd-balanced", provisionedIops="3000"), False),
        (disk(kind="hyperdisk-balanced", size=4), True),
        (disk(kind="hyperdisk-balanced", size=100, provisionedIops="50000", provisionedThroughput="2400"), True),
        (disk(kind="hyperdisk-balanced", size=100, provisionedIops="50001"), False),
        (disk(kind="hyperdisk-balanced", size=100, provisionedIops="2999"), False),
        (disk(kind="hyperdisk-balanced", size=100, provisionedIops="4000", provisionedThroughput="1001"), False),
        (disk(kind="local-ssd", size=375), False),
        (disk(kind="pd-extreme", size=500, provisionedThroughput="200"), False),
        (disk(type="zones/us-central1-b/diskTypes/pd-ssd"), False),
        (disk(sourceImage="projects/debian-cloud/global/images/family/debian-12", size=5), False),
    ],
)
def test_sizes_and_what_is_provisioned_have_bounds(client, body, is_good):
    if is_good:
        client.do("POST", f"{ZONE}/disks", body)
    else:
        assert client.refused("POST", f"{ZONE}/disks", body) == (400, "invalid")


def test_a_disk_grows_and_never_shrinks(client):
    client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{DATA}/resize", {"sizeGb": "30"})
    assert client.get(DATA)["sizeGb"] == "30"
    assert client.refused("POST", f"{DATA}/resize", {"sizeGb": "20"}) == (400, "invalid")


def test_what_is_provisioned_can_change(client):
    client.do("POST", f"{ZONE}/disks", disk(kind="hyperdisk-balanced", size=100))
    client.do("PATCH", DATA, {"name": "data", "provisionedIops": "4000"}, updateMask="provisionedIops")
    assert client.get(DATA)["provisionedIops"] == "4000"
    assert client.refused("PATCH", DATA, {"name": "data", "sizeGb": "200"}) == (400, "invalid")


@pytest.mark.usefixtures("vm")
def test_a_disk_is_attached_and_detached(client):
    client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{VM}/attachDisk", {"source": DATA, "deviceName": "data"})
    assert client.get(DATA)["users"] == [client.get(VM)["selfLink"]]
    assert client.refused("DELETE", DATA) == (400, "resourceInUseByAnotherResource")
    client.do("POST", f"{VM}/detachDisk", deviceName="data")
    assert "users" not in client.get(DATA)
    client.do("DELETE", DATA)


@pytest.mark.usefixtures("vm")
def test_a_disk_is_written_by_one_instance(client):
    client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{ZONE}/instances", instance("other"))
    client.do("POST", f"{VM}/attachDisk", {"source": DATA})
    for name in ("vm", "other"):
        status, reason = client.refused("POST", f"{ZONE}/instances/{name}/attachDisk", {"source": DATA})
        assert (status, reason) == (400, "resourceInUseByAnotherResource")


@pytest.mark.usefixtures("vm")
def test_a_disk_is_read_by_many(client):
    client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{ZONE}/instances", instance("other"))
    for name in ("vm", "other"):
        client.do("POST", f"{ZONE}/instances/{name}/attachDisk", {"source": DATA, "mode": "READ_ONLY"})
    assert len(client.get(DATA)["users"]) == 2


@pytest.mark.usefixtures("vm")
def test_a_disk_of_another_zone_is_not_attached(client):
    zone = "zones/us-central1-b"
    client.do("POST", f"{zone}/disks", disk(type=f"{zone}/diskTypes/pd-ssd"))
    assert client.refused("POST", f"{VM}/attachDisk", {"source": f"{zone}/disks/data"}) == (400, "invalid")


@pytest.mark.usefixtures("vm")
def test_a_device_has_a_name_of_its_own(client):
    client.do("POST", f"{ZONE}/disks", disk())
    assert client.refused("POST", f"{VM}/attachDisk", {"source": DATA, "deviceName": "persistent-disk-0"}) == (400, "invalid")
    assert client.refused("POST", f"{VM}/detachDisk", deviceName="none") == (400, "invalid")
    assert client.refused("POST", f"{VM}/attachDisk", {}) == (400, "required")


@pytest.mark.usefixtures("vm")
def test_the_boot_disk_stays_while_the_instance_runs(client):
    assert client.refused("POST", f"{VM}/detachDisk", deviceName="persistent-disk-0") == (400, "invalid")
    client.do("POST", f"{VM}/stop")
    client.do("POST", f"{VM}/detachDisk", deviceName="persistent-disk-0")


@pytest.mark.parametrize("way", ["disk", "snapshots"])
def test_a_snapshot_outlives_its_disk_and_makes_another(client, gce, way):
    client.do("POST", f"{ZONE}/disks", disk(size=30))
    gce.options.delay = 5
    body = {"name": "snapshot", "labels": {"team": "red"}}
    if way == "disk":
        operation = client.begin("POST", f"{DATA}/createSnapshot", body)
    else:
        operation = client.begin("POST", "global/snapshots", body | {"sourceDisk": DATA})
    assert client.get("global/snapshots/snapshot")["status"] == "CREATING"
    assert client.refused("POST", f"{ZONE}/disks", disk("two", sourceSnapshot="global/snapshots/snapshot"))[0] == 400
    client.end(operation)
    made = client.get("global/snapshots/snapshot")
    assert (made["status"], made["diskSizeGb"], made["labels"]) == ("READY", "30", {"team": "red"})
    client.do("DELETE", DATA)
    assert client.refused("POST", f"{ZONE}/disks", disk("two", sourceSnapshot="global/snapshots/snapshot")) == (400, "invalid")
    client.do("POST", f"{ZONE}/disks", disk("two", size=40, sourceSnapshot="global/snapshots/snapshot"))
    assert client.get(f"{ZONE}/disks/two")["sourceSnapshotId"] == made["id"]
    client.do("DELETE", "global/snapshots/snapshot")


def test_a_snapshot_fails_if_its_disk_goes_meanwhile(client, gce):
    client.do("POST", f"{ZONE}/disks", disk())
    gce.options.delay = 5
    client.begin("DELETE", DATA)
    assert client.refused("POST", f"{DATA}/createSnapshot", {"name": "snapshot"}) == (400, "resourceNotReady")
    assert gce.things("snapshots") == []


def test_an_image_is_made_of_a_disk(client):
    client.do("POST", f"{ZONE}/instances", instance(disks=[boot() | {"autoDelete": False}]))
    body = {"name": "mine", "family": "own", "sourceDisk": f"{ZONE}/disks/vm"}
    assert client.refused("POST", "global/images", body) == (400, "resourceInUseByAnotherResource")
    client.do("DELETE", VM)
    client.do("POST", "global/images", body)
    assert client.get("global/images/family/own")["architecture"] == "X86_64"
    client.do("POST", f"{ZONE}/instances", instance("two", disks=[boot(sourceImage="global/images/family/own")]))
    client.do("POST", "global/images/mine/deprecate", {"state": "DEPRECATED"})
    assert client.refused("GET", "global/images/family/own") == (404, "notFound")
    client.do("DELETE", "global/images/mine")


def test_an_image_has_one_source(client):
    client.do("POST", "global/images", {"name": "raw", "rawDisk": {"source": "https://storage.googleapis.com/b/o.tar.gz"}})
    assert client.get("global/images/raw")["diskSizeGb"] == "10"
    assert client.refused("POST", "global/images", {"name": "none"}) == (400, "invalid")
    client.do("POST", f"{ZONE}/disks", disk(), sourceImage="global/images/raw")
    client.do("POST", f"{DATA}/createSnapshot", {"name": "snapshot"})
    client.do("POST", "global/images", {"name": "again", "sourceSnapshot": "global/snapshots/snapshot"})
    assert client.get("global/images/again")["diskSizeGb"] == "20"
    assert client.refused("POST", "global/snapshots", {"name": "none"}) == (400, "required")


def test_labels_of_disks_and_snapshots_change(client):
    client.do("POST", f"{ZONE}/disks", disk(labels={"a": "b"}))
    client.do("POST", f"{DATA}/createSnapshot", {"name": "snapshot"})
    for path in (DATA, "global/snapshots/snapshot"):
        known = client.get(path)["labelFingerprint"]
        client.do("POST", f"{path}/setLabels", {"labels": {"team": "red"}, "labelFingerprint": known})
        assert client.get(path)["labels"] == {"team": "red"}


def test_a_regional_disk_has_two_zones(client):
    body = {"name": "data", "sizeGb": "200", "type": f"{REGION}/diskTypes/pd-ssd"}
    assert client.refused("POST", f"{REGION}/disks", body) == (400, "invalid")
    zones = [f"projects/proj/zones/us-central1-{letter}" for letter in "ab"]
    client.do("POST", f"{REGION}/disks", body | {"replicaZones": zones})
    client.do("POST", f"{REGION}/disks/data/resize", {"sizeGb": "300"})
    assert client.get(f"{REGION}/disks/data")["sizeGb"] == "300"
