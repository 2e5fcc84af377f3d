"""Which spot instances EC2 is about to take back.

It marks an instance two minutes before, by the status of its spot request ("marked-for-termination"):
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.resources import Instance, InstanceState

_MARKED: Final = "marked-for-termination"
_NOTICE: Final = timedelta(minutes=2)


def announced(client: Client, instances: Iterable[Instance], deadline: Deadline) -> list[Instance]:
    """The same instances, those that are marked with the moment of their end. Nothing is asked where no spot one runs."""
    found = list(instances)
    if not any(each.purchase == "spot" and each.state is InstanceState.RUNNING for each in found):
        return found
    marked: dict[str, datetime] = {}
    wanted = filters(status_code=[_MARKED])
    for request in client.pages("describe_spot_instance_requests", "SpotInstanceRequests", Filters=wanted, deadline=deadline):
        if request["Status"]["Code"] == _MARKED and "InstanceId" in request:
            marked[request["InstanceId"]] = request["Status"]["UpdateTime"] + _NOTICE
    return [replace(each, ends_at=marked.get(each.id)) for each in found]
