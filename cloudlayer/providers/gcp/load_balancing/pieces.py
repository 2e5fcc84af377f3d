"""The pieces that a balancer is made of: each by a name that follows from the balancer's, made once and deleted if there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import CloudError, Conflict, NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.codes import EXISTS, IN_USE, NOT_READY


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection of the API: its word in URLs, the services for it by scope, and what requests call one of its things."""

    word: str
    globally: str
    regional: str
    argument: str
    zonal: str = ""


CHECK: Final = Kind("healthChecks", "health_checks", "region_health_checks", "health_check")
SERVICE: Final = Kind("backendServices", "backend_services", "region_backend_services", "backend_service")
URL_MAP: Final = Kind("urlMaps", "url_maps", "region_url_maps", "url_map")
HTTP_PROXY: Final = Kind("targetHttpProxies", "target_http_proxies", "region_target_http_proxies", "target_http_proxy")
HTTPS_PROXY: Final = Kind("targetHttpsProxies", "target_https_proxies", "region_target_https_proxies", "target_https_proxy")
TCP_PROXY: Final = Kind("targetTcpProxies", "target_tcp_proxies", "region_target_tcp_proxies", "target_tcp_proxy")
RULE: Final = Kind("forwardingRules", "global_forwarding_rules", "forwarding_rules", "forwarding_rule")
ADDRESS: Final = Kind("addresses", "global_addresses", "addresses", "address")
FIREWALL: Final = Kind("firewalls", "firewalls", "", "firewall")
MACHINES: Final = Kind("instanceGroups", "", "", "instance_group", zonal="instance_groups")
ENDPOINTS: Final = Kind("networkEndpointGroups", "", "", "network_endpoint_group", zonal="network_endpoint_groups")

KINDS: Final = (
    RULE,
    HTTP_PROXY,
    HTTPS_PROXY,
    TCP_PROXY,
    URL_MAP,
    SERVICE,
    CHECK,
    MACHINES,
    ENDPOINTS,
    FIREWALL,
    ADDRESS,
)
"""What uses another stands before it, so that they can be deleted in this order."""

BY_WORD: Final = {kind.word: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing: of a kind, by its name, in a zone, in the region, or global."""

    kind: Kind
    name: str
    regional: bool = False
    zone: str = ""

    @property
    def service(self) -> str:
        """The SDK's service for its scope."""
        return self.kind.zonal if self.zone else self.kind.regional if self.regional else self.kind.globally


class Pieces:
    """Makes, finds and deletes pieces in one region."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def link(self, piece: Piece) -> str:
        """How other things name it."""
        return self._client.link(piece.kind.word, piece.name, zone=piece.zone or None, region=piece.regional)

    def get(self, piece: Piece, deadline: Deadline) -> Any:
        """Its description; NotFound if it is not there."""
        return self._client.call(piece.service, "get", deadline=deadline, **self._named(piece))

    def find(self, piece: Piece, deadline: Deadline) -> Any:
        """Its description; None if it is not there."""
        try:
            return self.get(piece, deadline)
        except NotFound:
            return None

    def listed(self, kind: Kind, prefix: str, deadline: Deadline) -> list[Any]:
        """The descriptions of all of a kind here whose names begin so."""
        wanted = f"name eq {prefix}.*"
        if kind is FIREWALL:
            found = self._client.pages("firewalls", filter=wanted, deadline=deadline)
        else:
            service = kind.zonal or (kind.globally if kind is not RULE and kind is not ADDRESS else kind.regional)
            found = self._client.everywhere(service, filter=wanted, deadline=deadline)
        return [each for each in found if each.name.startswith(prefix)]

    def make(self, wanted: Mapping[Piece, Mapping[str, Any]], deadline: Deadline) -> None:
        """Make pieces that do not need each other, all at once; one that is there from an earlier try is left as it is."""
        begun = [self._begin(piece, fields, deadline) for piece, fields in wanted.items()]
        for operation in begun:
            if operation is not None:
                with suppress_codes(EXISTS):
                    self._client.follow(operation, deadline=deadline)

    def change(self, piece: Piece, method: str, deadline: Deadline, **fields: Any) -> None:
        """One change of a piece, asked for again while an earlier one is under way."""
        named = self._named(piece)

        def attempt() -> None:
            self._client.run(piece.service, method, deadline=deadline, **named, **fields)

        insist(attempt, NOT_READY, self._clock, deadline, f"changing {piece.name}")

    def drop(self, pieces: Iterable[Piece], deadline: Deadline) -> None:
        """Delete pieces that do not need each other, all at once, and see them gone; those that are not there are no error."""
        left = list(pieces)

        def attempt() -> None:
            begun = [(piece, self._begin_drop(piece, deadline)) for piece in left]
            for piece, operation in begun:
                if operation is not None:
                    with suppress(NotFound):
                        self._client.follow(operation, deadline=deadline)
                left.remove(piece)

        insist(attempt, (*NOT_READY, *IN_USE), self._clock, deadline, "waiting for what is being deleted to be let go of")

    def remove(self, piece: Piece, deadline: Deadline) -> None:
        """Delete one, and see it gone; one that is not there is no error, one that is in use a Conflict."""
        operation = self._begin_drop(piece, deadline)
        if operation is not None:
            self._client.follow(operation, deadline=deadline)

    def _begin(self, piece: Piece, fields: Mapping[str, Any], deadline: Deadline) -> Any:
        place = self._place(piece)
        body: dict[str, Any] = {f"{piece.kind.argument}_resource": {"name": piece.name, **fields}}

        def attempt() -> Any:
            with suppress_codes(EXISTS):
                return self._client.begin(piece.service, "insert", deadline=deadline, **place, **body)
            return None

        return insist(attempt, NOT_READY, self._clock, deadline, f"making {piece.name}")

    def _begin_drop(self, piece: Piece, deadline: Deadline) -> Any:
        try:
            return self._client.begin(piece.service, "delete", deadline=deadline, **self._named(piece))
        except NotFound:
            return None

    def _named(self, piece: Piece) -> dict[str, Any]:
        return {piece.kind.argument: piece.name, **self._place(piece)}

    def _place(self, piece: Piece) -> dict[str, Any]:
        if piece.zone:
            return {"zone": piece.zone}
        return {"region": self._client.region} if piece.regional else {}


class suppress_codes(suppress):  # noqa: N801  (reads as `suppress` does)
    """Conflicts with these codes are no error."""

    def __init__(self, codes: Iterable[str]) -> None:
        super().__init__(Conflict)
        self._codes = tuple(codes)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        """Whether the error was one of them."""
        return isinstance(error, CloudError) and error.code in self._codes and bool(super().__exit__(kind, error, trace))
