"""What the resources over our interfaces differ in: what each is made from, what can change in place, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudlayer.fleet.kinds import Verbs
from cloudlayer.interfaces import Capabilities, Provider
from cloudlayer.specs import Spec

Document = Mapping[str, Any]
"""Inputs or outputs by name, as Pulumi keeps them."""


@dataclass(frozen=True)
class Change:
    """A thing that is to be as a spec says, and which properties differ; `before` are its outputs up to now.

    `extra` holds the values of the shape's extras, where they are given.
    """

    provider: Provider
    id: str
    spec: Any
    extra: Document
    changed: frozenset[str]
    before: Document = field(default_factory=dict)


def _replaces(provider: Provider, before: Document, now: Document) -> frozenset[str]:
    """Whatever changes replaces the thing."""
    return frozenset()


def _stands_alone(provider: Provider, id: str) -> None:
    """Nothing hinders its deletion."""


def _takes_all(spec: Any, capabilities: Capabilities) -> None:
    """The provider can have it."""


def _nothing_begun(provider: Provider, thing: Any) -> None:
    """There is nothing to take back."""


@dataclass(frozen=True)
class Shape:
    """One kind of resource.

    `capability` is what a provider without such things lacks, "" where all have them; `ready` the state in which a new one is
    of use. `require` raises Unsupported for a spec that asks for what the provider cannot do. `in_place` tells which properties
    change without a replacement, given the outputs up to now and the inputs that are wanted, which may be unknown; `change`
    brings a thing there. `extras` are properties beside those of the spec, which are set by `change` as well, once the thing is
    there; `resume` takes back what a create that was broken off has begun of them. `told` are the outputs of a thing; `echoed`
    the inputs that are outputs as they are. `tracked` is what of a thing somebody else may have changed, by the property that
    heals it, given the inputs or outputs; "state" stands for the state itself.
    """

    noun: str
    capability: str
    ready: str
    spec: type[Spec]
    verbs: Callable[[Provider], Verbs]
    told: Callable[[Any], dict[str, Any]]
    require: Callable[[Any, Capabilities], None] = _takes_all
    in_place: Callable[[Provider, Document, Document], frozenset[str]] = _replaces
    change: Callable[[Change], None] = lambda change: None
    tracked: Callable[[Provider, Any, Document], Document] = lambda provider, thing, document: {}
    resume: Callable[[Provider, Any], None] = _nothing_begun
    before_delete: Callable[[Provider, str], None] = _stands_alone
    extras: frozenset[str] = frozenset()
    echoed: frozenset[str] = frozenset()
