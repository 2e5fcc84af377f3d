"""Lists: pages, filters and the order of things."""

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, disk, instance

OTHER = "zones/europe-west4-a"


@pytest.fixture
def disks(client):
    """Three disks here, and one in another region."""
    client.do("POST", f"{ZONE}/disks", disk("b", labels={"team": "red", "size": "big"}))
    client.do("POST", f"{ZONE}/disks", disk("a", labels={"team": "blue"}, size=30))
    client.do("POST", f"{ZONE}/disks", disk("c", labels={"team": "red"}))
    client.do("POST", f"{OTHER}/disks", disk("b", type=f"{OTHER}/diskTypes/pd-ssd", labels={"team": "red"}))


def names(client, path, **query):
    """The names on all pages, and how many pages there were."""
    found, pages, token = [], 0, {}
    while pages == 0 or token:
        page = client.get(path, **query, **token)
        items = page.get("items", [])
        groups = [one.get("disks", []) for one in items.values()] if isinstance(items, dict) else [items]
        found += [one["name"] for group in groups for one in group]
        token = {"pageToken": page["nextPageToken"]} if "nextPageToken" in page else {}
        pages += 1
    return found, pages


@pytest.mark.usefixtures("disks")
@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("labels.team = red", ["b", "c"]),
        ("labels.team=red", ["b", "c"]),
        ("labels.team:red", ["b", "c"]),
        ("labels.team:*", ["a", "b", "c"]),
        ("labels.size:*", ["b"]),
        ("labels.team != red", ["a"]),
        ("NOT labels.team = red", ["a"]),
        ("labels.team = red AND labels.size = big", ["b"]),
        ("labels.team = red labels.size = big", ["b"]),
        ("(labels.team = red) (labels.size = big)", ["b"]),
        ("labels.size = big OR name = a", ["a", "b"]),
        ("(labels.team = blue OR labels.size = big) AND status = READY", ["a", "b"]),
        ('name = "a"', ["a"]),
        ("name eq a", ["a"]),
        ("name eq '[ab]'", ["a", "b"]),
        ("(name ne a)", ["b", "c"]),
        ("sizeGb > 20", ["a"]),
        ("sizeGb <= 20", ["b", "c"]),
        ("zone:us-central1-a", ["a", "b", "c"]),
        ("", ["a", "b", "c"]),
    ],
)
def test_a_filter_keeps_what_it_says(client, expression, found):
    assert names(client, f"{ZONE}/disks", filter=expression) == (found, 1)


@pytest.mark.parametrize(
    "expression",
    [
        "labels.team",
        "labels.team =",
        "= red",
        "(name = a",
        "name = a)",
        "name ~ a",
        "nome = a",
        "name = a AND",
        "name = a*",
        "name eq [",
        "name eq a zone eq b",
        "name = 'a",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_and_never_ignored(client, expression):
    assert client.refused("GET", f"{ZONE}/disks", filter=expression) == (400, "invalid")


@pytest.mark.usefixtures("disks")
def test_pages_are_as_large_as_asked_for(client):
    assert names(client, f"{ZONE}/disks", maxResults=2) == (["a", "b", "c"], 2)
    assert names(client, f"{ZONE}/disks", maxResults=3) == (["a", "b", "c"], 1)


@pytest.mark.usefixtures("disks")
def test_pages_of_one_hold_everything_once(client, gce):
    gce.options.page = 1
    assert names(client, f"{ZONE}/disks") == (["a", "b", "c"], 3)
    assert names(client, f"{ZONE}/disks", filter="labels.team = red") == (["b", "c"], 2)
    found, pages = names(client, "aggregated/disks")
    assert (sorted(found), pages) == (["a", "b", "b", "c"], 4)


@pytest.mark.usefixtures("disks")
def test_a_page_goes_on_where_the_last_one_ended_though_things_go(client, gce):
    gce.options.page = 1
    token = client.get(f"{ZONE}/disks")["nextPageToken"]
    client.do("DELETE", f"{ZONE}/disks/a")
    assert [one["name"] for one in client.get(f"{ZONE}/disks", pageToken=token)["items"]] == ["b"]


@pytest.mark.usefixtures("disks")
def test_an_aggregated_list_warns_of_what_cannot_be_reached(client, gce):
    gce.options.unreachable = {OTHER}
    items = client.get("aggregated/disks")["items"]
    assert [one["name"] for one in items[ZONE]["disks"]] == ["a", "b", "c"]
    assert "disks" not in items[OTHER]
    assert items[OTHER]["warning"]["code"] == "UNREACHABLE"


@pytest.mark.usefixtures("disks")
def test_an_aggregated_list_tells_every_scope(client):
    items = client.get("aggregated/disks", filter="labels.team = red")["items"]
    assert [one["name"] for one in items[ZONE]["disks"]] == ["b", "c"]
    assert [one["name"] for one in items[OTHER]["disks"]] == ["b"]
    assert items["zones/us-central1-b"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    assert items[REGION]["warning"]["code"] == "NO_RESULTS_ON_PAGE"


def test_lists_can_begin_with_the_youngest(client, clock):
    for name in ("a", "c", "b"):
        client.do("POST", f"{ZONE}/disks", disk(name))
        clock.move(1)
    assert names(client, f"{ZONE}/disks", orderBy="creationTimestamp desc", maxResults=1) == (["b", "c", "a"], 3)
    assert client.refused("GET", f"{ZONE}/disks", orderBy="sizeGb") == (400, "invalid")


def test_an_empty_list_has_no_items(client):
    assert "items" not in client.get(f"{ZONE}/instances")


def test_nested_fields_are_filtered_by(client):
    client.do("POST", f"{ZONE}/instances", instance("one"))
    client.do("POST", f"{ZONE}/instances", instance("two", scheduling={"provisioningModel": "SPOT"}))
    (found,) = client.get(f"{ZONE}/instances", filter="scheduling.preemptible = true")["items"]
    assert found["name"] == "two"


def test_what_is_there_from_the_start(client):
    assert [one["name"] for one in client.get("zones")["items"]][-1] == "us-central1-f"
    assert [one["name"] for one in client.get("regions", filter="name = us-central1")["items"]] == ["us-central1"]
    machine = client.get(f"{ZONE}/machineTypes/g2-standard-24")
    assert machine["accelerators"] == [{"guestAcceleratorType": "nvidia-l4", "guestAcceleratorCount": 2}]
    assert (machine["guestCpus"], machine["memoryMb"], machine["architecture"]) == (24, 96 * 1024, "X86_64")
    assert client.get(f"{ZONE}/machineTypes/t2a-standard-1")["architecture"] == "ARM64"
    assert client.get(f"{ZONE}/machineTypes/n2-custom-6-10240")["guestCpus"] == 6
    assert client.refused("GET", "zones/us-central1-c/machineTypes/t2a-standard-1") == (404, "notFound")
    assert client.get(f"{ZONE}/acceleratorTypes/nvidia-tesla-t4")["maximumCardsPerInstance"] == 4
    assert client.get(f"{ZONE}/diskTypes/pd-ssd")["validDiskSize"] == "10GB-65536GB"
    assert client.get(f"{REGION}/diskTypes/pd-ssd")["region"].endswith(REGION)
    assert client.get("")["quotas"]


def test_a_family_is_its_youngest_image_that_is_not_deprecated(client):
    image = client.get("global/images/family/ubuntu-2204-lts", project="ubuntu-os-cloud")
    assert image["name"] == "ubuntu-2204-jammy-v20261015"
    listed = client.get("global/images", project="ubuntu-os-cloud", filter="family = ubuntu-2204-lts")["items"]
    assert len(listed) == 2


def test_a_thing_is_found_by_its_number_too(client):
    client.do("POST", f"{ZONE}/disks", disk())
    number = client.get(f"{ZONE}/disks/data")["id"]
    assert client.get(f"{ZONE}/disks/{number}")["name"] == "data"
