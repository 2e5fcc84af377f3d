"""What becomes of a group whose spec changes: few at a time, nothing lost, and uniform sets alike."""

from uuid import uuid4

import pytest

from cloudlayer.errors import CapacityError, Conflict, InvalidSpec, RejectedSpec, Throttled, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec

TEMPLATE = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04")
NEWER = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04", labels={"template": "newer"})
SPEC = ScalingGroupSpec(name="web", template=TEMPLATE, desired=3, max=3, labels={"team": "blue"})
MODES = ("flexible", "uniform")
BALANCER = LoadBalancerSpec(name="front", listeners=[{"port": 80, "protocol": "tcp", "target_port": 8080}], drain=1.0)


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


@pytest.fixture(params=MODES)
def spec(request):
    return changed(SPEC, overrides={"orchestration": request.param})


def changed(spec, **fields):
    return type(spec).model_validate({**spec.model_dump(), **fields})


def started(groups, spec):
    return groups.wait(groups.create(spec, token=str(uuid4())), "active", timeout=300)


def settled(groups, group):
    return groups.wait(group, "active", timeout=300)


def members(group):
    return {member.instance for member in group.members if not member.state.gone}


def serving(arm):
    """How many members of either mode are there, as the cloud itself counts."""
    kinds = ("virtualMachines", "virtualMachineScaleSets/virtualMachines")
    return sum(len(arm.things(kind)) for kind in kinds)


@pytest.fixture
def watched(arm, monkeypatch):
    """How many members there were at each call."""
    seen = []
    execute = arm.execute

    def watch(call):
        seen.append(serving(arm))
        return execute(call)

    monkeypatch.setattr(arm, "execute", watch)
    return seen


def test_members_are_replaced_one_after_another_and_never_fewer_than_desired(arm, groups, spec, watched):
    group = started(groups, spec)
    watched.clear()
    groups.update(group.id, changed(spec, template=NEWER))
    after = settled(groups, group)
    assert members(after).isdisjoint(members(group))
    assert len(members(after)) == 3
    assert (min(watched), max(watched)) == (3, 4)


def test_the_bounds_hold_again_once_all_are_replaced(arm, groups, spec):
    group = started(groups, spec)
    groups.update(group.id, changed(spec, template=NEWER))
    (setting,) = arm.things("autoscalesettings")
    assert setting["properties"]["enabled"] is True
    assert setting["properties"]["profiles"][0]["capacity"]["maximum"] == "3"


def test_a_replacement_that_finds_no_room_keeps_the_old_members_and_goes_on_later(arm, groups, spec):
    group = started(groups, spec)
    arm.options.room = 1
    with pytest.raises(CapacityError) as caught:
        groups.update(group.id, changed(spec, template=NEWER))
    assert (caught.value.avoid.region, caught.value.avoid.machine_type) == ("eastus", "Standard_D2s_v5")
    assert serving(arm) == 3
    found = groups.get(group.id)
    assert found.state != "active"
    assert len(members(found) & members(group)) == 2
    arm.options.room = None
    groups.update(group.id, changed(spec, template=NEWER))
    assert members(settled(groups, group)).isdisjoint(members(group))


def test_a_replacement_that_is_broken_off_is_not_active_and_says_what_to_do(arm, groups, clock):
    group = started(groups, SPEC)
    with pytest.raises(TransientError):
        arm.fault(method="VirtualMachines_Delete", refuse=True)
        groups.update(group.id, changed(SPEC, template=NEWER), deadline=Deadline.after(20, clock))
    arm.rules.clear()
    found = groups.get(group.id)
    assert found.state == "updating"
    assert "update it again" in found.reason
    groups.update(group.id, changed(SPEC, template=NEWER))
    assert members(settled(groups, group)).isdisjoint(members(group))


def test_another_size_of_machine_is_a_changed_template(groups, compute):
    group = started(groups, changed(SPEC, desired=1))
    groups.update(group.id, changed(SPEC, desired=1, template=changed(TEMPLATE, machine_type="Standard_D4s_v5")))
    (member,) = members(settled(groups, group))
    assert compute.get(member).machine_type == "Standard_D4s_v5"


def test_an_update_keeps_the_ssh_key(arm, groups):
    group = started(groups, changed(SPEC, desired=0))
    groups.update(group.id, changed(SPEC, desired=0, template=NEWER))
    first, second = [
        call.body["properties"]["virtualMachineProfile"]["osProfile"]["linuxConfiguration"]
        for call in arm.calls
        if call.method == "VirtualMachineScaleSets_CreateOrUpdate"
    ]
    assert first == second


def test_labels_reach_the_members_that_are_there(arm, groups, spec):
    group = started(groups, changed(spec, desired=1))
    groups.update(group.id, changed(spec, desired=1, labels={"team": "red"}))
    after = settled(groups, group)
    assert (after.labels["team"], members(after)) == ("red", members(group))
    kind = "virtualMachines" if "/" not in next(iter(members(after))) else "virtualMachineScaleSets/virtualMachines"
    assert [machine["tags"]["team"] for machine in arm.things(kind)] == ["red"]


def test_ports_that_are_closed_take_their_security_group_along(arm, groups):
    rule = {"port": 443, "source": "192.0.2.0/24"}
    opened = changed(SPEC, desired=1, template=changed(TEMPLATE, open_ports=[rule]))
    group = started(groups, opened)
    assert len(arm.things("networkSecurityGroups")) == 1
    groups.update(group.id, changed(SPEC, desired=1))
    settled(groups, group)
    assert arm.things("networkSecurityGroups") == []


def test_policies_and_bounds_change_without_touching_the_members(arm, groups, spec):
    group = started(groups, changed(spec, desired=1))
    steps = [{"kind": "step", "name": "up", "change": 1}]
    groups.update(group.id, changed(spec, desired=None, max=5, policies=steps))
    after = settled(groups, group)
    assert (after.max, after.desired, members(after)) == (5, 1, members(group))
    groups.execute(group.id, "up")
    assert settled(groups, group).desired == 2


@pytest.mark.parametrize("change", [{"zones": ["1"]}, {"overrides": {"orchestration": "uniform"}}])
def test_what_azure_fixes_with_a_sets_creation_is_a_conflict(groups, change):
    group = started(groups, changed(SPEC, desired=0, zones=["1", "2"]))
    with pytest.raises(Conflict):
        groups.update(group.id, changed(SPEC, desired=0, **change))


def test_an_image_of_another_offer_is_a_conflict_and_changes_nothing(arm, groups, spec):
    group = started(groups, spec)
    arm.calls.clear()
    with pytest.raises(Conflict, match="make a new group"):
        groups.update(group.id, changed(spec, template=changed(TEMPLATE, image="debian-12")))
    assert not [call for call in arm.calls if call.verb in ("PUT", "PATCH", "POST", "DELETE")]


def test_a_template_that_azure_refuses_leaves_the_group_as_it_was(arm, groups, spec):
    group = started(groups, spec)
    (before,) = arm.things("autoscalesettings")
    arm.fault(method="VirtualMachineScaleSets_CreateOrUpdate", code="InvalidParameter", status=400)
    with pytest.raises(RejectedSpec):
        groups.update(group.id, changed(spec, template=NEWER, min=1, max=9))
    (after,) = arm.things("autoscalesettings")
    assert (after["properties"], after["tags"]) == (before["properties"], before["tags"])
    assert groups.get(group.id).state == "active"


def test_an_unknown_orchestration_is_refused_before_any_call(arm, groups):
    with pytest.raises(InvalidSpec, match="orchestration"):
        groups.create(changed(SPEC, overrides={"orchestration": "loose"}), token=str(uuid4()))
    assert arm.calls == []


def test_a_group_moves_from_one_balancer_to_another(cloud, groups, spec):
    balancers = cloud.load_balancing
    first, second = (balancers.create(BALANCER, token=str(uuid4())).id for _ in range(2))
    group = started(groups, changed(spec, desired=2, balancer=first))
    groups.update(group.id, changed(spec, desired=2, balancer=second))
    after = settled(groups, group)
    assert (after.balancers, members(after)) == ((second,), members(group))
    assert balancers.health(first) == []
    assert {target.target for target in balancers.health(second)} == members(group)


def test_members_of_a_uniform_set_are_numbered_and_grow_and_shrink(arm, groups):
    spec = changed(SPEC, desired=1, overrides={"orchestration": "uniform"})
    group = started(groups, spec)
    assert members(group) == {f"{group.id}/0"}
    groups.set_desired(group.id, 3)
    assert len(members(settled(groups, group))) == 3
    groups.set_desired(group.id, 0)
    assert members(settled(groups, group)) == set()
    groups.delete(group.id)
    groups.wait(group, "deleted", timeout=300)
    assert arm.things("virtualMachineScaleSets") == arm.things("autoscalesettings") == arm.things("disks") == []


def test_a_cooldown_is_of_the_step_that_was_taken(groups):
    steps = [
        {"kind": "step", "name": name, "change": 1, "cooldown": seconds} for name, seconds in (("long", 900), ("short", 1))
    ]
    group = started(groups, changed(SPEC, desired=0, policies=steps))
    groups.execute(group.id, "short")
    groups.execute(group.id, "long")
    with pytest.raises(Throttled) as caught:
        groups.execute(group.id, "short")
    assert 0 < caught.value.retry_after <= 900
    assert settled(groups, group).desired == 2
    groups.set_desired(group.id, 3)
    assert settled(groups, group).desired == 3


def test_a_member_of_a_uniform_set_is_stopped_started_and_deleted_as_an_instance(groups, compute):
    spec = changed(SPEC, desired=1, overrides={"orchestration": "uniform"})
    group = started(groups, spec)
    (member,) = members(group)
    (listed,) = compute.list({"team": "blue"})
    assert (listed.id, listed.machine_type, listed.state) == (member, "Standard_D2s_v5", "running")
    compute.stop(member)
    compute.wait(member, "stopped", timeout=300)
    assert groups.get(group.id).state == "updating"
    compute.start(member)
    compute.reboot(member)
    assert compute.wait(member, "running", timeout=300).id == member
    with pytest.raises(Conflict, match="update the group's template"):
        compute.resize(member, "Standard_D4s_v5")
    compute.delete([member])
    compute.wait(member, "deleted", timeout=300)
    assert compute.list({"team": "blue"}) == []
