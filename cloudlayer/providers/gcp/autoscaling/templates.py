"""Instance templates: what a group's members are made from. They cannot change: a group gets another one for each change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import hiding
from cloudlayer.providers.gcp.autoscaling.plans import PREFIX, Plan, owner_of
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.codes import EXISTS, IN_USE, NOT_READY
from cloudlayer.providers.gcp.compute.properties import Choice, Wanted, network_of, properties
from cloudlayer.providers.gcp.facts import describe, marks_of
from cloudlayer.providers.gcp.firewall import KIND as FIREWALL
from cloudlayer.providers.gcp.firewall import Firewall
from cloudlayer.providers.gcp.marks import is_ours, read_labels
from cloudlayer.resources import Leftover

KIND: Final = "instanceTemplates"
_SERVICE: Final = "region_instance_templates"


class Templates:
    """The templates of groups in one region, and the firewall rules for what is made from them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._firewall = Firewall(client, PREFIX)

    def make(self, plan: Plan, choice: Choice, deadline: Deadline) -> None:
        """Make the firewall rules and the template of a plan; what is there from an earlier try is left as it is."""
        tags = self._open(plan, deadline)
        marks = {**plan.spec.template.labels, **plan.labels}
        wanted = Wanted(plan.spec.template, plan.launch, choice, marks, tags)
        template = {
            "name": plan.template,
            "description": describe(plan.labels, {"region": plan.region}),
            "properties": properties(self._client, wanted),
        }
        try:
            place: dict[str, Any] = {"region": self._client.region}
            with hiding(plan.spec.template.user_data):
                self._client.run(_SERVICE, "insert", instance_template_resource=template, deadline=deadline, **place)
        except Conflict as error:
            if error.code not in EXISTS:
                raise

    def link(self, name: str) -> str:
        """How a manager names a template."""
        return self._client.link(KIND, name, region=True)

    def clean(self, id: str, keep: Collection[str], deadline: Deadline) -> None:
        """Delete the templates of a group but those to `keep`, with the firewall rules that they alone use."""
        found = list(self._listed(id, deadline))
        used = {tag for template in found if template.name in keep for tag in self._tags(template)}
        old = [template for template in found if template.name not in keep]
        for template in old:
            self._remove(template.name, deadline)
        self._firewall.close({tag for template in old for tag in self._tags(template)} - used, deadline, wait=True)

    def leftovers(self, groups: Collection[str], labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Templates and firewall rules with all of `labels` that belong to none of `groups`."""
        used: set[str] = set()
        for template in self._listed(PREFIX, deadline):
            marks, _ = marks_of(template.description)
            if owner_of(template.name) in groups:
                used |= self._tags(template)
            elif is_ours(marks, labels):
                name, region = template.name, self._client.region
                yield Leftover(name, KIND, "gcp", region, name=name, labels=read_labels(marks), native=template)
        yield from self._firewall.leftovers(used, labels, deadline)

    def owns(self, leftover: Leftover) -> bool:
        """Whether a leftover is a template of a group."""
        return leftover.kind == KIND and leftover.id.startswith(PREFIX)

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete a template, or a firewall rule that no template uses after all; False if it is neither."""
        if self.owns(leftover):
            self._remove(leftover.id, deadline)
            return True
        if leftover.kind == FIREWALL and leftover.id.startswith(PREFIX):
            tags = {tag for template in self._listed(PREFIX, deadline) for tag in self._tags(template)}
            if any(leftover.id.startswith(f"{tag}-") for tag in tags):
                return True
        return self._firewall.delete_leftover(leftover, deadline)

    def _open(self, plan: Plan, deadline: Deadline) -> tuple[str, ...]:
        """The network tag of what the members' firewall rules are for; none where nothing is opened."""
        if not plan.opened:
            return ()
        marks = {**plan.labels, names.SPEC: plan.template}
        tag = self._firewall.tag(marks, plan.opened)
        network = network_of(self._client, plan.launch)
        self._firewall.open(tag, plan.opened, network=network, marks=marks, deadline=deadline)
        return (tag,)

    def _listed(self, prefix: str, deadline: Deadline) -> Iterator[Any]:
        wanted = {"region": self._client.region, "filter": f"name eq {prefix}.*"}
        return self._client.pages(_SERVICE, deadline=deadline, **wanted)

    def _remove(self, name: str, deadline: Deadline) -> None:
        """Delete one, unless a group uses it after all."""
        try:
            self._client.remove(_SERVICE, instance_template=name, region=self._client.region, wait=True, deadline=deadline)
        except Conflict as error:
            if error.code not in (*IN_USE, *NOT_READY):
                raise

    def _tags(self, template: Any) -> set[str]:
        return {tag for tag in template.properties.tags.items if self._firewall.owns(tag)}
