"""Transfers as processes of their own, to and from a server: killed while they are at it, and how much memory they take."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.objects_server import serving
from cloudlayer.storage.registry import connect
from cloudlayer.storage.transfers import download_file, upload_file
from cloudlayer.units import MIB
from tests.storage.transfers.stand_ins import Watched

CHILD = """
import itertools, json, os, signal, sys
from cloudlayer.storage.registry import connect
from cloudlayer.storage.transfers import copy_object, download_file, upload_file, upload_stream
from tests.storage.transfers.stand_ins import Watched

settings, what, path, die_at = json.loads(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
store = connect("s3", settings.pop("bucket"), "s3", settings)
if die_at:
    store = Watched(store)  # which holds more in memory than the store

begun = itertools.count(1)

def die():
    if next(begun) == die_at:
        os.kill(os.getpid(), signal.SIGKILL)

def peak():  # not that of getrusage, which begins with the peak of whoever started this process
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

def run():
    if "upload" in what:
        upload_file(store, "key", path)
    if "stream" in what:
        with open(path, "rb") as file:
            upload_stream(store, "stream", iter(lambda: file.read(1 << 20), b""))
    if "download" in what:
        download_file(store, "key", path)

with open(path + "-warm", "wb") as file:
    file.write(bytes(9 << 20))
upload_file(store, "warm", path + "-warm")
download_file(store, "warm", path + "-warm")
store.before_part = store.before_range = die
before = peak()
run()
print(peak() - before)
"""


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture
def settings(server):
    return {"endpoint": server.endpoint, "access_key": "any", "secret_key": "any", "region": "us-east-1"}


@pytest.fixture
def child(server, settings):
    """Run transfers in a process that dies as it begins a part; the kilobytes by which its memory grew."""

    def child(what, path, die_at=0):
        given = json.dumps(settings | {"bucket": server.bucket})
        command = [sys.executable, "-c", CHILD, given, what, str(path), str(die_at)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return child


@pytest.fixture
def store(server, settings):
    return Watched(connect("s3", server.bucket, "s3", settings))


SIZE, PARTS, AT_ONCE = 12 * 8 * MIB + 5, 13, 8


def test_a_killed_upload_sends_only_missing_parts_when_it_is_started_again(child, store, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(os.urandom(SIZE))
    assert child("upload", path, die_at=PARTS).returncode == -9
    assert [upload.key for upload in store.uploads()] == ["key"]
    upload_file(store, "key", path)
    assert len(store.parts) <= AT_ONCE
    assert (store.get("key") == path.read_bytes(), list(store.uploads())) == (True, [])


def test_a_killed_download_gets_only_missing_parts_when_it_is_started_again(child, store, tmp_path):
    path, data = tmp_path / "file", os.urandom(SIZE)
    path.write_bytes(data)
    upload_file(store, "key", path)
    path.write_bytes(b"old")
    assert child("download", path, die_at=PARTS).returncode == -9
    assert path.read_bytes() == b"old"
    store.ranges.clear()
    download_file(store, "key", path)
    assert len(store.ranges) <= AT_ONCE
    assert path.read_bytes() == data


@pytest.mark.parametrize("what", ["upload", "stream", "download"])
def test_memory_stays_flat_whatever_the_size(child, store, tmp_path, what):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(640 * MIB)
    if what == "download":
        upload_file(store, "key", path)
    ended = child(what, path)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) * 1024 <= 64 * MIB
