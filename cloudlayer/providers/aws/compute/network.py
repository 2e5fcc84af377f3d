"""Openings in the firewall: a security group for each launch that asks for one, deleted with the last instance in it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, RejectedSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client, filters
from cloudlayer.providers.aws.compute.instances import GROUP_PREFIX, own_groups
from cloudlayer.providers.aws.compute.launches import Launch
from cloudlayer.providers.aws.tags import LAUNCH, tag_list
from cloudlayer.providers.base.attempts import derive
from cloudlayer.resources import Instance

_DESCRIPTION: Final = "Made by cloudlayer for one launch, and deleted with it"


class Network:
    """Security groups with names that follow from the launch, so that making one twice makes one."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def open(self, launch: Launch, deadline: Deadline | None = None) -> tuple[str, ...]:
        """Ids of the security groups for a launch; none where the network's default group is to be used."""
        given = launch.overrides.security_group_ids
        if not launch.openings:
            return given
        group = self._make(launch, deadline)
        with suppress(Conflict):  # the rules are there from an earlier try: they are made all at once
            self._client.call(
                "authorize_security_group_ingress",
                GroupId=group,
                IpPermissions=list(launch.openings),
                deadline=deadline,
            )
        return (*given, group)

    def close(self, instances: Iterable[Instance], deadline: Deadline | None = None) -> None:
        """Take the instances out of the groups made for them, and delete those groups that no other instance is in.

        This comes before the instances are deleted, since a group lives until its last network interface is gone.
        """
        groups = set()
        for instance in instances:
            own = own_groups(instance)
            groups.update(own)
            if own:
                self._move_out(instance, set(own), deadline)
        for group in sorted(groups):
            self.delete(group, deadline)

    def delete(self, group: str, deadline: Deadline | None = None) -> None:
        """Delete a group, unless an instance is in it or it is gone."""
        with suppress(Conflict, RejectedSpec):
            self._client.call("delete_security_group", GroupId=group, deadline=deadline)

    def _make(self, launch: Launch, deadline: Deadline | None) -> str:
        # Named after the batch too: other specs under a used token must not open ports of what runs.
        name = GROUP_PREFIX + derive(launch.token, launch.tags[LAUNCH])
        vpc = self._vpc(launch.overrides.subnet_id, deadline)
        place: dict[str, Any] = {"VpcId": vpc} if vpc else {}
        tags = [{"ResourceType": "security-group", "Tags": tag_list(launch.tags)}]
        try:
            made = self._client.call(
                "create_security_group",
                GroupName=name,
                Description=_DESCRIPTION,
                TagSpecifications=tags,
                deadline=deadline,
                **place,
            )
        except Conflict as error:
            found = list(self._groups(deadline, group_name=name, vpc_id=vpc))
            if not found:
                raise error from None
            return str(found[0]["GroupId"])
        return str(made["GroupId"])

    def _vpc(self, subnet: str | None, deadline: Deadline | None) -> str | None:
        if subnet is None:
            return None
        answer = self._client.call("describe_subnets", SubnetIds=[subnet], deadline=deadline)
        return str(answer["Subnets"][0]["VpcId"])

    def _move_out(self, instance: Instance, own: set[str], deadline: Deadline | None) -> None:
        """Leave its network interfaces in their other groups; in the network's default one if there is no other."""
        for card in instance.native["NetworkInterfaces"]:
            present = {group["GroupId"] for group in card.get("Groups", ())}
            if not present & own:
                continue
            kept = sorted(present - own) or self._default(card["VpcId"], deadline)
            self._client.call(
                "modify_network_interface_attribute",
                NetworkInterfaceId=card["NetworkInterfaceId"],
                Groups=kept,
                deadline=deadline,
            )

    def _default(self, vpc: str, deadline: Deadline | None) -> list[str]:
        return [str(group["GroupId"]) for group in self._groups(deadline, group_name="default", vpc_id=vpc)]

    def _groups(self, deadline: Deadline | None, **wanted: str | None) -> Iterable[dict[str, Any]]:
        return self._client.pages("describe_security_groups", "SecurityGroups", Filters=filters(**wanted), deadline=deadline)
