"""The table says what a run found, and nothing more."""

import subprocess
import sys

import pytest

from cloudlayer.testing import matrix, results

SUITES = '''
import pytest

from cloudlayer.providers.simulated import World
from cloudlayer.providers.simulated.storage import SimulatedStorage
from cloudlayer.testing import ProviderConformance, StorageConformance


class Stiff(SimulatedStorage):
    """Grows no volume."""

    def grow(self, id, size, *, deadline=None):
        return self.get(id, deadline=deadline)


class OnAWorld:
    proof = "stub"

    @pytest.fixture
    def provider(self):
        provider = World().connect()
        provider._storage = Stiff(provider.capabilities, provider.region, provider.world)
        return provider


class TestProvider(OnAWorld, ProviderConformance):
    pass


class TestStorage(OnAWorld, StorageConformance):
    pass


class TestTypes(OnAWorld, StorageConformance):
    proof = "emulator"
'''
CHOSEN = "declared or TestStorage and (grows or attached_and_detached) or TestTypes and type_that_was_asked_for"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "test_it.py").write_text(SUITES)
    options = ["-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "error::pytest.PytestWarning", "-k", CHOSEN]
    command = [sys.executable, "-m", "pytest", "--rootdir", folder, folder, *options, "--junit-xml", folder / "report.xml"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (folder / "report.xml").exists(), ran.stdout + ran.stderr
    return folder / "report.xml"


def rows(report):
    lines = matrix.table(results.read([report])).splitlines()
    return dict(line.strip("|").rsplit("|", 1) for line in lines if line.startswith("|"))


def test_each_capability_says_what_its_tests_found(report):
    found = {name.strip(): cell.strip() for name, cell in rows(report).items()}
    assert found[""] == "simulated"
    assert found["*proof*"] == "*stub*"
    assert found["**Storage**"] == "yes"
    assert found["types"] == "yes (emulator)"
    assert found["grow"] == "fails its tests"
    assert found["spot"] == "declared, not tested"


def test_each_interface_says_how_many_of_its_promises_are_kept(report, tmp_path):
    found = {name.strip(): cell.strip() for name, cell in rows(report).items()}
    assert found["Storage"].endswith(" broken")
    assert found["Compute"] == "none"
    kept = tmp_path / "kept.xml"
    said = '<property name="provider" value="p"/><property name="interface" value="compute"/>'
    cases = "".join(f'<testcase name="{name}"><properties>{said}</properties></testcase>' for name in ("runs", "stops"))
    kept.write_text(f"<testsuites>{cases}</testsuites>")
    assert "| Compute | 2 kept |" in matrix.table(results.read([kept]))


def test_what_is_missing_has_its_reason_once(report):
    made = matrix.table(results.read([report]))
    engines = [line for line in made.splitlines() if line.startswith(("| engine docker |", "| engine process |"))]
    assert len(engines) == 2
    assert len({line.rpartition("no (")[2] for line in engines}) == 1
    assert made.count("use the simulated engine") == 1


def case(name, said, value, ended=""):
    said = f'<property name="provider" value="p"/><property name="{said}" value="{value}"/>'
    return f'<testcase name="{name}"><properties>{said}</properties>{ended}</testcase>'


def test_of_a_test_that_was_run_again_the_last_run_counts(tmp_path):
    files = [tmp_path / name for name in ("first.xml", "again.xml", "elsewhere.xml")]
    for path, ended in zip(files, ("<failure/>", "", "<skipped/>"), strict=True):
        path.write_text(f"<testsuites>{case('runs', 'proves', 'spot', ended)}</testsuites>")
    for given, outcome in ((files, "passed"), (files[:1], "failed"), (files[2:], "skipped")):
        (column,) = results.read(given)
        assert column.outcomes["spot"] == {"": {outcome: 1}}


def test_a_reason_gives_way_to_a_proof(tmp_path):
    cases = [case("runs", "proves", "engine:docker"), case("is_looked_at", "declares", "engine:docker: no daemon")]
    for number, order in enumerate((cases, cases[::-1])):
        path = tmp_path / f"{number}.xml"
        path.write_text(f"<testsuites>{''.join(order)}</testsuites>")
        (column,) = results.read([path])
        assert column.declared == {"engine:docker": ""}


def test_the_table_is_written_and_checked_in_its_place(report, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- capabilities -->\nold\n<!-- /capabilities -->\nafter\n")
    with pytest.raises(SystemExit) as caught:
        matrix.main([str(report), "--check", str(readme)])
    assert "out of date" in caught.value.code
    matrix.main([str(report), "--write", str(readme)])
    matrix.main([str(report), "--check", str(readme)])
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text


def test_stores_have_a_table_of_their_own(report, tmp_path):
    said = '<property name="provider" value="s3"/><property name="interface" value="objects"/>'
    proved = f'<testcase name="signs"><properties>{said}<property name="proves" value="sign"/></properties></testcase>'
    lacked = (
        f'<testcase name="says"><properties>{said}<property name="declares" value="tags: it has none"/></properties></testcase>'
    )
    (tmp_path / "stores.xml").write_text(f"<testsuites>{proved}{lacked}</testsuites>")
    readme = tmp_path / "README.md"
    before = "<!-- capabilities -->\nof providers\n<!-- /capabilities -->\n<!-- objects -->\n<!-- /objects -->\n"
    readme.write_text(before)
    matrix.main([str(tmp_path / "stores.xml"), "--write", str(readme)])
    text = readme.read_text()
    assert "of providers" in text
    for row in (
        "| promises | 2 kept |",
        "| sign | yes |",
        "| tags | no (1) |",
        "| resume | not declared |",
        "1. s3: it has none",
    ):
        assert f"{row}\n" in text
    matrix.main([str(report), str(tmp_path / "stores.xml"), "--write", str(readme)])
    assert "simulated" in readme.read_text().split("<!-- objects -->")[0]
    assert text.split("<!-- objects -->")[1] == readme.read_text().split("<!-- objects -->")[1]


def test_a_file_without_a_place_for_it_is_left_alone(report, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no marks\n")
    with pytest.raises(SystemExit) as caught:
        matrix.main([str(report), "--write", str(readme)])
    assert "put the lines" in caught.value.code
    assert readme.read_text() == "no marks\n"


def test_results_without_a_promise_are_refused(tmp_path):
    empty = tmp_path / "empty.xml"
    empty.write_text('<testsuites><testcase name="test_it"/></testsuites>')
    with pytest.raises(SystemExit) as caught:
        matrix.main([str(empty)])
    assert "no promise" in caught.value.code
