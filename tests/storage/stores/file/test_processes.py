"""file:///: many processes that write to one file lose nothing, and one that is killed leaves nothing half."""

import multiprocessing
import os
import random

from cloudlayer.errors import (
    AlreadyExists,
    Changed,
)
from cloudlayer.storage import registry
from cloudlayer.storage.objects import PutOptions

FORK = multiprocessing.get_context("fork")


def count(key):
    """Count to 25 in a file, over what others count there."""
    store, done = registry.connect("file", "", "file", {}), 0
    while done < 25:
        info = store.head(key)
        try:
            value = int(store.get(key, if_match=info.etag))
            store.put(key, b"%d" % (value + 1), PutOptions(if_match=info.etag))
            done += 1
        except Changed:
            pass


def first(key, begin, firsts):
    """Want to be the first."""
    begin.wait()
    try:
        registry.connect("file", "", "file", {}).put(key, str(os.getpid()).encode(), PutOptions(if_absent=True))
        firsts.put(os.getpid())
    except AlreadyExists:
        firsts.put(None)


def write_on(key, begun):
    """Write one content or the other, for ever."""
    store = registry.connect("file", "", "file", {})
    begun.set()
    while True:
        for letter in b"ab":
            store.put(key, bytes([letter]) * 4_000_000)


def started(target, *arguments):
    process = FORK.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def test_four_processes_that_count_under_if_match_lose_nothing(store, root):
    store.put(f"{root}count", b"0")
    processes = [started(count, f"{root}count") for _ in range(4)]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert store.get(f"{root}count") == b"100"


def test_no_swap_undoes_a_plain_put_that_came_after_its_look(store, root):
    store.put(f"{root}count", b"0")
    counting = started(count, f"{root}count")
    while counting.is_alive():
        store.put(f"{root}count", b"1000")
        assert int(store.get(f"{root}count")) >= 1000
    assert counting.exitcode == 0


def test_of_four_processes_that_want_to_be_first_one_is(store, root):
    begin, firsts = FORK.Event(), FORK.Queue()
    processes = [started(first, f"{root}first", begin, firsts) for _ in range(4)]
    begin.set()
    won = [told for _ in processes if (told := firsts.get(timeout=60)) is not None]
    assert [str(pid).encode() for pid in won] == [store.get(f"{root}first")]


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one_and_what_can_be_thrown_away(store, root):
    chance = random.Random(7)
    for _ in range(12):
        begun = FORK.Event()
        writer = started(write_on, f"{root}x", begun)
        assert begun.wait(60)
        writer.join(chance.uniform(0.005, 0.06))
        writer.kill()
        writer.join(60)
        there = [info.key for page in store.list(root) for info in page.objects]
        assert there in ([], [f"{root}x"])
        if there:
            assert store.get(f"{root}x") in (b"a" * 4_000_000, b"b" * 4_000_000)
    for upload in list(store.uploads(root)):
        assert upload.key == f"{root}x"
        store.discard(upload)
    assert not list(store.uploads(root))
