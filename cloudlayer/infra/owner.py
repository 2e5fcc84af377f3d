"""Whose things are: each stack has a random id, which Pulumi keeps in the stack's state, and everything it makes carries it."""

from __future__ import annotations

import uuid
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider
from pulumi.runtime.settings import get_monitor


class OwnerProvider(ResourceProvider):
    """Draws the id, once."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """A new id. Nothing is made with it before Pulumi has written it down, since all else takes it as an input."""
        owner = str(uuid.uuid4())
        return CreateResult(owner, {"owner": owner})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """It never changes."""
        return DiffResult(changes=False)


class Owner(Resource, module="cloudlayer", name="Owner"):
    """The id of a stack, as the label `cloudlayer-owner` has it."""

    owner: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(OwnerProvider(), name, {"owner": None}, opts)


_owners: WeakKeyDictionary[Any, Owner] = WeakKeyDictionary()
"""One for each run of a program, whose connection to Pulumi's engine stands for it."""


def stack_owner() -> pulumi.Output[str]:
    """The id of the stack that this program declares."""
    run = get_monitor()
    if run not in _owners:
        _owners[run] = Owner("cloudlayer-owner")
    return _owners[run].owner
