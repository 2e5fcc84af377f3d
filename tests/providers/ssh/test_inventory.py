"""An inventory is read as it is written, and what is wrong in it is told in a line each."""

import json
import string
import subprocess
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cloudlayer
from cloudlayer.errors import InvalidSpec
from cloudlayer.functions.manifest import load_manifest
from cloudlayer.providers.ssh.inventory import InventoryFile, read
from cloudlayer.resources import Accelerator
from cloudlayer.runtime.hosts.client import Client
from cloudlayer.units import GIB

KEY = "ssh-ed25519 " + "A" * 68
TODAY = date(2026, 11, 29)

names = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
addresses = st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z]{2,5}){0,2}", fullmatch=True))
labels = st.dictionaries(st.sampled_from(["rack", "owner", "team"]), st.text(string.ascii_lowercase, max_size=8))


@st.composite
def machines(draw):
    entries = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    places = draw(
        st.lists(st.tuples(addresses, st.integers(1, 65535)), min_size=len(entries), max_size=len(entries), unique=True)
    )
    return [
        {
            "name": name,
            "address": address,
            "port": port,
            "key": "key",
            "host_key": KEY,
            "labels": draw(labels),
            "zone": draw(names),
            "price": f"{draw(st.integers(0, 99))}.5 EUR/h",
        }
        for name, (address, port) in zip(entries, places, strict=True)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("inventory")
    (made / "key").write_text("")
    return made


def written(folder, entries, *more):
    lines = [line for entry in entries for line in ["[[machine]]", *(f"{key} = {toml(value)}" for key, value in entry.items())]]
    path = folder / "boxes.toml"
    path.write_text("\n".join([*lines, *more]))
    return path


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def box(**fields):
    return {"name": "box", "address": "10.0.0.1", "key": "key", "host_key": KEY, **fields}


@settings(deadline=None)
@given(entries=machines())
def test_what_is_written_is_what_is_read(folder, entries):
    found = read(written(folder, entries), TODAY)
    assert list(found) == [entry["name"] for entry in entries]
    for entry, one in zip(entries, found.values(), strict=True):
        assert (one.access.address, one.access.port, one.access.user) == (entry["address"], entry["port"], "root")
        assert one.access.host_keys == (KEY,)
        assert one.access.key == folder / "key"
        assert (one.zone, one.labels) == (entry["zone"], entry["labels"])
        assert f"{one.price.amount} {one.price.currency}/h" == entry["price"]
        assert (one.price.source, one.price.as_of) == ("inventory", TODAY)


@settings(deadline=None)
@given(entries=machines(), wrong=st.sampled_from(["adress", "Port", "ssh_key", "gpu"]))
def test_an_unknown_key_is_a_fault_that_names_those_that_are_known(folder, entries, wrong):
    entries[-1][wrong] = "x"
    with pytest.raises(InvalidSpec) as caught:
        read(written(folder, entries), TODAY)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"boxes.toml: machine[{len(entries) - 1}].{wrong}: unknown key; known here: address, ")


@pytest.mark.parametrize("address", ["-oProxyCommand=x", "a b", "a;b", "$(x)", "", "me@host"])
def test_an_address_is_never_taken_for_an_option_or_for_shell_text(folder, address):
    with pytest.raises(InvalidSpec, match="is no address"):
        read(written(folder, [box(address=address)]), TODAY)


@settings(deadline=None)
@given(
    address=st.text("a0:_.%-@ \n", min_size=1, max_size=5) | st.just("fe80::1%eth0") | st.just("::1"),
    user=st.text("a0_.-% :", min_size=1, max_size=4) | st.just("_svc"),
)
def test_what_an_inventory_takes_the_ssh_client_takes_too(folder, address, user):
    path = folder / "one.toml"
    entry = {**box(), "address": address, "user": user}
    path.write_text("[[machine]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in entry.items()))
    try:
        access = read(path, TODAY)["box"].access
    except InvalidSpec:
        assert address[0] in ".%-@ \n" or set(address) & set("@ \n") or user[0] in ".-% :" or set(user) & set("% :")
        return
    Client(access, folder)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"price": "0.50 USD"}, "machine[0].price"),
        ({"host_key": ""}, "machine[0].host_key"),
        ({"host_key": "nowhere"}, "machine box: host_key: "),
        ({"key": "nowhere"}, "machine box: key: there is no file"),
        ({"user": "-oProxyCommand=x"}, "machine[0].user"),
        ({"port": 70000}, "machine[0].port"),
        ({"labels": {"cloudlayer-fleet": "x"}}, "machine[0].labels"),
        ({"jump": "bastion"}, "machine box: there is no [[jump]] called bastion; add it"),
    ],
)
def test_a_fault_is_told_with_its_place(folder, fields, told):
    with pytest.raises(InvalidSpec) as caught:
        read(written(folder, [box(**fields)]), TODAY)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("boxes.toml: ")
    assert told in line


def test_all_faults_are_told_at_once(folder):
    with pytest.raises(InvalidSpec) as caught:
        read(written(folder, [box(port=0), box(name="B", memory="16GB")]), TODAY)
    assert len(str(caught.value).splitlines()) == 3


def test_a_machine_is_there_once(folder):
    for second in (box(address="10.0.0.2"), box(name="other")):
        with pytest.raises(InvalidSpec, match="there more than once"):
            read(written(folder, [box(), second]), TODAY)


def test_figures_stand_in_for_what_a_machine_tells(folder):
    given = {"cpu": 16, "memory": "64GiB"}
    path = written(folder, [box(**given)], 'gpus = [{ model = "L4", memory = "24GiB" }]')
    one = read(path, TODAY)["box"]
    assert (one.cpu, one.memory, one.gpus) == (16.0, 64 * GIB, (Accelerator("L4", 24 * GIB),))


def test_a_jump_host_is_reached_by_its_own_key(folder):
    more = ["[[jump]]", 'name = "bastion"', 'address = "b.example"', 'user = "me"', 'key = "key"', f'host_key = "{KEY}"']
    access = read(written(folder, [box(jump="bastion")], *more), TODAY)["box"].access
    assert [(hop.address, hop.user, hop.host_keys) for hop in access.jump] == [("b.example", "me", (KEY,))]


def test_a_known_hosts_file_pins_the_key_even_if_its_names_are_hashed(folder):
    (folder / "known").write_text(f"[10.0.0.1]:2200 {KEY}\n10.0.0.1 {KEY[:-1]}B comment\n@revoked 10.0.0.1 {KEY}\n")
    for _ in range(2):
        found = {port: read(written(folder, [box(port=port, host_key="known")]), TODAY) for port in (22, 2200)}
        assert found[22]["box"].access.host_keys == (f"{KEY[:-1]}B",)
        assert found[2200]["box"].access.host_keys == (KEY,)
        subprocess.run(["ssh-keygen", "-H", "-f", folder / "known"], check=True, capture_output=True)


def test_a_file_that_changed_is_read_anew(folder):
    file = InventoryFile(written(folder, [box()]))
    assert list(file.boxes()) == ["box"]
    written(folder, [box(), box(name="other", address="10.0.0.2")])
    assert list(file.boxes()) == ["box", "other"]


def test_its_path_is_relative_to_where_the_command_runs_and_absolute_in_the_region(folder, monkeypatch, tmp_path):
    written(folder, [box()])
    monkeypatch.chdir(folder)
    found = cloudlayer.connect("ssh:boxes.toml", state=tmp_path)
    assert found.region == str(folder / "boxes.toml")
    assert cloudlayer.connect(f"ssh:{found.region}", state=tmp_path).region == found.region


def test_its_path_is_relative_to_the_manifest_in_a_manifest(folder):
    (folder / "fleet.toml").write_text('[fleet]\nname = "f"\nproviders = ["local", "ssh:inventories/boxes.toml"]\n')
    assert load_manifest(folder / "fleet.toml").fleet.providers == ("local", f"ssh:{folder}/inventories/boxes.toml")


def test_without_an_inventory_it_says_what_to_name():
    with pytest.raises(InvalidSpec, match=r"ssh:boxes\.toml"):
        cloudlayer.connect("ssh")
