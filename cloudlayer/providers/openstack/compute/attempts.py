"""What earlier calls with a token have left: the servers that live, and the places whose server was deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import TOKEN_SPENT, Conflict
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.launches import Launch
from cloudlayer.providers.openstack.compute.servers import PLACE, REFUSED, is_going, record_of, token_tag

Server = Mapping[str, Any]

_EVER: Final = "2010-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Earlier:
    """By place: the servers that live, the oldest first (more than one if two callers made it at once), and those used up."""

    servers: Mapping[int, Sequence[Server]]
    used_up: frozenset[int]

    @property
    def all(self) -> list[Server]:
        """The servers that live."""
        return [server for servers in self.servers.values() for server in servers]

    @property
    def twins(self) -> list[Server]:
        """Servers that should not be: all of a place but its oldest."""
        return [server for servers in self.servers.values() for server in servers[1:]]


class Attempts:
    """Looks up the servers of a token. Nova shows deleted ones until its operator purges them, found again by name alone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def alive(self, token: str, deadline: Deadline) -> list[Server]:
        """The servers of a token that are there, those on their way out among them; oldest first.

        Nova's times are whole seconds. Within one, that which was asked for last comes first: an earlier request that its
        caller gave up may have been held up on its way, and what came of the later one has been answered since.
        """
        found = self._client.pages("compute", "/servers/detail", "servers", query={"tags": token_tag(token)}, deadline=deadline)
        return sorted(found, key=lambda server: (server["created"], -_asked(server), server["id"]))

    def earlier(self, launches: Sequence[Launch], deadline: Deadline) -> Earlier:
        """What there is of a batch. Conflict if its token was used for another, or if all that it made is deleted."""
        record = launches[0].record
        found = self.alive(record.token, deadline)
        servers = self._by_place([server for server in found if not is_going(server)], record.batch)
        used_up = {
            int(server["metadata"][PLACE]) for server in found if is_going(server) and self._checked(server, record.batch)
        }
        if len(servers) < len(launches):
            used_up |= self._deleted(launches, deadline)
        used_up -= servers.keys()
        if used_up and not servers:
            raise _conflict(TOKEN_SPENT, f"all instances of token {record.token} are deleted; make a new one")
        return Earlier(servers, frozenset(used_up))

    def _by_place(self, found: Iterable[Server], batch: str) -> dict[int, list[Server]]:
        places: dict[int, list[Server]] = {}
        for server in found:
            self._checked(server, batch)
            places.setdefault(int(server["metadata"][PLACE]), []).append(server)
        return places

    def _checked(self, server: Server, batch: str) -> bool:
        metadata = server["metadata"]
        if metadata.get(names.SPEC) != batch or PLACE not in metadata:
            raise _conflict("TokenReused", f"token {metadata.get(names.TOKEN)} was used for other specs; make a new one")
        return True

    def _deleted(self, launches: Sequence[Launch], deadline: Deadline) -> set[int]:
        record = launches[0].record
        places = set()
        for server in self._named(sorted({launch.name for launch in launches}), deadline):
            made = record_of(server)
            if server["status"] != "DELETED" or made is None or made.token != record.token or made.end == REFUSED:
                continue
            if made.batch != record.batch:
                raise _conflict("TokenReused", f"token {record.token} was used for other specs; make a new one")
            places.add(made.place)
        return places

    def _named(self, wanted: Iterable[str], deadline: Deadline) -> Iterator[Server]:
        """All servers that have, or had, one of these names. Nova takes patterns, but none with alternatives."""
        for name in wanted:
            query = {"changes-since": _EVER, "name": f"^{name}$"}
            yield from self._client.pages("compute", "/servers/detail", "servers", query=query, deadline=deadline)


def _asked(server: Server) -> int:
    record = record_of(server)
    return record.asked if record else 0


def _conflict(code: str, message: str) -> Conflict:
    return Conflict(message, provider="openstack", code=code)
