"""What is asked of Azure for a group, what its members carry, and what its states mean."""

import base64
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import (
    CapacityError,
    Conflict,
    InvalidSpec,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    TransientError,
    Unsupported,
)
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.marks import YOUNG
from cloudlayer.resources import InstanceSpec, ScalingGroupSpec

TEMPLATE = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04", labels={"of": "template"})
SPEC = ScalingGroupSpec(name="web", template=TEMPLATE, max=4, labels={"team": "blue"})


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


def changed(spec=SPEC, **fields):
    return type(spec).model_validate({**spec.model_dump(), **fields})


def started(groups, spec=SPEC, **fields):
    return groups.wait(groups.create(changed(spec, **fields), token=str(uuid4())), "active", timeout=300)


def asked(arm, method):
    return [call.body for call in arm.calls if call.method == method]


def the_set(arm):
    (found,) = arm.things("virtualMachineScaleSets")
    return found


def profiles(arm, groups, *policies, **fields):
    """The profiles of the autoscale setting that is made for these policies."""
    groups.create(changed(policies=policies, **fields), token=str(uuid4()))
    return asked(arm, "AutoscaleSettings_CreateOrUpdate")[-1]["properties"]["profiles"]


def test_members_are_machines_like_all_others(arm, groups, compute):
    group = started(groups, desired=2)
    assert the_set(arm)["properties"]["orchestrationMode"] == "Flexible"
    assert {member.instance for member in group.members} == {one.id for one in compute.list({"team": "blue"})}


def test_members_are_spread_over_all_zones_that_sell_the_size(groups):
    group = started(groups, desired=3, max=4)
    assert sorted(member.zone for member in group.members) == ["1", "2", "3"]


def test_the_templates_labels_are_the_members_and_not_the_groups(groups, compute):
    group = started(groups, desired=1)
    assert "of" not in group.labels
    assert groups.list({"of": "template"}) == []
    (member,) = compute.list({"of": "template"})
    assert member.labels.items() >= {"team": "blue", labels.TOKEN: group.labels[labels.TOKEN]}.items()


def test_members_bring_no_volumes_and_no_leftovers(arm, cloud, groups):
    disks = [{"size": 1 << 30}]
    started(groups, desired=1, template=changed(TEMPLATE, disks=disks))
    assert len(arm.things("disks")) == 2
    assert cloud.storage.list() == []
    assert cloud.leftovers({}) == []


def test_open_ports_are_those_of_a_security_group_that_goes_with_the_group(arm, groups):
    rule = {"port": 443, "source": "192.0.2.0/24"}
    group = started(groups, desired=1, template=changed(TEMPLATE, open_ports=[rule]))
    (firewall,) = arm.things("networkSecurityGroups")
    assert firewall["tags"]["team"] == "blue"
    (card,) = arm.things("networkInterfaces")
    assert card["properties"]["networkSecurityGroup"]["id"] == firewall["id"]
    groups.delete(group.id)
    groups.wait(group, "deleted", timeout=300)
    for kind in ("networkSecurityGroups", "networkInterfaces", "disks", "autoscalesettings", "virtualMachines"):
        assert arm.things(kind) == []


def test_a_public_address_is_each_members_own_and_goes_with_it(arm, groups):
    group = started(groups, desired=2, template=changed(TEMPLATE, public_address=True))
    assert len(arm.things("publicIPAddresses")) == 2
    groups.delete(group.id)
    groups.wait(group, "deleted", timeout=300)
    assert arm.things("publicIPAddresses") == []


def test_the_bounds_are_kept_by_an_autoscale_setting_even_without_policies(arm, groups):
    (profile,) = profiles(arm, groups, min=1, max=3)
    assert profile["capacity"] == {"minimum": "1", "maximum": "3", "default": "1"}
    assert profile["rules"] == []


def test_a_target_is_tracked_by_a_pair_of_rules(arm, groups):
    (profile,) = profiles(arm, groups, {"kind": "target_tracking", "metric": "cpu_percent", "target": 60, "cooldown": 90})
    out, back = profile["rules"]
    assert (out["metricTrigger"]["operator"], out["metricTrigger"]["threshold"]) == ("GreaterThan", 60)
    assert (back["metricTrigger"]["operator"], back["metricTrigger"]["threshold"]) == ("LessThan", 45)
    assert (out["scaleAction"]["direction"], back["scaleAction"]["direction"]) == ("Increase", "Decrease")
    assert out["scaleAction"]["cooldown"] == "PT2M"
    assert out["metricTrigger"]["metricResourceUri"] == the_set(arm)["id"]


def test_a_step_with_a_metric_is_a_rule_and_can_be_executed_too(arm, groups):
    step = {"kind": "step", "name": "hot", "metric": "cpu_percent", "threshold": 80, "change": 2}
    group = started(groups, policies=[step])
    (setting,) = arm.things("autoscalesettings")
    (rule,) = setting["properties"]["profiles"][0]["rules"]
    assert (rule["scaleAction"]["value"], rule["metricTrigger"]["operator"]) == ("2", "GreaterThanOrEqual")
    groups.execute(group.id, "hot")
    assert groups.wait(group, "active", timeout=300).desired == 2


def test_a_step_stops_at_the_bounds(groups):
    group = started(groups, max=2, desired=1, policies=[{"kind": "step", "name": "up", "change": 5}])
    groups.execute(group.id, "up")
    assert groups.wait(group, "active", timeout=300).desired == 2


def test_a_schedule_is_a_profile_that_begins_then(arm, groups):
    schedule = {"kind": "scheduled", "cron": "30 8,20 * * mon-fri", "min": 1, "max": 3}
    first, *others = profiles(arm, groups, schedule, {"kind": "target_tracking", "metric": "cpu_percent", "target": 50})
    assert "recurrence" not in first
    times = [(one["recurrence"]["schedule"]["hours"], one["recurrence"]["schedule"]["minutes"]) for one in others]
    assert times == [([8], [30]), ([20], [30])]
    days = others[0]["recurrence"]["schedule"]["days"]
    assert days == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    assert all(one["rules"] == first["rules"] != [] for one in others)


@pytest.mark.parametrize(
    ("policy", "mend"),
    [
        ({"kind": "scheduled", "cron": "0 8 1 * *", "min": 0, "max": 1}, "give weekdays"),
        ({"kind": "scheduled", "cron": "0 8 * 6 *", "min": 0, "max": 1}, "give weekdays"),
        ({"kind": "scheduled", "cron": "0 8 * *", "min": 0, "max": 1}, "five fields"),
        ({"kind": "scheduled", "cron": "0 25 * * *", "min": 0, "max": 1}, "bad hour"),
        ({"kind": "scheduled", "cron": "*/5 * * * *", "min": 0, "max": 1}, "fewer times"),
        ({"kind": "scheduled", "cron": "0 8 * * *", "min": 0, "max": 3, "desired": 2}, "leave desired out"),
    ],
)
def test_a_schedule_that_azure_cannot_express_is_refused_with_the_mend(arm, groups, policy, mend):
    with pytest.raises(InvalidSpec, match=mend):
        groups.create(changed(policies=[policy]), token=str(uuid4()))
    assert arm.calls == []


def test_requests_are_counted_by_no_balancer_of_azures(arm, groups):
    policy = {"kind": "target_tracking", "metric": "requests_per_target", "target": 10}
    with pytest.raises(Unsupported, match="counts no requests"):
        groups.create(changed(policies=[policy]), token=str(uuid4()))
    assert arm.calls == []


def test_a_zone_that_does_not_sell_the_size_is_refused(arm, groups):
    with pytest.raises(InvalidSpec, match="sold in 1, 2, 3"):
        groups.create(changed(zones=["9"]), token=str(uuid4()))
    assert arm.things("virtualMachineScaleSets") == []


def test_a_lack_of_capacity_that_comes_later_is_told_with_its_code(arm, groups):
    arm.options.room = 1
    group = groups.create(changed(desired=3, max=4), token=str(uuid4()))
    with pytest.raises(CapacityError) as caught:
        groups.wait(group, "active", timeout=300)
    assert caught.value.code == "ZonalAllocationFailed"
    assert caught.value.avoid.machine_type == "Standard_D2s_v5"
    found = groups.get(group.id)
    assert (found.state, len(found.members)) == ("failed", 1)
    assert found.reason.startswith("ZonalAllocationFailed: ")


def test_whoever_did_not_ask_for_a_group_is_told_where_azure_says_why_it_failed(arm, groups, another):
    arm.options.room = 0
    group = groups.create(changed(desired=1), token=str(uuid4()))
    with pytest.raises(CapacityError):
        groups.wait(group, "active", timeout=300)
    found = another().autoscaling.get(group.id)
    assert found.state == "failed"
    assert f"activity-log list --resource-id {found.native['set']['id']}" in found.reason


def test_a_failed_group_goes_on_when_it_is_asked_again(arm, groups):
    arm.options.room = 0
    group = groups.create(changed(desired=1), token=str(uuid4()))
    with pytest.raises(CapacityError):
        groups.wait(group, "active", timeout=300)
    arm.options.room = None
    groups.set_desired(group.id, 1)
    assert len(groups.wait(group, "active", timeout=300).members) == 1


def test_a_quota_that_is_used_up_later_is_told_as_that(arm, groups):
    arm.options.late = {"VirtualMachineScaleSets_CreateOrUpdate": "QuotaExceeded"}
    group = groups.create(changed(desired=1), token=str(uuid4()))
    with pytest.raises(QuotaError):
        groups.wait(group, "active", timeout=300)


def test_a_member_that_is_deleted_from_outside_is_missed(groups, compute):
    group = started(groups, desired=2)
    compute.delete([group.members[0].instance])
    compute.wait(group.members[0].instance, "deleted", timeout=300)
    found = groups.get(group.id)
    assert (found.state, found.desired, len(found.members)) == ("updating", 2, 1)
    assert "set the desired size again" in found.reason
    groups.set_desired(group.id, 2)
    assert len(groups.wait(group, "active", timeout=300).members) == 2


def test_a_member_that_is_stopped_is_not_healthy(groups, compute):
    group = started(groups, desired=1)
    compute.stop(group.members[0].instance)
    compute.wait(group.members[0].instance, "stopped", timeout=300)
    found = groups.get(group.id)
    assert found.state == "updating"
    assert [member.healthy for member in found.members] == [False]


def test_a_group_that_somebody_else_made_is_not_changed(arm, groups, cloud):
    properties = {"orchestrationMode": "Flexible", "platformFaultDomainCount": 1}
    body = {"location": "eastus", "sku": {"name": "Standard_D2s_v5", "capacity": 0}, "properties": properties}
    sets = cloud.native("compute").virtual_machine_scale_sets
    sets.begin_create_or_update("group", "theirs", body, api_version="2021-03-01", polling=False)
    arm.settle()
    assert [group.id for group in groups.list()] == ["theirs"]
    with pytest.raises(Conflict, match="not made by cloudlayer"):
        groups.update("theirs", SPEC)


def test_a_group_whose_setting_is_refused_leaves_nothing(arm, groups):
    arm.fault(method="AutoscaleSettings_CreateOrUpdate", code="AuthorizationFailed", status=403)
    rule = {"port": 443, "source": "192.0.2.0/24"}
    with pytest.raises(PermissionDenied):
        groups.create(changed(desired=1, template=changed(TEMPLATE, open_ports=[rule])), token=str(uuid4()))
    for kind in ("virtualMachineScaleSets", "virtualMachines", "networkSecurityGroups", "autoscalesettings"):
        assert arm.things(kind) == []


def test_a_delete_that_is_broken_off_leaves_what_is_told(arm, cloud, groups, clock):
    rule = {"port": 443, "source": "192.0.2.0/24"}
    group = started(groups, desired=1, template=changed(TEMPLATE, open_ports=[rule]))
    arm.fault(method="NetworkSecurityGroups_Delete", refuse=True)
    with pytest.raises(TransientError):
        groups.delete(group.id, deadline=Deadline.after(60, clock))
    arm.rules.clear()
    clock.sleep(YOUNG)
    (found,) = cloud.leftovers({"team": "blue"})
    assert found.kind == "Microsoft.Network/networkSecurityGroups"
    cloud.delete_leftover(found)
    assert arm.things("networkSecurityGroups") == []


def test_steps_at_the_same_time_are_all_taken(groups):
    group = started(groups, policies=[{"kind": "step", "name": "up", "change": 1, "cooldown": 1.0}])
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: groups.execute(group.id, "up"), range(3)))
    assert groups.wait(group, "active", timeout=300).desired == 3


def test_a_group_without_its_setting_says_so_and_the_next_update_makes_it(arm, groups, cloud):
    group = started(groups, desired=1)
    cloud.native("monitor").autoscale_settings.delete("group", group.id, api_version="2015-04-01")
    found = groups.get(group.id)
    assert (found.state, found.min, found.max, found.desired) == ("creating", 0, 4, 1)
    assert "update it" in found.reason
    groups.update(group.id, changed(desired=1))
    assert groups.wait(group, "active", timeout=300).labels["team"] == "blue"


def test_where_azure_changes_the_size_by_itself_its_number_is_what_is_desired(arm, groups, cloud):
    tracking = {"kind": "target_tracking", "metric": "cpu_percent", "target": 50}
    group = started(groups, desired=1, policies=[tracking])
    arm.kinds["virtualmachinescalesets"].resize(arm.resources.get(the_set(arm)["id"]), 3)
    arm.settle()
    assert groups.wait(group, "active", timeout=300).desired == 3


@pytest.mark.parametrize("name", ["cloudlayer-step-up", "cloudlayer-asked", "windows-team"])
def test_a_label_that_azure_or_we_need_is_refused(arm, groups, name):
    with pytest.raises(InvalidSpec, match="labels"):
        groups.create(changed(labels={name: "x"}), token=str(uuid4()))
    assert arm.calls == []


def test_a_spot_group_is_bought_as_that(arm, groups, compute):
    started(groups, desired=1, template=changed(TEMPLATE, purchase="spot"))
    assert [instance.purchase for instance in compute.list()] == ["spot"]


def test_user_data_reaches_the_members_and_no_answer(arm, groups):
    script = "#!/bin/sh\necho a-secret\n"
    group = started(groups, desired=1, template=changed(TEMPLATE, user_data=script))
    (body, *_) = asked(arm, "VirtualMachineScaleSets_CreateOrUpdate")
    encoded = body["properties"]["virtualMachineProfile"]["osProfile"]["customData"]
    assert base64.b64decode(encoded).decode() == script
    assert encoded not in repr(group.native)


def test_user_data_that_azure_repeats_in_a_refusal_is_not_told(arm, groups):
    template = TEMPLATE.model_copy(update={"user_data": "#!/bin/sh\necho a-secret"})
    message = "customData: #!/bin/sh echo a-secret is bad"
    arm.fault(method="VirtualMachineScaleSets_CreateOrUpdate", code="InvalidParameter", status=400, message=message)
    with pytest.raises(RejectedSpec) as caught:
        groups.create(SPEC.model_copy(update={"template": template}), token=str(uuid4()))
    assert "a-secret" not in repr(caught.value)
