"""Openings in the firewall: rules for what carries a network tag, with names that follow from it, so that two makes are one.

A rule has one set of sources, so that openings for several are several rules: TAG-0, TAG-1 and so on.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import Conflict, InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.marks import is_ours, read_description, read_labels, write_description
from cloudlayer.resources import Leftover, PortRule

KIND: Final = "firewall"
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Opening:
    """Ports by protocol ("80", or "1-65535"; none for a protocol without ports) that are open to the same source, a CIDR."""

    source: str
    allowed: tuple[tuple[str, tuple[str, ...]], ...]


def openings(rules: Iterable[PortRule]) -> tuple[Opening, ...]:
    """The rules as Compute Engine has them, in one order; InvalidSpec for a source that is no range of addresses."""
    ports: dict[str, dict[str, set[int]]] = {}
    for rule in rules:
        ports.setdefault(_network(rule.source), {}).setdefault(rule.protocol, set()).add(rule.port)
    return tuple(
        Opening(source, tuple((protocol, tuple(map(str, sorted(found)))) for protocol, found in sorted(by_protocol.items())))
        for source, by_protocol in sorted(ports.items())
    )


class Firewall:
    """The rules whose names begin with `prefix` and this region; what they open is what carries their tag.

    A rule is of all regions, and those that instances of another one are under are none of ours.
    """

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = f"{prefix}{client.region}-"

    def tag(self, marks: Mapping[str, str], wanted: Sequence[Opening]) -> str:
        """The tag for these openings of what has these marks: the same for the same, and another for any other."""
        content = json.dumps([sorted(marks.items()), [[one.source, one.allowed] for one in wanted]])
        return self._prefix + hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]

    def open(self, tag: str, wanted: Sequence[Opening], *, network: str, marks: Mapping[str, str], deadline: Deadline) -> None:
        """Make the tag's rules in a network, unless they are there. `network` is a path, such as `Client.link` gives."""
        made = []
        for number, opening in enumerate(wanted):
            with suppress(Conflict):  # it is there from an earlier try: all that it says follows from its name
                rule = _rule(f"{tag}-{number}", tag, opening, network, marks)
                made.append(self._client.begin("firewalls", "insert", firewall_resource=rule, deadline=deadline))
        for operation in made:
            with suppress(Conflict):
                self._client.follow(operation, deadline=deadline)

    def close(self, tags: Iterable[str], deadline: Deadline, *, wait: bool = False) -> None:
        """Begin to delete the rules of these tags; with `wait`, see them gone. One that is not there is no error."""
        wanted = set(tags)
        for name, tag in self._tagged(deadline) if wanted else ():
            if tag in wanted:
                self._client.remove("firewalls", firewall=name, wait=wait, deadline=deadline)

    def owns(self, tag: str) -> bool:
        """Whether a network tag is one of these rules'."""
        return tag.startswith(self._prefix)

    def leftovers(self, used: Iterable[str], labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Those of ours with all of `labels` whose tag is none of `used`."""
        known = set(used)
        for found in self._ours(deadline):
            marks = read_description(found.description)
            if is_ours(marks, labels) and not known & set(found.target_tags):
                name = found.name
                yield Leftover(name, KIND, "gcp", self._client.region, name=name, labels=read_labels(marks), native=found)

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them; False if it is none of these."""
        if leftover.kind != KIND or not leftover.id.startswith(self._prefix):
            return False
        self._client.remove("firewalls", firewall=leftover.id, wait=True, deadline=deadline)
        return True

    def _tagged(self, deadline: Deadline) -> Iterator[tuple[str, str]]:
        for found in self._ours(deadline):
            yield from ((found.name, tag) for tag in found.target_tags)

    def _ours(self, deadline: Deadline) -> list[Any]:
        listed = self._client.pages("firewalls", filter=f'name eq "{self._prefix}.*"', deadline=deadline)
        return [found for found in listed if found.name.startswith(self._prefix)]


def _rule(name: str, tag: str, opening: Opening, network: str, marks: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "network": network,
        "description": write_description(marks),
        "direction": "INGRESS",
        "source_ranges": [opening.source],
        "target_tags": [tag],
        "allowed": [{"I_p_protocol": protocol, "ports": list(ports)} for protocol, ports in opening.allowed],
    }


def _network(source: str) -> str:
    try:
        return str(ipaddress.ip_network(source))
    except ValueError:
        raise InvalidSpec(f'open_ports.source: "{source}" is no range of addresses, such as "203.0.113.0/24"') from None
