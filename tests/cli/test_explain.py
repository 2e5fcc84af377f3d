"""`cloudlayer explain`, with real fleets on the simulated cloud; and `plan --explain`."""

from dataclasses import replace

import pytest

from cloudlayer.fleet.service import Fleets
from cloudlayer.functions.manifest import load_manifest
from cloudlayer.scheduler import Demand, Eviction, Machine, Placement, Plan, Resident
from cloudlayer.units import GIB
from tests.cli.rows import buying, offer
from tests.cli.stand_ins import preview

HEAD = '[fleet]\nname = "seefood"\nproviders = ["simulated:sim-east"]\n'
SMALL = '[[function]]\nname = "nlp/Echo"\nversion = "1.0.0"\nsource = "echo"\nscale = { min = 2 }\n'
SHARE = (
    '[[function]]\nname = "vision/See"\nversion = "2.0.0"\nsource = "echo"\nscale = { min = 1 }\n'
    'resources = { cpu = 2.0, memory = "4GiB", gpu = { memory = "6GiB", compute = 0.25 } }\n'
)
GIANT = (
    '[[function]]\nname = "llm/Giant"\nversion = "0.1.0"\nsource = "echo"\nscale = { min = 3 }\n'
    'resources = { gpu = { memory = "200GiB" } }\n'
)


@pytest.fixture
def deployed(cloud, tmp_path):
    """Deploy a manifest of these functions; `runs` waits until it is as wanted."""

    def deployed(*functions, runs=True):
        (tmp_path / "echo").mkdir(exist_ok=True)
        (tmp_path / "echo" / "echo.py").write_text("def apply(input):\n    return input\n")
        path = tmp_path / "fleet.toml"
        path.write_text(HEAD + "".join(functions))
        with Fleets() as fleets:
            fleets.deploy(load_manifest(path))
            if runs:
                fleets.settle("seefood", progress=lambda _event: None)
            return str(path), fleets.replicas("seefood")

    return deployed


def paragraphs(outcome):
    """What is told of the first replica, by its heading."""
    return {each["about"]: each["text"] for each in outcome.document["replicas"][0]["why"]}


def test_a_replica_is_told_by_its_id_or_the_start_of_it(cli, deployed):
    _, replicas = deployed(SMALL, SHARE)
    replica = next(row for row in replicas if row.function == "vision/See")
    for name in (replica.id, replica.id[:8]):
        outcome = cli("explain", name)
        assert outcome.code == 0
        assert outcome.out.splitlines()[0] == f"vision/See/2.0.0 {replica.id[:8]}: ready on {replica.machine}"


def test_it_tells_what_was_decided_then_and_what_it_takes_now(cli, deployed):
    deployed(SMALL, SHARE)
    told = paragraphs(cli("explain", "vision/See", "--json"))
    assert "no machine that is there has room" in told["bought"]
    assert "1 wanted. It is the only machine there is" in told["started"]
    assert "2 of " in told["takes"]
    assert "6GiB of 24GiB (25 %) and 25 % of its compute" in told["takes"]
    assert told["beside it"] == "2 x nlp/Echo/1.0.0"
    assert told["machines"] == "It is the only machine there is."


def test_it_tells_what_excludes_offers_and_what_others_would_cost(cli, deployed):
    deployed(SMALL, SHARE)
    told = paragraphs(cli("explain", "vision/See", "--json"))
    assert "with too few GPUs" in told["offers"]
    assert "The cheapest for it alone is " in told["offers"]
    assert "USD/h" in told["offers"]


def test_it_tells_whether_consolidation_would_move_it(cli, deployed):
    deployed(SMALL)
    assert paragraphs(cli("explain", "nlp/Echo", "--json"))["consolidation"].startswith("it stays: ")


def test_a_function_stands_for_all_its_replicas(cli, deployed):
    deployed(SMALL, SHARE)
    document = cli("explain", "nlp/Echo", "--json").document
    assert [item["replica"]["function"] for item in document["replicas"]] == ["nlp/Echo"] * 2
    assert {item["replica"]["state"] for item in document["replicas"]} == {"ready"}
    assert document["replicas"][0]["choice"]["beside"] == [["nlp/Echo/1.0.0", 1], ["vision/See/2.0.0", 1]]
    assert cli("explain", "nlp/Echo/1.0.0").out.count("ready on") == 2


def test_everything_fits_a_terminal_of_eighty_columns(cli, deployed):
    manifest, _ = deployed(SMALL, SHARE)
    lines = cli("explain", "nlp/Echo").out.splitlines() + cli("explain", "vision/See").out.splitlines()
    assert len(lines) > 20
    assert max(map(len, lines)) <= 80
    explained = cli("plan", manifest, "--explain").out.partition("\n\n")[2]
    assert max(map(len, explained.splitlines()), default=0) <= 80


def test_a_function_without_a_place_is_told_the_reason_and_the_mend(cli, deployed):
    deployed(GIANT, runs=False)
    outcome = cli("explain", "llm/Giant")
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert text.startswith("llm/Giant/0.1.0: 3 replicas without a place")
    assert "with too little memory on a GPU" in text
    assert "lower resources.gpu.memory to 80GiB." in text
    (missing, *_) = cli("explain", "llm/Giant", "--json").document["unplaced"]
    assert missing["explanation"]["mends"] == ["lower resources.gpu.memory to 80GiB"]
    assert {each["constraint"] for each in missing["explanation"]["by_offer"]} >= {"gpu.memory", "gpu.count"}


def test_what_is_not_there_is_not_found(cli, deployed):
    deployed(SMALL, runs=False)
    outcome = cli("explain", "nothing/Such")
    assert outcome.code == 4
    assert outcome.err == "error: no replica or function of fleet seefood is nothing/Such: cloudlayer ps lists them\n"
    assert cli("explain", "nlp/Echo", "--fleet", "other").code == 4


def test_without_any_fleet_it_is_not_found_either(cli):
    assert cli("explain", "nlp/Echo").code == 4


def test_what_a_fleet_that_goes_away_has_left_is_still_told(cli, deployed):
    _, replicas = deployed(SMALL)
    with Fleets() as fleets:
        fleets.store.want("seefood", None, after=fleets.store.desired("seefood").generation, now=0.0)
    outcome = cli("explain", replicas[0].id)
    assert outcome.code == 0
    assert "started" in outcome.out
    assert "fleet seefood is being taken down" in outcome.err


def test_plan_explains_each_version_once_with_how_many_go_where(cli, fleets, manifest):
    fleets.previews = buying(0.5, 0.5, unplaced=2)
    outcome = cli("plan", manifest, "--explain")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert "nlp/Echo/1.0.0: 4 replicas" in lines
    assert "  2 on new-0 and 1 like it, to buy: small in here-a, on-demand, for 0.5000" in lines
    assert "  2 without a place." in lines
    assert "No GPU is on sale." in outcome.out
    assert "no place for" not in outcome.err


def test_plan_explains_in_json_each_replica_by_itself(cli, fleets, manifest):
    fleets.previews = buying(0.5, 0.5, unplaced=1)
    told = cli("plan", manifest, "--explain", "--json").document["explanation"]
    assert [(each["demand"], each["machine"]) for each in told["placed"]] == [("d0", "new-0"), ("d1", "new-1")]
    assert all(each["why"] for each in told["placed"] + told["unplaced"])
    assert told["unplaced"][0]["explanation"]["offers"] == 0
    assert "explanation" not in cli("plan", manifest, "--json").document


def test_a_plan_tells_who_must_end_for_whom(cli, fleets, manifest):
    low = Demand("r1", "a/Low/1.0.0", "a/Low", 1.0, GIB)
    high = Demand("d0", "a/High/1.0.0", "a/High", 1.0, GIB)
    there = Machine(
        "m1", "here-a", ("process",), "x86_64", 0.0, 0, GIB, (), ("a/Low",), ("a/Low/1.0.0",), residents=(Resident(low),)
    )
    plan = Plan((Placement("d0", "m1"),), evictions=(Eviction("r1", "m1", "room for a/High/1.0.0, whose priority is higher"),))
    shown = preview(plan, [high], kept={"m1": offer(0.5)})
    fleets.previews = replace(shown, machines=(there,))
    outcome = cli("plan", manifest)
    assert "1 x a/Low/1.0.0 on m1 must end: room for a/High/1.0.0, whose priority is higher" in outcome.err
    assert outcome.out.splitlines()[1].endswith("1 x a/High/1.0.0")
    assert cli("plan", manifest, "--json").document["evictions"][0]["function"] == "a/Low/1.0.0"


def test_what_is_there_is_shown_with_all_that_runs_on_it_and_what_is_being_emptied_apart(cli, fleets, manifest):
    residents = tuple(Resident(Demand(f"r{number}", "a/F/1.0.0", "a/F", 1.0, GIB)) for number in range(3))
    there = Machine("m1", "here-a", ("process",), "x86_64", 1.0, GIB, GIB, residents=residents[:2], offer=offer(0.5))
    going = Machine("m2", "here-a", ("process",), "x86_64", 1.0, GIB, GIB, residents=residents[2:], offer=offer(0.25))
    shown = preview(kept={"m1": offer(0.5)})
    told = "consolidation would empty m1: saves 0.50 USD/h, moves 2 replicas"
    fleets.previews = replace(shown, machines=(there,), emptying={"m2": going}, consolidation=told)
    outcome = cli("plan", manifest)
    assert [line.split()[:2] for line in outcome.out.splitlines()[1:]] == [["keep", "m1"], ["empty", "m2"]]
    assert [line.rpartition("  ")[2] for line in outcome.out.splitlines()[1:]] == ["2 x a/F/1.0.0", "1 x a/F/1.0.0"]
    assert "the fleet then costs 0.5000 USD/h" in outcome.err
    assert told in outcome.err.splitlines()
