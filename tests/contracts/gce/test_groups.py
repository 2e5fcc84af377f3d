"""Managed instance groups: they make and delete real instances, repair them, and tell what fails."""

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, check, group, template

MANAGER = f"{ZONE}/instanceGroupManagers/group"


@pytest.fixture(autouse=True)
def template_to_use(client):
    client.do("POST", "global/instanceTemplates", template(labels={"team": "red"}))


def make(client, scope=ZONE, **fields):
    client.do("POST", f"{scope}/instanceGroupManagers", group(**fields))


def managed(client, path=MANAGER):
    """The members, as the group tells them."""
    return client.ask("POST", f"{path}/listManagedInstances").json()["managedInstances"]


def running(client):
    return sorted(one["name"] for one in client.get(f"{ZONE}/instances").get("items", []) if one["status"] == "RUNNING")


def test_a_group_makes_instances_of_its_template(client, gce):
    make(client, size=3)
    names = [one["name"] for one in managed(client)]
    assert running(client) == sorted(names)
    assert all(name.startswith("group-") for name in names)
    (one, *_) = gce.things("instances")
    items = {item["key"]: item["value"] for item in one["metadata"]["items"]}
    assert (one["labels"], items["created-by"]) == ({"team": "red"}, f"projects/proj/{MANAGER}")
    told = client.get(MANAGER)
    assert (told["status"]["isStable"], told["currentActions"]["none"]) == (True, 3)
    assert client.get(f"{ZONE}/instanceGroups/group")["size"] == gce.launched == 3


def test_its_operation_is_over_before_its_instances_run(client, gce, clock):
    gce.options.delay = 5
    make(client)
    told = client.get(MANAGER)
    assert (told["status"]["isStable"], told["currentActions"]["creating"]) == (False, 2)
    assert {one["instanceStatus"] for one in managed(client)} == {"PROVISIONING"}
    clock.move(5)
    assert client.get(MANAGER)["status"]["isStable"] is True


def test_a_group_grows_and_shrinks(client, gce, clock):
    gce.options.delay = 5
    make(client)
    clock.move(5)
    before = set(running(client))
    client.do("POST", f"{MANAGER}/resize", size=3)
    client.do("POST", f"{MANAGER}/resize", size=1)
    clock.move(20)
    assert set(running(client)) < before
    assert client.get(MANAGER)["targetSize"] == 1
    client.do("PATCH", MANAGER, {"targetSize": 2})
    clock.move(5)
    assert len(running(client)) == 2
    assert client.refused("POST", f"{MANAGER}/resize", size=-1) == (400, "invalid")


def test_a_regional_group_spreads_over_its_zones(client, gce):
    make(client, REGION, size=4)
    zones = sorted(one["zone"].rpartition("/")[2] for one in gce.things("instances"))
    assert zones == ["us-central1-a", "us-central1-a", "us-central1-b", "us-central1-c"]
    told = client.get(f"{REGION}/instanceGroupManagers/group")
    assert len(told["distributionPolicy"]["zones"]) == 3
    client.do("POST", f"{REGION}/instanceGroupManagers/group/resize", size=3)
    assert len({one["zone"] for one in gce.things("instances")}) == 3


def test_a_regional_group_stays_in_the_zones_it_is_given(client, gce):
    zones = [{"zone": f"projects/proj/zones/us-central1-{letter}"} for letter in "cf"]
    make(client, REGION, size=2, distributionPolicy={"zones": zones})
    assert {one["zone"][-1] for one in gce.things("instances")} == {"c", "f"}
    strange = {"zones": [{"zone": "projects/proj/zones/europe-west4-a"}]}
    assert client.refused("POST", f"{REGION}/instanceGroupManagers", group("b", distributionPolicy=strange))[0] == 400


def test_a_regional_template_serves_groups_of_its_region(client):
    client.do("POST", f"{REGION}/instanceTemplates", template("near"))
    make(client, source=f"{REGION}/instanceTemplates/near")
    body = group("far", source=f"{REGION}/instanceTemplates/near")
    assert client.refused("POST", "zones/europe-west4-a/instanceGroupManagers", body) == (400, "invalid")
    assert client.get("aggregated/instanceTemplates")["items"][REGION]["instanceTemplates"][0]["name"] == "near"


@pytest.mark.parametrize(
    "fields",
    [
        {"size": -1},
        {"size": 1001},
        {"versions": [{"instanceTemplate": "global/instanceTemplates/template", "targetSize": {"fixed": 1}}]},
        {"updatePolicy": {"maxSurge": {"fixed": 0}, "maxUnavailable": {"fixed": 0}}},
        {"updatePolicy": {"maxSurge": {"fixed": 1, "percent": 10}}},
        {"updatePolicy": {"replacementMethod": "RECREATE"}},
        {"updatePolicy": {"maxSurge": {"fixed": -1}}},
        {"autoHealingPolicies": [{"initialDelaySec": 1}, {"initialDelaySec": 2}]},
    ],
)
def test_a_group_is_refused_for_its_fault(client, fields):
    assert client.refused("POST", f"{ZONE}/instanceGroupManagers", group(**fields)) == (400, "invalid")


def test_groups_are_listed_as_they_are_told(client):
    make(client)
    make(client, REGION, name="wide")
    told = client.get(MANAGER)
    assert client.get(f"{ZONE}/instanceGroupManagers")["items"] == [told]
    items = client.get("aggregated/instanceGroupManagers")["items"]
    assert items[ZONE]["instanceGroupManagers"] == [told]
    assert [one["name"] for one in items[REGION]["instanceGroupManagers"]] == ["wide"]
    groups = client.get("aggregated/instanceGroups")["items"]
    assert [len(groups[scope]["instanceGroups"]) for scope in (ZONE, REGION)] == [1, 1]
    assert client.refused("POST", f"{ZONE}/instanceGroupManagers", group()) == (409, "alreadyExists")


def test_the_zones_of_a_group_do_not_change(client):
    make(client, REGION)
    path = f"{REGION}/instanceGroupManagers/group"
    change = {"distributionPolicy": {"zones": [{"zone": "projects/proj/zones/us-central1-f"}]}}
    assert client.refused("PATCH", path, change) == (400, "invalid")


def test_a_regional_policy_counts_in_zones(client):
    body = group(updatePolicy={"maxSurge": {"fixed": 1}})
    assert client.refused("POST", f"{REGION}/instanceGroupManagers", body) == (400, "invalid")


@pytest.mark.parametrize(
    "change",
    [
        {"machineType": f"{ZONE}/machineTypes/e2-small"},
        {"networkInterfaces": []},
        {"disks": [{"boot": True, "initializeParams": {"diskType": f"{ZONE}/diskTypes/pd-ssd"}}]},
        {"labels": {"Team": "red"}},
    ],
)
def test_a_template_is_refused_for_its_fault(client, change):
    assert client.refused("POST", "global/instanceTemplates", template("bad", **change)) == (400, "invalid")


def test_without_room_a_group_tells_so_and_tries_again(client, gce, clock):
    gce.options.room = 1
    make(client)
    (stuck,) = [one for one in managed(client) if "id" not in one]
    assert stuck["currentAction"] == "CREATING"
    assert stuck["lastAttempt"]["errors"]["errors"][0]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    (error,) = client.get(f"{MANAGER}/listErrors")["items"]
    assert error["error"]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    assert error["instanceActionDetails"]["instance"] == stuck["instance"]
    assert client.get(MANAGER)["status"]["isStable"] is False
    gce.options.room = None
    clock.move(11)
    assert client.get(MANAGER)["status"]["isStable"] is True
    assert "lastAttempt" not in managed(client)[1]


def test_members_that_fail_are_told_and_tried_again(client, gce, clock):
    gce.options.delay, gce.options.failing = 2, "INTERNAL_ERROR"
    make(client, size=1)
    clock.move(2)
    (member,) = managed(client)
    assert (member["currentAction"], member["lastAttempt"]["errors"]["errors"][0]["code"]) == ("CREATING", "INTERNAL_ERROR")
    gce.options.failing = ""
    clock.move(13)
    assert managed(client)[0]["currentAction"] == "NONE"
    assert gce.launched == 2


def test_a_quota_stops_a_group(client, gce):
    gce.options.quotas["CPUS"] = 3.0
    make(client)
    assert [one["error"]["code"] for one in client.get(f"{MANAGER}/listErrors")["items"]] == ["QUOTA_EXCEEDED"]


def test_members_are_deleted_abandoned_and_made_again(client, gce):
    make(client, size=3)
    first, second, third = managed(client)
    client.do("POST", f"{MANAGER}/deleteInstances", {"instances": [first["instance"]]})
    client.do("POST", f"{MANAGER}/abandonInstances", {"instances": [second["instance"]]})
    client.do("POST", f"{MANAGER}/recreateInstances", {"instances": [third["instance"]]})
    (left,) = managed(client)
    assert (left["name"], left["id"] != third["id"]) == (third["name"], True)
    assert client.get(MANAGER)["targetSize"] == 1
    assert running(client) == sorted([second["name"], third["name"]])
    assert client.refused("POST", f"{MANAGER}/deleteInstances", {"instances": [second["instance"]]}) == (400, "invalid")


def test_members_of_given_names_are_made(client):
    make(client, size=0)
    client.do("POST", f"{MANAGER}/createInstances", {"instances": [{"name": "one"}, {"name": "two"}]})
    assert running(client) == ["one", "two"]
    assert client.get(MANAGER)["targetSize"] == 2
    assert client.refused("POST", f"{MANAGER}/createInstances", {"instances": [{"name": "one"}]}) == (400, "invalid")


@pytest.mark.parametrize("way", ["delete", "stop"])
def test_a_member_that_ends_is_made_again(client, clock, way):
    make(client, size=1)
    (member,) = managed(client)
    path = f"{ZONE}/instances/{member['name']}"
    client.do(*(("DELETE", path) if way == "delete" else ("POST", f"{path}/stop")))
    clock.move(11)
    (again,) = managed(client)
    assert (again["name"], again["currentAction"], again["id"] != member["id"]) == (member["name"], "NONE", True)


def test_a_sick_member_is_healed_where_the_group_is_told_how(client, gce, clock):
    client.do("POST", f"{REGION}/healthChecks", check())
    make(client, size=1, autoHealingPolicies=[{"healthCheck": f"{REGION}/healthChecks/check", "initialDelaySec": 60}])
    (member,) = managed(client)
    assert member["instanceHealth"][0]["detailedHealthState"] == "HEALTHY"
    gce.sick.add(member["name"])
    assert managed(client)[0]["id"] == member["id"]
    clock.move(61)
    client.get(MANAGER)
    assert managed(client)[0]["id"] != member["id"]


def test_a_group_goes_with_its_instances(client, gce):
    make(client)
    gce.options.delay = 5
    operation = client.begin("DELETE", MANAGER)
    assert gce.things("instanceGroupManagers") == gce.things("instances") == []
    client.end(operation)
    for path in (MANAGER, f"{ZONE}/instanceGroups/group"):
        assert client.refused("GET", path) == (404, "notFound")
    client.do("DELETE", "global/instanceTemplates/template")


def test_members_come_in_pages_only_where_the_group_says_so(client, gce):
    gce.options.page = 1
    make(client, size=3)
    answer = client.ask("POST", f"{MANAGER}/listManagedInstances", maxResults=1).json()
    assert (len(answer["managedInstances"]), "nextPageToken" in answer) == (3, False)
    client.do("PATCH", MANAGER, {"listManagedInstancesResults": "PAGINATED"})
    found, token = [], {}
    while token is not None:
        answer = client.ask("POST", f"{MANAGER}/listManagedInstances", **token).json()
        found += answer["managedInstances"]
        token = {"pageToken": answer["nextPageToken"]} if "nextPageToken" in answer else None
    assert len({one["name"] for one in found}) == len(found) == 3


def test_a_filter_keeps_members(client):
    make(client)
    (first, _) = managed(client)
    answer = client.ask("POST", f"{MANAGER}/listManagedInstances", filter=f"name = {first['name']}").json()
    assert answer["managedInstances"] == [first]


def test_named_ports_and_members_are_told_by_the_instance_group(client):
    make(client, namedPorts=[{"name": "http", "port": 80}])
    path = f"{ZONE}/instanceGroups/group"
    known = client.get(path)
    client.do(
        "POST", f"{path}/setNamedPorts", {"namedPorts": [{"name": "web", "port": 81}], "fingerprint": known["fingerprint"]}
    )
    body = {"namedPorts": [], "fingerprint": known["fingerprint"]}
    assert client.refused("POST", f"{path}/setNamedPorts", body) == (412, "conditionNotMet")
    items = client.ask("POST", f"{path}/listInstances", {"instanceState": "RUNNING"}).json()["items"]
    assert [one["namedPorts"] for one in items] == [[{"name": "web", "port": 81}]] * 2


def test_all_instances_get_the_labels_of_the_group(client, gce):
    extra = {"properties": {"labels": {"size": "big"}, "metadata": {"a": "b"}}}
    make(client, size=1, allInstancesConfig=extra)
    (one,) = gce.things("instances")
    assert one["labels"] == {"team": "red", "size": "big"}
    assert {"key": "a", "value": "b"} in one["metadata"]["items"]


def test_a_group_is_changed_under_its_fingerprint(client):
    make(client)
    known = client.get(MANAGER)["fingerprint"]
    client.do("PATCH", MANAGER, {"description": "mine", "fingerprint": known})
    assert client.get(MANAGER)["description"] == "mine"
    assert client.refused("PATCH", MANAGER, {"description": "x", "fingerprint": known}) == (412, "conditionNotMet")
