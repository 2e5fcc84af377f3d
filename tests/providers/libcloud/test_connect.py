"""Connecting: names, regions, profiles, options; and what is imported for it."""

import subprocess
import sys

import pytest

from cloudlayer import connect
from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.fleet.clouds import Clouds, canonical
from cloudlayer.providers import registry


@pytest.fixture
def configure(tmp_path, monkeypatch):
    def configure(text):
        file = tmp_path / "config.toml"
        file.write_text(text)
        file.chmod(0o600)
        monkeypatch.setenv("CLOUDLAYER_CONFIG", str(file))

    return configure


def test_a_driver_is_named_after_the_provider_and_the_region_after_that():
    assert connect("libcloud:ec2:eu-west-1", key="k").region == "eu-west-1"
    assert connect("libcloud:ec2", region="eu-west-1", key="k").region == "eu-west-1"
    assert connect("libcloud:ec2", key="k").region == "us-east-1"
    assert connect("libcloud", driver="ec2", key="k").name == "libcloud:ec2"


@pytest.mark.parametrize("name", ["libcloud:dummy", "libcloud:dummy:1", "libcloud:dummy:global"])
def test_the_stores_name_of_a_provider_leads_back_to_it(name):
    key = canonical(connect(name))
    assert canonical(connect(key)) == key
    assert key.startswith("libcloud:dummy:")


def test_two_drivers_in_one_fleet_are_two_providers(configure):
    configure('[providers.libcloud]\nimage = "Ubuntu 9.10"\n[providers.other]\nprovider = "libcloud"\ndriver = "dummy"\n')
    clouds = Clouds()
    dummy, other = clouds.provider("libcloud:dummy"), clouds.provider("other")
    assert (canonical(dummy), canonical(other)) == ("libcloud:dummy:global", "other:global")
    assert clouds.provider("libcloud:dummy:global") is dummy
    assert clouds.provider("other:global") is other
    complaints = []
    market = clouds.market(["libcloud:dummy", "other"], lambda *complaint: complaints.append(complaint))
    assert {offer.provider for offer in market.offers} == {"libcloud:dummy", "other"}
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("libcloud:vultur", "did you mean vultr"),
        ("libcloud:no-such-cloud-at-all", "there are"),
        ("libcloud:ninefold", "no longer supported"),
        ("libcloud", "which driver"),
    ],
)
def test_an_unknown_driver_is_a_fault_with_its_mend(name, told):
    with pytest.raises(InvalidSpec, match=told):
        connect(name)


def test_options_are_checked_against_the_drivers_own():
    with pytest.raises(
        InvalidSpec, match=r"libcloud:linode: kee: unknown key; did you mean key\nlibcloud:linode: key: is required"
    ):
        connect("libcloud:linode", kee="k")
    with pytest.raises(InvalidSpec, match="port"):
        connect("libcloud:linode", key="k", port="many")
    assert connect("libcloud:linode", key="k", port="8080", secure="false").name == "libcloud:linode"


def test_a_version_that_a_driver_has_not_is_a_fault_of_the_option():
    with pytest.raises(InvalidSpec, match="api_version"):
        connect("libcloud:vultr", key="k", api_version="17")


def test_a_profile_is_a_driver_with_its_options_under_its_own_name(configure):
    configure('[providers.cheap]\nprovider = "libcloud"\ndriver = "dummy"\nregion = "2"\n')
    cheap = connect("cheap")
    assert (cheap.name, cheap.region, canonical(connect("cheap:1"))) == ("cheap", "2", "cheap:1")
    assert {offer.provider for offer in cheap.compute.offers()} == {"cheap"}


def test_a_profile_by_the_name_of_the_provider_gives_options_to_each_driver(configure):
    configure('[providers.libcloud]\nimage = "Ubuntu 9.10"\n')
    assert connect("libcloud:dummy").name == "libcloud:dummy"
    configure('[providers.libcloud]\nno_such = "option"\n')
    with pytest.raises(InvalidSpec, match=r"providers.libcloud: libcloud:dummy: no_such"):
        connect("libcloud:dummy")


def test_a_profile_may_name_the_driver_after_the_plug_in(configure):
    configure('[providers.cheap]\nprovider = "libcloud:dummy"\nimage = "Ubuntu 9.10"\n')
    assert connect("cheap").name == "cheap"
    assert not registry.is_undecided("cheap")
    assert registry.plug_in("cheap") == "libcloud"


def test_which_permissions_a_driver_needs_is_not_known_here():
    with pytest.raises(Unsupported, match="stands in its cloud's own documentation"):
        registry.policy("libcloud:vultr")


def test_without_the_package_it_is_unsupported_with_the_command(monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("libcloud", "cloudlayer.providers.libcloud."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "libcloud", None)
    with pytest.raises(Unsupported, match=r"pip install 'cloudlayer\[libcloud\]'"):
        connect("libcloud:dummy")


def test_a_driver_whose_own_package_is_missing_says_so_when_it_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyVmomi", None)
    monkeypatch.setitem(sys.modules, "pyVim", None)
    monkeypatch.delitem(sys.modules, "libcloud.compute.drivers.vsphere", raising=False)
    provider = connect("libcloud:vsphere", host="h", username="u", password="hidden-secret")
    with pytest.raises(Unsupported, match="pyvmomi"):
        provider.compute.list()


def test_the_driver_that_is_named_is_imported_and_no_other():
    code = (
        "import sys, cloudlayer; cloudlayer.connect('libcloud:dummy');"
        "print([name for name in sys.modules if name.startswith('libcloud.compute.drivers.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['libcloud.compute.drivers.dummy']"


def test_native_is_libclouds_own_driver():
    dummy = connect("libcloud:dummy")
    assert dummy.native("compute") is dummy.native("compute")
    assert [node.name for node in dummy.native("compute").list_nodes()] == ["dummy-1", "dummy-2"]
