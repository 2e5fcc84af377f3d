"""A run is killed at any point, started again, and ends as if nothing had been; against a server of its own, as processes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from benchmarks.objects_server import serving
from cloudlayer.errors import NotFound
from cloudlayer.storage.bulk import Tree, sync
from cloudlayer.storage.registry import connect
from tests.storage.bulk.contents import in_folder, in_tree

SETTINGS = {"access_key": "any", "secret_key": "any", "region": "us-east-1"}
SYNC = "import sys; from cloudlayer.cli.main import run; sys.exit(run(['data', 'sync', *sys.argv[1:]]))"
FEW, MANY = 1500, 100_000
NUMBERS = [FEW, pytest.param(MANY, marks=[pytest.mark.objects, pytest.mark.timeout(600)])]


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture
def bucket(server, tmp_path, monkeypatch):
    settings = SETTINGS | {"endpoint": server.endpoint}
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    (tmp_path / "config.toml").write_text("\n".join(["[stores.s3]", *lines]))
    (tmp_path / "config.toml").chmod(0o600)
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(tmp_path / "config.toml"))
    return Tree.at(connect("s3", server.bucket, "s3", settings), tmp_path.name)


@pytest.fixture
def room(tmp_path):
    """A folder in memory, where the system has such: it is objects that are to be many here, not writes to a disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else tmp_path) as path:
        yield Path(path)


def name_of(number):
    return f"{number // 1000:03}/{number % 1000:03}.txt"


def fill(folder, number):
    for at in range(number):
        path = folder / name_of(at)
        if at % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"%d " % at * (at % 50))


def killed(source, target, has_enough):
    """Sync as a process that is killed once the target has enough; whether it was killed before it ended."""
    process = subprocess.Popen([sys.executable, "-c", SYNC, source, target], stdout=subprocess.DEVNULL)
    while process.poll() is None and not has_enough():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def count(tree):
    return sum(len(page.objects) for page in tree.store.list(tree.prefix))


def has(tree, name):
    try:
        return bool(tree.store.head(tree.prefix + name))
    except NotFound:
        return False


def count_files(folder):
    return sum(len([name for name in names if not name.startswith(".")]) for _, _, names in os.walk(folder))


@pytest.mark.parametrize("number", NUMBERS)
def test_killed_again_and_again_it_ends_equal_there_and_back(bucket, files, room, number):
    source, back = room / "source", room / "back"
    fill(source, number)
    here, there = Tree.at(files, str(source)[1:]), Tree.at(files, str(back)[1:])
    for part in (5, 2):
        assert killed(str(source), bucket.uri, lambda part=part: has(bucket, name_of(number // part)))
    arrived = count(bucket)
    report = sync(here, bucket)
    assert (report.failed, report.copied + report.kept) == (0, number)
    assert report.kept >= arrived * 0.9  # those of the last moment may be looked at as not known, and sent again
    for part in (5, 2):
        assert killed(bucket.uri, str(back), lambda part=part: (back / name_of(number // part)).exists())
    arrived = count_files(back)
    report = sync(bucket, there)
    assert (report.failed, report.copied + report.kept) == (0, number)
    assert report.kept >= arrived * 0.9
    assert in_folder(source) == {name: data for name, data in in_folder(back).items() if ".cloudlayer-upload-" not in name}
    for one, other in ((here, bucket), (bucket, there)):
        assert (sync(one, other).copied, sync(one, other).kept) == (0, number)


def test_what_is_there_after_a_kill_is_whole(bucket, files, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for number in range(40):
        (source / str(number)).write_bytes(os.urandom(300_000))
    assert killed(str(source), bucket.uri, lambda: count(bucket) >= 5)
    there = in_tree(bucket)
    assert there == {name: data for name, data in in_folder(source).items() if name in there}
    assert sync(Tree.at(files, str(source)[1:]), bucket).failed == 0
    assert in_tree(bucket) == in_folder(source)
