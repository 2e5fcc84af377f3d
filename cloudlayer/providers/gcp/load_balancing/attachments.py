"""What scaling groups ask of balancers: to send to their members, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudlayer.errors import Conflict, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.load_balancing.backends import RATE, Backends, same_group
from cloudlayer.providers.gcp.load_balancing.balancers import Balancers, owner_of
from cloudlayer.providers.gcp.load_balancing.pieces import SERVICE, Pieces
from cloudlayer.providers.gcp.load_balancing.plans import INCOMPLETE, PREFIX


class Attachments:
    """Scaling groups behind the balancers of one region."""

    def __init__(self, balancers: Balancers, backends: Backends, pieces: Pieces) -> None:
        self._balancers = balancers
        self._backends = backends
        self._pieces = pieces

    def require(self, balancer: str, deadline: Deadline, *, counts: bool = False) -> None:
        """NotFound if the balancer is not there; with `counts`, Unsupported if it does not count requests."""
        form = self._balancers.form(balancer, deadline)
        if counts and any(protocol == "tcp" for _, protocol, _ in form.listeners):
            reason = "requests_per_target: a balancer with tcp counts none: use one with http listeners alone, or cpu_percent"
            raise Unsupported(reason, provider="gcp", code="Unsupported")

    def attach(self, balancer: str, manager: Any, deadline: Deadline, rate: float | None = None) -> None:
        """Let the balancer send to the members of a group; `rate` is how many requests a second each of them takes."""
        form = self._balancers.form(balancer, deadline)
        self._backends.attach(balancer, form, manager, deadline, RATE if rate is None else rate)

    def of(self, deadline: Deadline) -> dict[str, list[str]]:
        """The instance groups that each balancer sends to, by the balancers' ids."""
        found: dict[str, list[str]] = {}
        for service in self._pieces.listed(SERVICE, PREFIX, deadline):
            found.setdefault(owner_of(service.name), []).extend(backend.group for backend in service.backends)
        return found

    def balancers(self, group: str, deadline: Deadline, known: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
        """The balancers that send to an instance group, by its URL; `known` is what `of` has given."""
        found = self.of(deadline) if known is None else known
        return tuple(sorted(name for name, groups in found.items() if any(same_group(group, each) for each in groups)))

    def detach(self, group: str, deadline: Deadline, *, keep: str | None = None) -> None:
        """Let no balancer but `keep` send to an instance group, by its URL."""
        for balancer in self.balancers(group, deadline):
            if balancer != keep:
                self._detach(balancer, group, deadline)

    def _detach(self, balancer: str, group: str, deadline: Deadline) -> None:
        first = self._balancers.find(balancer, deadline)
        if first is None:
            return
        try:
            self._backends.detach(balancer, self._balancers.form_of(first), group, deadline)
        except Conflict as error:
            if error.code != INCOMPLETE:
                raise
            return  # the balancer is being deleted, and lets go of all that it sends to
