"""Ill-formed requests are refused for what is wrong with them, and nothing is made."""

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, boot, check, disk, firewall, instance, service, template

WITHOUT_NAME = {name: value for name, value in instance().items() if name != "name"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (instance(statuz="x"), "invalid"),
        (instance(scheduling={"provisioningModel": "CHEAP"}), "invalid"),
        (instance(disks=[boot(diskSizeGb="20GB")]), "invalid"),
        (instance("Bad_Name"), "invalid"),
        (instance(labels={"Team": "red"}), "invalid"),
        (instance(labels={"team": "Red"}), "invalid"),
        (instance(labels={f"key-{number}": "" for number in range(65)}), "invalid"),
        (instance(disks=[boot(labels={"a b": "c"})]), "invalid"),
        (WITHOUT_NAME, "required"),
        (instance(machineType=""), "invalid"),
        ({"name": "vm", "disks": [boot()], "networkInterfaces": [{}]}, "required"),
        (instance(networkInterfaces=[]), "invalid"),
        (instance(disks=[]), "invalid"),
        (instance(disks=[{"boot": True, "initializeParams": {}}]), "invalid"),
        (instance(disks=[boot(diskSizeGb="5")]), "invalid"),
        (instance(disks=[boot() | {"deviceName": "a"}, {"initializeParams": {}, "deviceName": "a"}]), "invalid"),
        (instance(metadata={"items": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}), "invalid"),
        (instance(metadata={"items": [{"key": "a", "value": "x" * 300_000}]}), "invalid"),
        (instance(machine="e2-smallest"), "invalid"),
        (instance(machineType="e2-small"), "invalid"),
        (instance(machineType=f"{ZONE}/diskTypes/pd-ssd"), "invalid"),
        (instance(zone="zones/us-central1-b"), "invalid"),
        (instance(networkInterfaces=[{"network": "global/networks/other"}]), "invalid"),
        (instance(networkInterfaces=[{"subnetwork": "regions/europe-west4/subnetworks/default"}]), "invalid"),
        (instance(networkInterfaces=[{"subnetwork": f"{REGION}/subnetworks/proxies"}]), "invalid"),
        (instance(networkInterfaces=[{"networkIP": "192.168.0.1"}]), "invalid"),
        (instance(networkInterfaces=[{"accessConfigs": [{"natIP": "34.1.2.3"}]}]), "invalid"),
        (instance(networkInterfaces=[{"accessConfigs": [{}, {}]}]), "invalid"),
        (instance(disks=[boot(), {"deviceName": "data"}]), "invalid"),
        (instance(disks=[boot(), {"type": "SCRATCH"}]), "invalid"),
        (instance(scheduling={"provisioningModel": "SPOT", "preemptible": False}), "invalid"),
        (instance(reservationAffinity={"consumeReservationType": "SPECIFIC_RESERVATION"}), "invalid"),
    ],
)
def test_an_insert_is_refused_for_its_fault(client, gce, body, reason):
    assert client.refused("POST", f"{ZONE}/instances", body) == (400, reason)
    assert gce.things("instances") == gce.things("disks") == []
    assert gce.launched == 0


def test_only_faults_of_form_count_as_faults_of_form(client, gce):
    client.refused("POST", f"{ZONE}/instances", instance(machine="e2-smallest"))
    assert gce.faulty == []
    client.refused("POST", f"{ZONE}/instances", instance(statuz="x"))
    assert gce.faulty == ["statuz: unknown field"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{ZONE}/instances", instance(disks=[boot(sourceImage="projects/debian-cloud/global/images/none")])),
        (f"{ZONE}/instances", instance(disks=[boot(sourceImage="projects/debian-cloud/global/images/family/none")])),
        (f"{ZONE}/instances", instance(disks=[boot(), {"source": f"{ZONE}/disks/none"}])),
        (f"{ZONE}/disks", disk(sourceSnapshot="global/snapshots/none")),
        (f"{ZONE}/disks/none/createSnapshot", {"name": "snapshot"}),
        ("global/snapshots", {"name": "snapshot", "sourceDisk": f"{ZONE}/disks/none"}),
        (f"{REGION}/backendServices", service()),
        ("global/urlMaps", {"name": "map", "defaultService": "global/backendServices/none"}),
        (f"{ZONE}/instanceGroupManagers", {"name": "g", "targetSize": 1, "instanceTemplate": "global/instanceTemplates/none"}),
        (f"{ZONE}/autoscalers", {"name": "a", "target": f"{ZONE}/instanceGroupManagers/none"}),
        (f"{ZONE}/instances/none/stop", None),
        (f"{ZONE}/instances?sourceInstanceTemplate=global/instanceTemplates/none", {"name": "vm"}),
    ],
)
def test_what_names_nothing_is_not_found(client, path, body):
    assert client.refused("POST", path, body) == (404, "notFound")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PUT", f"{ZONE}/instances"),
        ("GET", f"{ZONE}/instancez"),
        ("PATCH", f"{ZONE}/instances/vm"),
        ("GET", "zones/US/instances"),
    ],
)
def test_there_is_no_method_for_a_wrong_verb_or_path(client, verb, path):
    assert client.refused(verb, path) == (404, "notFound")


def test_places_and_projects_are_known_ones(client):
    assert client.refused("GET", "zones/us-central1-z/instances") == (400, "invalid")
    assert client.refused("GET", "regions/mars-north1/addresses") == (400, "invalid")
    assert client.refused("GET", f"{ZONE}/instances", project="other") == (404, "notFound")
    assert client.refused("GET", f"{ZONE}/instances", project="debian-cloud") == (403, "forbidden")


@pytest.mark.parametrize("query", [{"requestID": "1"}, {"maxResults": "many"}, {"maxResults": "501"}, {"pageToken": "?"}])
def test_a_query_is_refused_for_its_fault(client, query):
    assert client.refused("GET", f"{ZONE}/instances", **query) == (400, "invalid")


def test_a_query_parameter_that_is_required_is_missed(client):
    client.do("POST", f"{ZONE}/instances", instance())
    assert client.refused("POST", f"{ZONE}/instances/vm/detachDisk") == (400, "required")


def test_calls_without_credentials_are_refused(client):
    client._session.headers.pop("Authorization")
    assert client.refused("GET", f"{ZONE}/instances") == (401, "authError")


def test_a_name_is_used_once(client):
    client.do("POST", f"{ZONE}/disks", disk())
    assert client.refused("POST", f"{ZONE}/disks", disk()) == (409, "alreadyExists")
    client.do("POST", "zones/us-central1-b/disks", disk(type="zones/us-central1-b/diskTypes/pd-ssd"))


def test_a_disk_of_an_instance_needs_a_free_name(client, gce):
    twins = [boot(diskName="vm"), {"initializeParams": {"diskName": "vm"}}]
    assert client.refused("POST", f"{ZONE}/instances", instance("vm", disks=twins)) == (409, "alreadyExists")
    client.do("POST", f"{ZONE}/disks", disk("vm"))
    assert client.refused("POST", f"{ZONE}/instances", instance("vm")) == (409, "alreadyExists")
    assert gce.things("instances") == []


@pytest.mark.parametrize("reference", ["https://www.googleapis.com/compute/v1/projects/proj/", "projects/proj/", ""])
def test_references_are_full_or_partial_urls(client, reference):
    body = instance(machineType=f"{reference}{ZONE}/machineTypes/e2-small")
    client.do("POST", f"{ZONE}/instances", body)
    told = client.get(f"{ZONE}/instances/vm")["machineType"]
    assert told == "https://www.googleapis.com/compute/v1/projects/proj/zones/us-central1-a/machineTypes/e2-small"


def test_what_is_in_use_is_not_deleted(client):
    client.do("POST", f"{ZONE}/instances", instance())
    client.do("POST", f"{REGION}/healthChecks", check())
    client.do("POST", f"{REGION}/backendServices", service())
    client.do("POST", "global/instanceTemplates", template())
    body = {"name": "g", "targetSize": 0, "instanceTemplate": "global/instanceTemplates/template"}
    client.do("POST", f"{ZONE}/instanceGroupManagers", body)
    client.do("POST", "global/networks", {"name": "other"})
    client.do("POST", "global/firewalls", firewall(network="global/networks/other"))
    for path in (
        f"{ZONE}/disks/vm",
        f"{REGION}/subnetworks/default",
        f"{REGION}/healthChecks/check",
        "global/instanceTemplates/template",
        f"{ZONE}/instanceGroups/g",
        "global/networks/other",
        "global/networks/default",
    ):
        assert client.refused("DELETE", path) == (400, "resourceInUseByAnotherResource")


def test_what_the_fake_does_not_serve_is_said_to_be_so(client):
    assert client.refused("GET", "global/routes") == (501, "notImplemented")
