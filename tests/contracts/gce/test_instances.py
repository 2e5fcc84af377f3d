"""Instances: what is filled in of them, and how they run, stop, change and go."""

import pytest

from tests.contracts.gce.bodies import IMAGE, REGION, ZONE, boot, disk, instance

VM = f"{ZONE}/instances/vm"
SPOT = {"provisioningModel": "SPOT", "instanceTerminationAction": "DELETE"}
STAYS = {"onHostMaintenance": "TERMINATE"}


def test_an_instance_is_completed(client):
    client.do("POST", f"{ZONE}/instances", instance(labels={"team": "red"}, networkInterfaces=[{"accessConfigs": [{}]}]))
    made = client.get(VM)
    (attached,) = made["disks"]
    (interface,) = made["networkInterfaces"]
    assert (made["status"], made["labels"], attached["boot"], attached["autoDelete"]) == (
        "RUNNING",
        {"team": "red"},
        True,
        True,
    )
    assert made["scheduling"]["onHostMaintenance"] == "MIGRATE"
    assert interface["networkIP"].startswith("10.128.")
    assert interface["subnetwork"].endswith(f"{REGION}/subnetworks/default")
    assert interface["accessConfigs"][0]["natIP"].startswith("34.")
    assert client.get(f"{ZONE}/disks/vm")["users"] == [made["selfLink"]]


def test_disks_that_are_made_with_an_instance_are_its_own_things(client):
    data = {"initializeParams": {"diskSizeGb": "30", "labels": {"team": "red"}, "diskName": "more"}}
    client.do("POST", f"{ZONE}/instances", instance(disks=[boot(diskSizeGb="15", labels={"a": "b"}), data]))
    assert client.get(f"{ZONE}/disks/vm") | {"sizeGb": "15", "labels": {"a": "b"}} == client.get(f"{ZONE}/disks/vm")
    more = client.get(f"{ZONE}/disks/more")
    assert (more["sizeGb"], more["labels"], "sourceImage" in more) == ("30", {"team": "red"}, False)
    client.do("DELETE", VM)
    assert client.refused("GET", f"{ZONE}/disks/vm") == (404, "notFound")
    assert "users" not in client.get(f"{ZONE}/disks/more")


def test_a_disk_goes_with_its_instance_if_it_is_told_to(client):
    client.do("POST", f"{ZONE}/disks", disk())
    client.do("POST", f"{ZONE}/instances", instance(disks=[boot(), {"source": f"{ZONE}/disks/data", "deviceName": "data"}]))
    client.do("POST", f"{VM}/setDiskAutoDelete", deviceName="data", autoDelete="true")
    client.do("DELETE", VM)
    assert client.refused("GET", f"{ZONE}/disks/data") == (404, "notFound")


def test_a_local_disk_is_no_disk_of_its_own(client, gce):
    local = {"type": "SCRATCH", "autoDelete": True, "initializeParams": {"diskType": f"{ZONE}/diskTypes/local-ssd"}}
    client.do("POST", f"{ZONE}/instances", instance(machine="n2-standard-2", disks=[boot(), local]))
    assert client.get(VM)["disks"][1]["diskSizeGb"] == "375"
    assert len(gce.things("disks")) == 1


@pytest.mark.parametrize(
    ("fields", "is_good"),
    [
        ({"machine": "g2-standard-4"}, False),
        ({"machine": "g2-standard-4", "scheduling": STAYS}, True),
        ({"machine": "g2-standard-4", "scheduling": SPOT}, True),
        ({"machine": "g2-standard-4", "scheduling": STAYS, "disks": [boot(diskType=f"{ZONE}/diskTypes/pd-standard")]}, False),
        ({"machine": "a3-highgpu-1g", "scheduling": STAYS, "disks": [boot(diskType=f"{ZONE}/diskTypes/pd-ssd")]}, True),
        ({"machine": "n1-standard-4", "scheduling": STAYS, "guestAccelerators": ["nvidia-tesla-t4", 1]}, True),
        ({"machine": "n1-standard-4", "guestAccelerators": ["nvidia-tesla-t4", 1]}, False),
        ({"machine": "n1-standard-4", "scheduling": STAYS, "guestAccelerators": ["nvidia-tesla-t4", 3]}, False),
        ({"machine": "n1-standard-4", "scheduling": STAYS, "guestAccelerators": ["nvidia-l4", 1]}, False),
        ({"machine": "n2-standard-4", "scheduling": STAYS, "guestAccelerators": ["nvidia-tesla-t4", 1]}, False),
        ({"machine": "a2-highgpu-1g", "scheduling": STAYS, "guestAccelerators": ["nvidia-tesla-a100", 2]}, False),
        ({"machine": "c4-standard-2"}, False),
        ({"machine": "c4-standard-2", "disks": [boot(diskType=f"{ZONE}/diskTypes/hyperdisk-balanced")]}, True),
        ({"machine": "t2a-standard-1"}, False),
        ({"machine": "t2a-standard-1", "disks": [boot(sourceImage=f"{IMAGE}-arm64")]}, True),
        ({"scheduling": SPOT | {"automaticRestart": True}}, False),
        ({"scheduling": SPOT | {"onHostMaintenance": "MIGRATE"}}, False),
        ({"scheduling": {"instanceTerminationAction": "DELETE"}}, False),
        ({"scheduling": {"preemptible": True}}, True),
    ],
)
def test_what_goes_together_and_what_does_not(client, fields, is_good):
    cards = fields.get("guestAccelerators")
    if cards:
        card = {"acceleratorType": f"{ZONE}/acceleratorTypes/{cards[0]}", "acceleratorCount": cards[1]}
        fields = fields | {"guestAccelerators": [card]}
    disks = fields.get("disks") or [boot(diskType=f"{ZONE}/diskTypes/pd-balanced")]
    body = instance(**{**fields, "disks": disks})
    if is_good:
        client.do("POST", f"{ZONE}/instances", body)
    else:
        assert client.refused("POST", f"{ZONE}/instances", body) == (400, "invalid")


def test_gpus_come_with_their_machine_types(client):
    disks = [boot(diskType=f"{ZONE}/diskTypes/pd-balanced")]
    client.do("POST", f"{ZONE}/instances", instance(machine="g2-standard-24", scheduling=STAYS, disks=disks))
    (card,) = client.get(VM)["guestAccelerators"]
    assert (card["acceleratorType"].rpartition("/")[2], card["acceleratorCount"]) == ("nvidia-l4", 2)


def test_an_instance_stops_and_starts(client, gce):
    client.do("POST", f"{ZONE}/instances", instance())
    gce.options.delay = 5
    operation = client.begin("POST", f"{VM}/stop")
    assert client.get(VM)["status"] == "STOPPING"
    assert client.refused("POST", f"{VM}/start") == (400, "resourceNotReady")
    client.end(operation)
    assert client.get(VM)["status"] == "TERMINATED"
    assert client.refused("POST", f"{VM}/reset") == (400, "resourceNotReady")
    client.do("POST", f"{VM}/stop")
    operation = client.begin("POST", f"{VM}/start")
    assert client.get(VM)["status"] == "PROVISIONING"
    client.end(operation)
    assert client.get(VM)["status"] == "RUNNING"
    assert gce.launched == 1


def test_there_may_be_no_room_to_start_again(client, gce):
    client.do("POST", f"{ZONE}/instances", instance())
    client.do("POST", f"{VM}/stop")
    gce.options.room = 0
    assert client.failed("POST", f"{VM}/start") == "ZONE_RESOURCE_POOL_EXHAUSTED"
    assert client.get(VM)["status"] == "TERMINATED"


def test_a_machine_type_changes_while_the_instance_is_stopped(client):
    client.do("POST", f"{ZONE}/instances", instance())
    body = {"machineType": f"{ZONE}/machineTypes/e2-medium"}
    client.do("POST", f"{VM}/start")
    assert client.refused("POST", f"{VM}/setMachineType", body) == (400, "invalid")
    client.do("POST", f"{VM}/stop")
    client.do("POST", f"{VM}/setMachineType", body)
    assert client.get(VM)["machineType"].endswith("e2-medium")
    with_gpus = {"machineType": f"{ZONE}/machineTypes/g2-standard-4"}
    assert client.refused("POST", f"{VM}/setMachineType", with_gpus) == (400, "invalid")


def test_e2_always_moves_unless_it_is_preemptible(client):
    client.do("POST", f"{ZONE}/instances", instance())
    client.do("POST", f"{VM}/stop")
    assert client.refused("POST", f"{VM}/setScheduling", STAYS) == (400, "badRequest")
    assert client.refused("POST", f"{ZONE}/instances", instance("two", scheduling=STAYS)) == (400, "badRequest")
    client.do("POST", f"{VM}/setMachineType", {"machineType": f"{ZONE}/machineTypes/n2-standard-2"})
    client.do("POST", f"{VM}/setScheduling", STAYS)
    back = {"machineType": f"{ZONE}/machineTypes/e2-small"}
    assert client.refused("POST", f"{VM}/setMachineType", back) == (400, "badRequest")


def test_what_has_local_disks_is_stopped_with_a_word_on_them(client):
    local = {"type": "SCRATCH", "autoDelete": True, "initializeParams": {"diskType": f"{ZONE}/diskTypes/local-ssd"}}
    client.do("POST", f"{ZONE}/instances", instance(machine="n2-standard-2", disks=[boot(), local]))
    assert client.refused("POST", f"{VM}/stop") == (400, "badRequest")
    client.do("POST", f"{VM}/stop", discardLocalSsd="true")
    assert client.get(VM)["status"] == "TERMINATED"


def test_labels_change_under_their_fingerprint(client):
    client.do("POST", f"{ZONE}/instances", instance())
    known = client.get(VM)["labelFingerprint"]
    body = {"labels": {"team": "red"}, "labelFingerprint": known}
    client.do("POST", f"{VM}/setLabels", body)
    assert client.get(VM)["labels"] == {"team": "red"}
    assert client.refused("POST", f"{VM}/setLabels", body) == (412, "conditionNotMet")
    assert client.refused("POST", f"{VM}/setLabels", {"labels": {}}) == (412, "conditionNotMet")


def test_of_two_changes_at_once_the_second_fails(client, gce):
    client.do("POST", f"{ZONE}/instances", instance())
    gce.options.delay = 5
    known = client.get(VM)["labelFingerprint"]
    first = client.begin("POST", f"{VM}/setLabels", {"labels": {"a": "1"}, "labelFingerprint": known})
    second = client.begin("POST", f"{VM}/setLabels", {"labels": {"b": "2"}, "labelFingerprint": known})
    assert "error" not in client.end(first)
    assert client.end(second)["error"]["errors"][0]["code"] == "CONDITION_NOT_MET"
    assert client.get(VM)["labels"] == {"a": "1"}


@pytest.mark.parametrize(
    ("verb", "field", "items"),
    [("setMetadata", "metadata", [{"key": "a", "value": "b"}]), ("setTags", "tags", ["web"])],
)
def test_metadata_and_tags_change_under_their_fingerprints(client, verb, field, items):
    client.do("POST", f"{ZONE}/instances", instance())
    body = {"items": items, "fingerprint": client.get(VM)[field]["fingerprint"]}
    client.do("POST", f"{VM}/{verb}", body)
    assert client.get(VM)[field]["items"] == items
    assert client.refused("POST", f"{VM}/{verb}", body) == (412, "conditionNotMet")


def test_accelerators_change_while_the_instance_is_stopped(client):
    client.do("POST", f"{ZONE}/instances", instance(machine="n1-standard-4", scheduling=STAYS))
    body = {"guestAccelerators": [{"acceleratorType": f"{ZONE}/acceleratorTypes/nvidia-tesla-t4", "acceleratorCount": 1}]}
    assert client.refused("POST", f"{VM}/setMachineResources", body) == (400, "invalid")
    client.do("POST", f"{VM}/stop")
    client.do("POST", f"{VM}/setMachineResources", body)
    assert client.get(VM)["guestAccelerators"][0]["acceleratorCount"] == 1


def test_scheduling_changes_but_not_how_it_is_bought(client):
    client.do("POST", f"{ZONE}/instances", instance())
    client.do("POST", f"{VM}/setScheduling", {"automaticRestart": False})
    assert client.get(VM)["scheduling"]["automaticRestart"] is False
    assert client.refused("POST", f"{VM}/setScheduling", {"preemptible": True}) == (400, "invalid")


def test_a_protected_instance_is_not_deleted(client):
    client.do("POST", f"{ZONE}/instances", instance(deletionProtection=True))
    status, _ = client.refused("DELETE", VM)
    assert status == 400
    client.do("POST", f"{VM}/setDeletionProtection", deletionProtection="false")
    client.do("DELETE", VM)


def test_an_instance_is_there_until_it_is_deleted(client, gce):
    client.do("POST", f"{ZONE}/instances", instance())
    gce.options.delay = 5
    operation = client.begin("DELETE", VM)
    assert client.get(VM)["status"] == "STOPPING"
    assert gce.things("instances") == []
    client.end(operation)
    assert client.refused("GET", VM) == (404, "notFound")


def test_the_console_tells_of_the_start(client):
    client.do("POST", f"{ZONE}/instances", instance())
    said = client.get(f"{VM}/serialPort")
    assert "Booting vm" in said["contents"]
    assert client.get(f"{VM}/serialPort", start=said["next"])["contents"] == ""


def test_reserved_addresses_are_taken_and_given_back(client):
    client.do("POST", f"{REGION}/addresses", {"name": "mine"})
    address = client.get(f"{REGION}/addresses/mine")["address"]
    body = instance(networkInterfaces=[{"accessConfigs": [{"natIP": address}]}])
    client.do("POST", f"{ZONE}/instances", body)
    assert client.get(f"{REGION}/addresses/mine")["status"] == "IN_USE"
    assert client.refused("POST", f"{ZONE}/instances", body | {"name": "other"}) == (400, "invalid")
    assert client.refused("DELETE", f"{REGION}/addresses/mine") == (400, "resourceInUseByAnotherResource")
    client.do("POST", f"{VM}/deleteAccessConfig", accessConfig="External NAT", networkInterface="nic0")
    assert client.get(f"{REGION}/addresses/mine")["status"] == "RESERVED"
    client.do("POST", f"{VM}/addAccessConfig", {"natIP": address}, networkInterface="nic0")
    client.do("DELETE", VM)
    assert client.get(f"{REGION}/addresses/mine")["status"] == "RESERVED"


def test_an_instance_comes_from_a_template_too(client):
    properties = {"machineType": "e2-medium", "disks": [boot()], "networkInterfaces": [{}], "labels": {"team": "red"}}
    client.do("POST", "global/instanceTemplates", {"name": "template", "properties": properties})
    client.do("POST", f"{ZONE}/instances", {"name": "vm"}, sourceInstanceTemplate="global/instanceTemplates/template")
    made = client.get(VM)
    assert (made["machineType"].rpartition("/")[2], made["labels"]) == ("e2-medium", {"team": "red"})


def test_reservations_are_used_and_full(client):
    specific = {"count": "1", "instanceProperties": {"machineType": "e2-small"}}
    reservation = {"name": "reserved", "specificReservation": specific, "specificReservationRequired": True}
    assert client.refused("POST", f"{ZONE}/reservations", {"name": "none"}) == (400, "required")
    client.do("POST", f"{ZONE}/reservations", reservation)
    (listed,) = client.get(f"{ZONE}/reservations")["items"]
    assert client.get("aggregated/reservations")["items"][ZONE]["reservations"] == [listed]
    affinity = {"consumeReservationType": "SPECIFIC_RESERVATION", "key": "compute.googleapis.com/reservation-name"}
    affinity["values"] = ["reserved"]
    client.do("POST", f"{ZONE}/instances", instance("any"))
    client.do("POST", f"{ZONE}/instances", instance(reservationAffinity=affinity))
    assert client.get(f"{ZONE}/reservations/reserved")["specificReservation"]["inUseCount"] == "1"
    assert client.failed("POST", f"{ZONE}/instances", instance("two", reservationAffinity=affinity)).startswith("ZONE_RESOURCE")
    other = instance("three", machine="e2-medium", reservationAffinity=affinity)
    assert client.refused("POST", f"{ZONE}/instances", other) == (400, "invalid")
    unknown = instance("four", reservationAffinity=affinity | {"values": ["none"]})
    assert client.refused("POST", f"{ZONE}/instances", unknown) == (400, "invalid")
    client.do("POST", f"{ZONE}/reservations", {"name": "loose", "specificReservation": specific})
    loose = instance("five", reservationAffinity=affinity | {"values": ["loose"]})
    assert client.refused("POST", f"{ZONE}/instances", loose) == (400, "invalid")
    assert client.refused("POST", f"{ZONE}/reservations/reserved/resize", {"specificSkuCount": "0"}) == (400, "invalid")
    assert client.refused("DELETE", f"{ZONE}/reservations/reserved") == (400, "resourceInUseByAnotherResource")
    client.do("POST", f"{ZONE}/reservations/reserved/resize", {"specificSkuCount": "2"})
    client.do("POST", f"{ZONE}/instances", instance("two", reservationAffinity=affinity))
