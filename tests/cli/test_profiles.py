"""Named profiles in a configuration file: a name of the user's own stands wherever a provider is named."""

import pytest

from cloudlayer import connect
from cloudlayer.cli.connections import chosen
from cloudlayer.errors import CapacityError, InvalidSpec, Unsupported
from cloudlayer.fleet.clouds import canonical
from cloudlayer.providers import registry
from cloudlayer.providers.simulated import Fault
from cloudlayer.resources import InstanceSpec

TOKEN = "7a0a2b44-5a4e-4ae2-9a55-0f2c1f4a9a01"


@pytest.fixture
def configure(cli, tmp_path, monkeypatch):
    """Write a configuration file, for its owner alone unless `mode` says otherwise."""

    def configure(text, mode=0o600):
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(mode)
        monkeypatch.setenv("CLOUDLAYER_CONFIG", str(path))
        return path

    return configure


@pytest.fixture
def work(configure, tmp_path, cloud):
    """A profile "work" of the simulated cloud, in its second region."""
    configure(
        f'[providers.work]\nprovider = "simulated"\nregion = "sim-west"\nfile = "{tmp_path}/world.json"\nclock = "real"\n'
    )
    return cloud


def test_a_profile_connects_its_provider_in_its_region_or_in_another(work):
    assert (connect("work").name, connect("work").region) == ("work", "sim-west")
    assert connect("work:sim-east").region == connect("work", region="sim-east").region == "sim-east"
    assert canonical(connect("work")) == "work:sim-west"


def test_all_that_it_answers_leads_back_to_it(work):
    provider = connect("work")
    offers = provider.compute.offers()
    assert {offer.provider for offer in offers} == {provider.capabilities.provider} == {"work"}
    made = provider.compute.create(InstanceSpec(machine_type="cpu-2"), token=TOKEN)
    assert made.provider == "work"
    assert {one.provider for one in provider.compute.list()} == {"work"}
    assert provider.compute.wait(made, "running").provider == "work"
    assert provider.native("world").instances()[0].provider == "simulated"


def test_its_errors_bear_its_name_and_what_to_avoid_does_too(work):
    work.inject(Fault("no_capacity", times=None))
    answer = connect("work").compute.create_batch([InstanceSpec(machine_type="cpu-2", zone="sim-west-a")], token=TOKEN)[0]
    assert isinstance(answer, CapacityError)
    assert answer.provider == "work"
    assert answer.avoid is not None
    assert answer.avoid.provider == "work"
    with pytest.raises(Unsupported) as raised:
        connect("work").native("moon")
    assert str(raised.value).startswith("work: ")


def test_fleets_and_commands_take_it_as_any_other(cli, work, tmp_path):
    made = cli("instance", "create", "--provider", "work", "--machine-type", "cpu-2", "--yes", "--json")
    assert made.code == 0
    assert [one["provider"] for one in cli("instance", "list", "--provider", "work:sim-west", "--json").document] == ["work"]
    assert work.instances()[0].region == "sim-west"
    assert cli("instance", "delete", "m1", "--yes").code == 0
    (tmp_path / "echo").mkdir()
    (tmp_path / "fleet.toml").write_text(
        '[fleet]\nname = "seefood"\nproviders = ["work"]\n'
        '[[function]]\nname = "nlp/Echo"\nversion = "1.0.0"\nsource = "echo"\nscale = { min = 1 }\n'
    )
    plan = cli("plan", str(tmp_path / "fleet.toml"), "--json")
    assert plan.code == 0
    assert "work" in plan.out


def test_profiles_are_listed_beside_what_is_installed(cli, configure, tmp_path):
    configure(f'[providers.mine]\nprovider = "local"\nstate = "{tmp_path}/mine"\n')
    assert registry.known_names() == sorted([*registry.provider_names(), "mine"])
    assert "mine" in {one["provider"] for one in cli("providers", "--json").document}
    assert cli("offers", "--provider", "mine").code == 0


def test_a_profile_by_the_name_of_its_provider_sets_its_defaults(configure, tmp_path):
    configure(f'[providers.local]\nstate = "{tmp_path}/other"\n')
    provider = connect("local")
    assert provider.name == "local"
    provider.compute.create(InstanceSpec(cpu=0.01, memory="1MiB"), token=TOKEN)
    assert (tmp_path / "other").is_dir()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[providers.work", "is not TOML"),
        ("[provider.work]", "provider: unknown key; known here: providers"),
        ("[providers.Work]", "a name that some cloud refuses"),
        ("[providers.work]\nprovider = 3", "providers.work.provider"),
        ('[providers.work]\nprovider = "cumulus"', 'providers.work: no provider is called "cumulus"'),
        ('[providers.work]\nprovider = "simulated"\ncolour = "red"', "providers.work: "),
        ('[providers.work]\nprovider = "simulated"\nregion = "mars"', "providers.work: "),
        ('[providers.aws]\nprovider = "simulated"', "this name is a provider's own and cannot stand for"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_place(configure, text, told):
    path = configure(text)
    with pytest.raises(InvalidSpec) as raised:
        connect("aws" if "providers.aws" in text else "work")
    assert str(path) in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize("option", ['secret_access_key = "s3"', 'auth = { password = "s3" }', 'session_token = "s3"'])
def test_a_file_with_a_secret_is_refused_where_others_can_read_it(configure, option):
    text = f'[providers.work]\nprovider = "aws"\n{option}\n'
    path = configure(text, 0o640)
    with pytest.raises(InvalidSpec, match=f"others can read it.*chmod 600 {path}") as raised:
        connect("work")
    assert "s3" not in str(raised.value)


def test_a_file_without_a_secret_may_be_read_by_others(configure, tmp_path):
    configure(f'[providers.mine]\nprovider = "local"\nstate = "{tmp_path}/mine"\n', 0o644)
    assert connect("mine").name == "mine"


def test_a_file_that_is_named_and_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(InvalidSpec, match=r"none\.toml is not there"):
        connect("local")


def test_without_a_file_there_are_no_profiles(monkeypatch, tmp_path):
    monkeypatch.delenv("CLOUDLAYER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registry.known_names() == registry.provider_names()
    folder = tmp_path / ".config" / "cloudlayer"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[providers.mine]\nprovider = "local"\n')
    assert "mine" in registry.known_names()


def test_an_sdk_that_is_not_installed_is_named_and_a_defect_is_not_taken_for_one(plug_in, tmp_path):
    plug_in("shop", "pass", more="import cumulus_sdk")
    with pytest.raises(ModuleNotFoundError, match="cumulus_sdk"):
        connect("shop")
    metadata = tmp_path / "plug_in_shop" / "plug_in_shop-1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + 'Requires-Dist: cumulus-sdk>=1; extra == "shop"\n')
    with pytest.raises(Unsupported, match="needs the package cumulus_sdk: pip install"):
        connect("shop")


def test_of_a_plug_in_that_is_many_providers_those_are_taken_that_are_chosen(configure, plug_in):
    plug_in("many", "return None", more='OPTION = "driver"')
    configure('[providers.shop]\nprovider = "many"\ndriver = "one"\n[providers.stall]\nprovider = "many"\n')
    taken = chosen(None)
    assert "shop" in taken
    assert not {"many", "stall"} & {*taken}
    assert chosen(["many:two"]) == ["many:two"]
    configure('[providers.many]\ndriver = "one"\n')
    assert "many" in chosen(None)


def test_a_profile_of_a_plug_in_that_is_not_installed_is_told_of_and_hides_no_other(configure, cli):
    configure('[providers.gone]\nprovider = "missing"\n')
    outcome = cli("offers", "--provider", "gone", "--provider", "simulated", "--json")
    assert outcome.code == 0
    assert "gone is left out: " in outcome.err
    assert "gone" in chosen(None)
