"""Launch templates: what a group's members are made from. A group has one, of the group's own name, with a version a change.

A version's description holds two digests: that of what members are made from, and that of the group's labels. Where the
first is another than that of a member's version, the member is to be replaced.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client
from cloudlayer.providers.aws.compute.launches import Choice, Launch, parameters, plan_launches
from cloudlayer.providers.aws.marks import all_tags, is_ours, marked, same_spec
from cloudlayer.providers.aws.tags import tag_filters, tag_list
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.resources import Leftover, ScalingGroupSpec

KIND: Final = "launch-template"
_PAGE: Final = 200
_VERSIONS_AT_ONCE: Final = 10
"""Few enough for one page."""
_NOT_FOR_TEMPLATES: Final = ("MinCount", "MaxCount", "ClientToken", "Placement", "TagSpecifications")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the members of a group are to be: the launch of one, other machine types for it, and what tells it from others."""

    group: str
    token: str
    launch: Launch
    tags: dict[str, str]
    alternatives: tuple[str, ...]
    description: str
    digest: str


def plan_template(spec: ScalingGroupSpec, group: str, token: str, digest: str) -> Plan:
    """The plan for a group of that native name, created from a spec with `digest`. InvalidSpec for what EC2 would refuse."""
    launch = plan_launches([spec.template], token)[0]
    tags = marked(spec.labels, spec.name, token)
    content = ScalingGroupSpec(name=spec.name, template=spec.template, max=0, machine_types=spec.machine_types)
    whole = content.model_copy(update={"labels": spec.labels})
    description = f"{fingerprint([content])}.{fingerprint([whole])}"
    launch = replace(launch, tags=dict(spec.template.labels))
    return Plan(group, token, launch, tags, spec.machine_types, description, digest)


def content_of(version: Mapping[str, Any]) -> str:
    """Of a version, the digest of what members are made from."""
    return str(version.get("VersionDescription", "")).partition(".")[0]


class Templates:
    """Launch templates in one region.

    Their names stand in for EC2's client tokens, which may still hold when a template was deleted and is to be made again. A
    version that is made twice does no harm: the later one is taken, and they go together.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, plan: Plan, choice: Choice, firewall: Sequence[str], deadline: Deadline) -> str:
        """Make the template, or take the one that an earlier try made; gives the version that members are made from."""
        try:
            self._client.call(
                "create_launch_template",
                LaunchTemplateName=plan.group,
                VersionDescription=plan.description,
                LaunchTemplateData=_data(plan, choice, firewall),
                TagSpecifications=[{"ResourceType": KIND, "Tags": tag_list({**plan.tags, names.SPEC: plan.digest})}],
                deadline=deadline,
            )
        except Conflict as error:
            found = self._named(plan.group, deadline)
            if found is None:
                raise error from None
            same_spec(all_tags(found.get("Tags", ())), plan.digest, plan.group)
        return "1"

    def bring(self, plan: Plan, choice: Choice, firewall: Sequence[str], deadline: Deadline) -> str:
        """The version for a changed plan: a new one, or the latest if an update that was broken off has made it."""
        latest = self._versions(plan.group, ["$Latest"], deadline)[0]
        if latest.get("VersionDescription") == plan.description:
            return str(latest["VersionNumber"])
        answer = self._client.call(
            "create_launch_template_version",
            LaunchTemplateName=plan.group,
            VersionDescription=plan.description,
            LaunchTemplateData=_data(plan, choice, firewall),
            deadline=deadline,
        )
        return str(answer["LaunchTemplateVersion"]["VersionNumber"])

    def versions(self, group: str, versions: Collection[str], deadline: Deadline) -> dict[str, dict[str, Any]]:
        """Some versions of a group's template, by their numbers; none if one of them, or the template, is not there."""
        numbers = sorted(version for version in versions if version.isdecimal())
        if not numbers:
            return {}
        try:
            found = self._versions(group, numbers, deadline)
        except NotFound:
            return {}
        return {str(item["VersionNumber"]): item for item in found}

    def delete(self, group: str, deadline: Deadline) -> None:
        """Delete a group's template with all its versions, if it was made for the group; one that is not there is no error."""
        found = self._named(group, deadline)
        if found is not None and is_ours(all_tags(found.get("Tags", ()))):
            self._delete(found["LaunchTemplateId"], deadline)

    def leftovers(self, groups: Iterable[str], labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Templates of ours with all of `labels` that belong to none of `groups`."""
        known = set(groups)
        wanted = tag_filters(labels)
        for found in self._client.pages(
            "describe_launch_templates", "LaunchTemplates", page=_PAGE, Filters=wanted, deadline=deadline
        ):
            tags = all_tags(found.get("Tags", ()))
            name = found["LaunchTemplateName"]
            if is_ours(tags, labels) and name not in known:
                region = self._client.region
                yield Leftover(found["LaunchTemplateId"], KIND, "aws", region, name=name, labels=tags, native=found)

    def owns(self, leftover: Leftover) -> bool:
        """Whether a leftover is a template."""
        return leftover.kind == KIND

    def owner(self, leftover: Leftover) -> str:
        """The group that a leftover was made for."""
        return str(leftover.name)

    def remove(self, leftover: Leftover, deadline: Deadline) -> None:
        """Delete one; one that is not there is no error."""
        self._delete(leftover.id, deadline)

    def _delete(self, id: str, deadline: Deadline) -> None:
        with suppress(NotFound):
            self._client.call("delete_launch_template", LaunchTemplateId=id, deadline=deadline)

    def _named(self, name: str, deadline: Deadline) -> dict[str, Any] | None:
        wanted = [{"Name": "launch-template-name", "Values": [name]}]
        found = self._client.pages(
            "describe_launch_templates", "LaunchTemplates", page=_PAGE, Filters=wanted, deadline=deadline
        )
        return next(iter(found), None)

    def _versions(self, group: str, versions: Sequence[str], deadline: Deadline) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(versions), _VERSIONS_AT_ONCE):
            answer = self._client.call(
                "describe_launch_template_versions",
                LaunchTemplateName=group,
                Versions=list(versions[start : start + _VERSIONS_AT_ONCE]),
                deadline=deadline,
            )
            found += answer["LaunchTemplateVersions"]
        return found


def _data(plan: Plan, choice: Choice, firewall: Sequence[str]) -> dict[str, Any]:
    """The template's data: the parameters of a launch, but for those that are the group's own business."""
    launch = plan.launch
    wanted = parameters(launch, choice, firewall)
    data = {name: value for name, value in wanted.items() if name not in _NOT_FOR_TEMPLATES}
    data["NetworkInterfaces"] = [_without_subnet(card) for card in wanted["NetworkInterfaces"]]
    data["TagSpecifications"] = _tags(plan)
    if launch.overrides.placement_group is not None:
        data["Placement"] = {"GroupName": launch.overrides.placement_group}
    if launch.spec.user_data:
        data["UserData"] = base64.b64encode(launch.spec.user_data.encode()).decode()
    if plan.alternatives:
        data.pop("InstanceMarketOptions", None)  # the group's mix says how they are bought
    return data


def _without_subnet(card: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if name != "SubnetId"}


def _tags(plan: Plan) -> list[dict[str, Any]]:
    """Tags of members and their children; the group itself gives its own to members, and to nothing else."""
    own = {**plan.launch.tags, **plan.tags}
    kinds = {"instance": plan.launch.tags, "volume": own, "network-interface": own}
    if plan.launch.spec.purchase == "spot" and not plan.alternatives:
        kinds["spot-instances-request"] = own
    return [{"ResourceType": kind, "Tags": tag_list(tags)} for kind, tags in kinds.items() if tags]
