from types import SimpleNamespace

import pytest

from cloudlayer.errors import NotFound
from cloudlayer.resources import Instance, InstanceState
from cloudlayer.units import GIB

SHOP = """
from datetime import date
from types import SimpleNamespace
from cloudlayer.resources import MachineType, Offer, Price

def offer(name, amount, cpu):
    price = None if amount is None else Price(amount, "USD", "list", date(2026, 1, 1))
    return Offer("shop", "here", "here-a", MachineType(name, cpu, 4 * 1024**3), "on_demand", price)

offers = [offer("free", 0.0, 1), offer("cheap", 0.25, 4), offer("unknown", None, 64)]
return SimpleNamespace(name="shop", region="here", compute=SimpleNamespace(offers=lambda: offers))
""".strip()


@pytest.fixture
def cloud(monkeypatch, fleets, plug_in):
    """A provider called shop, and the machines that were made there."""
    plug_in("shop", SHOP)
    seen = SimpleNamespace(made=[], spec=None, asked=None, deleted=None)

    def create(_fleets, provider, spec, *, count=1):
        seen.spec, seen.asked = spec, (provider, count)
        seen.made += [
            Instance(f"i-{number}", "shop", "here", "here-a", InstanceState.PENDING, "free", name=spec.name, labels={"a": "b"})
            for number in range(count)
        ]
        return seen.made

    def listed(_fleets, provider):
        seen.asked = provider
        return seen.made

    def show(_fleets, id):
        for instance in seen.made:
            if instance.id == id:
                return instance
        raise NotFound(f"no machine of ours is called {id}")

    def delete(_fleets, ids):
        seen.deleted = ids

    for function in (create, listed, show, delete):
        monkeypatch.setattr(f"cloudlayer.fleet.instances.{function.__name__}", function)
    return seen


def test_a_machine_that_costs_nothing_is_made_without_a_question(cli, cloud):
    outcome = cli("instance", "create", "--provider", "shop:here", "--cpu", "1", "--json")
    assert outcome.code == 0
    assert [item["id"] for item in outcome.document] == ["i-0"]
    assert cloud.asked == ("shop:here", 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--cpu", "2"], "1 x cheap (on_demand) of shop:here for 0.2500 USD/h?"),
        (["--cpu", "2", "--count", "3"], "3 x cheap (on_demand) of shop:here for 0.7500 USD/h?"),
        (["--machine-type", "unknown"], "for 1 machine of unknown price?"),
    ],
)
def test_a_machine_that_costs_or_may_cost_is_refused_where_nobody_can_be_asked(cli, cloud, arguments, told):
    outcome = cli("instance", "create", "--provider", "shop", *arguments)
    assert outcome.code == 3
    assert told in outcome.err
    assert cloud.made == []


def test_what_nobody_sells_is_told_with_where_to_look(cli, cloud):
    outcome = cli("instance", "create", "--provider", "shop", "--gpu", "H100", "--yes")
    assert outcome.code == 2
    assert "cloudlayer offers lists what there is" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--machine-type", "chaep"], "no machine type is called chaep; near to it are cheap: cloudlayer offers lists"),
        (["--machine-type", "zzz"], "no machine type is called zzz: cloudlayer offers lists"),
        (["--zone", "here-z"], "no offer is in zone here-z; there are here-a: cloudlayer offers lists"),
        (["--cpu", "1000"], "no offer has what is asked for: cloudlayer offers lists"),
    ],
)
def test_the_wish_that_nobody_fulfils_is_told(cli, cloud, arguments, told):
    outcome = cli("instance", "create", "--provider", "shop", *arguments, "--yes")
    assert outcome.code == 2
    assert told in outcome.err


def test_yes_agrees_and_the_price_is_told(cli, cloud):
    outcome = cli("instance", "create", "--provider", "shop", "--cpu", "2", "--count", "2", "--yes")
    assert outcome.code == 0
    assert outcome.err == "2 x cheap (on_demand) of shop:here, cheapest 0.5000 USD/h\n"
    assert [line.split()[0] for line in outcome.out.splitlines()] == ["ID", "i-0", "i-1"]


def test_every_option_reaches_the_spec(cli, cloud, tmp_path, monkeypatch):
    script = tmp_path / "start.sh"
    script.write_text("#!/bin/sh\n")
    monkeypatch.setattr("cloudlayer.fleet.instances.cheapest", lambda offers, spec: next(iter(offers)))
    what = ["--gpu", "L4", "--gpu-memory", "16GiB", "--gpu-count", "2", "--cpu", "0.5", "--memory", "4GiB", "--zone", "here-a"]
    how = ["--image", "ubuntu-22.04", "--spot", "--name", "box", "--label", "a=b=c", "--label", "d=", "--public-address"]
    more = ["--disk", "10GiB", "--disk", "1TiB", "--user-data", str(script)]
    ports = ["--open-port", "443:0.0.0.0/0", "--open-port", "53/udp:fd00::/8"]
    assert cli("instance", "create", "--provider", "shop", *what, *how, *more, *ports, "--yes").code == 0
    spec = cloud.spec
    assert (spec.gpu, spec.gpu_memory, spec.gpu_count, spec.cpu, spec.memory) == ("L4", 16 * GIB, 2, 0.5, 4 * GIB)
    assert (spec.image, spec.zone, spec.purchase, spec.name) == ("ubuntu-22.04", "here-a", "spot", "box")
    assert (spec.labels, spec.user_data, spec.public_address) == ({"a": "b=c", "d": ""}, "#!/bin/sh\n", True)
    assert [disk.size for disk in spec.disks] == [10 * GIB, 1024 * GIB]
    openings = [(rule.port, rule.protocol, rule.source) for rule in spec.open_ports]
    assert openings == [(443, "tcp", "0.0.0.0/0"), (53, "udp", "fd00::/8")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--memory", "16GB"], "instance.memory: "),
        (["--name", "Not A Name"], "instance.name: "),
        (["--cpu", "-1"], "instance.cpu: "),
        (["--label", "a"], '--label: "a" is no label: write KEY=VALUE'),
        (["--open-port", "443"], '--open-port: "443" is no opening'),
        (["--open-port", "443/icmp:0.0.0.0/0"], "instance.open_ports[0].protocol: "),
        (["--open-port", "70000:0.0.0.0/0"], "instance.open_ports[0].port: "),
        (["--user-data", "/no/such/file"], "--user-data: /no/such/file: No such file"),
    ],
)
def test_a_fault_is_told_with_its_place_before_anything_is_asked(cli, cloud, arguments, told):
    outcome = cli("instance", "create", "--provider", "shop", "--yes", *arguments)
    assert outcome.code == 2
    assert told in outcome.err
    assert cloud.spec is None


def test_a_provider_must_be_named(cli, cloud):
    assert cli("instance", "create", "--cpu", "1").code == 2


def test_the_machines_of_all_providers_or_of_one_are_listed(cli, cloud):
    cli("instance", "create", "--provider", "shop", "--count", "2", "--json")
    assert [item["id"] for item in cli("instance", "list", "--json").document] == ["i-0", "i-1"]
    assert cloud.asked is None
    cli("instance", "list", "--provider", "shop:here")
    assert cloud.asked == "shop:here"


def test_one_machine_is_shown_with_all_that_is_known(cli, cloud):
    cli("instance", "create", "--provider", "shop", "--name", "box")
    assert cli("instance", "show", "i-0", "--json").document["labels"] == {"a": "b"}
    lines = {tuple(line.split()) for line in cli("instance", "show", "i-0").out.splitlines()}
    assert {("name", "box"), ("state", "pending"), ("labels", "a=b")} <= lines


def test_machines_are_shown_before_they_are_deleted_and_not_without_a_yes(cli, cloud):
    cli("instance", "create", "--provider", "shop", "--count", "2")
    outcome = cli("instance", "delete", "i-1", "i-0", "i-1")
    assert outcome.code == 3
    assert "Delete 2 machines?" in outcome.err
    assert cloud.deleted is None
    assert cli("instance", "delete", "i-1", "i-0", "i-1", "--yes", "--json").document == {"deleted": ["i-1", "i-0"]}
    assert cloud.deleted == ["i-1", "i-0"]


def test_where_one_of_several_is_not_there_none_is_deleted(cli, cloud):
    cli("instance", "create", "--provider", "shop")
    assert cli("instance", "delete", "i-0", "i-9", "--yes").code == 4
    assert cloud.deleted is None
