"""Managed groups that get another template: how they change over."""

import pytest

from tests.contracts.gce.bodies import ZONE, group, template

MANAGER = f"{ZONE}/instanceGroupManagers/group"
OLD, NEW = "global/instanceTemplates/template", "global/instanceTemplates/new"


@pytest.fixture(autouse=True)
def templates(client):
    client.do("POST", "global/instanceTemplates", template())
    client.do("POST", "global/instanceTemplates", template("new", machine="e2-medium"))


def policy(surge, unavailable, **fields):
    known = {"type": "PROACTIVE", "minimalAction": "REPLACE", "maxSurge": surge, "maxUnavailable": unavailable}
    return {"updatePolicy": known | fields}


def members(client):
    return client.ask("POST", f"{MANAGER}/listManagedInstances").json()["managedInstances"]


def versions(client):
    """How many members there are of the old and of the new template, those being deleted left out."""
    found = [
        one["version"]["instanceTemplate"].endswith("new") for one in members(client) if one["currentAction"] != "DELETING"
    ]
    return found.count(False), found.count(True)


def roll(client, gce, clock, size, change, versions_wanted):
    """Change over, and tell the least that ran and the most there were."""
    client.do("POST", f"{ZONE}/instanceGroupManagers", group(size=size, **change))
    gce.options.delay = 4
    client.do("PATCH", MANAGER, {"versions": versions_wanted})
    least, most = size, size
    for _ in range(100):
        told = client.get(MANAGER)
        if told["status"]["isStable"]:
            assert told["status"]["versionTarget"]["isReached"] is True
            return least, most
        assert told["status"]["versionTarget"]["isReached"] in (True, False)
        now = members(client)
        least = min(least, sum(one.get("instanceStatus") == "RUNNING" and one["currentAction"] == "NONE" for one in now))
        most = max(most, sum(one["currentAction"] != "DELETING" for one in now))
        clock.move(1)
    raise AssertionError("the group does not change over")


@pytest.mark.parametrize(
    ("surge", "unavailable", "least", "most"),
    [
        ({"fixed": 1}, {"fixed": 0}, 4, 5),
        ({"fixed": 0}, {"fixed": 1}, 3, 4),
        ({"fixed": 2}, {"fixed": 1}, 3, 6),
        ({"percent": 50}, {"percent": 0}, 4, 6),
        ({"percent": 0}, {"percent": 100}, 0, 4),
    ],
)
def test_a_proactive_group_keeps_within_its_policy(client, gce, clock, surge, unavailable, least, most):
    ran, were = roll(client, gce, clock, 4, policy(surge, unavailable), [{"instanceTemplate": NEW}])
    assert (ran >= least, were <= most) == (True, True)
    assert versions(client) == (0, 4)
    assert {one["machineType"].rpartition("/")[2] for one in gce.things("instances")} == {"e2-medium"}
    assert len({one["name"] for one in gce.things("instances")}) == 4


def test_members_keep_their_names_where_they_are_recreated(client, gce, clock):
    change = policy({"fixed": 0}, {"fixed": 1}, replacementMethod="RECREATE")
    client.do("POST", f"{ZONE}/instanceGroupManagers", group(size=2, **change))
    names = [one["name"] for one in members(client)]
    gce.options.delay = 4
    client.do("POST", f"{MANAGER}/setInstanceTemplate", {"instanceTemplate": NEW})
    clock.move(40)
    client.get(MANAGER)
    assert (versions(client), [one["name"] for one in members(client)]) == ((0, 2), names)


def test_a_group_of_one_can_change_over(client, gce, clock):
    assert roll(client, gce, clock, 1, policy({"fixed": 1}, {"fixed": 0}), [{"instanceTemplate": NEW}]) == (1, 2)


def test_a_canary_is_as_large_as_it_is_told(client, gce, clock):
    wanted = [{"instanceTemplate": OLD}, {"instanceTemplate": NEW, "targetSize": {"fixed": 1}}]
    roll(client, gce, clock, 3, policy({"fixed": 1}, {"fixed": 0}), wanted)
    assert versions(client) == (2, 1)
    client.do("PATCH", MANAGER, {"versions": [{"instanceTemplate": NEW}]})
    clock.move(100)
    client.get(MANAGER)
    assert versions(client) == (0, 3)


def test_an_opportunistic_group_changes_what_it_makes_anew(client, clock):
    client.do("POST", f"{ZONE}/instanceGroupManagers", group())
    client.do("PATCH", MANAGER, {"versions": [{"instanceTemplate": NEW}]})
    told = client.get(MANAGER)["status"]
    assert (told["isStable"], told["versionTarget"]["isReached"]) == (True, False)
    client.do("POST", f"{MANAGER}/resize", size=3)
    assert versions(client) == (2, 1)
    (first, *_) = members(client)
    client.do("POST", f"{MANAGER}/applyUpdatesToInstances", {"instances": [first["instance"]]})
    assert versions(client) == (1, 2)
    client.do("POST", f"{MANAGER}/applyUpdatesToInstances", {"allInstances": True})
    assert versions(client) == (0, 3)
    assert client.get(MANAGER)["status"]["versionTarget"]["isReached"] is True


def test_a_rollout_that_finds_no_room_stands_still(client, gce, clock):
    client.do("POST", f"{ZONE}/instanceGroupManagers", group(**policy({"fixed": 1}, {"fixed": 0})))
    gce.options.room = 0
    client.do("PATCH", MANAGER, {"versions": [{"instanceTemplate": NEW}]})
    clock.move(60)
    told = client.get(MANAGER)
    assert told["status"] | {"isStable": False, "versionTarget": {"isReached": False}} == told["status"]
    assert versions(client) == (2, 1)
    gce.options.room = None
    clock.move(60)
    assert client.get(MANAGER)["status"]["isStable"] is True
    assert versions(client) == (0, 2)


def test_a_template_may_be_named_without_versions(client):
    client.do("POST", f"{ZONE}/instanceGroupManagers", {"name": "group", "targetSize": 1, "instanceTemplate": OLD})
    client.do("PATCH", MANAGER, {"instanceTemplate": NEW, "updatePolicy": {"type": "PROACTIVE"}})
    told = client.get(MANAGER)
    assert [one["instanceTemplate"] for one in told["versions"]] == [told["instanceTemplate"]]
    assert versions(client) == (0, 1)


def test_a_rollout_can_be_turned_back(client, gce, clock):
    client.do("POST", f"{ZONE}/instanceGroupManagers", group(size=3, **policy({"fixed": 1}, {"fixed": 0})))
    gce.options.delay = 4
    client.do("PATCH", MANAGER, {"versions": [{"instanceTemplate": NEW}]})
    clock.move(6)
    client.do("PATCH", MANAGER, {"versions": [{"instanceTemplate": OLD}]})
    clock.move(60)
    assert client.get(MANAGER)["status"]["isStable"] is True
    assert versions(client) == (3, 0)
