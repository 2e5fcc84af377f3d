import io
import json
import os
import subprocess
import sys

import pytest

from cloudlayer.cli.data.progress import told
from cloudlayer.storage.bulk import Report
from cloudlayer.storage.stores.memory import _BUCKETS, _Bucket


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "folder"
    for name in ("a.txt", "b/c.txt", "b/d.csv"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(f"this is {name}")
    return path


@pytest.fixture
def bucket(tmp_path):
    """The URI of a store in memory, which lives as long as the process that runs the tests."""
    return f"memory://{tmp_path.name}"


VERBS = ["ls", "cat", "stat", "sign", "cp", "mv", "rm", "sync", "uploads"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_of_its_own(cli, verb):
    outcome = cli("data", verb, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: cloudlayer data {verb}")


def test_help_loads_no_library_of_a_store():
    code = "import sys\nfrom cloudlayer.cli.main import run\n"
    code += f"for verb in {VERBS}: run(['data', verb, '--help'])\n"
    code += "loaded = {name.partition('.')[0] for name in sys.modules}\n"
    code += "sys.exit(', '.join(loaded & {'boto3', 'obstore', 'google_crc32c', 'azure', 'dropbox', 'fsspec', 'asyncssh'}) or 0)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_file_goes_to_a_store_is_listed_shown_read_and_comes_back(cli, folder, bucket, tmp_path):
    copied = cli("data", "cp", str(folder / "a.txt"), f"{bucket}/x/", "--json")
    assert copied.document["target"] == f"{bucket}/x/a.txt"
    assert cli("data", "ls", bucket, "--json").document == [{"name": "x/"}]
    (listed,) = cli("data", "ls", f"{bucket}/x", "--json").document
    assert (listed["name"], listed["size"]) == ("a.txt", 13)
    assert cli("data", "stat", f"{bucket}/x/a.txt", "--json").document["size"] == 13
    assert cli("data", "cat", f"{bucket}/x/a.txt", f"{bucket}/x/a.txt").out == "this is a.txt" * 2
    assert cli("data", "cp", f"{bucket}/x/a.txt", str(tmp_path / "new" / "name")).code == 0
    assert (tmp_path / "new" / "name").read_text() == "this is a.txt"


def test_a_list_is_a_table_and_an_object_is_a_list_of_one(cli, folder, bucket):
    cli("data", "cp", "-r", str(folder), bucket)
    lines = cli("data", "ls", "-r", bucket).out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "a.txt", "b/c.txt", "b/d.csv"]
    assert cli("data", "ls", "-r", bucket, "--include", "*.csv").out.splitlines()[1].split()[:2] == ["b/d.csv", "15B"]
    assert cli("data", "ls", f"{bucket}/a.txt").out.splitlines()[1].startswith("a.txt")
    assert cli("data", "ls", str(folder)).out.splitlines()[1].split()[0] == "a.txt"
    missing = cli("data", "ls", f"{bucket}/none")
    assert (missing.code, "no object and no folder is there" in missing.err) == (4, True)
    assert cli("data", "ls", str(folder / "none")).code == 4


def test_streams_go_in_and_out(cli, bucket, monkeypatch, folder):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))
    assert cli("data", "cp", "-", f"{bucket}/x").code == 0
    assert cli("data", "cp", f"{bucket}/x", "-").out == "from a pipe"
    assert cli("data", "cp", str(folder / "a.txt"), "-").out == "this is a.txt"
    refused = cli("data", "cp", "-", f"{bucket}/x/")
    assert (refused.code, "name the object" in refused.err) == (2, True)
    assert cli("data", "mv", "-", f"{bucket}/x").code == 2


def test_a_move_leaves_nothing_behind(cli, folder, bucket):
    assert cli("data", "mv", str(folder / "a.txt"), f"{bucket}/a").code == 0
    assert not (folder / "a.txt").exists()
    assert cli("data", "mv", f"{bucket}/a", f"{bucket}/b").code == 0
    assert [row["name"] for row in cli("data", "ls", bucket, "--json").document] == ["b"]
    assert cli("data", "mv", "-r", str(folder), f"{bucket}/t").code == 0
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.fixture
def twice(tmp_path):
    """The URIs of one bucket by two accounts."""
    labels = [f"memory+{label}" for label in ("one", "two")]
    _BUCKETS[(labels[1], tmp_path.name)] = _BUCKETS[(labels[0], tmp_path.name)] = _Bucket()
    return [f"{label}://{tmp_path.name}" for label in labels]


def test_what_two_accounts_reach_is_not_lost_by_a_move(cli, folder, twice):
    one, other = twice
    cli("data", "cp", "-r", str(folder), f"{one}/t")
    refused = cli("data", "mv", f"{one}/t/a.txt", f"{other}/t/a.txt")
    assert (refused.code, "are one object: nothing was moved" in refused.err) == (7, True)
    refused = cli("data", "mv", "-r", f"{one}/t", f"{other}/t")
    assert (refused.code, "are one place" in refused.err) == (7, True)
    assert [row["name"] for row in cli("data", "ls", "-r", one, "--json").document] == ["t/a.txt", "t/b/c.txt", "t/b/d.csv"]
    assert cli("data", "mv", f"{one}/t/a.txt", f"{other}/a.txt").code == 0
    assert [row["name"] for row in cli("data", "ls", "-r", one, "--json").document] == ["a.txt", "t/b/c.txt", "t/b/d.csv"]


def test_what_is_there_stays_if_absent_is_wanted(cli, folder, bucket):
    assert cli("data", "cp", str(folder / "a.txt"), f"{bucket}/a", "--if-absent").code == 0
    assert cli("data", "cp", str(folder / "b" / "c.txt"), f"{bucket}/a", "--if-absent").code == 7
    assert cli("data", "cat", f"{bucket}/a").out == "this is a.txt"


def test_folders_need_r_and_what_is_no_place_is_told(cli, folder, bucket):
    for arguments in (("cp", str(folder), bucket), ("rm", str(folder)), ("cp", f"{bucket}/x/", str(folder))):
        outcome = cli("data", *arguments)
        assert (outcome.code, "is a folder: give -r" in outcome.err) == (2, True)
    assert cli("data", "cp", str(folder / "none"), bucket).code == 4
    assert cli("data", "cp", "ftp://host/x", str(folder)).code == 2
    assert cli("data", "cp", str(folder / "a.txt"), str(folder / "a.txt")).code == 2
    assert cli("data", "rm", f"{bucket}/none").code == 4


def test_a_sync_tells_what_it_moved_and_then_moves_nothing(cli, folder, bucket, tmp_path):
    first = cli("data", "sync", str(folder), f"{bucket}/t", "--json")
    assert (first.code, first.document["copied"], first.document["failures"]) == (0, 3, [])
    assert cli("data", "sync", str(folder), f"{bucket}/t").out == "0 copied, 3 the same; 0 bytes moved\n"
    assert cli("data", "sync", f"{bucket}/t", str(tmp_path / "back")).code == 0
    assert (tmp_path / "back" / "b" / "c.txt").read_text() == "this is b/c.txt"


def test_a_dry_run_shows_names_and_reasons(cli, folder, bucket):
    shown = cli("data", "sync", str(folder), bucket, "--dry-run")
    assert [line.split()[0] for line in shown.out.splitlines()] == ["NAME", "a.txt", "b/c.txt", "b/d.csv", "would"]
    document = cli("data", "sync", str(folder), bucket, "--dry-run", "--json").document
    assert document["dry_run"][0] == {"name": "a.txt", "why": "new"}
    assert cli("data", "ls", bucket, "--json").document == []


def test_deleting_shows_first_and_asks_or_is_refused(cli, folder, bucket):
    cli("data", "cp", str(folder / "a.txt"), f"{bucket}/surplus")
    refused = cli("data", "sync", str(folder), bucket, "--delete")
    assert (refused.code, "give --yes" in refused.err) == (3, True)
    assert [row["name"] for row in cli("data", "ls", bucket, "--json").document] == ["surplus"]
    agreed = cli("data", "sync", str(folder), bucket, "--delete", "--yes")
    assert (agreed.code, agreed.out.splitlines()[1].split()[:2]) == (0, ["surplus", "13B"])
    assert "3 copied, 1 deleted" in agreed.out


def test_rm_of_a_folder_shows_first_and_asks_or_is_refused(cli, folder, bucket):
    cli("data", "cp", "-r", str(folder), f"{bucket}/t")
    assert cli("data", "rm", "-r", f"{bucket}/t").code == 3
    dry = cli("data", "rm", "-r", f"{bucket}/t", "--dry-run")
    assert (dry.code, "would be: 0 copied, 3 deleted" in dry.out) == (0, True)
    assert cli("data", "rm", "-r", f"{bucket}/t", "--yes", "--json").document["deleted"] == 3
    assert cli("data", "rm", "-r", f"{bucket}/t", "--yes").code == 4
    assert cli("data", "rm", "-r", str(folder / "b"), "--yes", "--json").document["deleted"] == 2
    assert (folder / "a.txt").exists()


def test_rm_of_a_whole_store_is_refused_before_anything_is_deleted(cli, folder, bucket):
    cli("data", "cp", "-r", str(folder), f"{bucket}/t")
    for whole in (bucket, f"{bucket}/", "file:///"):
        for more in (["--yes"], ["--dry-run"], []):
            refused = cli("data", "rm", "-r", f"{bucket}/t", whole, *more)
            assert refused.code == 2 if more else refused.code in {2, 3}
    assert "is a whole store: name a folder" in cli("data", "rm", "-r", bucket, "--yes").err
    assert len(cli("data", "ls", "-r", bucket, "--json").document) == 3


def test_single_objects_are_deleted_by_name(cli, folder, bucket):
    cli("data", "cp", "-r", str(folder), bucket)
    assert cli("data", "rm", f"{bucket}/a.txt", f"{bucket}/b/c.txt", "--json").document["deleted"] == [
        f"{bucket}/a.txt",
        f"{bucket}/b/c.txt",
    ]
    assert [row["name"] for row in cli("data", "ls", "-r", bucket, "--json").document] == ["b/d.csv"]


def test_one_that_fails_is_told_and_gives_the_exit_code_of_a_failure(cli, folder, bucket):
    (folder / "link").symlink_to(folder / "b")
    outcome = cli("data", "sync", str(folder), bucket)
    assert (outcome.code, "3 copied, 1 failed" in outcome.out) == (1, True)
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ") and "/link" in line and "symbolic link" in line


def test_what_cannot_be_signed_says_why(cli, bucket, folder):
    outcome = cli("data", "sign", f"{bucket}/a")
    assert (outcome.code, "memory" in outcome.err) == (8, True)
    assert cli("data", "sign", f"{bucket}/a", "--method", "EAT").code == 2
    assert cli("data", "sign", f"{bucket}/a", "--expires", "soon").code == 2


def test_uploads_that_never_ended_are_listed_and_thrown_away(cli, bucket, tmp_path):
    from cloudlayer.storage.registry import connect

    store = connect("memory", tmp_path.name, "memory", {})
    upload = store.upload("t/large", size=10**9)
    upload.part(1, bytes(upload.part_size))
    (row,) = cli("data", "uploads", bucket, "--json").document
    assert (row["key"], row["id"]) == ("t/large", upload.id)
    assert cli("data", "uploads", f"{bucket}/t", "--older-than", "1h", "--json").document == []
    assert cli("data", "uploads", bucket, "--clean").code == 3
    cleaned = cli("data", "uploads", bucket, "--clean", "--yes")
    assert (cleaned.code, "t/large" in cleaned.out, list(store.uploads())) == (0, True, [])


def test_paths_are_taken_as_they_are_from_where_the_command_runs(cli, folder, bucket, monkeypatch):
    monkeypatch.chdir(folder / "b")
    assert cli("data", "cp", "../a.txt", f"{bucket}/a").code == 0
    assert cli("data", "cp", "./c.txt", f"{bucket}/c").code == 0
    assert json.loads(cli("data", "ls", ".", "--json").out)[0]["name"] == "c.txt"


def test_a_report_is_one_line():
    report = Report(copied=1, kept=1200, markers=2, failed=3, bytes=5 * 2**20)
    assert told(report) == "1 copied, 1,200 the same, 2 markers of folders left out, 3 failed; 5MiB moved"


@pytest.fixture(autouse=True)
def no_colours(monkeypatch):
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
