"""What a manifest opens of the stores: URIs alone, and no way around them."""

from __future__ import annotations

import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.routes import DataAccess, decode, encode
from cloudlayer.fleet.routing import routes
from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import load_manifest


@pytest.fixture
def load(tmp_path):
    """Read a manifest with these lines in [fleet.data]."""

    def load(lines, more=""):
        path = tmp_path / "fleet.toml"
        path.write_text(f'[fleet]\nname = "shop"\nproviders = ["local"]\n[fleet.data]\n{lines}\n{more}\n')
        return load_manifest(path)

    return load


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('open = ["bucket/shared"]', "is no URI of an object"),
        ('open = ["blob://a/../b"]', "no part between slashes"),
        ('write = ["blob://a/%2e%2e/b"]', "no part between slashes"),
        ('open = ["sftp://me:hunter2@host/x"]', "has a password in it"),
        ('read = ["blob://"]', "known here: open, write"),
    ],
)
def test_what_is_no_prefix_is_told_with_its_place(load, lines, words):
    with pytest.raises(InvalidSpec, match=words) as caught:
        load(lines)
    assert "fleet.data" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_is_open_reaches_the_gateway_as_it_was_written(load, tmp_path):
    lines = 'open = ["blob://", "s3+team://bucket/é b/"]\nwrite = ["data://uploads"]'
    desired = Desired.load(Desired(load(lines)).document())
    made = routes(1, Home(tmp_path), {}, desired=desired, replicas=[], failing={})
    assert made.data == DataAccess(("blob://", "s3+team://bucket/é b/"), ("data://uploads",))
    assert decode(encode(made)) == made


def test_a_manifest_that_says_nothing_opens_nothing(load, tmp_path):
    made = routes(1, Home(tmp_path), {}, desired=Desired(load("")), replicas=[], failing={})
    assert made.data == DataAccess((), ())


def function(lines=""):
    """A function with these lines more."""
    return f'[[function]]\nname = "nlp/Echo"\nversion = "1.0.0"\nimage = "echo:1"\n{lines}\n'


def test_what_a_function_may_read_goes_with_its_replicas_tokens_alone(load, tmp_path):
    home = Home(tmp_path)
    desired = Desired(load("", function('data = { open = ["blob://models/"], write = ["blob://out"] }')))
    spec = desired.manifest.function[0]
    row = ReplicaRow(
        "shop", "r1", spec.name, spec.version, desired.digest(spec), "m1", "docker", (), spec.model_dump(mode="json"),
        state=ReplicaRowState.READY, address="http://10.0.0.1:1", inner_address="unix:/x", created_at=1.0, changed_at=1.0,
    )  # fmt: skip
    made = routes(1, home, {"user": "ff"}, desired=desired, replicas=[row], failing={})
    user, token = made.credentials
    assert (user.callable, user.data, made.data) == (None, DataAccess(), DataAccess())
    assert (token.callable, token.data) == ((), DataAccess(("blob://models/",), ("blob://out",)))
    assert (token.hash, token.machine) == (home.hash(home.token("r1")), "m1")
    assert decode(encode(made)) == made


def test_replicas_are_replaced_for_a_token_to_ask_with_and_not_for_what_it_opens(load):
    def digest(lines):
        desired = Desired(load("", function(lines)))
        return desired.digest(desired.manifest.function[0])

    opened = digest('data = { open = ["blob://a"] }')
    assert opened == digest('data = { write = ["blob://b"] }')
    assert digest("") == digest("data = {}") != opened
    calls = 'calls = ["nlp/Echo"]\n'
    assert digest(calls) == digest(calls + 'data = { open = ["blob://a"] }')
