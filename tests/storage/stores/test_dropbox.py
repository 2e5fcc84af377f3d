"""What dropbox:// promises beyond the conformance suite, on a fake that follows Dropbox's published API."""

import pytest
import requests

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    Changed,
    Conflict,
    IntegrityError,
    InvalidSpec,
    NotFound,
    OutcomeUnknown,
    Throttled,
    Unsupported,
)
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions
from tests.storage.lossy import Fault, Lossy
from tests.storage.servers_others import dropbox  # noqa: F401
from tests.storage.stores.meanwhile import after_a_look

ABSENT = PutOptions(if_absent=True)


@pytest.fixture
def place(dropbox):  # noqa: F811
    return dropbox.fresh()


@pytest.fixture
def account(dropbox, place):  # noqa: F811
    """What the fake keeps."""
    return dropbox.accounts[place.settings["access_token"]]


@pytest.fixture
def store(place):
    made = place.connect()
    yield made
    made.close()


@pytest.fixture
def lossy(dropbox):  # noqa: F811
    with Lossy(dropbox.endpoint) as made:
        yield made


def test_names_of_other_case_are_never_taken_for_each_other(store):
    store.put("Notes", b"mine")
    with pytest.raises(Conflict, match="Notes already"):
        store.put("notes", b"other")
    with pytest.raises(NotFound):
        store.get("notes")
    store.delete("notes")
    assert store.get("Notes") == b"mine"


def test_a_list_tells_all_of_a_folder_in_whichever_case_it_was_made(store):
    store.put("Folder/Deep/a", b"")
    store.put("folder/b", b"")
    for folder in ("Folder", "folder", "FOLDER"):
        keys = sorted(info.key for page in store.list(f"{folder}/") for info in page.objects)
        assert keys == [f"{folder}/Deep/a", f"{folder}/b"]
        assert [store.head(key).key for key in keys] == keys
        assert [name for page in store.list(f"{folder}/", shallow=True) for name in page.folders] == [f"{folder}/Deep/"]
        assert [info.key for page in store.list(f"{folder}/b") for info in page.objects] == [f"{folder}/b"]


def test_keys_below_a_root_are_told_whatever_its_case(place, store):
    store.put("Root/Sub/a", b"")
    rooted = place.connect(root="/rOOT")
    assert [info.key for page in rooted.list() for info in page.objects] == ["Sub/a"]
    assert [info.key for page in rooted.list("sub/") for info in page.objects] == ["sub/a"]


def test_of_equal_bytes_too_one_writer_alone_is_the_first(store):
    store.put("a", b"same", ABSENT)
    with pytest.raises(AlreadyExists):
        store.put("a", b"same", ABSENT)


def test_a_put_under_an_etag_changes_nothing_once_that_is_old(store):
    first = store.put("a", b"one")
    second = store.put("a", b"two", PutOptions(if_match=first.etag))
    with pytest.raises(Changed):
        store.put("a", b"three", PutOptions(if_match=first.etag))
    with pytest.raises(Changed):
        store.put("a", b"three", PutOptions(if_match="no rev of Dropbox"))
    with pytest.raises(Changed):
        store.delete("a", if_match=first.etag)
    assert store.get("a", if_match=second.etag) == b"two"
    with pytest.raises(NotFound):
        store.put("b", b"", PutOptions(if_match=first.etag))


def test_deleting_a_key_never_deletes_a_folder(store):
    store.put("folder/a", b"kept")
    store.delete("folder")
    assert store.get("folder/a") == b"kept"


def test_a_list_has_all_pages(store):
    for number in range(30):
        store.put(f"many/{number:02}", b"")
    assert sorted(info.key for page in store.list("many/") for info in page.objects) == [f"many/{n:02}" for n in range(30)]
    assert [folder for page in store.list(shallow=True) for folder in page.folders] == ["many/"]


def test_bytes_that_were_damaged_in_the_store_are_told(store, account):
    info = store.put("a", b"right")
    account.content[info.etag] = b"wrong"
    with pytest.raises(IntegrityError):
        store.get("a")
    with pytest.raises(IntegrityError):
        b"".join(store.open("a"))


def test_bytes_that_were_damaged_on_the_way_are_refused(place, account, lossy):
    store = place.connect(endpoint=lossy.address)
    lossy.faults = [Fault("pass", "POST"), Fault("damage", "POST")]
    with pytest.raises(IntegrityError):
        store.put("a", b"right")
    assert account.content == {}


def test_a_part_whose_answer_was_lost_is_there_once(place, lossy):
    store = place.connect(endpoint=lossy.address)
    upload = store.upload("large")
    first = b"x" * upload.part_size
    lossy.faults = [Fault("lose", "POST")]
    upload.part(1, first)
    upload.part(2, b"end")
    upload.complete(size=len(first) + 3, crc32c=crc32c(first + b"end"))
    assert store.get("large") == first + b"end"


def test_a_put_under_a_condition_whose_answer_was_lost_is_said_to_be_unknown(place, lossy):
    store = place.connect(endpoint=lossy.address)
    lossy.faults = [Fault("lose", "POST")]
    with pytest.raises(OutcomeUnknown):
        store.put("a", b"", ABSENT)


def test_asking_too_often_is_waited_out_and_told_at_last(place, lossy):
    store = place.connect(endpoint=lossy.address)
    store.put("a", b"there")
    busy = {"Retry-After": "0", "Content-Type": "text/plain"}
    lossy.faults = [Fault("refuse", "POST", 429, busy)]
    assert store.get("a") == b"there"
    lossy.faults = [Fault("refuse", "POST", 429, busy) for _ in range(4)]
    with pytest.raises(Throttled):
        store.get("a")


def test_a_copy_is_the_servers_work_unless_it_replaces(store, dropbox):  # noqa: F811
    store.put("a", b"one")
    uploads = dropbox.requests.get("/2/files/upload", 0)
    store.copy("a", "b")
    assert dropbox.requests["/2/files/upload"] == uploads
    store.put("c", b"two")
    store.copy("c", "b")
    assert store.get("b") == b"two"


def test_a_token_that_is_wrong_is_in_no_error(place):
    with pytest.raises(AuthError) as told:
        place.connect(access_token="no-such-token").get("a")
    assert "no-such-token" not in repr(told.value) + str(told.value)


def test_what_dropbox_does_not_have_says_why(store):
    for call in (lambda: store.sign("a", "GET", 60), store.uploads, lambda: store.tags("a")):
        with pytest.raises(Unsupported, match="Dropbox"):
            call()


def test_credentials_that_are_not_whole_are_refused_at_once(place):
    with pytest.raises(InvalidSpec, match="refresh_token"):
        place.connect(access_token=None)


def test_the_fake_refuses_what_the_published_types_refuse(place, dropbox):  # noqa: F811
    headers = {"Authorization": f"Bearer {place.settings['access_token']}"}
    for body in ({"path": 3}, {"path": "no slash"}, {"path": "/a", "unknown": True}):
        answer = requests.post(f"{dropbox.endpoint}/2/files/get_metadata", json=body, headers=headers, timeout=10)
        assert answer.status_code == 400


def test_a_copy_is_of_the_version_that_was_named_or_none(store, monkeypatch):
    named = store.put("a", b"one").etag
    after_a_look(monkeypatch, store, lambda: store.put("a", b"two"), verb="_found")
    with pytest.raises(Changed):
        store.copy("a", "b", if_match=named)
    with pytest.raises(NotFound):
        store.head("b")
