import pytest

from tests.cli.waits import settled

HERE = ("--provider", "simulated")
DOOR = """
name = "door"
drain = "1s"
[[listeners]]
port = 80
protocol = "http"
target_port = 8080
[health_check]
protocol = "http"
path = "/well"
"""


@pytest.fixture
def door(cli, cloud, tmp_path):
    """A balancer called door, made from a file."""
    path = tmp_path / "door.toml"
    path.write_text(DOOR)
    outcome = cli("lb", "create", *HERE, "--file", str(path), "--interval", "1s", "--yes", "--json")
    assert outcome.code == 0
    settled(cloud)


def test_a_balancer_is_refused_where_nobody_can_be_asked_about_its_price(cli, cloud):
    outcome = cli("lb", "create", "door", *HERE, "--listen", "tcp:443")
    assert outcome.code == 3
    assert "Make balancer door (tcp:443) at simulated:sim-east, for a price that is not known?" in outcome.err
    assert cloud.balancers() == []


def test_options_alone_make_a_balancer_and_the_wait_tells_how_it_goes(cli, cloud):
    listeners = ["--listen", "tcp:443:8443", "--listen", "http:80"]
    outcome = cli("lb", "create", "door", *HERE, *listeners, "--public", "--label", "a=b", "--yes", "--wait", "--json")
    assert outcome.code == 0
    (balancer,) = outcome.document
    assert (balancer["state"], balancer["labels"]["a"]) == ("active", "b")
    found = [(one["protocol"], one["port"], one["target_port"]) for one in balancer["listeners"]]
    assert found == [("tcp", 443, 8443), ("http", 80, 80)]
    assert "door is active" in outcome.err


def test_targets_come_by_name_or_id_are_shown_and_go(cli, cloud, door):
    cli("instance", "create", *HERE, "--machine-type", "cpu-2", "--yes")
    settled(cloud)
    (machine,) = cloud.instances()
    assert cli("lb", "register", "door", "instance:m1", "address:10.9.9.9").code == 0
    states = {one["target"]: one["state"] for one in cli("lb", "health", "door", "--json").document}
    assert set(states) == {machine.id, "10.9.9.9"}
    assert cli("lb", "deregister", "door", "address:10.9.9.9", "--json").document == {"deregistered": ["10.9.9.9"]}
    assert [line.split()[0] for line in cli("lb", "health", "door").out.splitlines()[1:]] == [machine.id]
    unknown = cli("lb", "register", "door", "instance:none-such")
    assert unknown.code == 4


def test_a_balancer_is_shown_before_it_is_deleted_and_its_targets_stay(cli, cloud, door):
    cli("instance", "create", *HERE, "--machine-type", "cpu-2", "--yes")
    settled(cloud)
    cli("lb", "register", "door", "instance:m1")
    assert cli("lb", "delete", "door").code == 3
    assert cli("lb", "delete", "door", "--yes").code == 0
    assert cli("lb", "list", "--json").document == []
    assert len(cloud.instances(live=True)) == 1


def test_one_balancer_is_shown_with_all_that_is_known(cli, cloud, door):
    shown = cli("lb", "show", "door", "--json").document
    assert shown["listeners"] == [{"port": 80, "protocol": "http", "target_port": 8080, "certificate": None}]
    lines = dict(line.split(maxsplit=1) for line in cli("lb", "show", "door").out.splitlines()[1:])
    assert lines["listeners"] == "port=80, protocol=http, target_port=8080"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "lb.listeners: is required"),
        (["--listen", "http"], '--listen: "http" is no listener: write PROTOCOL:PORT[:TARGET_PORT]'),
        (["--listen", "ftp:21"], "lb.listeners[0].protocol: "),
        (["--listen", "https:443"], 'a listener has a certificate if, and only if, its protocol is "https"'),
        (["--listen", "udp:53"], "lb.listeners[0].protocol: "),
        (["--listen", "tcp:80", "--check", "http:x"], '--check: "http:x" is no health check'),
        (["--listen", "tcp:80", "--check", "tcp:80/well"], 'a path starts with "/" and goes with protocol = "http"'),
        (["--listen", "tcp:80", "--target", "m1"], '"m1" is no target: write instance:ID, address:IP or group:ID'),
    ],
)
def test_a_fault_is_told_with_its_place(cli, cloud, arguments, told):
    outcome = cli("lb", "create", "door", *HERE, "--yes", *arguments)
    assert outcome.code == 2
    assert told in outcome.err
    assert outcome.err.count("error: ") == 1
    assert cloud.balancers() == []
