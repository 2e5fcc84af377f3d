"""A create in the small: which errors leave the thing for the next run, and which take it away."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("pulumi")

from cloudlayer import labels
from cloudlayer.errors import AuthError, CloudLayerError, Conflict, InvalidSpec, NotFound, PermissionDenied, TransientError
from cloudlayer.infra import making
from cloudlayer.infra.inputs import Inputs
from cloudlayer.infra.shapes import Shape
from cloudlayer.resources import VolumeSpec

OWNER = str(uuid.UUID(int=1))
DOCUMENT = {"provider": "local", "owner": OWNER, "logical": "urn:pulumi:dev::p::t::data", "size": 2**30}


class Cloud:
    """Things by token, whose waits and creates fail as a test wants it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.things: dict[str, Any] = {}
        self.spent: set[str] = set()
        self.tokens: list[str] = []
        self.on_create: list[CloudLayerError] = []
        self.on_wait: list[CloudLayerError] = []
        self.on_delete: list[CloudLayerError] = []
        monkeypatch.setattr(Inputs, "provider", SimpleNamespace(leftovers=lambda labels: []))

    def inputs(self, **more: Any) -> Inputs:
        return Inputs(Shape("volume", "", "available", VolumeSpec, lambda provider: self, dict), {**DOCUMENT, **more})

    def create(self, spec: VolumeSpec, *, token: str, deadline: Any = None) -> Any:
        self.tokens.append(token)
        if self.on_create:
            raise self.on_create.pop()
        if token in self.spent:
            raise Conflict("spent", code="TokenSpent")
        thing = SimpleNamespace(id=token, state="creating", labels={**spec.labels, labels.TOKEN: token})
        return self.things.setdefault(token, thing)

    def wait(self, thing: Any, state: str, /, *, timeout: float, deadline: Any = None) -> Any:
        if state == "available" and self.on_wait:
            raise self.on_wait.pop()
        return thing

    def list(self, wanted: Any = None, *, deadline: Any = None) -> list[Any]:
        return [thing for thing in self.things.values() if wanted.items() <= thing.labels.items()]

    def delete(self, id: str, *, deadline: Any = None) -> None:
        if self.on_delete:
            raise self.on_delete.pop()
        self.spent.add(id)
        del self.things[id]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    return Cloud(monkeypatch)


@pytest.mark.parametrize("error", [TransientError("a lost answer"), AuthError("the key has run out")])
def test_what_may_have_been_made_is_left_and_gone_on_with(cloud: Cloud, error: CloudLayerError) -> None:
    cloud.on_wait = [error]
    with pytest.raises(type(error)):
        making.made(cloud.inputs())
    (left,) = cloud.things
    assert making.made(cloud.inputs()).id == left


@pytest.mark.parametrize("error", [Conflict("it failed", code="failed"), TransientError("out of time", code="deadline")])
def test_what_never_comes_to_be_of_use_is_taken_away_and_made_anew(cloud: Cloud, error: CloudLayerError) -> None:
    cloud.on_wait = [error]
    with pytest.raises(type(error)):
        making.made(cloud.inputs())
    assert cloud.things == {}
    assert making.made(cloud.inputs()).id not in cloud.spent


def test_a_create_that_runs_out_of_time_is_left(cloud: Cloud) -> None:
    making.made(cloud.inputs())
    cloud.on_create = [TransientError("out of time", code="deadline")]
    with pytest.raises(TransientError):
        making.made(cloud.inputs())
    assert len(cloud.things) == 1


def test_what_cannot_be_taken_away_is_told_beside_the_first_reason(cloud: Cloud) -> None:
    cloud.on_wait, cloud.on_delete = [Conflict("it failed")], [PermissionDenied("no deletes")]
    with pytest.raises(CloudLayerError, match=r"it failed; .*no deletes.*, the next run goes on with it"):
        making.made(cloud.inputs())


def test_a_spec_that_was_never_sent_asks_for_no_clean_up(cloud: Cloud) -> None:
    cloud.on_create, cloud.on_delete = [InvalidSpec("no such override")], [PermissionDenied("asked all the same")]
    with pytest.raises(InvalidSpec, match="no such override"):
        making.made(cloud.inputs())


def test_a_token_whose_thing_is_gone_is_followed_by_the_next(cloud: Cloud) -> None:
    cloud.on_wait = [NotFound("answered as it was, and gone")]
    assert making.made(cloud.inputs()).id == cloud.tokens[1] != cloud.tokens[0]


def test_what_the_cloud_takes_away_each_time_is_not_made_for_ever(cloud: Cloud) -> None:
    cloud.on_wait = [NotFound("taken away", code="gone") for _ in range(10)]
    with pytest.raises(NotFound, match="taken away"):
        making.made(cloud.inputs())
    assert len(cloud.tokens) == 5


def test_a_token_that_is_answered_with_what_is_being_deleted_is_followed_by_the_next(cloud: Cloud) -> None:
    first = making.made(cloud.inputs())
    first.state = "deleting"
    assert making.made(cloud.inputs()).id == cloud.tokens[-1] != first.id


def test_the_token_is_that_of_the_place_and_the_words_alone(cloud: Cloud) -> None:
    for more in ({}, {"size": "1GiB"}, {"provider_options": {"state": "x"}}, {"size": 2**31}, {"logical": "elsewhere"}):
        making.made(cloud.inputs(**more))
    first, same, logged_in_otherwise, larger, elsewhere = cloud.tokens
    assert first == same == logged_in_otherwise
    assert len({first, larger, elsewhere}) == 3
