"""Creates that may be broken off anywhere and repeated: what is made is one thing, and a create that failed leaves none.

Pulumi gives a create no token, and knows nothing of it until it has ended. So the token is made of what is the same when the
create is repeated: the stack's owner, the thing's place in the program and what is asked for. A token whose thing has been
deleted since makes nothing any more; then the next of its generations is taken.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cloudlayer.errors import TOKEN_SPENT, CloudLayerError, Conflict, InvalidSpec, NotFound, RejectedSpec, Unsupported
from cloudlayer.fleet.kinds import Verbs, is_gone
from cloudlayer.infra.errors import MAY_PASS
from cloudlayer.infra.inputs import LOGICAL, OWNER, Inputs, fingerprints
from cloudlayer.infra.shapes import Change, Document
from cloudlayer.infra.values import fingerprint
from cloudlayer.interfaces import Provider
from cloudlayer.labels import FLEET
from cloudlayer.labels import OWNER as OWNER_LABEL
from cloudlayer.labels import TOKEN as TOKEN_LABEL

BY_PULUMI: Final = "pulumi"
"""The fleet label of what a Pulumi program made."""
_SPENT: Final = frozenset({TOKEN_SPENT, "IdempotentInstanceTerminated"})
"""The codes of a Conflict that says so of a token; the second one is EC2's own word."""
_GENERATIONS: Final = 100
"""How often a thing can be deleted and made anew in the same words, by a program that keeps its name."""
_VANISHING: Final = 5
"""How many times in one create, since a cloud may also take away each new one."""
PATIENCE: Final = 900.0
"""Seconds for which a new thing may take to be of use, and one that goes to be gone."""


class _Vanished(NotFound):
    """What a create answered is not there: some clouds answer a token whose thing is deleted with that thing as it was."""


def made(inputs: Inputs) -> Any:
    """The thing that is asked for, of use: a new one, or that of a create that was broken off."""
    vanished = 0
    for token in _tokens(inputs):
        try:
            if (thing := _made_under(token, inputs)) is not None:
                return thing
        except _Vanished:
            vanished += 1
            if vanished == _VANISHING:
                raise
    raise Conflict(f"after {_GENERATIONS} of them a new one is not told apart any more: declare it under another name")


def change(inputs: Inputs, id: str, changed: frozenset[str], *, before: Document | None = None) -> Change:
    """What is to be done to a thing of which these properties differ."""
    return Change(inputs.provider, id, labelled(inputs), inputs.extra, changed, before or {})


def labelled(inputs: Inputs) -> Any:
    """The spec, with the labels that say whose the thing is."""
    spec = inputs.spec
    labels = {**spec.labels, OWNER_LABEL: inputs.document[OWNER], FLEET: BY_PULUMI}
    return spec.model_copy(update={"labels": labels})


def undo(provider: Provider, verbs: Verbs, owner: str, token: str) -> None:
    """Take away what was made under a token, pieces and all."""
    labels = {OWNER_LABEL: owner, TOKEN_LABEL: token}
    for thing in verbs.list(labels):
        if not is_gone(thing):
            remove(verbs, thing.id)
    for piece in provider.leftovers(labels):
        provider.delete_leftover(piece)


def remove(verbs: Verbs, id: str) -> None:
    """Delete a thing; returns when it is gone. One that is not there is no error."""
    verbs.delete(id)
    try:
        verbs.wait(id, "deleted", timeout=PATIENCE)
    except NotFound:
        return


def _made_under(token: str, inputs: Inputs) -> Any:
    """What the token makes, of use; None where that has been deleted since."""
    provider, verbs = inputs.provider, inputs.shape.verbs(inputs.provider)
    with _undone(inputs, provider, verbs, token):
        try:
            thing = verbs.create(labelled(inputs), token=token)
        except Conflict as error:
            if error.code in _SPENT:
                return None
            raise
    if is_gone(thing):
        return None
    with _undone(inputs, provider, verbs, token, waited=True):
        inputs.shape.resume(provider, thing)
        try:
            thing = verbs.wait(thing, inputs.shape.ready, timeout=PATIENCE)
        except NotFound as error:
            raise _Vanished(error.message, provider=error.provider, code=error.code) from None
        if inputs.extra:
            inputs.shape.change(change(inputs, thing.id, frozenset(inputs.extra)))
            thing = verbs.get(thing.id)
        return thing


@contextmanager
def _undone(inputs: Inputs, provider: Provider, verbs: Verbs, token: str, *, waited: bool = False) -> Iterator[None]:
    """Leave nothing behind of what failed; but what may have taken effect is left, for the next run to go on with.

    What is not of use after all the time that it has (`waited`) has failed as well.
    """
    try:
        yield
    except MAY_PASS as error:
        if not (waited and error.code == "deadline"):
            raise
        _take_away(error, provider, verbs, inputs.document[OWNER], token)
        raise
    except CloudLayerError as error:
        if _after_a_call(error):
            _take_away(error, provider, verbs, inputs.document[OWNER], token)
        raise


def _after_a_call(error: CloudLayerError) -> bool:
    """Whether the cloud was asked at all: some errors are found before."""
    return isinstance(error, RejectedSpec) or not isinstance(error, InvalidSpec | Unsupported)


def _take_away(error: CloudLayerError, provider: Provider, verbs: Verbs, owner: str, token: str) -> None:
    try:
        undo(provider, verbs, owner, token)
    except CloudLayerError as left:
        message = f"{error}; what was made of it could not be taken away ({left}), the next run goes on with it"
        raise CloudLayerError(message) from None


def _tokens(inputs: Inputs) -> Iterator[str]:
    """The tokens of the thing, one for each time that it was deleted; what is set once it is there makes no other one."""
    owner = inputs.document[OWNER]
    asked = {name: value for name, value in inputs.document.items() if name not in inputs.shape.extras}
    mark = fingerprint(fingerprints(inputs.shape, asked, owner), "asked")
    for generation in range(_GENERATIONS):
        yield str(uuid.uuid5(uuid.UUID(owner), f"{inputs.document[LOGICAL]}/{mark}/{generation}"))
