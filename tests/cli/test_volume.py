from cloudlayer.units import GIB
from tests.cli.waits import settled

HERE = ("--provider", "simulated")


def test_a_volume_is_refused_where_nobody_can_be_asked_about_its_price(cli, cloud):
    outcome = cli("volume", "create", "data", *HERE, "--size", "10GiB")
    assert outcome.code == 3
    assert "Make a volume of 10GiB at simulated:sim-east, for a price that is not known?" in outcome.err
    assert cloud.volumes() == []


def test_a_volume_is_made_attached_grown_copied_and_deleted(cli, cloud):
    made = cli("volume", "create", "data", *HERE, "--size", "10GiB", "--type", "standard", "--label", "a=b", "--yes", "--json")
    assert made.code == 0
    (volume,) = made.document
    assert (volume["size"], volume["type"], volume["labels"]["a"]) == (10 * GIB, "standard", "b")
    assert cli("instance", "create", *HERE, "--machine-type", "cpu-2", "--zone", volume["zone"], "--yes").code == 0
    settled(cloud)
    attached = cli("volume", "attach", "data", "m1", "--wait", "--json")
    assert [one["state"] for one in attached.document] == ["attached"]
    assert "data is attached" in attached.err
    refused = cli("volume", "delete", "data", "--yes")
    assert refused.code == 7
    assert "detach it first" in refused.err
    assert cli("volume", "grow", "data", "20GiB", "--yes").code == 0
    settled(cloud)
    (copy,) = cli("volume", "snapshot", "data", "--name", "copy", "--yes", "--json").document
    settled(cloud)
    assert [one["id"] for one in cli("volume", "snapshots", "--json").document] == [copy["id"]]
    assert cli("volume", "detach", "data").code == 0
    settled(cloud)
    (second,) = cli("volume", "create", *HERE, "--size", "20GiB", "--snapshot", "copy", "--yes", "--json").document
    settled(cloud)
    assert cli("volume", "delete-snapshot", "copy", "--yes", "--json").document == {"deleted": [copy["id"]]}
    assert cli("volume", "delete", "data", "2", "--yes", "--json").document == {"deleted": [volume["id"], second["id"]]}
    assert cli("volume", "list", "--json").document == []


def test_growing_and_copying_ask_first(cli, cloud):
    cli("volume", "create", "data", *HERE, "--size", "10GiB", "--yes")
    settled(cloud)
    grown = cli("volume", "grow", "data", "20GiB")
    assert (grown.code, "Grow data from 10GiB to 20GiB" in grown.err) == (3, True)
    assert cli("volume", "snapshot", "data").code == 3
    assert (cloud.volumes()[0].size, cloud.snapshots()) == (10 * GIB, [])


def test_the_kinds_of_volumes_are_listed_with_their_bounds(cli, cloud):
    outcome = cli("volume", "types", *HERE)
    assert outcome.out.splitlines()[0].split() == [
        "NAME",
        "DEFAULT",
        "SMALLEST",
        "LARGEST",
        "IOPS",
        "THROUGHPUT/S",
        "DESCRIPTION",
    ]
    names = [kind["name"] for kind in cli("volume", "types", *HERE, "--json").document]
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == names


def test_a_fault_in_a_size_is_told_with_its_place(cli, cloud):
    outcome = cli("volume", "create", *HERE, "--size", "10GB", "--yes")
    assert outcome.code == 2
    assert outcome.err.startswith("error: volume.size: ")


def test_one_that_was_not_made_here_is_not_found(cli, cloud):
    for command in (["show", "data"], ["delete", "data", "--yes"], ["detach", "data"], ["grow", "data", "20GiB", "--yes"]):
        outcome = cli("volume", *command)
        assert outcome.code == 4
        assert "no volume that was made here is called data: cloudlayer volume list shows them" in outcome.err


def test_where_one_of_several_is_not_there_none_is_deleted(cli, cloud):
    cli("volume", "create", "data", *HERE, "--size", "10GiB", "--yes")
    settled(cloud)
    assert cli("volume", "delete", "data", "other", "--yes").code == 4
    assert [one.state for one in cloud.volumes()] == ["available"]


def test_one_that_its_cloud_has_lost_can_be_deleted_all_the_same(cli, cloud):
    (volume,) = cli("volume", "create", "data", *HERE, "--size", "10GiB", "--yes", "--json").document
    settled(cloud)
    cloud.connect().storage.delete(volume["id"])
    settled(cloud)
    outcome = cli("volume", "delete", "data", "--yes")
    assert outcome.code == 0
    assert "data is not there any more" in outcome.err
    assert cli("volume", "show", "data").code == 4
