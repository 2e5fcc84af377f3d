"""Security groups of groups and balancers, with names that follow from theirs, so that making one twice makes one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, RejectedSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.providers.aws.marks import all_tags, is_ours
from cloudlayer.providers.aws.tags import tag_list
from cloudlayer.providers.base.patience import insist
from cloudlayer.resources import Leftover

KIND: Final = "security-group"
_IN_USE: Final = ("DependencyViolation",)


class Firewall:
    """The security groups whose names begin with `prefix`, followed by the name of what they belong to and a digest."""

    def __init__(self, client: Client, clock: Clock, prefix: str) -> None:
        self._client = client
        self._clock = clock
        self._prefix = prefix

    def open(
        self, owner: str, openings: Sequence[dict[str, Any]], *, vpc: str, tags: Mapping[str, str], deadline: Deadline
    ) -> str:
        """The id of the security group of `owner` with these openings."""
        digest = hashlib.sha256(json.dumps(openings, sort_keys=True).encode()).hexdigest()[:8]
        group = self._make(f"{self._prefix}{owner}-{digest}", vpc, tags, deadline)
        with suppress(Conflict):  # the rules are there from an earlier try: they are made all at once
            self._client.call(
                "authorize_security_group_ingress", GroupId=group, IpPermissions=list(openings), deadline=deadline
            )
        return group

    def close(self, owner: str, deadline: Deadline) -> None:
        """Delete the security groups of `owner`, waiting until nothing is in them; TransientError if that lasts too long."""
        for found in self._described(deadline, group_name=f"{self._prefix}{owner}-*"):
            self._delete(found["GroupId"], deadline)

    def leftovers(self, owners: Iterable[str], labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Those of ours with all of `labels` that belong to none of `owners`."""
        known = set(owners)
        for found in self._described(deadline, group_name=f"{self._prefix}*"):
            tags = all_tags(found.get("Tags", ()))
            if is_ours(tags, labels) and self._owner(found["GroupName"]) not in known:
                yield Leftover(
                    found["GroupId"], KIND, "aws", self._client.region, name=found["GroupName"], labels=tags, native=found
                )

    def owns(self, leftover: Leftover) -> bool:
        """Whether a leftover is one of these."""
        return leftover.kind == KIND and (leftover.name or "").startswith(self._prefix)

    def owner(self, leftover: Leftover) -> str:
        """What a leftover was made for."""
        return self._owner(leftover.name or "")

    def remove(self, leftover: Leftover, deadline: Deadline) -> None:
        """Delete one, unless it is in use or gone."""
        with suppress(Conflict, RejectedSpec):
            self._client.call("delete_security_group", GroupId=leftover.id, deadline=deadline)

    def _owner(self, name: str) -> str:
        return name.removeprefix(self._prefix).rpartition("-")[0]

    def _delete(self, id: str, deadline: Deadline) -> None:
        def attempt() -> None:
            with suppress(RejectedSpec):  # it is gone
                self._client.call("delete_security_group", GroupId=id, deadline=deadline)

        insist(attempt, _IN_USE, self._clock, deadline, f"waiting for {id} to be free")

    def _make(self, name: str, vpc: str, tags: Mapping[str, str], deadline: Deadline) -> str:
        try:
            made = self._client.call(
                "create_security_group",
                GroupName=name,
                Description="Made by cloudlayer, and deleted with what it belongs to",
                VpcId=vpc,
                TagSpecifications=[{"ResourceType": KIND, "Tags": tag_list(tags)}],
                deadline=deadline,
            )
        except Conflict as error:
            found = list(self._described(deadline, group_name=name, vpc_id=vpc))
            if not found:
                raise error from None
            return str(found[0]["GroupId"])
        return str(made["GroupId"])

    def _described(self, deadline: Deadline, **wanted: str) -> Iterator[dict[str, Any]]:
        return self._client.pages("describe_security_groups", "SecurityGroups", Filters=filters(**wanted), deadline=deadline)
