"""What metrics say of the images that machines pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.runtime.counting import NOT_PULLED, PULLED, REGISTRY
from cloudlayer.runtime.docker.registry.own import REPOSITORY, Own


class Engine:
    """The engine of a machine, which can pull all but what is broken."""

    def __init__(self, broken: str) -> None:
        self.broken = broken
        self.asked: list[str] = []
        self.check = None
        self.client = SimpleNamespace(pull=None, tag=None, remove_image=None)

    def until(self, _: Any) -> Any:
        return nullcontext()

    def call(self, *_: Any, **__: Any) -> None:
        pass

    def stream(self, _: str, __: Any, reference: str, *, tag: str, **___: Any) -> Iterator[dict[str, str]]:
        assert reference == f"registry/{REPOSITORY}"
        self.asked.append(tag)
        if tag == self.broken:
            raise EngineError("connection refused")
        return iter([{"status": "Pulling"}])


@pytest.fixture
def own(tmp_path, monkeypatch):
    @contextmanager
    def way(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(address=lambda: "registry")

    own = Own(tmp_path)
    monkeypatch.setattr(own, "_server", SimpleNamespace(ensure=lambda _: None, secret="", reader=None))
    monkeypatch.setattr(own, "_ways", SimpleNamespace(to=way))
    return own


def counts() -> tuple[float | None, ...]:
    return tuple(REGISTRY.get_sample_value("cloudlayer_image_pulls_total", {"outcome": each}) for each in (PULLED, NOT_PULLED))


@pytest.mark.parametrize(
    ("broken", "pulled", "failed"),
    [("none of them", 1, 0), ("lower", 1, 0), ("whole", 0, 1)],
)
def test_an_image_is_one_pull_however_many_parts_it_has(own, broken: str, pulled: int, failed: int) -> None:
    before, engine = counts(), Engine(broken)
    with nullcontext() if broken != "whole" else pytest.raises(TransientError, match="cannot be reached"):
        own.deliver("function:1", lambda: ("lowest", "lower", "whole"), engine, None, None)
    assert sorted(engine.asked) == ["lower", "lowest", "whole"]
    assert counts() == (before[0] + pulled, before[1] + failed)
