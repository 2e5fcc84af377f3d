"""What is sent when instances are made."""

import json
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError, InvalidSpec, PermissionDenied, RejectedSpec
from cloudlayer.labels import SPEC, TOKEN
from cloudlayer.providers.gcp.compute.accelerators import Machine
from cloudlayer.providers.gcp.compute.properties import Choice, Wanted, default_disk_type, properties
from cloudlayer.providers.gcp.options import InstanceOverrides
from cloudlayer.resources import InstanceState
from cloudlayer.units import GIB, MIB

SCRIPT = "#!/bin/sh\necho a-secret\n"
SPEC_OF = {"machine_type": "e2-small", "image": "ubuntu-22.04"}
OPEN = {"open_ports": [{"port": 443, "source": "192.0.2.0/24"}]}
EVERY_ZONE = ["us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f"]


def spec(**fields):
    return InstanceSpec.model_validate({**SPEC_OF, **fields})


def only(gce, kind="instances"):
    (thing,) = gce.things(kind)
    return thing


def inserts(gce):
    return [call.path.split("/")[6] for call in gce.calls if call.method == "compute.instances.insert"]


def test_an_instance_is_what_was_asked_for(compute, gce):
    wanted = spec(
        name="web",
        zone="us-central1-b",
        labels={"team": "blue"},
        user_data="#!/bin/sh\ntrue\n",
        public_address=True,
        disks=[{"size": 20 * GIB, "boot": True, "type": "pd-ssd"}, {"size": GIB}],
    )
    token = str(uuid4())
    made = compute.create(wanted, token=token)
    assert (made.name, made.zone, made.state) == ("web", "us-central1-b", InstanceState.RUNNING)
    assert made.id == f"us-central1-b/{only(gce)['name']}"
    assert made.name != only(gce)["name"].removeprefix("web") and only(gce)["name"].startswith("web-")
    assert made.image == "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts"
    assert made.public_address
    assert {item["key"]: item["value"] for item in only(gce)["metadata"]["items"]}["user-data"] == wanted.user_data
    boot, data = sorted(gce.things("disks"), key=lambda disk: int(disk["sizeGb"]), reverse=True)
    assert (boot["sizeGb"], data["sizeGb"]) == ("20", "10")
    assert boot["type"].endswith("/pd-ssd") and data["type"].endswith("/pd-balanced")
    for thing in (only(gce), boot, data):
        assert thing["labels"].items() >= {"team": "blue", TOKEN: token, "cloudlayer-name": "web"}.items()
        assert SPEC in thing["labels"]


def test_user_data_goes_to_what_the_image_reads_it_by(compute, gce):
    for image, key in (("ubuntu-22.04", "user-data"), ("debian-12", "startup-script")):
        made = compute.create(spec(image=image, user_data="#!/bin/sh\ntrue\n"), token=str(uuid4()))
        found = next(thing for thing in gce.things("instances") if thing["name"] == made.id.partition("/")[2])
        assert {"key": key, "value": "#!/bin/sh\ntrue\n"} in found["metadata"]["items"]


def test_an_instance_without_a_zone_comes_to_be_in_the_first_that_sells_its_type(compute):
    assert compute.create(spec(), token=str(uuid4())).zone == EVERY_ZONE[0]


def test_disks_go_with_their_instance(compute, gce):
    made = compute.create(spec(disks=[{"size": 10 * GIB}]), token=str(uuid4()))
    compute.delete([made.id])
    compute.wait(made, "deleted")
    assert gce.things("disks") == []


def test_spot_instances_are_deleted_when_they_are_taken_back(compute, gce):
    compute.create(spec(purchase="spot"), token=str(uuid4()))
    found = only(gce)["scheduling"]
    assert (found["provisioningModel"], found["instanceTerminationAction"]) == ("SPOT", "DELETE")
    assert (found["onHostMaintenance"], found["automaticRestart"]) == ("TERMINATE", False)


def test_overrides_are_what_they_say(compute, gce):
    overrides = {
        "service_account": "robot@proj.iam.gserviceaccount.com",
        "network_tags": ["web", "blue"],
        "metadata": {"serial-port-enable": "true"},
        "min_cpu_platform": "Intel Skylake",
        "subnetwork": "default",
        "secure_boot": True,
    }
    compute.create(spec(machine_type="n2-standard-8", overrides=overrides), token=str(uuid4()))
    found = only(gce)
    assert [account["email"] for account in found["serviceAccounts"]] == ["robot@proj.iam.gserviceaccount.com"]
    assert found["tags"]["items"] == ["web", "blue"]
    assert {"key": "serial-port-enable", "value": "true"} in found["metadata"]["items"]
    assert found["minCpuPlatform"] == "Intel Skylake"
    assert found["networkInterfaces"][0]["subnetwork"].endswith("regions/us-central1/subnetworks/default")
    assert found["shieldedInstanceConfig"]["enableSecureBoot"] is True


def test_speeds_are_those_of_hyperdisks(compute, gce):
    overrides = {"disk_iops": 3000, "disk_throughput": 140 * MIB}
    wanted = spec(machine_type="c3-standard-4", disks=[{"size": 50 * GIB, "type": "hyperdisk-balanced"}], overrides=overrides)
    compute.create(wanted, token=str(uuid4()))
    fast = next(disk for disk in gce.things("disks") if disk["type"].endswith("hyperdisk-balanced"))
    assert (fast["provisionedIops"], fast["provisionedThroughput"]) == ("3000", "140")


def test_a_local_ssd_is_as_many_as_make_its_size(compute, gce):
    wanted = spec(machine_type="n2-standard-8", disks=[{"size": 700 * GIB, "type": "local-ssd"}, {"size": 10 * GIB}])
    compute.create(wanted, token=str(uuid4()))
    assert [disk["type"] for disk in only(gce)["disks"]] == ["PERSISTENT", "PERSISTENT", "SCRATCH", "SCRATCH"]


def test_a_series_that_takes_hyperdisks_alone_gets_one(compute, gce):
    compute.create(spec(machine_type="c4-standard-2"), token=str(uuid4()))
    assert only(gce, "disks")["type"].endswith("/hyperdisk-balanced")


@pytest.mark.parametrize(
    ("machine_type", "kind"),
    [
        ("a3-ultragpu-8g", "hyperdisk-balanced"),
        ("a3-highgpu-8g", "pd-balanced"),
        ("c3-standard-192-metal", "hyperdisk-balanced"),
    ],
)
def test_the_usual_disk_is_one_that_the_machine_type_takes(machine_type, kind):
    assert default_disk_type(machine_type) == kind


@pytest.mark.parametrize(
    ("machine_type", "fixed"), [("h4d-standard-192", True), ("c3-standard-192-metal", True), ("c3-standard-4", False)]
)
def test_what_cannot_move_while_it_runs_is_not_asked_to(cloud, machine_type, fixed):
    bought = Wanted(spec(), InstanceOverrides(), Choice(Machine(machine_type), ("us-central1-a",), "image"), {})
    scheduling = properties(cloud._client, bought, zone="us-central1-a", name="one").get("scheduling", {})
    assert (scheduling.get("on_host_maintenance") == "TERMINATE") is fixed


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"labels": {"Team": "x"}}, "labels.Team"),
        ({"labels": {TOKEN: "x"}}, "is set by cloudlayer itself"),
        ({"user_data": "x" * (256 * 1024 + 1)}, "256 KiB"),
        ({"user_data": "#cloud-config", "image": "debian-12"}, "has no cloud-init"),
        ({"zone": "us-east1-b"}, "does not sell e2-small"),
        ({"open_ports": [{"port": 1, "source": "anywhere"}]}, "is no range of addresses"),
        ({"architecture": "arm64"}, "e2-small is x86_64, not arm64"),
        ({"overrides": {"no_such": 1}}, "overrides.no_such: unknown key"),
        ({"machine_type": "n1-standard-8+nvidia-l4x1"}, "is sold nowhere"),
        ({"machine_type": "n1-standard-8+abacusx1"}, "is none: write"),
    ],
)
def test_what_the_cloud_would_refuse_is_told_before_anything_is_made(compute, gce, fields, line):
    with pytest.raises(InvalidSpec, match=line):
        compute.create_batch([spec(), spec(**fields)], token=str(uuid4()))
    assert inserts(gce) == []


def test_equal_openings_of_a_batch_are_one_rule_for_each_source(compute, gce):
    ports = [
        {"port": 443, "source": "192.0.2.0/24"},
        {"port": 80, "source": "192.0.2.0/24"},
        {"port": 53, "protocol": "udp", "source": "2001:db8::/32"},
    ]
    made = compute.create_batch([spec(open_ports=ports), spec(open_ports=ports), spec()], token=str(uuid4()))
    rules = sorted(gce.things("firewalls"), key=lambda rule: rule["name"])
    assert [rule["sourceRanges"] for rule in rules] == [["192.0.2.0/24"], ["2001:db8::/32"]]
    assert rules[0]["allowed"] == [{"IPProtocol": "tcp", "ports": ["443", "80"]}] or rules[0]["allowed"] == [
        {"IPProtocol": "tcp", "ports": ["80", "443"]}
    ]
    (tag,) = {tag for rule in rules for tag in rule["targetTags"]}
    tagged = {thing["name"] for thing in gce.things("instances") if tag in thing["tags"].get("items", ())}
    assert tagged == {instance.id.partition("/")[2] for instance in made[:2]}


def test_a_rule_goes_with_the_last_instance_under_it(compute, gce):
    first, second = compute.create_batch([spec(**OPEN), spec(**OPEN)], token=str(uuid4()))
    compute.delete([first.id])
    compute.wait(first, "deleted")
    assert len(gce.things("firewalls")) == 1
    compute.delete([second.id])
    compute.wait(second, "deleted")
    assert gce.things("firewalls") == []


@pytest.mark.parametrize("fault", ["room", "denied"])
def test_a_launch_that_came_to_nothing_leaves_no_rule(compute, gce, fault):
    gce.options.delay = 5.0
    if fault == "room":
        gce.options.room = 0
    else:
        gce.fault(method="compute.instances.insert", code="forbidden", status=403)
    with pytest.raises((CapacityError, PermissionDenied)):
        compute.create(spec(**OPEN), token=str(uuid4()))
    assert gce.things("firewalls") == []


@pytest.mark.parametrize("told", [SCRIPT, json.dumps(SCRIPT)])
def test_user_data_that_google_repeats_in_a_refusal_is_not_told(compute, gce, told):
    message = f"Invalid value for field 'resource.metadata.items[0].value': {told}"
    gce.fault(method="compute.instances.insert", code="invalid", status=400, message=message)
    with pytest.raises(RejectedSpec) as caught:
        compute.create(spec(user_data=SCRIPT), token=str(uuid4()))
    assert "a-secret" not in repr(caught.value)
    assert "items[0].value" in str(caught.value) and "…" in str(caught.value)
