"""What groups, balancers, volumes and shares promise alike: how each is created, found, listed, waited for and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

import pytest

from cloudlayer.errors import TransientError
from cloudlayer.interfaces import Deadline, Provider
from cloudlayer.testing.base import Promises, labelled
from cloudlayer.testing.faults import Kind
from cloudlayer.testing.skips import need


class Things(Protocol):
    """What the three interfaces have in common. A spec is one of its interface, a thing one of its nouns."""

    def create(self, spec: Any, *, token: str, deadline: Deadline | None = None) -> Any:
        """Begin to make a thing."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> Any:
        """The thing as it is now."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the thing."""
        ...

    def wait(self, thing: Any, /, state: Any, *, timeout: float = 600, deadline: Deadline | None = None) -> Any:
        """The thing once it is in `state`."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Any]:
        """Every thing that carries all of `labels`."""
        ...


class ThingPromises(Promises):
    """A class for each interface says which kind it is about, and gives `things` and a `spec` that is quick to make."""

    kind: Kind
    ready: str
    """The state in which a thing stays once it is made."""

    @pytest.fixture
    def things(self, provider: Provider) -> Things:
        """The interface that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def spec(self) -> Any:
        """A small spec, labelled as this test's."""
        raise NotImplementedError

    @pytest.fixture
    def absent_id(self) -> str:
        """An id that no thing of this kind has."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def there(self, provider: Provider) -> None:
        """Skips the promises of an interface that the provider lacks."""
        if self.capability:
            need(provider, self.capability)

    def altered(self, spec: Any) -> Any:
        """The spec of a thing that is not what `spec` asks for, of the same name and labels."""
        raise NotImplementedError

    def beside(self, spec: Any, number: int) -> Any:
        """The spec of a thing like it that can be there at the same time; each number is another one."""
        return labelled(spec, {"number": str(number)})

    def whole(self, provider: Provider, spec: Any) -> Any:
        """The spec of a thing with as many children of its own as this provider can make."""
        return spec

    def made(self, things: Things, spec: Any, token: str | None = None) -> Any:
        """A thing of this spec, ready."""
        return things.wait(things.create(spec, token=token or str(uuid4())), self.ready, timeout=self.patience)

    def removed(self, things: Things, id: str) -> None:
        """Delete the thing, and wait until it is gone."""
        things.delete(id)
        things.wait(id, "deleted", timeout=self.patience)


def ids(things: Things, labels: Mapping[str, str]) -> list[str]:
    """The ids of the things with these labels that are not gone, in order."""
    return sorted(thing.id for thing in things.list(labels) if thing.state not in ("deleting", "deleted"))


def may_be_lost(things: Things, spec: Any, token: str, deadline: Deadline | None = None) -> bool:
    """Create, and say whether an answer came. A driver may ask again by itself, or tell that it does not know, and no more."""
    try:
        things.create(spec, token=token, deadline=deadline)
    except TransientError:
        return False
    return True
