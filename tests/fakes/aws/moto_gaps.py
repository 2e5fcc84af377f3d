"""What EC2 does and moto does not, where a driver's test would pass for the wrong reason without it.

Lists come in pages, and MaxResults has limits; instances are pending for a while, and not listed at once; AssociatePublicIp-
Address holds; a security group that is in use is not deleted; capacity reservations are there.
"""

import time
from copy import copy
from dataclasses import dataclass, field
from functools import wraps

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, StateReason
from moto.ec2.responses import EC2Response
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

PAGED = {
    "describe_instance_types": ("InstanceTypes", 100),
    "describe_instance_type_offerings": ("InstanceTypeOfferings", 1000),
    "describe_spot_price_history": ("SpotPriceHistory", 1000),
    "describe_images": ("Images", 1000),
    "describe_security_groups": ("SecurityGroups", 1000),
    "describe_capacity_reservations": ("CapacityReservations", 1000),
}
"""Operations by name: where the items are, and how many EC2 gives at most."""

SMALLEST_PAGE = 5


@dataclass
class Options:
    """How this EC2 behaves. Seconds for times; `page` is the most items a page has, whatever is asked for.

    `pending` is how long each change takes, and `optimizing` how long a volume that grew takes no other.
    """

    page: int = 1000
    pending: float = 0.0
    optimizing: float = 0.0
    hidden: float = 0.0
    room: int | None = None
    failing: str = ""
    reservations: list = field(default_factory=list)


options = Options()


def reset():
    """Back to the options of a cloud in order."""
    options.__dict__.update(vars(Options()))


def install():
    """Put all of it into moto, once for the process."""
    if getattr(EC2Response, "gaps_filled", False):
        return
    EC2Response.gaps_filled = True
    EC2Response.describe_capacity_reservations = _reservations
    for name, (key, most) in PAGED.items():
        setattr(EC2Response, name, paged(getattr(EC2Response, name), key, most))
    EC2Response.run_instances = _in_reservation(EC2Response.run_instances)
    EC2Response.describe_instances = _instances_paged(EC2Response.describe_instances)
    TaggedEC2Resource.get_tags = _own_tags
    EC2Backend.run_instances = _launched(EC2Backend.run_instances)
    EC2Backend.delete_security_group = _in_use_checked(EC2Backend.delete_security_group)
    Instance.prep_nics = _address_as_asked(Instance.prep_nics)
    Instance.start = _pending_again(Instance.start)
    Instance.terminate = _terminated_once(Instance.terminate)
    for name in ("describe_instances", "get_reservations_by_instance_ids", "get_multi_instances_by_id"):
        setattr(InstanceBackend, name, _promoted(getattr(InstanceBackend, name)))
    for name in ("describe_instances", "get_reservations_by_instance_ids"):
        setattr(InstanceBackend, name, _hidden_at_first(getattr(InstanceBackend, name)))


def _own_tags(self):
    """Moto looks through the tags of everything for each thing, which no test of many things outlives."""
    found = self.ec2_backend.tags.get(self.id, {})
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id)) if found else None
    return [{"resource_id": self.id, "key": name, "value": value, "resource_type": kind} for name, value in found.items()]


def _reservations(self):
    wanted = self._get_param("CapacityReservationIds")
    if wanted:
        return ActionResult({"CapacityReservations": [_reservation(name) for name in wanted]})
    states = self._filters_from_querystring().get("state")
    found = [item for item in options.reservations if states is None or item["State"] in states]
    return ActionResult({"CapacityReservations": found})


def _reservation(name):
    for found in options.reservations:
        if found["CapacityReservationId"] == name:
            return found
    raise EC2ClientError("InvalidCapacityReservationId.NotFound", f"The reservation {name} does not exist")


def _asked(response, most):
    asked = response._get_int_param("MaxResults")
    if asked is not None and not SMALLEST_PAGE <= asked <= most:
        raise EC2ClientError("InvalidParameterValue", f"MaxResults must be between {SMALLEST_PAGE} and {most}")
    return min(asked or most, options.page)


def paged(method, key, most):
    """The operation in pages, with EC2's limits of their size."""

    @wraps(method)
    def page(self):
        size, start = _asked(self, most), int(self._get_param("NextToken") or 0)
        result = method(self).result
        items = list(result[key])
        more = {"NextToken": str(start + size)} if start + size < len(items) else {}
        return ActionResult({**result, key: items[start : start + size], **more})

    return page


def _instances_paged(method):
    @wraps(method)
    def page(self):
        if self._get_param("InstanceIds"):
            return method(self)
        size, start = _asked(self, 1000), int(self._get_param("NextToken") or 0)
        found = list(self.ec2_backend.describe_instances(filters=self._filters_from_querystring()))
        total = sum(len(reservation.instances) for reservation in found)
        more = {"NextToken": str(start + size)} if start + size < total else {}
        return ActionResult({"Reservations": list(_cut(found, start, start + size)), **more})

    return page


def _cut(reservations, start, end):
    """A page is of instances: a reservation of many is told in parts."""
    at = 0
    for reservation in reservations:
        part = reservation.instances[max(start - at, 0) : max(end - at, 0)]
        at += len(reservation.instances)
        if part:
            shown = copy(reservation)
            shown.instances = part
            yield shown


def _launched(method):
    @wraps(method)
    def run(self, *args, **kwargs):
        reservation = method(self, *args, **kwargs)
        for instance in reservation.instances:
            instance.born = time.monotonic()
            _hold(instance)
        return reservation

    return run


def _in_reservation(method):
    @wraps(method)
    def run(self):
        target = self._get_param("CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId")
        market = self._get_param("InstanceMarketOptions.MarketType")
        block = target is not None and _reservation(target).get("ReservationType") == "capacity-block"
        if block != (market == "capacity-block"):
            raise EC2ClientError("InvalidParameterValue", "A capacity block and its market type go together.")
        answer = method(self)
        for instance in answer.result.instances:
            instance.capacity_reservation_id = target
            instance.lifecycle = "capacity-block" if block else instance.lifecycle
        return answer

    return run


def _terminated_once(method):
    @wraps(method)
    def terminate(self, *args, **kwargs):
        return self._state if self._state.name == "terminated" else method(self, *args, **kwargs)

    return terminate


def _hold(instance):
    if options.failing:
        instance._state = InstanceState("terminated", 48)
        instance.state_reason = StateReason(f"{options.failing}: the launch failed", options.failing)
    elif options.pending:
        instance._state = InstanceState("pending", 0)
        instance.runs_at = time.monotonic() + options.pending


def _pending_again(method):
    @wraps(method)
    def start(self, *args, **kwargs):
        was_stopped = self._state.name == "stopped"
        previous = method(self, *args, **kwargs)
        if was_stopped:
            _hold(self)
        return previous

    return start


def _promoted(method):
    """Before a look at instances, let those run whose time has come."""

    @wraps(method)
    def look(self, *args, **kwargs):
        now = time.monotonic()
        for reservation in list(self.reservations.values()):
            for instance in reservation.instances:
                if instance._state.name == "pending" and getattr(instance, "runs_at", now) <= now:
                    instance._state = InstanceState("running", 16)
        return method(self, *args, **kwargs)

    return look


def _hidden_at_first(method):
    """Described by id, what is not to be seen yet is not found; in a list, it is left out."""

    @wraps(method)
    def look(self, *args, **kwargs):
        found = method(self, *args, **kwargs)
        shown = [item for item in found if not _is_hidden(item.instances)]
        if found and not shown and method.__name__ == "get_reservations_by_instance_ids":
            raise InvalidInstanceIdError([instance.id for item in found for instance in item.instances])
        return shown

    return look


def _is_hidden(instances):
    youngest = max((getattr(instance, "born", 0.0) for instance in instances), default=0.0)
    return time.monotonic() - youngest < options.hidden


def _address_as_asked(method):
    @wraps(method)
    def prepare(self, nic_spec, *args, **kwargs):
        asked = [
            str(nic["AssociatePublicIpAddress"]).lower() == "true" for nic in nic_spec if "AssociatePublicIpAddress" in nic
        ]
        if asked:
            kwargs["associate_public_ip"] = self.associate_public_ip = asked[0]
        for nic in nic_spec:
            nic["DeleteOnTermination"] = str(nic.get("DeleteOnTermination")).lower() == "true"
            nic["AssociatePublicIpAddress"] = bool(asked and asked[0])
        return method(self, nic_spec, *args, **kwargs)

    return prepare


def _in_use_checked(method):
    @wraps(method)
    def delete(self, name=None, group_id=None):
        used = {group.id for card in self.enis.values() if card.instance for group in card.group_set}
        if group_id in used:
            raise EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")
        return method(self, name=name, group_id=group_id)

    return delete
