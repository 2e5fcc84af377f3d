"""How a group is made, and brought to another spec: security group, scale set, autoscale setting; each step may be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import Conflict, Unsupported
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.autoscaling.groups import Seen
from cloudlayer.providers.azure.autoscaling.models import Plan, is_flexible, set_document
from cloudlayer.providers.azure.autoscaling.settings import setting_document
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.choices import Choices
from cloudlayer.providers.azure.compute.images import reference
from cloudlayer.providers.azure.compute.keys import ThrowawayKey
from cloudlayer.providers.azure.compute.profiles import security_rules
from cloudlayer.providers.azure.creation import BALANCERS, FIREWALLS, SETTINGS, Things
from cloudlayer.providers.azure.load_balancing.balancers import pool_of
from cloudlayer.providers.azure.load_balancing.targets import addresses_in
from cloudlayer.providers.azure.marks import MADE, MODEL, PART_OF, is_ours, is_young, read_labels, tags_of
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.base.errors import Where, hiding
from cloudlayer.resources import Leftover

PREFIX: Final = "cls"
"""How the native names of sets begin."""


class GroupMaking:
    """Makes groups in one resource group and location."""

    def __init__(self, client: Client, sets: Things, choices: Choices, places: Places, clock: Clock) -> None:
        self._client = client
        self._choices = choices
        self._places = places
        self._clock = clock
        self._key = ThrowawayKey()
        self._sets = sets
        self._settings = Things(client, SETTINGS)
        self._firewalls = Things(client, FIREWALLS)
        self._balancers = Things(client, BALANCERS)

    def pools(self, balancer: str | None, deadline: Deadline) -> list[str]:
        """The backend pool of the spec's balancer, which must take instances; NotFound if the balancer is not there."""
        if balancer is None:
            return []
        pool = pool_of(self._balancers.get(balancer, deadline))
        if addresses_in(pool):
            reason = f"balancer: {balancer} has addresses, and Azure lets its pool take nothing else beside: use another one"
            raise Unsupported(reason, provider="azure", code="Unsupported")
        return [str(pool["id"])] if pool else []

    def make(self, plan: Plan, deadline: Deadline) -> Any:
        """Begin to make the set, with its security group before it."""
        pools = self.pools(plan.spec.balancer, deadline)
        body = self._document(plan, plan.desired, pools, deadline)
        with hiding(plan.spec.template.user_data):
            return self._sets.make(plan.name, body, deadline, where=self._where(plan, body))

    def remake(self, found: Mapping[str, Any], plan: Plan, desired: int, tags: Mapping[str, str], deadline: Deadline) -> None:
        """Bring the set to the plan's template; members that are there stay as they are."""
        pools = self.pools(plan.spec.balancer, deadline)
        body = self._document(plan, desired, pools, deadline)
        if plan.launch.ssh_public_key is None:
            _keep_key(found, body)
        body["tags"] = dict(tags)
        body.pop("zones", None)  # they are fixed, and the size may be sold in others by now
        body |= {"zones": found["zones"]} if found.get("zones") else {}
        with hiding(plan.spec.template.user_data):
            self._sets.put(plan.name, body, deadline, where=self._where(plan, body))

    def require_image(self, found: Mapping[str, Any], plan: Plan, deadline: Deadline) -> None:
        """Conflict if the plan's image is of another publisher or offer than the set's."""
        present = found["properties"]["virtualMachineProfile"]["storageProfile"]["imageReference"]
        wanted = reference(self._choices.choose(plan.spec.template, deadline).image)
        if _source(present) != _source(wanted):
            told = " ".join(filter(None, _source(present))) or "an image of one's own"
            message = f"template.image: Azure fixes a set's publisher and offer with its creation ({told}): make a new group"
            raise Conflict(message, provider="azure", code="ImageIsFixed")

    def govern(self, plan: Plan, deadline: Deadline, *, enabled: bool = True) -> None:
        """Bring the set's autoscale setting to the plan."""
        body = setting_document(plan, self._sets.id(plan.name), self._client.region, enabled=enabled)
        self._settings.put(plan.name, body, deadline)

    def restore(self, seen: Seen, model: str, deadline: Deadline) -> None:
        """Put a set's setting back, unless the set has come to another model all the same."""
        name = str(seen.found["name"])
        if seen.setting is not None and tags_of(self._sets.get(name, deadline)).get(MODEL) != model:
            self._settings.put(name, seen.setting, deadline)

    def unmake(self, name: str, deadline: Deadline) -> None:
        """Delete what was made for the set of a native name, and the set; waits for its members where they have a firewall."""
        if not name.startswith(f"{PREFIX}-"):
            self._sets.delete(name, deadline)
            return
        self._settings.delete(name, deadline)
        guarded = self._firewalls.find(_firewall(name), deadline) is not None
        self._sets.delete(name, deadline, wait=guarded)
        if guarded:
            self._firewalls.delete(_firewall(name), deadline, wait=True)

    def tidy(self, plan: Plan, deadline: Deadline) -> None:
        """Delete the security group of an earlier template that no member is in any more."""
        if not plan.spec.template.open_ports and self._firewalls.find(_firewall(plan.name), deadline) is not None:
            with suppress(Conflict):
                self._firewalls.delete(_firewall(plan.name), deadline, wait=True)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Settings and security groups with all of `labels` whose set is not there; young ones may be about to be used."""
        now = self._clock.now()
        found = [
            (kind, item)
            for kind, things in ((SETTINGS.type, self._settings), (FIREWALLS.type, self._firewalls))
            for item in things.all(deadline)
            if str(item["name"]).startswith(f"{PREFIX}-") and is_ours(tags_of(item), labels) and PART_OF in tags_of(item)
        ]
        sets = {item["name"] for item in self._sets.all(deadline)} if found else set()
        for kind, item in found:
            tags = tags_of(item)
            if tags[PART_OF] not in sets and not is_young(tags, now):
                told, region = read_labels(tags), self._client.region
                yield Leftover(item["name"], kind, "azure", region, name=item["name"], labels=told, native=item)

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its set is there after all; False if it is of another kind."""
        things = {SETTINGS.type: self._settings, FIREWALLS.type: self._firewalls}.get(leftover.kind)
        if things is None or not leftover.id.startswith(f"{PREFIX}-"):
            return False
        if self._sets.find(leftover.id.removesuffix("-firewall"), deadline) is None:
            with suppress(Conflict):
                things.delete(leftover.id, deadline, wait=True)
        return True

    def _document(self, plan: Plan, desired: int, pools: Sequence[str], deadline: Deadline) -> dict[str, Any]:
        choice = self._choices.choose(plan.spec.template, deadline)
        subnet = self._places.subnet(plan.launch.subnet, deadline)
        return set_document(
            *(plan, choice),
            desired=desired,
            subnet=subnet,
            firewall=self._open(plan, deadline),
            pools=pools,
            public_key=self._key.public(),
            region=self._client.region,
        )

    def _open(self, plan: Plan, deadline: Deadline) -> str | None:
        """The id of the group's own security group; None where no port is to be open."""
        if not plan.spec.template.open_ports:
            return None
        body = {
            "location": self._client.region,
            "tags": {**plan.own_tags, MADE: str(int(self._clock.now()))},
            "properties": {"securityRules": security_rules(plan.spec.template.open_ports)},
        }
        self._firewalls.put(_firewall(plan.name), body, deadline)
        return self._firewalls.id(_firewall(plan.name))

    def _where(self, plan: Plan, body: Mapping[str, Any]) -> Where:
        return Where("azure", self._client.region, None, body["sku"]["name"], plan.spec.template.purchase)


def _firewall(name: str) -> str:
    return f"{name}-firewall"


def _source(image: Mapping[str, Any]) -> tuple[str, str]:
    """Publisher and offer of an image in small letters, both empty for one of one's own."""
    return str(image.get("publisher") or "").lower(), str(image.get("offer") or "").lower()


def _keep_key(found: Mapping[str, Any], body: dict[str, Any]) -> None:
    """Have a set keep the SSH key that it was made with, where the spec names none."""
    present = (found["properties"].get("virtualMachineProfile") or {}).get("osProfile") or {}
    if present.get("linuxConfiguration"):
        body["properties"]["virtualMachineProfile"]["osProfile"]["linuxConfiguration"] = present["linuxConfiguration"]


def zones_differ(found: Mapping[str, Any], zones: Sequence[str]) -> bool:
    """Whether a spec's zones are others than the set's; without any it keeps those that it has."""
    return bool(zones) and sorted(found.get("zones") or ()) != sorted(zones)


def mode_of(found: Mapping[str, Any]) -> str:
    """A set's mode, as overrides call it."""
    return "flexible" if is_flexible(found) else "uniform"
