"""Operations: begun once, over later, and telling how they ended."""

from threading import Thread
from uuid import uuid4

import pytest

from tests.contracts.gce.bodies import REGION, ZONE, disk, instance, template
from tests.contracts.gce.conftest import Client


def test_an_operation_is_never_over_in_the_answer_to_its_call(client):
    operation = client.begin("POST", f"{ZONE}/disks", disk())
    assert operation["status"] != "DONE"
    assert client.get(f"{ZONE}/operations/{operation['name']}")["status"] == "DONE"


def test_an_operation_takes_its_time(client, gce, clock):
    gce.options.delay = 10
    operation = client.begin("POST", f"{ZONE}/instances", instance())
    path = f"{ZONE}/operations/{operation['name']}"
    assert client.get(path)["status"] == "RUNNING"
    assert client.get(f"{ZONE}/instances/vm")["status"] == "PROVISIONING"
    clock.move(6)
    assert client.get(f"{ZONE}/instances/vm")["status"] == "STAGING"
    clock.move(4)
    assert client.get(path)["progress"] == 100
    assert client.get(f"{ZONE}/instances/vm")["status"] == "RUNNING"


def test_an_operation_tells_what_it_does(client):
    operation = client.do("POST", f"{ZONE}/instances", instance())
    made = client.get(f"{ZONE}/instances/vm")
    assert (operation["operationType"], operation["targetId"], operation["targetLink"]) == (
        "insert",
        made["id"],
        made["selfLink"],
    )
    assert operation["zone"].endswith(ZONE)
    client.do("POST", "global/instanceTemplates", template())
    body = {"name": "g", "targetSize": 0, "instanceTemplate": "global/instanceTemplates/template"}
    operation = client.do("POST", f"{REGION}/instanceGroupManagers", body)
    assert operation["operationType"] == "compute.regionInstanceGroupManagers.insert"
    assert operation["region"].endswith(REGION)


def test_operations_are_listed_where_they_are(client):
    client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{REGION}/addresses", {"name": "address"})
    client.do("POST", "global/networks", {"name": "other"})
    kinds = {
        scope: [one["targetLink"].split("/")[-2] for one in client.get(f"{scope}/operations")["items"]] for scope in SCOPES
    }
    assert kinds == {ZONE: ["disks"], REGION: ["addresses"], "global": ["networks"]}
    assert set(client.get("aggregated/operations")["items"]) == set(SCOPES)


SCOPES = (ZONE, REGION, "global")


def test_operations_are_found_by_their_target(client):
    operation = client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{ZONE}/disks", disk("other"))
    for expression in (f"targetId = {operation['targetId']}", f'targetLink = "{operation["targetLink"]}"'):
        (found,) = client.get(f"{ZONE}/operations", filter=expression)["items"]
        assert found["name"] == operation["name"]


def test_waiting_answers_the_operation(client):
    operation = client.begin("POST", "global/networks", {"name": "other"})
    assert client.ask("POST", f"global/operations/{operation['name']}/wait").json()["status"] == "DONE"


def test_an_operation_can_be_forgotten(client):
    operation = client.do("POST", "global/networks", {"name": "other"})
    answer = client.ask("DELETE", f"global/operations/{operation['name']}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.refused("GET", f"global/operations/{operation['name']}") == (404, "notFound")


def test_the_same_request_is_answered_with_the_same_operation(client, gce):
    token = str(uuid4())
    first = client.begin("POST", f"{ZONE}/instances", instance(), requestId=token)
    again = client.begin("POST", f"{ZONE}/instances", instance(), requestId=token)
    assert (first["name"], again["status"]) == (again["name"], "DONE")
    assert gce.launched == 1


def test_the_same_request_tells_how_the_first_one_failed(client, gce):
    token = str(uuid4())
    gce.options.room = 0
    assert client.failed("POST", f"{ZONE}/instances", instance(), requestId=token) == "ZONE_RESOURCE_POOL_EXHAUSTED"
    gce.options.room = None
    assert client.failed("POST", f"{ZONE}/instances", instance(), requestId=token) == "ZONE_RESOURCE_POOL_EXHAUSTED"


def test_another_request_under_the_same_id_is_refused(client):
    token = str(uuid4())
    client.do("POST", f"{ZONE}/disks", disk(), requestId=token)
    assert client.refused("POST", f"{ZONE}/disks", disk(size=30), requestId=token) == (400, "invalid")
    assert client.refused("DELETE", f"{ZONE}/disks/data", requestId=token) == (400, "invalid")


def test_a_request_that_was_refused_does_not_use_its_id_up(client):
    token = str(uuid4())
    client.refused("POST", f"{ZONE}/disks", disk("Bad"), requestId=token)
    client.do("POST", f"{ZONE}/disks", disk(), requestId=token)


@pytest.mark.parametrize("token", ["one", "00000000-0000-0000-0000-000000000000", "{aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa}"])
def test_a_request_id_is_a_uuid(client, token):
    assert client.refused("POST", f"{ZONE}/disks", disk(), requestId=token) == (400, "invalid")


def test_an_instance_without_room_is_accepted_and_never_there(client, gce):
    gce.options.room = 1
    client.do("POST", f"{ZONE}/instances", instance("one"))
    operation = client.begin("POST", f"{ZONE}/instances", instance("two"))
    assert client.refused("GET", f"{ZONE}/instances/two") == (404, "notFound")
    operation = client.end(operation)
    assert operation["error"]["errors"][0]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    assert (operation["httpErrorStatusCode"], operation["httpErrorMessage"]) == (503, "SERVICE UNAVAILABLE")
    assert [one["name"] for one in gce.things("disks")] == ["one"]
    assert gce.launched == 1


def test_an_instance_that_fails_is_there_until_it_does(client, gce):
    gce.options.delay, gce.options.failing = 5, "INTERNAL_ERROR"
    operation = client.begin("POST", f"{ZONE}/instances", instance())
    assert client.get(f"{ZONE}/instances/vm")["status"] == "PROVISIONING"
    assert client.end(operation)["error"]["errors"][0]["code"] == "INTERNAL_ERROR"
    assert client.refused("GET", f"{ZONE}/instances/vm") == (404, "notFound")
    assert gce.things("disks") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("compute.instances.insert", f"{ZONE}/instances", instance()),
        ("compute.disks.insert", f"{ZONE}/disks", disk()),
        ("compute.addresses.*", f"{REGION}/addresses", {"name": "address"}),
    ],
)
def test_what_fails_late_is_accepted_and_makes_nothing(client, gce, method, path, body):
    gce.options.late[method] = "QUOTA_EXCEEDED"
    operation = client.end(client.begin("POST", path, body))
    assert operation["error"]["errors"][0]["code"] == "QUOTA_EXCEEDED"
    assert operation["httpErrorStatusCode"] == 403
    assert gce.things(path.rpartition("/")[2]) == gce.things("disks") == []


def test_what_is_being_made_cannot_be_used_yet(client, gce):
    gce.options.delay = 5
    client.begin("POST", "global/networks", {"name": "other", "autoCreateSubnetworks": False})
    body = {"name": "sub", "network": "global/networks/other", "ipCidrRange": "10.1.0.0/16"}
    assert client.refused("POST", f"{REGION}/subnetworks", body) == (400, "resourceNotReady")


def test_what_is_being_deleted_is_neither_used_nor_deleted_again(client, gce):
    client.do("POST", f"{ZONE}/disks", disk())
    gce.options.delay = 5
    client.begin("DELETE", f"{ZONE}/disks/data")
    assert client.get(f"{ZONE}/disks/data")["status"] == "DELETING"
    assert gce.things("disks") == []
    assert client.refused("DELETE", f"{ZONE}/disks/data") == (400, "resourceNotReady")
    body = instance(disks=[*instance()["disks"], {"source": f"{ZONE}/disks/data"}])
    assert client.refused("POST", f"{ZONE}/instances", body) == (400, "resourceNotReady")


def test_two_that_want_the_same_disk_at_once_do_not_both_get_it(client, gce):
    for name in ("one", "two"):
        client.do("POST", f"{ZONE}/instances", instance(name))
    client.do("POST", f"{ZONE}/disks", disk())
    gce.options.delay = 5
    body = {"source": f"{ZONE}/disks/data"}
    first = client.begin("POST", f"{ZONE}/instances/one/attachDisk", body)
    second = client.begin("POST", f"{ZONE}/instances/two/attachDisk", body)
    assert "error" not in client.end(first)
    assert client.end(second)["error"]["errors"][0]["code"] == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"


def test_callers_at_the_same_time_get_one_instance(client, gce, clock):
    token, found = str(uuid4()), []

    def insert():
        found.append(Client(gce, clock).begin("POST", f"{ZONE}/instances", instance(), requestId=token)["name"])

    callers = [Thread(target=insert) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert (len(found), len(set(found)), gce.launched) == (8, 1, 1)
