"""The simulated cloud keeps its scaling groups as they should be, as time passes."""

from collections import Counter
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Thread

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, QuotaError, RejectedSpec, TransientError
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, InstanceState, LoadBalancerSpec
from tests.providers.simulated.groups import RUN, active, changed, seen, spec, token

ZONES = ("sim-east-a", "sim-east-b", "sim-east-c")


def test_members_boot_as_any_instance_does(world, groups):
    made = groups.create(spec(min=2), token=token())
    assert [(made.state, member.state, member.healthy) for member in made.members] == [("creating", "pending", False)] * 2
    world.advance(19)
    assert seen(world).state == "creating"
    world.advance(1)
    assert [(member.state, member.healthy) for member in seen(world).members] == [("running", True)] * 2
    assert seen(world).state == "active"


def test_members_are_spread_over_the_zones_and_leave_the_fullest_first(world, groups):
    made = groups.create(spec(desired=6), token=token())
    assert Counter(member.zone for member in made.members) == dict.fromkeys(ZONES, 2)
    groups.set_desired(made.id, 3)
    assert Counter(member.zone for member in seen(world).members) == dict.fromkeys(ZONES, 1)


def test_the_fullest_zone_loses_a_member_though_others_are_younger(world, groups):
    world.set_capacity("sim-east-b", "cpu-2", 0)
    made = groups.create(spec(desired=4), token=token())
    world.set_capacity("sim-east-b", "cpu-2", None)
    groups.set_desired(made.id, 5)
    groups.set_desired(made.id, 4)
    assert Counter(member.zone for member in seen(world).members)["sim-east-b"] == 1


def test_members_carry_the_labels_of_the_group_the_template_and_the_token(world, groups):
    used = token()
    groups.create(spec(min=1, template={"labels": {"part": "front"}}), token=used)
    (member,) = world.instances()
    assert member.labels == {**RUN, "part": "front", TOKEN: used}


@pytest.mark.parametrize("harm", ["delete", "stop"])
def test_a_member_that_is_lost_is_replaced(world, groups, harm):
    provider = world.connect()
    made = active(groups, groups.create(spec(min=2), token=token()))
    lost = made.members[0].instance
    getattr(provider.compute, harm)([lost] if harm == "delete" else lost)
    world.advance(1)
    assert seen(world).state == "updating"
    assert lost not in {member.instance for member in seen(world).members}
    assert len(active(groups, made).members) == 2
    assert len(world.instances(live=True)) == 2


def test_spot_members_that_are_taken_back_are_replaced_when_it_happens(world, groups):
    made = active(groups, groups.create(spec(min=1, template={"purchase": "spot"}), token=token()))
    world.interrupt(made.members[0].instance, after=100)
    world.advance(99)
    assert seen(world).members == made.members
    world.advance(21)
    (member,) = seen(world).members
    assert (member.instance != made.members[0].instance, member.state) == (True, "running")


def test_a_group_that_lacks_capacity_says_so_and_tries_again(world, groups):
    for zone in ZONES:
        world.set_capacity(zone, "cpu-2", 0)
    made = groups.create(spec(min=1), token=token())
    assert "no cpu-2 is left" in made.reason
    world.advance(3600)
    assert (seen(world).state, len(world.instances())) == ("creating", 0)
    world.set_capacity("sim-east-b", "cpu-2", 1)
    while not seen(world).members:
        world.advance(1)
    assert (seen(world).state, seen(world).reason) == ("creating", None)
    assert [member.zone for member in active(groups, made).members] == ["sim-east-b"]


def test_a_group_that_may_not_grow_is_updating_with_the_reason(world, groups):
    made = active(groups, groups.create(spec(min=1), token=token()))
    world.set_quota("instances", 1)
    groups.set_desired(made.id, 2)
    assert (seen(world).state, len(seen(world).members)) == ("updating", 1)
    assert "the quota of 1 instances" in seen(world).reason
    with pytest.raises(TransientError):
        groups.wait(made, "active", timeout=60)


def test_another_machine_type_is_taken_where_the_first_is_not_to_be_had(world, groups):
    for zone in ZONES:
        world.set_capacity(zone, "cpu-2", 0)
    groups.create(spec(min=1, machine_types=["cpu-4"]), token=token())
    assert [instance.machine_type for instance in world.instances()] == ["cpu-4"]


def test_members_that_never_come_up_are_replaced_ever_more_slowly(world, groups):
    world.inject(Fault("failed_boot", times=None))
    made = groups.create(spec(min=1), token=token())
    world.advance(3600)
    assert len(world.instances(live=True)) <= 1
    assert 5 < len(world.instances()) < 30
    world.heal()
    assert active(groups, made).members[0].state is InstanceState.RUNNING


@pytest.mark.parametrize(("most", "fewest_running"), [(3, 2), (4, 3)])
def test_another_template_replaces_the_members_one_by_one(world, groups, most, fewest_running):
    before = spec(min=3, max=most)
    made = active(groups, groups.create(before, token=token()))
    old = {member.instance for member in made.members}
    groups.update(made.id, changed(before, template=InstanceSpec(machine_type="cpu-4")))
    while seen(world).state != "active":
        members = seen(world).members
        assert len(members) <= most
        assert sum(member.healthy for member in members) >= fewest_running
        assert seen(world).state == "updating"
        world.advance(1)
    types = {instance.id: instance.machine_type for instance in world.instances(live=True)}
    assert set(types.values()) == {"cpu-4"}
    assert not old & set(types)


def test_members_leave_a_zone_that_is_none_of_the_groups_any_more(world, groups):
    before = spec(min=3)
    made = active(groups, groups.create(before, token=token()))
    groups.update(made.id, changed(before, zones=ZONES[:1]))
    assert {member.zone for member in active(groups, made).members} == {"sim-east-a"}


def test_an_update_to_the_same_changes_nothing(world, groups):
    same = spec(min=2, desired=2)
    made = active(groups, groups.create(same, token=token()))
    assert groups.update(made.id, same) == made
    world.advance(1000)
    assert seen(world) == made


def test_an_update_labels_all_that_belongs_to_the_group_anew(world, groups):
    before = spec(min=1, template={"open_ports": [{"port": 80, "source": "0.0.0.0/0"}]})
    made = groups.create(before, token=token())
    groups.update(made.id, changed(before, labels={"run": "two"}))
    assert world.holdings(RUN) == {}
    assert world.holdings({"run": "two"}) == {"group": 1, "instance": 1, "template": 1, "firewall": 1}


def test_a_template_that_opens_ports_later_gets_one_firewall(world, groups):
    before = spec(min=1)
    made = active(groups, groups.create(before, token=token()))
    after = changed(before, template={"machine_type": "cpu-2", "open_ports": [{"port": 80, "source": "0.0.0.0/0"}]})
    world.inject(Fault("lost", call="group.update"))
    groups.update(made.id, after)
    groups.update(made.id, after)
    active(groups, made)
    assert world.holdings(RUN) == {"group": 1, "instance": 1, "template": 1, "firewall": 1}
    groups.delete(made.id)
    assert world.holdings(RUN) == {}


def test_the_name_is_for_good(groups):
    before = spec(min=1)
    made = groups.create(before, token=token())
    with pytest.raises(Conflict):
        groups.update(made.id, changed(before, name="other"))


def test_a_size_outside_of_the_bounds_is_refused_and_changes_nothing(world, groups):
    made = groups.create(spec(min=1, max=2), token=token())
    for size in (0, 3):
        with pytest.raises(InvalidSpec, match="bounds, 1 to 2"):
            groups.set_desired(made.id, size)
    assert seen(world).desired == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"zones": ["mars"]}, "NoSuchZone"),
        ({"template": {"machine_type": "abacus"}}, "NoSuchOffer"),
        ({"template": {"image": "beos"}}, "NoSuchImage"),
        ({"policies": [{"kind": "scheduled", "cron": "every day", "min": 0, "max": 1}]}, "NoSuchTime"),
        ({"policies": [{"kind": "scheduled", "cron": "0 0 0 1 1 *", "min": 0, "max": 1}]}, "NoSuchTime"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_and_leaves_nothing(world, groups, fields, code):
    with pytest.raises(RejectedSpec) as refused:
        groups.create(spec(min=1, **fields), token=token())
    assert refused.value.code == code
    assert world.holdings(RUN) == {}


def test_a_balancer_that_is_not_there_is_not_found(groups):
    with pytest.raises(NotFound):
        groups.create(spec(balancer="lb-1"), token=token())


def test_groups_have_a_quota(world, groups):
    groups.create(spec(), token=token())
    world.set_quota("groups", 1)
    with pytest.raises(QuotaError) as refused:
        groups.create(spec(), token=token())
    assert (refused.value.name, refused.value.limit, refused.value.used) == ("groups", 1, 1)
    assert [(quota.name, quota.limit, quota.used) for quota in world.connect().quotas()] == [("groups", 1, 1)]


def test_time_that_passes_at_once_leaves_what_time_that_passes_slowly_does():
    ends = []
    for step in (1, 600):
        world = World()
        world.inject(Fault("failed_boot", times=3), Fault("no_capacity", times=5))
        policy = {"kind": "step", "name": "up", "change": 1, "metric": "cpu_percent", "threshold": 50, "cooldown": 100.0}
        used = "00000000-0000-4000-8000-000000000001"
        made = world.connect().autoscaling.create(spec(min=2, policies=[policy]), token=used)
        world.set_metric(made.id, "cpu_percent", 80)
        for _ in range(600 // step):
            world.advance(step)
        ends.append((world.groups(), world.instances()))
    assert ends[0] == ends[1]


def test_members_are_targets_of_the_groups_balancer_until_it_is_another(world, groups):
    balancing = world.connect().load_balancing
    balancer = LoadBalancerSpec(name="front", listeners=[{"port": 80, "protocol": "tcp", "target_port": 8080}])
    first, second = (balancing.create(balancer, token=token()) for _ in range(2))
    before = spec(min=2, balancer=first.id)
    made = active(groups, groups.create(before, token=token()))
    assert made.balancers == (first.id,)
    members = {member.instance for member in made.members}
    assert {health.target for health in balancing.health(first.id)} == members
    groups.update(made.id, changed(before, balancer=second.id))
    assert {health.state for health in balancing.health(first.id)} == {"draining"}
    assert {health.target for health in balancing.health(second.id)} == members
    groups.delete(made.id)
    assert balancing.health(second.id) == []
    assert balancing.get(second.id).state == "active"


def test_a_world_in_a_file_keeps_its_groups(tmp_path):
    file = tmp_path / "world.json"
    made = World(file).connect().autoscaling.create(spec(min=2), token=token())
    World(file).advance(20)
    found = World(file).connect().autoscaling.get(made.id)
    assert (found.state, len(found.members)) == ("active", 2)


def test_groups_that_are_made_at_once_under_one_token_are_one():
    world = World(native_tokens=False)
    groups, used, both = world.connect().autoscaling, token(), Barrier(2)
    look = groups.list

    def look_together(labels, *, deadline):
        found = look(labels, deadline=deadline)
        with suppress(BrokenBarrierError):  # that one waits for the other to be done is what is hoped for
            both.wait(timeout=0.3)
        return found

    groups.list = look_together
    threads = [Thread(target=groups.create, args=[spec(min=2)], kwargs={"token": used}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.holdings(RUN) == {"group": 1, "template": 1, "instance": 2}


def test_what_lags_behind_is_that_a_group_is_there_and_not_how_it_is():
    world = World(lag_seconds=30)
    groups = world.connect().autoscaling
    made = groups.create(spec(min=1), token=token())
    with pytest.raises(NotFound):
        groups.get(made.id)
    assert groups.wait(made, "active").state == "active"
    groups.set_desired(made.id, 2)
    assert groups.get(made.id).state == "updating"
    groups.delete(made.id)
    assert groups.get(made.id).state != "deleting"
    world.advance(30)
    assert groups.get(made.id).state == "deleting"
    world.advance(5)
    assert groups.get(made.id).state == "deleted"
