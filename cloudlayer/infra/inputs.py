"""The inputs of a resource: where they lead, what is wrong with them, and what they have in common with those of earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pulumi.dynamic import CheckFailure

from cloudlayer.errors import CloudLayerError, InvalidSpec, Unsupported
from cloudlayer.infra.connections import connected
from cloudlayer.infra.shapes import Shape
from cloudlayer.infra.values import fingerprint, is_known, meant, plain, unknowns
from cloudlayer.interfaces import Provider
from cloudlayer.specs import Location, checked, faults

PROVIDER: Final = "provider"
OPTIONS: Final = "provider_options"
OWNER: Final = "owner"
LOGICAL: Final = "logical"
"""The URN under which a program declares a thing."""
REGION: Final = "region"
"""An output: the region in which a thing was made, and in which it is looked for whatever the environment says by then."""
OURS: Final = frozenset({PROVIDER, OPTIONS, OWNER, LOGICAL, "__provider"})
UNCOMPARED: Final = frozenset({OPTIONS, OWNER, LOGICAL, "__provider"})
"""What may differ without a difference in the thing: how one logs in, and what the program calls it."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a resource of some shape, known and checked. `region` is where the thing is, if it is there."""

    shape: Shape
    document: Mapping[str, Any]
    region: str | None = None

    @property
    def provider(self) -> Provider:
        """The provider, connected."""
        return connected(self.document[PROVIDER], self.document.get(OPTIONS), self.region)

    @property
    def spec(self) -> Any:
        """What is asked for. InvalidSpec where it is wrong."""
        return checked(self.shape.spec, spec_document(self.shape, self.document), "")

    @property
    def extra(self) -> dict[str, Any]:
        """The values of the shape's extras that are given."""
        return {name: self.document[name] for name in self.shape.extras if name in self.document}

    @property
    def label(self) -> str:
        """What the thing is called in messages."""
        return f"{self.shape.noun} {self.document[LOGICAL].rpartition('::')[2]}"


def of(shape: Shape, props: Mapping[str, Any], region: str | None = None) -> Inputs:
    """The inputs as Pulumi hands them over."""
    return Inputs(shape, plain(props), region)


def provider_of(outputs: Mapping[str, Any]) -> Provider:
    """The provider of a thing by its outputs, connected."""
    return connected(outputs[PROVIDER], outputs.get(OPTIONS), outputs.get(REGION))


def spec_document(shape: Shape, document: Mapping[str, Any]) -> dict[str, Any]:
    """That part of the inputs that is the spec's."""
    return {name: value for name, value in document.items() if name not in OURS and name not in shape.extras}


def fingerprints(shape: Shape, document: Mapping[str, Any], owner: str) -> dict[str, str]:
    """Of each property that is compared and no default, what tells it from another without telling its value."""
    compared = {name: value for name, value in plain(document).items() if name not in UNCOMPARED}
    meanings = {name: meant(shape.spec, name, value) for name, value in compared.items()}
    return {name: fingerprint(value, f"{owner}/{name}") for name, value in meanings.items() if value is not None}


def failures(shape: Shape, props: Mapping[str, Any]) -> list[CheckFailure]:
    """What is wrong with the inputs, each with its property; what is not known yet is not judged."""
    document = plain(props)
    found = _spec_failures(shape, document)
    if not isinstance(document.get(PROVIDER), str):
        return [*found, CheckFailure(PROVIDER, 'name one, such as "aws:us-east-1", or a profile of the configuration file')]
    if is_known({name: document.get(name) for name in (PROVIDER, OPTIONS)}):
        found += _provider_failures(shape, document, None if found else spec_document(shape, document))
    return found


def _provider_failures(shape: Shape, document: Mapping[str, Any], asked: Mapping[str, Any] | None) -> list[CheckFailure]:
    try:
        provider = connected(document[PROVIDER], document.get(OPTIONS))
        can = provider.capabilities[shape.capability] if shape.capability else None
        if can is not None and not can:
            return [CheckFailure(PROVIDER, f"{provider.name} has no {shape.noun}: {can.reason}")]
        if asked is not None and is_known(asked):
            shape.require(checked(shape.spec, dict(asked), ""), provider.capabilities)
    except (InvalidSpec, Unsupported) as error:
        return [CheckFailure(PROVIDER, str(error))]
    except CloudLayerError:
        return []  # without credentials, say: what needs none is checked all the same
    return []


def _spec_failures(shape: Shape, document: Mapping[str, Any]) -> list[CheckFailure]:
    asked = spec_document(shape, document)
    hidden = set(unknowns(asked))
    found = faults(shape.spec, asked)
    return [failure(place, reason) for place, reason in found if not is_hidden(place, hidden)]


def is_hidden(place: Location, hidden: set[Location]) -> bool:
    """Whether a fault is, or may be, that of a value that is not known yet: its own, one in it, or of the whole it is in."""
    return any(place[: len(one)] == one or one[: len(place)] == place for one in hidden)


def failure(place: Location, reason: str) -> CheckFailure:
    """A fault as Pulumi shows it: the property, then what is wrong, with the place within the property."""
    if not place:
        return CheckFailure("", reason)
    within = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:])
    return CheckFailure(str(place[0]), f"{place[0]}{within}: {reason}" if within else reason)
