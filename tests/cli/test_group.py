import pytest

from tests.cli.waits import settled

HERE = ("--provider", "simulated")
WEB = """
name = "web"
min = 1
max = 4
labels = { team = "food" }
[template]
machine_type = "cpu-2"
user_data = "#!/bin/sh"
[[policies]]
kind = "step"
name = "out"
change = 1
cooldown = "1s"
"""


@pytest.fixture
def web(cli, cloud, tmp_path):
    """A group called web, of two members, made from a file."""
    path = tmp_path / "web.toml"
    path.write_text(WEB)
    outcome = cli("group", "create", *HERE, "--file", str(path), "--desired", "2", "--yes", "--json")
    assert outcome.code == 0
    settled(cloud)
    return str(path)


def alive(cloud):
    return cloud.instances(live=True)


def test_a_group_is_refused_where_nobody_can_be_asked_and_its_price_is_told(cli, cloud):
    outcome = cli("group", "create", "web", *HERE, "--max", "3", "--machine-type", "cpu-2")
    assert outcome.code == 3
    assert "Let it grow to 3 x cpu-2 (on_demand) of simulated:sim-east for 0.2400 USD/h?" in outcome.err
    assert cloud.groups() == []


def test_the_dearest_of_several_machine_types_is_what_is_asked_about(cli, cloud, tmp_path):
    path = tmp_path / "web.toml"
    path.write_text('name = "web"\nmax = 1\nmachine_types = ["cpu-2", "l4-1"]\ntemplate = {}\n')
    assert "1 x l4-1" in cli("group", "create", *HERE, "--file", str(path)).err


def test_a_file_is_the_whole_spec_and_options_count_before_it(cli, cloud, web):
    (group,) = cli("group", "list", "--json").document
    assert (group["name"], group["min"], group["max"], group["desired"]) == ("web", 1, 4, 2)
    assert group["labels"]["team"] == "food"
    assert len(alive(cloud)) == 2
    members = cli("group", "show", "web").out.splitlines()[-2:]
    assert {line.split()[0] for line in members} == {one.id for one in alive(cloud)}
    assert cli("instance", "list", "--json").document == []


def test_options_alone_make_a_group_too(cli, cloud):
    policies = ["--step", "in=-1@20", "--track", "cpu_percent=60", "--schedule", "0 8 * * 1-5=1..3", "--cooldown", "90s"]
    what = ["--min", "0", "--max", "3", "--zone", "sim-east-a", "--machine-type", "cpu-2", "--label", "a=b"]
    outcome = cli("group", "create", "web", *HERE, *what, *policies, "--yes", "--wait", "--json")
    assert outcome.code == 0
    assert [one["state"] for one in outcome.document] == ["active"]
    assert "web is active, 0 of 0 members are well" in outcome.err
    record = cloud.groups()[0]
    assert (record.min, record.max, record.labels["a"]) == (0, 3, "b")


def test_its_size_is_changed_with_a_question_where_that_costs_or_deletes(cli, cloud, web):
    more = cli("group", "resize", "web", "4")
    assert (more.code, "Buy 2 x cpu-2" in more.err) == (3, True)
    less = cli("group", "resize", "web", "1")
    assert (less.code, "Delete 1 member of web?" in less.err) == (3, True)
    assert cli("group", "resize", "web", "3", "--yes").code == 0
    settled(cloud)
    assert len(alive(cloud)) == 3
    beyond = cli("group", "resize", "web", "9", "--yes")
    assert beyond.code == 2
    assert "outside of web's bounds, 1 to 4" in beyond.err


def test_a_step_is_taken_by_the_name_of_its_policy(cli, cloud, web):
    assert cli("group", "execute", "web", "out").code == 3
    assert cli("group", "execute", "web", "out", "--yes").code == 0
    assert cloud.groups()[0].desired == 3
    assert cli("group", "execute", "web", "away", "--yes").code == 4


def test_a_change_in_part_keeps_the_rest_and_the_size(cli, cloud, web, tmp_path):
    before = {one.id for one in alive(cloud)}
    assert cli("group", "resize", "web", "3", "--yes").code == 0
    settled(cloud)
    unsaid = cli("group", "update", "web", "--max", "6", "--yes")
    assert unsaid.code == 2
    assert "web has user data, of which nothing is kept here: give --user-data FILE again" in unsaid.err
    (tmp_path / "start").write_text("#!/bin/sh")
    assert cli("group", "update", "web", "--max", "6", "--user-data", str(tmp_path / "start"), "--yes").code == 0
    settled(cloud)
    (group,) = cloud.groups()
    assert (group.max, group.desired, group.labels["team"]) == (6, 3, "food")
    assert before <= {one.id for one in alive(cloud)}


def test_a_group_is_shown_before_it_is_deleted_with_its_members(cli, cloud, web):
    refused = cli("group", "delete", "web")
    assert (refused.code, "Delete 1 scaling group?" in refused.err) == (3, True)
    assert "web" in refused.out
    assert cli("group", "delete", "web", "--yes", "--json").code == 0
    settled(cloud)
    assert alive(cloud) == []
    assert cli("group", "list", "--json").document == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--max", "3", "--min", "4"], "not in ascending order"),
        (["--min", "1"], "group.max: is required"),
        (["--max", "1", "--step", "out"], '--step: "out" is no step: write NAME=+2'),
        (["--max", "1", "--track", "cpu"], '--track: "cpu" is no target'),
        (["--max", "1", "--track", "heat=3"], "group.policies[0]"),
        (["--max", "1", "--schedule", "daily"], '--schedule: "daily" is no schedule'),
        (["--max", "1", "--file", "/no/such.toml"], "--file: /no/such.toml: No such file"),
    ],
)
def test_a_fault_is_told_with_its_place(cli, cloud, arguments, told):
    outcome = cli("group", "create", "web", *HERE, "--yes", *arguments)
    assert outcome.code == 2
    assert told in outcome.err
    assert cloud.groups() == []


def test_an_unknown_key_of_a_file_is_told(cli, cloud, tmp_path):
    path = tmp_path / "web.toml"
    path.write_text(WEB.replace("max = 4", "max = 4\nmost = 5"))
    assert "group.most: unknown key; known here: " in cli("group", "create", *HERE, "--file", str(path), "--yes").err
