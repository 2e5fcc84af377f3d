"""How the groups of the fake Auto Scaling live: members come one by one, in the zone that has the fewest, and end.

They are pending at first, and carry the template's tags and security groups; a lack of room is a failed activity; a member
that ends is replaced; an instance refresh brings one of the new template before it ends one of the old.

Time is that of the clock that `follow` is given, since the driver's cooldowns run on it.
"""

import itertools
import math
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from functools import wraps
from uuid import uuid4

from moto.autoscaling.models import ASG_NAME_TAG, InstanceState
from moto.autoscaling.models import autoscaling_backends as backends
from moto.core import DEFAULT_ACCOUNT_ID

from cloudlayer.interfaces import SystemClock
from tests.fakes.aws.moto_gaps import options

UNDER_WAY = ("Pending", "InProgress")
_state = {"clock": SystemClock(), "launched": lambda number: None}
_order = itertools.count()
_lock = threading.RLock()


def follow(clock):
    """Take the time from this clock from now on."""
    _state["clock"] = clock


def tell(launched):
    """Call this with the number of instances at each launch."""
    _state["launched"] = launched


def settle(region="us-east-1"):
    """Let happen what is due in every group."""
    backend = backends[DEFAULT_ACCOUNT_ID][region]
    backend.ec2_backend.describe_instances()  # lets those run whose time has come
    for group in list(backend.autoscaling_groups.values()):
        _settle(backend, group)


def now():
    return datetime.fromtimestamp(_state["clock"].now(), UTC)


def settled(method):
    @wraps(method)
    def call(self):
        with _lock:
            settle(self.region)
            answer = method(self)
            settle(self.region)
        return answer

    return call


def _settle(backend, group):
    if getattr(group, "ends_at", math.inf) <= time.monotonic():
        backend.autoscaling_groups.pop(group.name, None)
        return
    _drop_ended(backend, group)
    _promote(backend, group)
    _refresh(group)
    spare = 1 if refreshing(group) and _is_waiting(group) else 0
    if getattr(group, "status", None) is None:
        while len(group.instance_states) > group.desired_capacity + spare:
            end(backend, group, _victim(group))
        _grow(backend, group)
    if group.cooldown_from is None and is_quiet(group):
        group.cooldown_from = _state["clock"].now()


def _drop_ended(backend, group):
    for member in list(group.instance_states):
        if member.instance.state in ("shutting-down", "terminated"):
            group.instance_states.remove(member)
            for activity in group.activities:
                if activity["Instance"] == member.instance_id and activity["StatusCode"] == "InProgress":
                    activity.update(StatusCode="Failed", StatusMessage=options.failing or "Instance ended", EndTime=now())


def _promote(backend, group):
    for member in group.instance_states:
        if member.lifecycle_state == "Pending" and member.instance.state == "running":
            member.lifecycle_state = "InService"
            for activity in group.activities:
                if activity["Instance"] == member.instance_id:
                    activity.update(StatusCode="Successful", EndTime=now())
    ready = [{"Id": member.instance_id} for member in group.instance_states if member.lifecycle_state == "InService"]
    for arn in group.target_group_arns:
        target_group = backend.elbv2_backend.target_groups.get(arn)
        new = [target for target in ready if target_group is not None and target["Id"] not in target_group.targets]
        if new:
            target_group.register(new)


def _grow(backend, group):
    replacing = refreshing(group) and any(is_old(group, member) for member in group.instance_states)
    wanted = group.desired_capacity + (1 if replacing and not _is_waiting(group) else 0)
    while len(group.instance_states) < wanted:
        if options.room is not None and options.room <= 0:
            _no_room(group)
            return
        _launch(backend, group)


def _is_waiting(group):
    return any(member.lifecycle_state == "Pending" for member in group.instance_states)


def _launch(backend, group):
    if options.room is not None:
        options.room -= 1
    version = group.ec2_launch_template.get_version(group.launch_template_version)
    data, kind, spot = version.data, *_kind(group, version.data)
    card = (data.get("NetworkInterfaces") or [{}])[0]
    specified = {item["ResourceType"]: {tag["Key"]: tag["Value"] for tag in item["Tags"]} for item in _tags_of(data)}
    zone = _emptiest(group)
    reservation = backend.ec2_backend.run_instances(
        version.image_id,
        1,
        version.user_data,
        [],
        instance_type=kind,
        is_instance_type_default=False,
        placement=None if group.vpc_zone_identifier else zone,
        subnet_id=_subnet(backend, group, zone),
        region_name=group.region,
        security_group_ids=list(card.get("Groups", ())),
        tags={
            "instance": {**specified.get("instance", {}), **group.get_propagated_tags(), ASG_NAME_TAG: group.name},
            "volume": specified.get("volume", {}),
        },
        launch_template={"LaunchTemplateId": group.ec2_launch_template.id, "Version": str(version.number)},
        **({"instance_market_options": {"MarketType": "spot"}} if spot else {}),
    )
    _state["launched"](1)
    instance = reservation.instances[0]
    instance.autoscaling_group = group
    for nic in instance.nics.values():
        nic.add_tags(specified.get("network-interface", {}))
        nic.delete_on_termination = True
    member = InstanceState(instance, lifecycle_state="Pending")
    member.version, member.order = str(version.number), next(_order)
    group.instance_states.append(member)
    _record(group, "InProgress", instance.id, f"Launching a new EC2 instance: {instance.id}")


def _kind(group, data):
    mix = group.mixed_instances_policy
    if not mix or not mix["LaunchTemplate"].get("Overrides"):
        return data["InstanceType"], bool(data.get("InstanceMarketOptions"))
    percentage = mix.get("InstancesDistribution", {}).get("OnDemandPercentageAboveBaseCapacity", 100)
    return mix["LaunchTemplate"]["Overrides"][0]["InstanceType"], int(percentage) == 0


def _tags_of(data):
    return [item for item in data.get("TagSpecifications") or () if item["ResourceType"] != "launch-template"]


def _emptiest(group):
    used = Counter(member.availability_zone for member in group.instance_states)
    return min(sorted(set(group.availability_zones)), key=lambda zone: used[zone])


def _subnet(backend, group, zone):
    if not group.vpc_zone_identifier:
        return None
    subnets = backend.ec2_backend.describe_subnets(subnet_ids=group.vpc_zone_identifier.split(","))
    return next(subnet.id for subnet in subnets if subnet.availability_zone == zone)


def _victim(group):
    """Those of an earlier template first, then the youngest."""
    return max(group.instance_states, key=lambda member: (refreshing(group) and is_old(group, member), member.order))


def end(backend, group, member):
    group.instance_states.remove(member)
    for arn in group.target_group_arns:
        target_group = backend.elbv2_backend.target_groups.get(arn)
        if target_group is not None and member.instance_id in target_group.targets:
            target_group.deregister([{"Id": member.instance_id}])
    backend.ec2_backend.terminate_instances([member.instance_id])
    _record(group, "Successful", member.instance_id, f"Terminating EC2 instance: {member.instance_id}")


def _no_room(group):
    message = f"We currently do not have sufficient {group.instance_type} capacity in the Availability Zones. Launching failed."
    if not (group.activities and group.activities[0]["StatusCode"] == "Failed"):
        _record(group, "Failed", "", "Launching a new EC2 instance", message)


def _record(group, status, instance, description, message=None):
    activity = {
        "ActivityId": str(uuid4()),
        "AutoScalingGroupName": group.name,
        "Description": description,
        "Cause": "a difference between desired and actual capacity",
        "StartTime": now(),
        "EndTime": None if status == "InProgress" else now(),
        "StatusCode": status,
        "StatusMessage": message,
        "Instance": instance,
    }
    group.activities.insert(0, activity)


def is_quiet(group):
    return len(group.instance_states) == group.desired_capacity and all(
        member.lifecycle_state == "InService" for member in group.instance_states
    )


def leaving(target_group):
    """The targets of a target group that drain."""
    at = now().timestamp()
    return [name for name, target in target_group.deregistered_targets.items() if target.get("until", 0) > at]


def refreshing(group):
    return bool(group.refreshes) and group.refreshes[0]["Status"] in UNDER_WAY


def is_old(group, member):
    """Whether a refresh replaces the member: it skips those of the template that the group has."""
    return member.version != str(group.ec2_launch_template.get_version(group.launch_template_version).number)


def _refresh(group):
    if refreshing(group):
        group.refreshes[0]["Status"] = "InProgress"
        if not any(is_old(group, member) for member in group.instance_states):
            group.refreshes[0].update(Status="Successful", EndTime=now())
