"""memory://: one process's objects, the same for all its clients and threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudlayer import storage
from cloudlayer.errors import AlreadyExists, Changed, InvalidSpec, NotFound, Unsupported
from cloudlayer.storage import registry
from cloudlayer.storage.objects import PutOptions


@pytest.fixture
def store(request):
    return registry.connect("memory", request.node.name, "memory", {})


def test_all_clients_of_a_process_see_one_name_and_each_name_is_apart():
    with storage.connect({}) as one, storage.connect({}) as other:
        one.file("memory://shared/x").put(b"1")
        assert other.file("memory://shared/x").get() == b"1"
        assert not other.file("memory://apart/x").exists()


def test_a_uri_without_a_name_is_refused():
    with storage.connect({}) as client, pytest.raises(InvalidSpec, match="write memory://NAME/KEY"):
        client.file("memory:///x")


def test_what_was_put_is_not_changed_by_whoever_still_holds_it(store):
    data = bytearray(b"1")
    store.put("x", data)
    data[0] = 0
    assert store.get("x") == b"1"


def test_etags_of_two_processes_differ(store):
    """A journal of a sync keeps them for longer than a process lives."""
    program = "from cloudlayer.storage import registry; print(registry.connect('memory', 'x', 'memory', {}).put('a', b'').etag)"
    told = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(told) == 2


def test_threads_that_count_under_if_match_lose_nothing(store):
    store.put("count", b"0")

    def count(_):
        while True:
            info = store.head("count")
            try:
                value = int(store.get("count", if_match=info.etag))
                return store.put("count", b"%d" % (value + 1), PutOptions(if_match=info.etag))
            except Changed:
                pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(200)))
    assert store.get("count") == b"200"


def test_of_threads_that_want_to_be_first_one_is(store):
    def first(number):
        try:
            store.put("first", b"%d" % number, PutOptions(if_absent=True))
        except AlreadyExists:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        won = [number for number in pool.map(first, range(50)) if number is not None]
    assert [b"%d" % number for number in won] == [store.get("first")]


def test_a_list_goes_on_though_objects_come_and_go_between_its_pages(store):
    for number in range(2500):
        store.put(f"{number:04}", b"")
    pages = store.list()
    first = next(pages)
    store.delete_many([f"{number:04}" for number in range(900, 1100)])
    store.put("0500a", b"")
    rest = [info.key for page in pages for info in page.objects]
    assert len(first.objects) == 1000
    assert rest == [f"{number:04}" for number in range(1100, 2500)]


@pytest.mark.parametrize("count", [999, 1000, 1001])
def test_a_shallow_list_goes_on_after_a_folder_at_the_end_of_a_page(store, count):
    for number in range(count):
        store.put(f"{number:04}/x", b"")
        store.put(f"{number:04}/y", b"")
        store.put(f"{number:04}0", b"")
    told = [key for page in store.list(shallow=True) for key in (*page.folders, *(info.key for info in page.objects))]
    assert sorted(told) == sorted([f"{number:04}/" for number in range(count)] + [f"{number:04}0" for number in range(count)])
    assert len(told) == 2 * count


def test_tags_change_without_the_object(store):
    put = store.put("x", b"1", PutOptions(tags={"a": "b"}))
    store.set_tags("x", {"ü": "c d"})
    assert store.tags("x") == {"ü": "c d"}
    assert store.head("x").etag == put.etag
    with pytest.raises(NotFound):
        store.set_tags("none", {})


def test_what_it_lacks_is_told_with_the_reason(store):
    with pytest.raises(Unsupported, match="has no URL"):
        store.sign("x", "GET", 1)
