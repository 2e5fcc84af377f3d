"""A function's own requirements are there for it, loaded before its replicas are forked."""

from __future__ import annotations

import pytest

from cloudlayer.errors import EngineError
from tests.runtime.functions import post
from tests.runtime.test_requirements import wheel

CODE = """
    import sys
    ahead = "thing" in sys.modules
    import thing
    def apply(input):
        return [thing.value, ahead, thing.__file__]
"""


@pytest.mark.parametrize("fork", ["1", "0"])
def test_requirements_are_installed_and_loaded_ahead_of_a_fork(host, monkeypatch, fork) -> None:
    monkeypatch.setenv("CLOUDLAYER_FORK", fork)
    wheel(host.root / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(host.root / "wheels"))
    engine = host.engine()
    status = host.run(engine, host.spec(CODE, {"requirements_txt": "thing\n"}))
    value, ahead, path = post(status.address)[1]
    assert (value, ahead) == (5, fork == "1")
    assert str(host.root / "cache" / "requirements") in path


def test_what_cannot_be_installed_fails_the_preparation(host, engine, monkeypatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EngineError, match="nowhere-to-be-found"):
        engine.prepare(host.spec(CODE, {"requirements_txt": "nowhere-to-be-found\n"}))
