"""The members of a balancer's pools. A balancer takes a change only while it is ACTIVE: each waits for the one before."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.load_balancing.balancers import target_of
from cloudlayer.providers.openstack.tags import tagged, word

_SERVICE: Final = "load_balancer"
_LOOK: Final = 0.5
_KEPT: Final = ("name", "address", "protocol_port", "monitor_address", "monitor_port", "subnet_id", "backup")
"""What a member keeps when it is put again."""

Result = TypeVar("Result")


class Pools:
    """Pools and members of balancers."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def of(self, balancer: str, deadline: Deadline) -> list[dict[str, Any]]:
        """The balancer's pools."""
        query = {"loadbalancer_id": balancer}
        return list(self._client.pages(_SERVICE, "/lbaas/pools", "pools", query=query, deadline=deadline))

    def members(self, balancer: str, deadline: Deadline) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each member, with its pool's id."""
        for pool in self.of(balancer, deadline):
            for member in self._members(pool["id"], deadline):
                yield pool["id"], member

    def add(self, balancer: str, pool: Mapping[str, Any], members: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        """Put members into a pool, all at once. Those that are in it, and not on their way out, are left alone."""
        there = {(each["address"], each["protocol_port"]) for each in self._members(pool["id"], deadline) if each["weight"]}
        new = [each for each in members if (each["address"], each["protocol_port"]) not in there]
        if new:
            self._put(balancer, pool["id"], new, deadline)

    def drain(self, balancer: str, targets: Container[str], seconds: float, deadline: Deadline) -> None:
        """Give the targets, or the members of groups, nothing new, and return when `seconds` have passed since that began."""
        began: list[float] = []
        for pool in self.of(balancer, deadline):
            members = [each for each in self._members(pool["id"], deadline) if _meant(each, targets)]
            began += [float(word(each["tags"], "drains") or 0) for each in members]
            fresh = [_draining(each, self._clock.now()) for each in members if word(each["tags"], "drains") is None]
            if fresh:
                self._put(balancer, pool["id"], fresh, deadline)
                began.append(self._clock.now())
        while began and (left := max(began) + seconds - self._clock.now()) > 0:
            deadline.check(f"draining targets of {balancer}")
            self._clock.sleep(min(left, deadline.remaining(), _LOOK))

    def remove(self, balancer: str, targets: Container[str], deadline: Deadline) -> None:
        """Take the targets out; the members of groups are taken out by their groups, and waited for."""
        while True:
            leaving = [(pool, each) for pool, each in self.members(balancer, deadline) if _meant(each, targets)]
            for pool, each in leaving:
                if word(each["tags"], "group") is None:
                    self._remove(balancer, f"/lbaas/pools/{pool}/members/{each['id']}", deadline)
            if not leaving:
                return
            deadline.check(f"taking targets out of {balancer}")
            self._clock.sleep(min(_LOOK, deadline.remaining()))

    def change(self, balancer: str, call: Callable[[], Result], deadline: Deadline) -> Result:
        """What `call` returns, once the balancer takes it. Conflict for one that never will, since it has failed."""
        while True:
            try:
                return call()
            except Conflict:
                path = f"/lbaas/loadbalancers/{balancer}"
                found = self._client.call(_SERVICE, "GET", path, deadline=deadline)["loadbalancer"]
                if found["provisioning_status"] == "ERROR":
                    raise
            deadline.check(f"waiting for {balancer} to take a change")
            self._clock.sleep(min(_LOOK, deadline.remaining()))

    def _put(self, balancer: str, pool: str, members: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        path, query = f"/lbaas/pools/{pool}/members", {"additive_only": "true"}
        body = {"members": list(members)}
        self.change(
            balancer,
            lambda: self._client.call(_SERVICE, "PUT", path, json=body, query=query, deadline=deadline),
            deadline,
        )

    def _remove(self, balancer: str, path: str, deadline: Deadline) -> None:
        try:
            self.change(balancer, lambda: self._client.call(_SERVICE, "DELETE", path, deadline=deadline), deadline)
        except NotFound:
            return

    def _members(self, pool: str, deadline: Deadline) -> list[dict[str, Any]]:
        return list(self._client.pages(_SERVICE, f"/lbaas/pools/{pool}/members", "members", deadline=deadline))


def _meant(member: Mapping[str, Any], targets: Container[str]) -> bool:
    return target_of(member) in targets or word(member["tags"], "group") in targets


def _draining(member: Mapping[str, Any], now: float) -> dict[str, Any]:
    kept = {name: member[name] for name in _KEPT if member.get(name) is not None}
    return {**kept, "weight": 0, "tags": sorted([*member["tags"], *tagged({}, drains=f"{now:.3f}")])}
