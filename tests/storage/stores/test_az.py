"""What az:// promises beyond the conformance suite, before Azurite and with answers that are lost on the way."""

import traceback

import pytest
import requests

from cloudlayer.errors import (
    AlreadyExists,
    IntegrityError,
    InvalidSpec,
    NotFound,
    OutcomeUnknown,
    Throttled,
    TransientError,
)
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import combine, crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.units import MIB
from tests.storage.lossy import Fault, Lossy
from tests.storage.servers import AZURITE_KEY, azurite  # noqa: F401
from tests.storage.servers_others import missing
from tests.storage.stores.meanwhile import CopiesOfOneVersion

pytestmark = pytest.mark.skipif(bool(missing("azurite")), reason=missing("azurite"))
ABSENT = PutOptions(if_absent=True)


@pytest.fixture
def place(azurite):  # noqa: F811
    return azurite.fresh()


@pytest.fixture
def store(place):
    return place.connect()


@pytest.fixture
def lossy(azurite):  # noqa: F811
    with Lossy(azurite.variables["AZURITE_ENDPOINT"].removesuffix("/devstoreaccount1")) as started:
        yield started


@pytest.fixture
def behind(lossy, place):
    return place.connect(endpoint=f"{lossy.address}/devstoreaccount1", retry_for=5.0)


def keys(store, prefix="", **options):
    return [found.key for page in store.list(prefix, **options) for found in page.objects]


@pytest.mark.parametrize("checked", [True, False])
def test_what_is_put_comes_back_with_all_that_was_said_of_it(place, checked):
    store = place.connect(check_puts=checked)
    options = PutOptions(content_type="text/plain", metadata={"who-is-it": "me"}, tags={"a": "b"})
    made = store.put("folder/a b#?%+é", b"data", options)
    seen = store.head("folder/a b#?%+é")
    assert (made.etag, made.crc32c, made.metadata) == (seen.etag, seen.crc32c, {"who-is-it": "me"})
    assert seen.metadata == {"who-is-it": "me"}
    assert store.get("folder/a b#?%+é", if_match=made.etag) == b"data"
    assert store.tags("folder/a b#?%+é") == {"a": "b"}
    with pytest.raises(AlreadyExists):
        store.put("folder/a b#?%+é", b"other", ABSENT)
    assert bool(store.capabilities["checked_put"]) is checked


@pytest.mark.parametrize("key", ["a\\b", "a//b", "/a", "a/", ".", "a/../b"])
def test_a_key_that_azure_would_change_is_refused(store, key):
    store.put("a/b", b"data")
    for call in (
        lambda: store.put(key, b""),
        lambda: store.get(key),
        lambda: store.delete(key),
        lambda: store.copy("a/b", key),
    ):
        with pytest.raises(InvalidSpec, match="is no key here"):
            call()
    assert keys(store) == ["a/b"]


def test_a_list_tells_what_a_head_tells(store):
    made = store.put("folder/key", b"data")
    (page,) = store.list("fold")
    assert (page.objects[0].key, page.objects[0].etag, page.objects[0].size) == ("folder/key", made.etag, 4)
    assert page.objects[0].modified == store.head("folder/key").modified
    assert [page.folders for page in store.list(shallow=True)] == [("folder/",)]
    assert keys(store, after="folder/key") == []


def test_what_was_created_is_told_as_created_though_the_answer_was_lost(behind, lossy):
    lossy.faults = [Fault("lose", "PUT")]
    made = behind.put("key", b"mine", ABSENT)
    assert made.etag == behind.head("key").etag
    assert behind.head("key").metadata == {}


def test_anothers_object_after_a_lost_answer_is_told_as_unknown(behind, store, lossy):
    store.put("key", b"another's")
    lossy.faults = [Fault("lose", "PUT")]
    with pytest.raises(OutcomeUnknown):
        behind.put("key", b"mine", ABSENT)
    assert store.get("key") == b"another's"


def test_bytes_that_broke_on_the_way_are_refused_by_the_server(behind, store, lossy):
    store.put("key", b"old")
    lossy.faults = [Fault("damage", "PUT") for _ in range(9)]
    with pytest.raises(TransientError, match="InvalidOperation"):  # Azure's own code is Md5Mismatch: an IntegrityError
        behind.put("key", b"data")
    assert store.get("key") == b"old"
    behind.put("key", b"data")
    assert store.get("key") == b"data"


def test_a_wait_that_is_too_long_is_told_with_its_seconds(behind, lossy):
    lossy.faults = [Fault("refuse", "PUT", 503, {"retry-after": "3600", "x-ms-error-code": "ServerBusy"})]
    with pytest.raises(Throttled) as told:
        behind.put("key", b"data")
    assert told.value.retry_after == 3600


def test_blocks_tell_by_their_names_what_has_arrived(store):
    parts = [b"a" * MIB, b"b" * MIB, b"c"]
    options = PutOptions(metadata={"who": "me"})
    upload = store.upload("key", options, size=2 * MIB + 1)
    for number in (3, 1):
        upload.part(number, parts[number - 1])
    with pytest.raises(NotFound):
        store.head("key")
    again = store.upload("key", options, size=2 * MIB + 1, resume=upload.id)
    assert again.have() == {1: crc32c(parts[0]), 3: crc32c(parts[2])}
    again.part(2, parts[1])
    total = combine(combine(crc32c(parts[0]), crc32c(parts[1]), MIB), crc32c(parts[2]), 1)
    with pytest.raises(IntegrityError):
        again.complete(size=2 * MIB + 1, crc32c=total ^ 1)
    assert again.complete(size=2 * MIB + 1, crc32c=total).etag == store.head("key").etag
    assert store.head("key").crc32c == total
    assert store.get("key") == b"".join(parts)


def test_an_upload_whose_end_was_lost_is_told_as_made(behind, lossy):
    upload = behind.upload("key", ABSENT, size=4)
    upload.part(1, b"data")
    lossy.faults = [Fault("lose", "PUT")]
    assert upload.complete(size=4, crc32c=crc32c(b"data")).etag == behind.head("key").etag


def test_many_are_deleted_in_few_requests(behind, lossy):
    names = [f"n{number}" for number in range(40)]
    for name in names:
        behind.put(name, b"")
    lossy.seen.clear()
    assert behind.delete_many([*names, "never-there"]) == {}
    assert len(lossy.seen) == 1
    assert keys(behind) == []


def test_a_signed_url_gives_one_blob_to_whoever_has_it(store):
    store.put("a b+c", b"data")
    assert requests.get(store.sign("a b+c", "GET", 60), timeout=10).content == b"data"
    written = requests.put(store.sign("new", "PUT", 60), data=b"x", headers={"x-ms-blob-type": "BlockBlob"}, timeout=10)
    assert (written.status_code, store.get("new")) == (201, b"x")
    assert requests.get(store.sign("a b+c", "PUT", 60), timeout=10).status_code == 403


def test_a_connection_string_is_as_good_as_its_parts(azurite, place):  # noqa: F811
    endpoint = azurite.variables["AZURITE_ENDPOINT"]
    text = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};BlobEndpoint={endpoint};"
    store = registry.connect("az", place.authority, "az", {"connection_string": text})
    store.put("key", b"data")
    assert store.get("key") == b"data"


def test_hadoops_way_to_write_a_container_has_the_account_in_it():
    store = registry.connect("abfs", "box@team.dfs.core.windows.net", "abfs", {"account_key": AZURITE_KEY})
    assert store.sign("key", "GET", 60).startswith("https://team.blob.core.windows.net/box/key?")
    with pytest.raises(InvalidSpec, match="has no account"):
        registry.connect("abfs", "box", "abfs", {})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"account": None}, "account is required"),
        ({"sas_token": "sv=1"}, "exclude each other"),
        ({"acount": "x"}, "unknown key"),
    ],
)
def test_wrong_settings_are_told_with_what_to_do(wrong, told):
    given = {"account": "team", "account_key": AZURITE_KEY, **wrong}
    with pytest.raises(InvalidSpec, match=told):
        registry.connect("az", "box", "az", {name: value for name, value in given.items() if value is not None})


@pytest.mark.parametrize("secret", [{"account_key": AZURITE_KEY}, {"sas_token": "sv=2023&sig=abcdefghijkl"}])
def test_no_secret_is_in_a_text(secret):
    settings = {"account": "devstoreaccount1", "endpoint": "http://127.0.0.1:9/devstoreaccount1", "retry_for": 0.1, **secret}
    store = registry.connect("az", "box", "az", settings)
    texts = [repr(store), str(store)]
    for call in (
        lambda: store.get("key"),
        lambda: store.put("key", b""),
        lambda: list(store.list()),
        lambda: store.tags("key"),
    ):
        with pytest.raises(TransientError) as told:
            call()
        texts += ["".join(traceback.format_exception(told.value)), repr(told.value)]
    assert not [text for text in texts if AZURITE_KEY in text or "abcdefghijkl" in text or "sig=" in text]


class TestCopies(CopiesOfOneVersion):
    """While another writes."""


@pytest.mark.parametrize("body", [b"<html><body>Log in</body></html>", b"<Error><Code>InternalError</Code></Error>", b"Log in"])
def test_an_answer_that_is_no_list_is_no_empty_list(behind, lossy, body):
    behind.put("key", b"")
    lossy.faults = [Fault("refuse", "GET", 200, {"content-type": "application/xml"}, body)]
    assert keys(behind) == ["key"]
    assert not lossy.faults


def test_where_no_list_comes_at_all_it_is_told(lossy, place):
    lossy.faults = [Fault("refuse", "GET", 200, {}, b"<html><body>Log in</body></html>") for _ in range(9)]
    store = place.connect(endpoint=f"{lossy.address}/devstoreaccount1", retry_for=0.2)
    with pytest.raises(TransientError):
        keys(store)
