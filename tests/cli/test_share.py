import shlex
from uuid import uuid4

import pytest

from cloudlayer.interfaces import Capability
from cloudlayer.labels import OWNER
from cloudlayer.providers.simulated import Fault
from cloudlayer.resources import ShareSpec
from cloudlayer.units import GIB
from tests.cli.waits import settled

HERE = ("--provider", "simulated")


def test_a_share_is_refused_where_nobody_can_be_asked_about_its_price(cli, cloud):
    outcome = cli("share", "create", "common", *HERE, "--size", "10GiB")
    assert outcome.code == 3
    assert "Make a share of 10GiB for nfs at simulated:sim-east, for a price that is not known?" in outcome.err
    assert cloud.shares() == []


def test_a_share_is_made_listed_shown_and_deleted(cli, cloud):
    made = cli("share", "create", "common", *HERE, "--size", "10GiB", "--protocol", "smb", "--label", "a=b", "--yes", "--json")
    assert made.code == 0
    (share,) = made.document
    assert (share["name"], share["size"], share["protocol"], share["labels"]["a"]) == ("common", 10 * GIB, "smb", "b")
    settled(cloud)
    assert [one["id"] for one in cli("share", "list", "--json").document] == [share["id"]]
    head, line = cli("share", "list").out.splitlines()
    assert head.split() == ["NAME", "ID", "STATE", "PROVIDER", "SIZE", "PROTOCOL", "WHY"]
    assert line.split() == ["common", share["id"], "ready", "simulated:sim-east", "10GiB", "smb"]
    assert cli("share", "show", "common", "--json").document["state"] == "ready"
    outcome = cli("share", "delete", "common", "--yes", "--json")
    assert outcome.document == {"deleted": [share["id"]]}
    assert "common" in outcome.err
    assert cli("share", "list", "--json").document == []
    assert "there is no share" in cli("share", "list").err


def test_one_that_is_waited_for_is_ready_and_tells_how_it_went(cli, cloud):
    outcome = cli("share", "create", "common", *HERE, "--size", "1GiB", "--wait", "--yes", "--json")
    assert [(one["state"], one["protocol"]) for one in outcome.document] == [("ready", "nfs")]
    assert "common is creating" in outcome.err
    assert "common is ready" in outcome.err


def test_its_mount_command_is_all_that_is_printed_and_waited_for(cli, cloud):
    (share,) = cli("share", "create", "common", *HERE, "--size", "1GiB", "--yes", "--json").document
    outcome = cli("share", "mount", "common")
    (line,) = outcome.out.splitlines()
    assert outcome.code == 0
    assert shlex.split(line)[-2:] == [f"{share['id']}.sim-east.simulated.invalid:/{share['id']}", f"/mnt/{share['id']}"]
    assert cli("share", "mount", share["id"], "--json").document == {"mount_command": line}


def test_one_that_will_never_be_ready_is_told_with_its_reason(cli, cloud):
    cloud.inject(Fault("failed", call="share.create"))
    cli("share", "create", "common", *HERE, "--size", "1GiB", "--yes")
    settled(cloud)
    outcome = cli("share", "mount", "common")
    assert (outcome.code, outcome.out) == (7, "")
    assert "the cloud could not make it" in outcome.err


def test_a_create_that_was_broken_off_goes_on_when_it_is_repeated(cli, cloud):
    cloud.set(attempts=1)
    cloud.inject(Fault("lost", call="share.create"))
    create = ["share", "create", "common", *HERE, "--size", "1GiB", "--yes"]
    assert cli(*create).code == 75
    assert cli(*create).code == 0
    assert len(cloud.shares()) == 1


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--size", "10GB", "share.size: "), ("--protocol", "webdav", "share.protocol: "), ("--label", "a", "--label: ")],
)
def test_a_fault_in_an_option_is_told_with_its_place(cli, cloud, option, value, told):
    outcome = cli("share", "create", *HERE, "--size", "1GiB", option, value, "--yes")
    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {told}")
    assert cloud.shares() == []


@pytest.mark.parametrize("missing", ["shares", "share_smb"])
def test_where_it_is_not_to_be_had_nobody_is_asked_and_the_reason_told(cli, cloud, monkeypatch, missing):
    provider = cloud.connect()
    items = {**provider.capabilities.items, missing: Capability(False, "this cloud has none")}
    object.__setattr__(provider.capabilities, "items", items)
    monkeypatch.setattr("cloudlayer.providers.registry.connect", lambda *_args, **_named: provider)
    outcome = cli("share", "create", *HERE, "--size", "1GiB", "--protocol", "smb")
    assert outcome.code == 8
    assert f"{missing.replace('_', ' ')}: this cloud has none" in outcome.err
    assert cloud.shares() == []


def test_one_that_was_not_made_here_is_not_found(cli, cloud):
    for command in (["show", "common"], ["mount", "common"], ["delete", "common", "--yes"]):
        outcome = cli("share", *command)
        assert outcome.code == 4
        assert "no share that was made here is called common: cloudlayer share list shows them" in outcome.err


def test_an_orphan_is_swept_with_its_account_and_a_lost_one_forgotten(cli, cloud):
    cli("share", "create", "common", *HERE, "--size", "1GiB", "--yes")
    settled(cloud)
    (lost,) = cloud.shares()
    owned = {name: value for name, value in lost.labels.items() if name == OWNER}
    cloud.connect().storage.delete_share(lost.id)
    orphan = cloud.connect().storage.create_share(ShareSpec(size=GIB, labels=owned), token=str(uuid4()))
    settled(cloud)
    outcome = cli("sweep", *HERE, "--yes", "--json")
    assert outcome.code == 0
    found = {(one["kind"], one["thing"], one["subject"]) for one in outcome.document}
    assert found == {("lost", "share", "common"), ("unknown", "share", orphan.id)}
    settled(cloud)
    assert cloud.holdings(owned) == {}
    assert cli("sweep", *HERE, "--json").document == []
