"""How groups are made: of a zone or of the region, from templates, behind balancers, with an autoscaler where one is needed."""

from uuid import uuid4

import pytest

from cloudlayer import labels
from cloudlayer.errors import Conflict, InvalidSpec, NotFound, QuotaError, RejectedSpec, TransientError, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import (
    InstanceSpec,
    Listener,
    LoadBalancerSpec,
    PortRule,
    ScalingGroupSpec,
    ScheduledSize,
    StepPolicy,
    TargetTrackingPolicy,
)

TEMPLATE = InstanceSpec(machine_type="e2-small", image="ubuntu-22.04", labels={"of": "template"})
SPEC = ScalingGroupSpec(name="web", template=TEMPLATE, max=4, desired=1, labels={"team": "a"})
HTTP = LoadBalancerSpec(name="front", listeners=[Listener(port=80, protocol="http", target_port=8080)], drain=1.0)
TCP = LoadBalancerSpec(name="wire", listeners=[Listener(port=80, protocol="tcp", target_port=80)], drain=1.0)
CPU = TargetTrackingPolicy(metric="cpu_percent", target=60, cooldown=90)
REQUESTS = TargetTrackingPolicy(metric="requests_per_target", target=40)
PIECES = ("instanceGroupManagers", "instanceTemplates", "autoscalers", "firewalls", "instances", "disks")


@pytest.fixture
def groups(cloud):
    return cloud.autoscaling


def spec_of(**fields):
    return ScalingGroupSpec.model_validate({**SPEC.model_dump(), **fields})


def made(groups, **fields):
    return groups.wait(groups.create(spec_of(**fields), token=str(uuid4())), "active")


def manager_of(gce):
    (manager,) = gce.things("instanceGroupManagers")
    return manager


def zones_of(manager):
    return [zone["zone"].rpartition("/")[2] for zone in manager["distributionPolicy"]["zones"]]


def test_a_group_is_spread_over_the_region(gce, groups):
    group = made(groups, desired=3)
    manager = manager_of(gce)
    assert "zone" not in manager
    assert sorted(member.zone for member in group.members) == zones_of(manager)
    assert len(zones_of(manager)) == 3


def test_a_group_that_asks_for_one_zone_is_of_that_zone(gce, groups):
    group = made(groups, zones=["us-central1-b"])
    assert manager_of(gce)["zone"].endswith("/us-central1-b")
    assert [member.zone for member in group.members] == ["us-central1-b"]


def test_a_group_is_put_into_one_zone_where_its_overrides_say_so(gce, groups):
    made(groups, overrides={"zonal": True})
    assert "zone" in manager_of(gce)
    with pytest.raises(InvalidSpec, match="zonal"):
        made(groups, zones=["us-central1-a", "us-central1-b"], overrides={"zonal": True})


def test_several_zones_are_the_groups_own(gce, groups):
    made(groups, zones=["us-central1-c", "us-central1-a"])
    assert zones_of(manager_of(gce)) == ["us-central1-a", "us-central1-c"]
    with pytest.raises(InvalidSpec, match="europe-west4-a do not sell"):
        made(groups, zones=["europe-west4-a", "us-central1-a"])


def test_other_machine_types_are_taken_as_there_is_room_even_in_one_zone(gce, groups):
    made(groups, zones=["us-central1-b"], machine_types=["e2-medium", "e2-small"])
    manager = manager_of(gce)
    selections = manager["instanceFlexibilityPolicy"]["instanceSelections"]
    assert selections["first"] == {"machineTypes": ["e2-small"], "rank": 1}
    assert selections["others"] == {"machineTypes": ["e2-medium"], "rank": 2}
    assert zones_of(manager) == ["us-central1-b"]
    assert manager["distributionPolicy"]["targetShape"] == "BALANCED"


def test_members_and_their_disks_carry_the_labels_of_group_and_template(gce, groups):
    token = str(uuid4())
    groups.wait(groups.create(SPEC, token=token), "active")
    wanted = {"team": "a", "of": "template", labels.TOKEN: token}
    for kind in ("instances", "disks"):
        (thing,) = gce.things(kind)
        assert thing["labels"].items() >= wanted.items()


def test_a_template_of_the_same_content_has_the_same_name(gce, groups):
    token = str(uuid4())
    for _ in range(2):
        groups.create(SPEC, token=token)
    (template,) = gce.things("instanceTemplates")
    assert template["name"].startswith(f"cl-group-{token.replace('-', '')[:16]}-")


def test_members_ports_are_opened_to_those_who_are_named_and_closed_with_the_group(gce, groups):
    opened = TEMPLATE.model_copy(update={"open_ports": (PortRule(port=443, source="192.0.2.0/24"),)})
    group = made(groups, template=opened)
    (rule,) = gce.things("firewalls")
    (instance,) = gce.things("instances")
    assert rule["targetTags"] == instance["tags"]["items"]
    assert rule["sourceRanges"] == ["192.0.2.0/24"]
    groups.delete(group.id)
    assert {kind: gce.things(kind) for kind in PIECES} == {kind: [] for kind in PIECES}


def test_cpu_is_tracked_by_an_autoscaler_with_the_groups_bounds(gce, groups):
    made(groups, min=1, policies=[CPU])
    (autoscaler,) = gce.things("autoscalers")
    policy = autoscaler["autoscalingPolicy"]
    assert (policy["minNumReplicas"], policy["maxNumReplicas"], policy["coolDownPeriodSec"]) == (1, 4, 90)
    assert policy["cpuUtilization"]["utilizationTarget"] == 0.6


def test_requests_are_tracked_by_what_the_balancer_lets_a_member_take(gce, cloud, groups):
    balancer = cloud.load_balancing.create(HTTP, token=str(uuid4()))
    made(groups, min=1, policies=[REQUESTS], balancer=balancer.id)
    (autoscaler,) = gce.things("autoscalers")
    assert autoscaler["autoscalingPolicy"]["loadBalancingUtilization"]["utilizationTarget"] == 0.8
    ((backend,),) = (service["backends"] for service in gce.things("backendServices"))
    assert (backend["balancingMode"], backend["maxRatePerInstance"]) == ("RATE", 50)


def test_requests_that_nothing_counts_are_not_to_be_had(gce, cloud, groups):
    balancer = cloud.load_balancing.create(TCP, token=str(uuid4()))
    with pytest.raises(Unsupported, match="counts none"):
        made(groups, policies=[REQUESTS], balancer=balancer.id)
    with pytest.raises(InvalidSpec, match="set balancer"):
        made(groups, policies=[REQUESTS])
    assert gce.things("instanceTemplates") == []


@pytest.mark.parametrize(
    ("policies", "error", "reason"),
    [
        ([CPU, CPU], InvalidSpec, "two track the same metric"),
        ([TargetTrackingPolicy(metric="cpu_percent", target=101)], InvalidSpec, "100 at the most"),
        ([CPU, StepPolicy(name="up", change=1)], Unsupported, "take a step back at once"),
        ([StepPolicy(name="hot", metric="cpu_percent", threshold=80, change=1)], Unsupported, "takes no steps"),
    ],
)
def test_policies_that_google_has_not_are_refused_before_any_call(gce, groups, policies, error, reason):
    with pytest.raises(error, match=reason):
        made(groups, policies=policies)
    assert gce.calls == []


def test_a_schedule_is_written_in_utc(gce, groups):
    made(groups, policies=[ScheduledSize(cron="0 8 * * *", min=1, max=4)])
    (autoscaler,) = gce.things("autoscalers")
    (schedule,) = autoscaler["autoscalingPolicy"]["scalingSchedules"].values()
    assert (schedule["schedule"], schedule["timeZone"], schedule["minRequiredReplicas"]) == ("0 8 * * *", "UTC", 1)


def test_the_size_of_an_autoscaled_group_is_not_asked_for(groups):
    group = made(groups, min=1, policies=[CPU])
    for ask in (lambda: groups.set_desired(group.id, 2), lambda: groups.update(group.id, spec_of(desired=3, policies=[CPU]))):
        with pytest.raises(Conflict) as caught:
            ask()
        assert caught.value.code == "Autoscaled"


def test_a_group_is_behind_its_balancer_by_its_instance_group(gce, cloud, groups):
    balancer = cloud.load_balancing.create(HTTP, token=str(uuid4()))
    group = made(groups, balancer=balancer.id)
    assert group.balancers == (balancer.id,)
    (instance_group,) = gce.things("instanceGroups")
    assert {"name": "p8080", "port": 8080} in instance_group["namedPorts"]
    groups.delete(group.id)
    assert all(not service.get("backends") for service in gce.things("backendServices"))
    assert cloud.load_balancing.get(balancer.id).state == "active"


def test_a_group_without_room_tells_the_clouds_code(gce, groups):
    gce.options.room = 0
    group = groups.create(SPEC, token=str(uuid4()))
    with pytest.raises(TransientError):
        groups.wait(group, "active", timeout=20)
    found = groups.get(group.id)
    assert (found.state, found.members) == ("updating", ())
    assert found.reason.startswith("ZONE_RESOURCE_POOL_EXHAUSTED")
    gce.options.room = None
    assert groups.wait(group, "active").reason is None


def test_a_group_that_fails_late_gives_its_exact_error_and_leaves_nothing(gce, groups):
    gce.options.late = {"compute.*nstanceGroupManagers.insert": "QUOTA_EXCEEDED"}
    with pytest.raises(QuotaError) as caught:
        groups.create(SPEC, token=str(uuid4()))
    assert caught.value.code == "QUOTA_EXCEEDED"
    assert {kind: gce.things(kind) for kind in PIECES} == {kind: [] for kind in PIECES}


def test_a_create_that_breaks_off_anywhere_is_completed_with_balancer_and_autoscaler(gce, cloud, groups):
    balancer = cloud.load_balancing.create(HTTP, token=str(uuid4()))
    wanted, token = spec_of(min=1, policies=[REQUESTS], balancer=balancer.id), str(uuid4())
    for after in range(60):
        gce.fault(refuse=True, after=after)
        try:
            groups.create(wanted, token=token, deadline=Deadline.after(5, groups.clock))
        except TransientError:
            gce.rules.clear()
        else:
            break
    gce.rules.clear()
    assert after > 0
    assert groups.wait(groups.create(wanted, token=token), "active").balancers == (balancer.id,)
    counted = {kind: len(gce.things(kind)) for kind in ("instanceGroupManagers", "instanceTemplates", "autoscalers")}
    assert set(counted.values()) == {1}


def test_a_group_of_somebody_elses_is_listed_and_not_changed(gce, groups, another):
    group = made(groups)
    gce.cloud.store.get(next(link for link, _ in gce.cloud.store.of("instanceGroupManagers")))["description"] = "mine"
    (found,) = groups.list()
    assert (found.id, found.labels, found.min, found.max) == (group.id, {}, 0, 1)
    with pytest.raises(Conflict, match="was not made by cloudlayer"):
        groups.update(group.id, SPEC)


def test_a_group_is_of_its_own_region(groups, another):
    group, elsewhere = made(groups), another(region="europe-west4").autoscaling
    assert elsewhere.list() == []
    with pytest.raises(NotFound):
        elsewhere.get(group.id)


def test_labels_that_do_not_fit_into_a_description_are_told_before_any_call(gce, groups):
    with pytest.raises(InvalidSpec, match="2048"):
        made(groups, labels={f"a-long-name-{number}": "x" * 60 for number in range(40)})
    assert gce.calls == []


def test_sick_members_are_replaced_where_the_overrides_name_a_health_check(gce, cloud, groups):
    balancer = cloud.load_balancing.create(HTTP, token=str(uuid4()))
    check = f"projects/proj/regions/us-central1/healthChecks/{balancer.id}"
    wanted = {"health_check": check, "initial_delay": 60}
    group = groups.create(spec_of(desired=0, overrides=wanted), token=str(uuid4()))
    (policy,) = manager_of(gce)["autoHealingPolicies"]
    assert (policy["healthCheck"].endswith(check), policy["initialDelaySec"]) == (True, 60)
    groups.update(group.id, spec_of(desired=0, overrides={**wanted, "initial_delay": 90}))
    assert manager_of(gce)["autoHealingPolicies"][0]["initialDelaySec"] == 90
    with pytest.raises(Unsupported, match="cannot be taken away"):
        groups.update(group.id, spec_of(desired=0))


def test_user_data_that_google_repeats_in_a_refusal_is_not_told(groups, gce):
    template = TEMPLATE.model_copy(update={"user_data": "#!/bin/sh\necho a-secret"})
    message = "Invalid value: '#!/bin/sh\necho a-secret'"
    gce.fault(method="compute.regionInstanceTemplates.insert", code="invalid", status=400, message=message)
    with pytest.raises(RejectedSpec, match="Invalid value: '…'") as caught:
        groups.create(SPEC.model_copy(update={"template": template}), token=str(uuid4()))
    assert "a-secret" not in repr(caught.value)
