"""A group's policies as Auto Scaling has them: target tracking, simple scaling with an alarm, scheduled actions.

Step policies keep their names. The others' names have an underscore, which no name of ours has, so that they never collide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, NotFound, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.marks import all_tags, is_ours
from cloudlayer.providers.aws.tags import tag_list
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.base.cron import Cron
from cloudlayer.resources import Leftover, ScalingGroupSpec, ScheduledSize, StepPolicy, TargetTrackingPolicy

KIND: Final = "alarm"
SIMPLE: Final = "SimpleScaling"
_PREFIX: Final = "cloudlayer/"
_PERIOD: Final = 300
"""Seconds between two figures of an instance without detailed monitoring, which costs extra."""
_DELETED_AT_ONCE: Final = 100

Named = dict[str, dict[str, Any]]
"""Parameters of PutScalingPolicy and the like, by name."""


def check_policies(spec: ScalingGroupSpec) -> None:
    """Raise InvalidSpec for policies that Auto Scaling would refuse."""
    metrics = [policy.metric for policy in spec.policies if isinstance(policy, TargetTrackingPolicy)]
    if len(metrics) != len(set(metrics)):
        raise InvalidSpec("policies: two track the same metric; leave one out")
    if "requests_per_target" in metrics and spec.balancer is None:
        raise InvalidSpec("policies: requests_per_target needs the balancer whose requests are counted: set balancer")
    for policy in spec.policies:
        if isinstance(policy, ScheduledSize):
            Cron(policy.cron)


def require_counters(spec: ScalingGroupSpec, sources: Sequence[str]) -> None:
    """Raise Unsupported if requests are to be counted and nothing counts them."""
    tracked = [policy.metric for policy in spec.policies if isinstance(policy, TargetTrackingPolicy)]
    if "requests_per_target" in tracked and not sources:
        reason = "requests_per_target: a network balancer counts none: use one with http listeners, or cpu_percent"
        raise Unsupported(reason, provider="aws", code="Unsupported")


class Policies:
    """Policies, scheduled actions and alarms of groups in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def apply(
        self, group: str, spec: ScalingGroupSpec, sources: Sequence[str], tags: Mapping[str, str], deadline: Deadline
    ) -> None:
        """Bring the group's policies to those of the spec; `sources` are the labels of what counts requests per target."""
        scaling = {**_tracking(spec, sources), **_steps(spec)}
        present = {found["PolicyName"]: found for found in self._described(group, deadline)}
        arns = {name: self._put(group, name, wanted, present.get(name), deadline) for name, wanted in scaling.items()}
        for name in sorted(present.keys() - scaling.keys()):
            self._scaling("delete_policy", deadline, AutoScalingGroupName=group, PolicyName=name)
        self._alarm(group, spec, arns, tags, deadline)
        self._schedule(group, spec, deadline)

    def find(self, group: str, name: str, deadline: Deadline) -> dict[str, Any]:
        """A step policy of the group; NotFound if it has none of that name."""
        for found in self._described(group, deadline, PolicyNames=[name]):
            if found["PolicyType"] == SIMPLE:
                return found
        raise NotFound(f"group {group} has no step policy {name}", provider="aws", code="PolicyNotFound")

    def forget(self, group: str, deadline: Deadline) -> None:
        """Delete the group's alarms; policies and scheduled actions go with the group."""
        self._delete_alarms([found["AlarmName"] for found in self._alarms(group, deadline)], deadline)

    def leftovers(self, groups: Iterable[str], labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Alarms of ours with all of `labels` that belong to none of `groups`."""
        known = set(groups)
        for found in self._alarms("", deadline):
            if found["AlarmName"].split("/")[1] in known:
                continue
            tags = self._tags(found["AlarmArn"], deadline)
            if tags is not None and is_ours(tags, labels):
                name, region = found["AlarmName"], self._client.region
                yield Leftover(name, KIND, "aws", region, name=name, labels=tags, native=found)

    def owns(self, leftover: Leftover) -> bool:
        """Whether a leftover is an alarm."""
        return leftover.kind == KIND

    def owner(self, leftover: Leftover) -> str:
        """The group that a leftover was made for."""
        return leftover.id.split("/")[1]

    def remove(self, leftover: Leftover, deadline: Deadline) -> None:
        """Delete one."""
        self._delete_alarms([leftover.id], deadline)

    def _put(self, group: str, name: str, wanted: dict[str, Any], present: dict[str, Any] | None, deadline: Deadline) -> str:
        if present is not None and all(present.get(key) == value for key, value in wanted.items()):
            return str(present["PolicyARN"])
        answer = self._scaling("put_scaling_policy", deadline, AutoScalingGroupName=group, PolicyName=name, **wanted)
        return str(answer["PolicyARN"])

    def _alarm(
        self, group: str, spec: ScalingGroupSpec, arns: Mapping[str, str], tags: Mapping[str, str], deadline: Deadline
    ) -> None:
        wanted = {f"{_PREFIX}{group}/{policy.name}": policy for policy in _steps_by_metric(spec)}
        for name, policy in wanted.items():
            up = policy.change > 0
            self._client.call(
                "put_metric_alarm",
                service="cloudwatch",
                AlarmName=name,
                Namespace="AWS/EC2",
                MetricName="CPUUtilization",
                Dimensions=[{"Name": "AutoScalingGroupName", "Value": group}],
                Statistic="Average",
                Period=_PERIOD,
                EvaluationPeriods=1,
                Threshold=policy.threshold,
                ComparisonOperator="GreaterThanOrEqualToThreshold" if up else "LessThanOrEqualToThreshold",
                AlarmActions=[arns[policy.name]],
                Tags=tag_list(tags),
                deadline=deadline,
            )
        present = {found["AlarmName"] for found in self._alarms(group, deadline)}
        self._delete_alarms(sorted(present - wanted.keys()), deadline)

    def _schedule(self, group: str, spec: ScalingGroupSpec, deadline: Deadline) -> None:
        wanted = {f"scheduled_{fingerprint([policy])}": policy for policy in spec.policies if isinstance(policy, ScheduledSize)}
        found = self._client.pages(
            "describe_scheduled_actions",
            "ScheduledUpdateGroupActions",
            service="autoscaling",
            AutoScalingGroupName=group,
            deadline=deadline,
        )
        present = {item["ScheduledActionName"] for item in found}
        for name in sorted(wanted.keys() - present):
            action = _action(wanted[name])
            self._scaling(
                "put_scheduled_update_group_action",
                deadline,
                AutoScalingGroupName=group,
                ScheduledActionName=name,
                **action,
            )
        for name in sorted(present - wanted.keys()):
            self._scaling("delete_scheduled_action", deadline, AutoScalingGroupName=group, ScheduledActionName=name)

    def _described(self, group: str, deadline: Deadline, **wanted: Any) -> Iterator[dict[str, Any]]:
        return self._client.pages(
            "describe_policies",
            "ScalingPolicies",
            service="autoscaling",
            AutoScalingGroupName=group,
            deadline=deadline,
            **wanted,
        )

    def _alarms(self, group: str, deadline: Deadline) -> Iterator[dict[str, Any]]:
        """The alarms of a group; those of every group where it is empty."""
        prefix = f"{_PREFIX}{group}/" if group else _PREFIX
        return self._client.pages(
            "describe_alarms", "MetricAlarms", service="cloudwatch", AlarmNamePrefix=prefix, deadline=deadline
        )

    def _delete_alarms(self, names: Sequence[str], deadline: Deadline) -> None:
        for start in range(0, len(names), _DELETED_AT_ONCE):
            chunk = list(names[start : start + _DELETED_AT_ONCE])
            self._client.call("delete_alarms", service="cloudwatch", AlarmNames=chunk, deadline=deadline)

    def _tags(self, arn: str, deadline: Deadline) -> dict[str, str] | None:
        """An alarm's tags; None if it is gone."""
        try:
            answer = self._client.call("list_tags_for_resource", service="cloudwatch", ResourceARN=arn, deadline=deadline)
        except NotFound:
            return None
        return all_tags(answer.get("Tags", ()))

    def _scaling(self, operation: str, deadline: Deadline, **parameters: Any) -> dict[str, Any]:
        return self._client.call(operation, service="autoscaling", deadline=deadline, **parameters)


def _steps_by_metric(spec: ScalingGroupSpec) -> Iterator[StepPolicy]:
    return (policy for policy in spec.policies if isinstance(policy, StepPolicy) and policy.metric is not None)


def _steps(spec: ScalingGroupSpec) -> Named:
    """Simple scaling has just our meaning of a step: so many instances, and none more before its cooldown is over."""
    return {
        policy.name: {
            "PolicyType": SIMPLE,
            "AdjustmentType": "ChangeInCapacity",
            "ScalingAdjustment": policy.change,
            "Cooldown": math.ceil(policy.cooldown),
        }
        for policy in spec.policies
        if isinstance(policy, StepPolicy)
    }


def _tracking(spec: ScalingGroupSpec, sources: Sequence[str]) -> Named:
    found: Named = {}
    for policy in spec.policies:
        if not isinstance(policy, TargetTrackingPolicy):
            continue
        if policy.metric == "cpu_percent":
            found["tracking_cpu_percent"] = _track(policy, {"PredefinedMetricType": "ASGAverageCPUUtilization"}, policy.target)
            continue
        for number, source in enumerate(sources):
            metric = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": source}
            found[f"tracking_requests_{number}"] = _track(policy, metric, policy.target * 60)  # AWS counts them by the minute
    return found


def _track(policy: TargetTrackingPolicy, metric: dict[str, str], target: float) -> dict[str, Any]:
    return {
        "PolicyType": "TargetTrackingScaling",
        "EstimatedInstanceWarmup": math.ceil(policy.cooldown),
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": metric,
            "TargetValue": target,
            "DisableScaleIn": False,
        },
    }


def _action(policy: ScheduledSize) -> dict[str, Any]:
    sizes = {"MinSize": policy.min, "MaxSize": policy.max, "DesiredCapacity": policy.desired}
    given = {name: value for name, value in sizes.items() if value is not None}
    return {"Recurrence": policy.cron, "TimeZone": "Etc/UTC", **given}
