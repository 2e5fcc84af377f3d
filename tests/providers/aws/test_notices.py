"""What EC2 tells of spot instances that it is about to take back."""

from datetime import UTC, datetime, timedelta

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.compute.notices import announced
from cloudlayer.resources import Instance, InstanceState

MARKED = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Requests:
    """Stands for EC2, with these requests for spot instances."""

    def __init__(self, *requests):
        self.requests = requests
        self.asked = []

    def pages(self, operation, key, **parameters):
        self.asked.append((operation, key, parameters["Filters"]))
        return iter(self.requests)


def request(instance, code):
    return {"InstanceId": instance, "Status": {"Code": code, "UpdateTime": MARKED}}


def instance(id, purchase="spot", state=InstanceState.RUNNING):
    return Instance(id, "aws", "us-east-1", "us-east-1a", state, "m7i.large", purchase=purchase)


def test_a_spot_instance_that_is_marked_ends_two_minutes_later_and_no_other_does():
    ec2 = Requests(request("i-1", "marked-for-termination"), request("i-2", "fulfilled"))
    first, second, third = announced(ec2, [instance("i-1"), instance("i-2"), instance("i-3")], Deadline.after(5))
    assert first.ends_at == MARKED + timedelta(minutes=2)
    assert second.ends_at is None and third.ends_at is None
    wanted = [{"Name": "status-code", "Values": ["marked-for-termination"]}]
    assert ec2.asked == [("describe_spot_instance_requests", "SpotInstanceRequests", wanted)]


def test_nothing_is_asked_where_no_spot_instance_runs():
    ec2 = Requests()
    found = [instance("i-1", "on_demand"), instance("i-2", state=InstanceState.DELETED)]
    assert announced(ec2, found, Deadline.after(5)) == found
    assert ec2.asked == []
