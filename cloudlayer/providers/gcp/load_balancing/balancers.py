"""A balancer's pieces, read as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.facts import describe, marks_of
from cloudlayer.providers.gcp.load_balancing.pieces import CHECK, RULE, Pieces
from cloudlayer.providers.gcp.load_balancing.plans import PREFIX, Form, part, read_form
from cloudlayer.providers.gcp.marks import NAME, read_labels
from cloudlayer.resources import Listener, LoadBalancer, LoadBalancerState

ABSENT: Final = "BalancerNotFound"
"""Our code for a balancer that is not there: Google has no such thing."""
_DIGITS: Final = 16


class Balancers:
    """Looks up balancers of one region by their first health checks."""

    def __init__(self, client: Client, pieces: Pieces) -> None:
        self._client = client
        self._pieces = pieces

    def find(self, id: str, deadline: Deadline) -> Any:
        """The first piece of a balancer; None if it is not there."""
        found = self._client.everywhere("health_checks", filter=f'(name = "{id}")', deadline=deadline)
        return next((each for each in found if self._is_first(each)), None)

    def found(self, id: str, deadline: Deadline) -> Any:
        """The same; NotFound if it is not there."""
        found = self.find(id, deadline)
        if found is None:
            raise NotFound(f"load balancer {id} is not there", provider="gcp", code=ABSENT)
        return found

    def form(self, id: str, deadline: Deadline) -> Form:
        """What kind of balancer it is; NotFound if it is not there, Conflict if it is being deleted."""
        first = self.found(id, deadline)
        if is_ending(first):
            raise Conflict(f"{id} is being deleted: make another one", provider="gcp", code="BalancerIsEnding")
        return self.form_of(first)

    def form_of(self, first: Any) -> Form:
        """The same, from its first piece."""
        return read_form(marks_of(first.description)[1])

    def all(self, deadline: Deadline) -> list[Any]:
        """The first pieces of all balancers."""
        return [each for each in self._pieces.listed(CHECK, PREFIX, deadline) if self._is_first(each)]

    def rules(self, deadline: Deadline, id: str = PREFIX) -> list[Any]:
        """The forwarding rules of a balancer; without one, those of all."""
        return self._pieces.listed(RULE, id, deadline)

    def read(self, first: Any, rules: Iterable[Any]) -> LoadBalancer:
        """A balancer; of the rules, those that are its own are taken."""
        marks, facts = marks_of(first.description)
        form, by_name = read_form(facts), {rule.name: rule for rule in rules}
        present = [by_name[name] for port, _, _ in form.listeners if (name := part(first.name, port)) in by_name]
        return LoadBalancer(
            first.name,
            "gcp",
            self._client.region,
            state=_state(first, len(present) == len(form.listeners)),
            name=marks.get(NAME, first.name),
            address=next((rule.I_p_address for rule in present), None),
            listeners=tuple(Listener(**marks_of(rule.description)[1]["listener"]) for rule in present),
            labels=read_labels(marks),
            native=first,
        )

    def end(self, first: Any, deadline: Deadline) -> Form:
        """Write down that a balancer is being deleted; its form."""
        marks, facts = marks_of(first.description)
        form = read_form(facts)
        if not facts.get("ending"):
            wanted = {"description": describe(marks, {**facts, "ending": True})}
            piece = form.piece(CHECK, first.name)
            self._pieces.change(piece, "patch", deadline, health_check_resource=wanted)
        return form

    def _is_first(self, found: Any) -> bool:
        """Whether a health check is the first piece of a balancer of this region."""
        facts = marks_of(found.description)[1]
        return "form" in facts and facts.get("region") == self._client.region


def is_ending(first: Any) -> bool:
    """Whether a balancer is being deleted, by its first piece."""
    return bool(marks_of(first.description)[1].get("ending"))


def owner_of(name: str) -> str:
    """The id of the balancer that a piece of this name is of."""
    return name[: len(PREFIX) + _DIGITS]


def _state(first: Any, is_whole: bool) -> LoadBalancerState:
    if is_ending(first):
        return LoadBalancerState.DELETING
    return LoadBalancerState.ACTIVE if is_whole else LoadBalancerState.CREATING
