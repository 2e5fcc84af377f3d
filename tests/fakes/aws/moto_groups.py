"""What Auto Scaling's API does and moto's does not, as its reference has it; how groups live is in moto_scaling.

A name is used once; sizes have bounds; cooldowns hold; policies are a group's own; there are activities and instance
refreshes; lists come in pages.
"""

import math
import time
from functools import wraps
from uuid import uuid4

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.responses import EC2Response
from moto.ec2.utils import parse_user_data

from tests.fakes.aws.moto_gaps import options, paged
from tests.fakes.aws.moto_scaling import end, is_quiet, leaving, now, refreshing, settled

MOST = 100


def install():
    """Put all of it into moto, once for the process."""
    if getattr(AutoScalingResponse, "gaps_filled", False):
        return
    AutoScalingResponse.gaps_filled = True
    AutoScalingResponse.call_action = settled(AutoScalingResponse.call_action)
    for name, replacement in {**_GROUPS, **_POLICIES, **_REFRESHES}.items():
        setattr(AutoScalingResponse, name, replacement)
    FakeAutoScalingGroup.set_desired_capacity = _only_said
    AutoScalingBackend.notify_terminate_instances = lambda self, instance_ids: None
    AutoScalingBackend.update_attached_target_groups = lambda self, group_name: None
    AutoScalingBackend.create_auto_scaling_group = _named_once(AutoScalingBackend.create_auto_scaling_group)
    FakeAutoScalingGroup.launch_template = property(_template_alone(FakeAutoScalingGroup.launch_template.fget))
    InstanceState.launch_template = property(_member_template)
    LaunchTemplateBackend.delete_launch_template = _known(LaunchTemplateBackend.delete_launch_template)
    EC2Response.create_launch_template_version = _read_user_data(EC2Response.create_launch_template_version)
    EC2Response.describe_launch_templates = paged(EC2Response.describe_launch_templates, "LaunchTemplates", 200)


def _only_said(self, new_capacity):
    """Members come and go when the group is settled."""
    if not hasattr(self, "activities"):
        self.activities, self.refreshes, self.left_arns = [], [], set()
        self.cooldown, self.cooldown_from, self.status = 0.0, 0.0, None
    self.desired_capacity = self.min_size if new_capacity is None else new_capacity


def _template_alone(method):
    @wraps(method)
    def template(self):
        """None where a mix says which."""
        return None if self.mixed_instances_policy else method(self)

    return template


def _member_template(member):
    template = member.auto_scaling_group.ec2_launch_template
    return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": member.version}


def _named_once(method):
    @wraps(method)
    def create(self, name, *args, **kwargs):
        if name in self.autoscaling_groups:
            raise AutoscalingClientError("AlreadyExists", f"AutoScalingGroup by this name already exists - {name}")
        least, most, desired = kwargs["min_size"], kwargs["max_size"], kwargs["desired_capacity"]
        _check_sizes(least, most, least if desired is None else desired)
        return method(self, name, *args, **kwargs)

    return create


def _check_sizes(least, most, desired):
    if not least <= desired <= most:
        raise ValidationError(f"Desired capacity:{desired} must be between the min {least} and max {most}.")


def _known(method):
    @wraps(method)
    def delete(self, name, tid):
        if (tid or self.launch_template_name_to_ids.get(name)) not in self.launch_templates:
            raise EC2ClientError("InvalidLaunchTemplateId.NotFound", "The specified launch template does not exist.")
        return method(self, name, tid)

    return delete


def _read_user_data(method):
    @wraps(method)
    def create(self):
        answer = method(self)
        data = answer.result["LaunchTemplateVersion"]["LaunchTemplateData"]
        data["UserData"] = parse_user_data(data.get("UserData"))
        return answer

    return create


def _group(response):
    group = response.autoscaling_backend.autoscaling_groups.get(response._get_param("AutoScalingGroupName"))
    if group is None:
        raise ValidationError("AutoScalingGroup name not found - null")
    return group


def _page(response, key, items):
    size = min(response._get_int_param("MaxRecords") or 50, MOST, options.page)
    start = int(response._get_param("NextToken") or 0)
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return ActionResult({key: items[start : start + size], **more})


def _describe_groups(self):
    names, filters = self._get_param("AutoScalingGroupNames", []), self._get_param("Filters", [])
    found = self.autoscaling_backend.describe_auto_scaling_groups(names, filters=filters)
    return _page(self, "AutoScalingGroups", list(found))


def _describe_activities(self):
    return _page(self, "Activities", [dict(activity) for activity in _group(self).activities])


def _describe_attached(self):
    """A target group that is left is told of until the last member has drained."""
    group, backend = _group(self), self.autoscaling_backend.elbv2_backend
    states = dict.fromkeys(group.target_group_arns, "InService")
    for arn in group.left_arns:
        target_group = backend.target_groups.get(arn)
        if target_group is not None and any(member.instance_id in leaving(target_group) for member in group.instance_states):
            states.setdefault(arn, "Removing")
    return _page(
        self,
        "LoadBalancerTargetGroups",
        [{"LoadBalancerTargetGroupARN": arn, "State": state} for arn, state in states.items()],
    )


def _attach(self):
    group, backend = _group(self), self.autoscaling_backend.elbv2_backend
    arns = self._get_param("TargetGroupARNs", [])
    if any(arn not in backend.target_groups for arn in arns):
        raise ValidationError("Provided Target Groups may not be valid. Please ensure they exist and try again.")
    group.append_target_groups(arns)
    return EmptyResult()


def _detach(self):
    group, backend = _group(self), self.autoscaling_backend.elbv2_backend
    for arn in self._get_param("TargetGroupARNs", []):
        group.target_group_arns = [known for known in group.target_group_arns if known != arn]
        group.left_arns.add(arn)
        target_group = backend.target_groups.get(arn)
        present = [{"Id": member.instance_id} for member in group.instance_states]
        if target_group is not None:
            target_group.deregister([target for target in present if target["Id"] in target_group.targets])
    return EmptyResult()


def _update(self):
    group = _group(self)
    sizes = {name: self._get_int_param(name) for name in ("MinSize", "MaxSize", "DesiredCapacity")}
    least = group.min_size if sizes["MinSize"] is None else sizes["MinSize"]
    most = group.max_size if sizes["MaxSize"] is None else sizes["MaxSize"]
    desired = group.desired_capacity if sizes["DesiredCapacity"] is None else sizes["DesiredCapacity"]
    desired = desired if sizes["DesiredCapacity"] is not None else min(max(desired, least), most)
    _check_sizes(least, most, desired)
    group.min_size, group.max_size, group.desired_capacity = least, most, desired
    zones, subnets = self._get_param("AvailabilityZones", []), self._get_param("VPCZoneIdentifier")
    if zones or subnets:
        group._set_azs_and_vpcs(zones, subnets, update=True)
    template, mix = self._get_param("LaunchTemplate", {}), self._get_param("MixedInstancesPolicy")
    if template or mix:
        group.mixed_instances_policy = mix
        group._set_launch_configuration("", template, mix)
    return EmptyResult()


def _set_desired(self):
    group, desired = _group(self), self._get_int_param("DesiredCapacity")
    _check_sizes(group.min_size, group.max_size, desired)
    group.desired_capacity = desired
    return EmptyResult()


def _delete_group(self):
    group, backend = _group(self), self.autoscaling_backend
    if group.instance_states and not self._get_bool_param("ForceDelete", False):
        raise AutoscalingClientError("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances.")
    for member in list(group.instance_states):
        end(backend, group, member)
    for kept in (backend.policies, backend.scheduled_actions):
        for key in [key for key in kept if key[0] == group.name]:
            del kept[key]
    group.desired_capacity, group.status = 0, "Delete in progress"
    group.ends_at = time.monotonic() + options.pending
    return EmptyResult()


def _put_policy(self, _method=AutoScalingResponse.put_scaling_policy):
    group, backend = _group(self), self.autoscaling_backend
    _method(self)
    policy = backend.policies.pop(self._get_param("PolicyName"))
    backend.policies[group.name, policy.name] = policy
    return ActionResult({"PolicyARN": policy.arn})


def _describe_policies(self):
    group, names = self._get_param("AutoScalingGroupName"), self._get_param("PolicyNames", [])
    policies = self.autoscaling_backend.policies
    found = [policy for key, policy in policies.items() if key[0] == group and (not names or key[1] in names)]
    return _page(self, "ScalingPolicies", found)


def _policy(response):
    key = _group(response).name, response._get_param("PolicyName")
    if key not in response.autoscaling_backend.policies:
        raise ValidationError("PolicyName not found")
    return key


def _delete_policy(self):
    del self.autoscaling_backend.policies[_policy(self)]
    return EmptyResult()


def _execute_policy(self):
    group, policy = _group(self), self.autoscaling_backend.policies[_policy(self)]
    until = math.inf if group.cooldown_from is None else group.cooldown_from + group.cooldown
    busy = not is_quiet(group) or now().timestamp() < until
    if self._get_bool_param("HonorCooldown", False) and busy:
        raise AutoscalingClientError("ScalingActivityInProgress", f"Scaling activity in progress for {group.name}")
    wanted = min(max(group.desired_capacity + policy.scaling_adjustment, group.min_size), group.max_size)
    if wanted != group.desired_capacity:
        group.desired_capacity, group.cooldown, group.cooldown_from = wanted, float(policy.cooldown), None
    return EmptyResult()


def _put_action(self, _method=AutoScalingResponse.put_scheduled_update_group_action):
    group, backend = _group(self), self.autoscaling_backend
    answer = _method(self)
    action = backend.scheduled_actions.pop(self._get_param("ScheduledActionName"))
    backend.scheduled_actions[group.name, action.scheduled_action_name] = action
    return answer


def _describe_actions(self):
    group, actions = self._get_param("AutoScalingGroupName"), self.autoscaling_backend.scheduled_actions
    return _page(self, "ScheduledUpdateGroupActions", [action for key, action in actions.items() if key[0] == group])


def _delete_action(self):
    key = _group(self).name, self._get_param("ScheduledActionName")
    if self.autoscaling_backend.scheduled_actions.pop(key, None) is None:
        raise ValidationError("Scheduled action name not found")
    return EmptyResult()


def _start_refresh(self):
    group = _group(self)
    if refreshing(group):
        raise AutoscalingClientError("InstanceRefreshInProgress", "An Instance Refresh is already in progress.")
    if not (self._get_param("Preferences") or {}).get("SkipMatching"):
        raise NotImplementedError("only refreshes that skip matching members are here")
    refresh = {"InstanceRefreshId": str(uuid4()), "AutoScalingGroupName": group.name, "Status": "Pending"}
    refresh["StartTime"] = utcnow().replace(microsecond=0)  # as the templates' versions are dated
    group.refreshes.insert(0, refresh)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def _describe_refreshes(self):
    return _page(self, "InstanceRefreshes", [dict(refresh) for refresh in _group(self).refreshes])


def _cancel_refresh(self):
    group = _group(self)
    if not refreshing(group):
        raise AutoscalingClientError("ActiveInstanceRefreshNotFound", "No in progress Instance Refresh was found.")
    group.refreshes[0].update(Status="Cancelled", EndTime=now())
    return ActionResult({"InstanceRefreshId": group.refreshes[0]["InstanceRefreshId"]})


_GROUPS = {
    "describe_auto_scaling_groups": _describe_groups,
    "describe_scaling_activities": _describe_activities,
    "describe_load_balancer_target_groups": _describe_attached,
    "attach_load_balancer_target_groups": _attach,
    "detach_load_balancer_target_groups": _detach,
    "update_auto_scaling_group": _update,
    "set_desired_capacity": _set_desired,
    "delete_auto_scaling_group": _delete_group,
}
_POLICIES = {
    "put_scaling_policy": _put_policy,
    "describe_policies": _describe_policies,
    "delete_policy": _delete_policy,
    "execute_policy": _execute_policy,
    "put_scheduled_update_group_action": _put_action,
    "describe_scheduled_actions": _describe_actions,
    "delete_scheduled_action": _delete_action,
}
_REFRESHES = {
    "start_instance_refresh": _start_refresh,
    "describe_instance_refreshes": _describe_refreshes,
    "cancel_instance_refresh": _cancel_refresh,
}
