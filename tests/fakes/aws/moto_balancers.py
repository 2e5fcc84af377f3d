"""What Elastic Load Balancing and CloudWatch do and moto does not, as their API references have it.

A balancer's name and a listener's port are used once; an application balancer needs two zones; what is in use is not deleted;
unknown instances are no targets; a target is unused before a listener, initial at first, and drains; lists come in pages.
"""

import time
from functools import wraps

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.elbv2.exceptions import (
    DuplicateListenerError,
    DuplicateLoadBalancerName,
    ELBClientError,
    InvalidTargetError,
    ValidationError,
)
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup, elbv2_backends
from moto.elbv2.responses import ELBV2Response

from tests.fakes.aws import moto_scaling
from tests.fakes.aws.moto_gaps import options
from tests.fakes.aws.moto_scaling import leaving

MOST = 400
TAGGED_AT_ONCE = 20


def install():
    """Put all of it into moto, once for the process."""
    if getattr(ELBV2Response, "gaps_filled", False):
        return
    ELBV2Response.gaps_filled = True
    ELBV2Response.call_action = moto_scaling.settled(ELBV2Response.call_action)
    ELBv2Backend.create_load_balancer = _named_once(ELBv2Backend.create_load_balancer)
    ELBv2Backend.create_listener = _port_once(ELBv2Backend.create_listener)
    ELBv2Backend.describe_tags = _few_at_once(ELBv2Backend.describe_tags)
    ELBv2Backend.describe_target_health = _health
    FakeTargetGroup.load_balancer_arns = property(_balancers_of, lambda self, value: None)
    FakeTargetGroup.register = _known_alone(FakeTargetGroup.register)
    FakeTargetGroup.deregister = _draining(FakeTargetGroup.deregister)
    EC2Backend.delete_security_group = _in_use_checked(EC2Backend.delete_security_group)
    for name, key in (
        ("describe_load_balancers", "LoadBalancers"),
        ("describe_target_groups", "TargetGroups"),
        ("describe_listeners", "Listeners"),
    ):
        setattr(ELBV2Response, name, _paged(getattr(ELBV2Response, name), key, MOST, ("PageSize", "Marker", "NextMarker")))
    CloudWatchResponse.describe_alarms = _paged(
        CloudWatchResponse.describe_alarms, "MetricAlarms", 100, ("MaxRecords", "NextToken", "NextToken")
    )


def _paged(method, key, most, words):
    size_word, token_word, next_word = words

    @wraps(method)
    def page(self):
        size = min(self._get_int_param(size_word) or most, most, options.page)
        start = int(self._get_param(token_word) or 0)
        hidden = {name: self._get_params().pop(name, None) for name in (size_word, token_word)}
        items = _whole(self, method, key, hidden)
        more = {next_word: str(start + size)} if start + size < len(items) else {}
        return ActionResult({key: items[start : start + size], **more})

    return page


def _whole(response, method, key, hidden):
    """Everything that moto would give in however many pages of its own."""
    if method.__name__ == "describe_load_balancers":
        names, arns = response._get_param("Names", []), response._get_param("LoadBalancerArns", [])
        return list(response.elbv2_backend.describe_load_balancers(arns, names))
    return list(method(response).result[key])


def _named_once(method):
    @wraps(method)
    def create(self, name, security_groups, subnet_ids, *args, **kwargs):
        kind, scheme = kwargs.get("loadbalancer_type") or "application", kwargs.get("scheme") or "internet-facing"
        settings = (kind, scheme, sorted(security_groups), sorted(subnet_ids))
        for known in self.load_balancers.values():
            if known.name == name:
                if known.settings != settings:
                    raise DuplicateLoadBalancerName()
                return known
        zones = {self.ec2_backend.get_subnet(subnet).availability_zone for subnet in subnet_ids}
        if kind == "application" and len(zones) < 2:
            raise ValidationError("At least two subnets in two different Availability Zones must be specified")
        made = method(self, name, security_groups, subnet_ids, *args, **{**kwargs, "scheme": scheme})
        made.settings = settings
        if kind == "network":
            _renamed(self, made)
        return made

    return create


def _renamed(backend, balancer):
    """Moto's ids are all those of application balancers."""
    tags = backend.tagging_service.get_tag_dict_for_resource(balancer.arn)
    del backend.load_balancers[balancer.arn]
    backend.tagging_service.delete_all_tags_for_resource(balancer.arn)
    balancer.arn = balancer.arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
    backend.load_balancers[balancer.arn] = balancer
    backend.tagging_service.tag_resource(balancer.arn, [{"Key": name, "Value": value} for name, value in tags.items()])


def _port_once(method):
    @wraps(method)
    def create(self, load_balancer_arn, protocol, port, *args, **kwargs):
        certificate = kwargs.get("certificate")
        if certificate and not self._certificate_exists(certificate_arn=certificate):
            raise ELBClientError("CertificateNotFound", f"Certificate '{certificate}' not found")
        balancer = self.load_balancers.get(load_balancer_arn)
        for listener in balancer.listeners.values() if balancer is not None else ():
            if int(listener.port) == int(port):
                raise DuplicateListenerError()
        return method(self, load_balancer_arn, protocol, port, *args, **kwargs)

    return create


def _few_at_once(method):
    @wraps(method)
    def describe(self, resource_arns):
        if len(resource_arns) > TAGGED_AT_ONCE:
            raise ValidationError("The maximum number of resources in one request is 20")
        return method(self, resource_arns)

    return describe


def _balancers_of(self):
    """Those whose listeners send to it now."""
    backend = elbv2_backends[self.account_id][self.region_name]
    return [
        balancer.arn
        for balancer in backend.load_balancers.values()
        if any(_sends_to(listener, self.arn) for listener in balancer.listeners.values())
    ]


def _sends_to(listener, arn):
    return any(action.data.get("TargetGroupArn") == arn for action in listener.default_actions)


def _known_alone(method):
    @wraps(method)
    def register(self, targets):
        for target in targets:
            is_instance = target["Id"].startswith("i-")
            if is_instance != (self.target_type == "instance"):
                raise ValidationError(f"'{target['Id']}' is not of the target type {self.target_type}")
            if is_instance and self.ec2_backend.get_instance_by_id(target["Id"]) is None:
                raise InvalidTargetError()
        method(self, targets)
        for target in targets:
            self.targets[target["Id"]].setdefault("born", time.monotonic())

    return register


def _draining(method):
    """A target that is not registered is no error; one that is drains, on the clock of the driver."""

    @wraps(method)
    def deregister(self, targets):
        method(self, [target for target in targets if target["Id"] in self.targets])
        until = moto_scaling.now().timestamp() + int(self.attributes["deregistration_delay.timeout_seconds"])
        for target in targets:
            if target["Id"] in self.deregistered_targets:
                self.deregistered_targets[target["Id"]].setdefault("until", until)

    return deregister


def _health(self, target_group_arn, targets):
    """Of the targets that are asked for; of all that are registered or drain, where none is."""
    group = self.describe_target_groups(None, [target_group_arn], None)[0]
    instances = {instance.id: instance for instance in self.ec2_backend.all_instances()}
    names = [target["Id"] for target in targets or ()] or [*group.targets, *leaving(group)]
    return [_status(group, name, instances.get(name)) for name in names]


def _status(group, name, instance):
    if name not in group.targets:
        is_leaving = name in leaving(group)
        state = ("draining", "Target.DeregistrationInProgress") if is_leaving else ("unused", "Target.NotRegistered")
    elif not group.load_balancer_arns:
        state = ("unused", "Target.NotInUse")
    elif instance is not None and instance.state != "running":
        state = ("unused", "Target.InvalidState")
    elif time.monotonic() - group.targets[name]["born"] < options.pending:
        state = ("initial", "Elb.RegistrationInProgress")
    else:
        state = ("healthy", None)
    return FakeHealthStatus(name, group.port, group.health_check_port, *state)


def _in_use_checked(method):
    @wraps(method)
    def delete(self, name=None, group_id=None):
        balancers = elbv2_backends[self.account_id][self.region_name].load_balancers.values()
        if any(group_id in balancer.security_groups for balancer in balancers):
            raise EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")
        return method(self, name=name, group_id=group_id)

    return delete
