"""Load balancing on this host: each balancer is a process of its own that relays TCP from a loopback address of its own.

A listener of HTTP passes each connection on whole: all requests of one go to one target, and no header is added. The process
outlives whoever made the balancer. One that died is started again by the next call that looks at the balancer: `get`, `list`,
`health`, `register`, `deregister`, or the wait for a state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from cloudlayer.errors import Conflict, InvalidSpec, NotFound
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.local import proxies
from cloudlayer.providers.local.addresses import BALANCERS, free_address
from cloudlayer.providers.local.balancers import BalancerRecord, Balancers, check_ports
from cloudlayer.providers.local.groups import GroupRecord
from cloudlayer.providers.local.launch import PROVIDER, REGION
from cloudlayer.providers.local.records import Records
from cloudlayer.providers.local.shelf import Shelf
from cloudlayer.resources import Listener, LoadBalancer, LoadBalancerSpec, TargetHealth, TargetSpec

_DRAIN_MARGIN: Final = 30.0


class LocalLoadBalancing(BaseLoadBalancing):
    """The balancers of this host that share a state folder."""

    poll = 0.1

    def __init__(
        self, capabilities: Capabilities, machines: Records, groups: Shelf[GroupRecord], *, clock: Clock | None = None
    ) -> None:
        super().__init__(capabilities, REGION, clock=clock)
        self.kept = Balancers(machines, groups, self.clock)
        self._machines = machines
        self._groups = groups

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Make the balancer and start its process; Conflict where one of its ports is taken on all of this host's addresses."""
        token = checked_token(token)
        require_balancer(spec, self.capabilities)
        PLAIN_LABELS.check(spec.labels)
        if spec.overrides:
            raise InvalidSpec(f"overrides.{next(iter(spec.overrides))}: unknown key; known here: none")
        shelf, digest = self.kept.shelf, fingerprint([spec])
        record = shelf.adopted(token, digest)
        if record is None:
            self._check_targets(spec.targets)
            if deadline is not None:
                deadline.check("creating a balancer")
            with self._machines.locked():
                new = self._record(spec, token, digest)
                record = shelf.make(new, lambda folder: proxies.tell(folder, self.kept.settings(new)), deadline)
        return self.kept.balancer(self.kept.look(record.id, deadline, wait=True) or record)

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now."""
        return self.kept.balancer(_there(self.kept.look(id, deadline), id))

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets."""
        require_targets(targets, self.capabilities)
        _there(self.kept.shelf.get(id), id)
        self._check_targets(targets)
        with self.kept.shelf.held(id, deadline) as record:
            self.kept.change(_there(record, id), add=targets)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out, and wait until they are."""
        with self.kept.shelf.held(id, deadline) as found:
            record = self.kept.change(_there(found, id), drain=targets)
        leaving = {target.id for target in targets}
        bound = deadline or Deadline.after(record.drain + _DRAIN_MARGIN, self.clock)
        while leaving & {target.id for target in record.targets if target.until is not None}:
            bound.check(f"taking targets out of {id}")
            self.clock.sleep(min(self.poll, bound.remaining()))
            looked = self.kept.look(id, deadline)
            if looked is None:
                return
            record = looked

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health, the members of groups each by itself."""
        return self.kept.health(_there(self.kept.look(id, deadline), id))

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer and end its process."""
        with self.kept.shelf.held(id, deadline) as record:
            if record is None:
                self.kept.shelf.forget(id)
            else:
                self.kept.shelf.remove(record, ended=proxies.end)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`."""
        wanted = (labels or {}).items()
        chosen = [record.id for record in self.kept.shelf.all() if wanted <= record.all_labels.items()]
        looked = (self.kept.look(name, deadline) for name in chosen)
        return [self.kept.balancer(record) for record in looked if record is not None]

    def _record(self, spec: LoadBalancerSpec, token: str, digest: str) -> BalancerRecord:
        shelf = self.kept.shelf
        new = BalancerRecord(
            id=shelf.id(token),
            token=token,
            digest=digest,
            created_at=self.clock.now(),
            name=spec.name,
            labels=dict(spec.labels),
            address=self._address(shelf.id(token), spec.listeners),
            listeners=tuple(listener.model_dump() for listener in spec.listeners),
            check=spec.health_check.model_dump(),
            drain=spec.drain,
        )
        return self.kept.with_targets(new, spec.targets)

    def _address(self, id: str, listeners: Sequence[Listener]) -> str:
        """An address where all the ports can be had: one of another state folder may have the first."""
        taken = {record.address for record in self.kept.shelf.all()}
        address = free_address(BALANCERS, id, taken)
        try:
            check_ports(address, listeners)
        except Conflict:
            address = free_address(BALANCERS, id, {*taken, address})
            check_ports(address, listeners)
        return address

    def _check_targets(self, targets: Sequence[TargetSpec]) -> None:
        """NotFound for a target that does not exist, InvalidSpec for an address that is none."""
        for target in targets:
            if target.address is not None:
                _check_address(target.address)
            elif target.group is not None and self._groups.get(target.group) is None:
                raise NotFound(f"there is no group {target.group} on this host", provider=PROVIDER, code="NoSuchGroup")
            elif target.instance is not None:
                machine = self._machines.machine(target.instance)
                if machine is None or machine.state.gone:
                    raise NotFound(
                        f"there is no machine {target.instance} on this host", provider=PROVIDER, code="NoSuchMachine"
                    )


def _check_address(address: str) -> None:
    try:
        ip_address(address)
    except ValueError:
        raise InvalidSpec(f'targets: "{address}" is not an IP address') from None


def _there(record: BalancerRecord | None, id: str) -> BalancerRecord:
    if record is None:
        raise NotFound(f"there is no balancer {id} on this host", provider=PROVIDER, code="NoSuchBalancer")
    return record
