"""Which registry a home uses: the one that is configured, else its own, else none."""

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.runtime.docker.registry import VARIABLE, connect_registry
from cloudlayer.runtime.docker.registry.configured import Configured
from cloudlayer.runtime.docker.registry.own import Own

PROGRAM = "cloudlayer.runtime.docker.registry.process.program"


def test_the_configured_one_comes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(PROGRAM, lambda: "/usr/bin/docker-registry")
    monkeypatch.setenv(VARIABLE, "registry.example:5000/team/")
    assert isinstance(connect_registry(tmp_path), Configured)


@pytest.mark.parametrize("name", ["https://registry.example", "registry.example/Team", "user:secret@registry.example", "/team"])
def test_a_name_that_no_image_can_begin_with_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(InvalidSpec, match="names no registry") as caught:
        connect_registry(tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("found", "kind"), [("/usr/bin/docker-registry", Own), (None, type(None))])
def test_else_it_is_our_own_where_its_program_is_installed(tmp_path, monkeypatch, found, kind):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(PROGRAM, lambda: found)
    assert isinstance(connect_registry(tmp_path), kind)
    assert list(tmp_path.iterdir()) == []  # nothing runs before it is needed
