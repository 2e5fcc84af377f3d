"""What other machines need so that calls between their functions stay on them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.outposts import open_ways, outpost
from cloudlayer.fleet.routes import Routes, decode, encode, router_token
from cloudlayer.fleet.routing import routes
from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import Manifest
from cloudlayer.specs import checked


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.prepare()
    return made


def replica(name: str, key: str, machine: str, *, inner: bool = True) -> ReplicaRow:
    function, _, version = key.rpartition("/")
    return ReplicaRow(
        "f", name, function, version, "", machine, "docker", (), {},
        state=ReplicaRowState.READY, address=f"unix:/{name}", inner_address=f"http://172.17.0.2:{name[-1]}" if inner else None,
    )  # fmt: skip


def told(home: Home, *rows: ReplicaRow, router: bool = True) -> Routes:
    functions: list[dict[str, Any]] = [
        {"name": "a/Caller", "version": "1.0.0", "image": "x:1", "calls": ["a/Callee"]},
        {"name": "a/Callee", "version": "1.0.0", "image": "x:1"},
    ]
    document = {"fleet": {"name": "f", "providers": ["local"], "router": router}, "function": functions}
    found = routes(1, home, {}, desired=Desired(checked(Manifest, document, "")), replicas=rows, failing={})
    assert decode(encode(found)) == found
    return found


def machines(found: Routes) -> dict[str, tuple[str, str]]:
    return {each.id: (each.machine, each.inner_address) for version in found.versions for each in version.replicas}


def test_replicas_on_a_machine_with_callers_are_told_with_it(home: Home) -> None:
    rows = [replica("r1", "a/Caller/1.0.0", "m1"), replica("r2", "a/Callee/1.0.0", "m1"), replica("r3", "a/Callee/1.0.0", "m2")]
    found = machines(told(home, *rows))
    assert found == {"r1": ("m1", "http://172.17.0.2:1"), "r2": ("m1", "http://172.17.0.2:2"), "r3": ("", "")}


def test_this_host_has_no_router_and_none_has_one_where_it_is_turned_off(home: Home) -> None:
    here = [replica("r1", "a/Caller/1.0.0", "m1", inner=False), replica("r2", "a/Callee/1.0.0", "m1", inner=False)]
    assert set(machines(told(home, *here)).values()) == {("", "")}
    there = [replica("r1", "a/Caller/1.0.0", "m1"), replica("r2", "a/Callee/1.0.0", "m1")]
    found = told(home, *there, router=False)
    assert set(machines(found).values()) == {("", "")}
    assert [(each.machine, each.digest) for each in found.credentials] == [("", "")]


def test_a_router_knows_tokens_by_a_digest_that_needs_no_pepper(home: Home) -> None:
    (credential,) = told(home, replica("r1", "a/Caller/1.0.0", "m1")).credentials
    token = home.token("r1")
    assert (credential.machine, credential.digest) == ("m1", hashlib.sha256(token.encode()).hexdigest())
    assert credential.hash == home.hash(token)
    assert token not in repr(credential)


def test_each_machines_router_has_a_token_of_its_own(home: Home) -> None:
    assert home.router_token("m1") == router_token(home.pepper(), "m1") != home.router_token("m2")


class Host:
    def __init__(self) -> None:
        self.exposed: dict[str, str] = {}

    def expose(self, address: str, there: str) -> None:
        self.exposed[there] = address


def test_a_machine_reaches_the_gateway_by_two_sockets_in_folders_of_their_own(home: Home) -> None:
    host: Any = Host()
    open_ways(home, "f", host)
    folder = home.outpost("f")
    assert host.exposed == {
        f"unix:{folder}/u/g.sock": f"unix:{home.gateway_socket('f')}",
        f"unix:{folder}/l/line.sock": f"unix:{home.routers_socket('f')}",
    }
    assert folder.parent == Path("/run/cloudlayer")
    home.forget_sockets("f")


def test_replicas_find_their_router_or_without_one_the_way_to_the_gateway(home: Home) -> None:
    machine: Any = type("Row", (), {"id": "m1", "fleet": "f"})
    socket, router = outpost(home, machine, {"a": "b"}, router=True)
    assert router is not None
    assert (socket, router.machine) == (home.outpost("f") / "g" / "g.sock", "m1")
    assert router.token not in repr(router)
    assert outpost(home, machine, {}, router=False) == (home.outpost("f") / "u" / "g.sock", None)
