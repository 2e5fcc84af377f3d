"""What swift:// promises beyond the conformance suite, on a real Swift."""

from contextlib import closing

import pytest
import requests

from cloudlayer.errors import (
    AuthError,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    RejectedSpec,
    TransientError,
    Unsupported,
)
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.units import MIB
from tests.storage.lossy import Fault, Lossy
from tests.storage.servers_others import swift  # noqa: F401
from tests.storage.stores.meanwhile import CopiesOfOneVersion

pytestmark = pytest.mark.objects
NAMES = (
    "a//b",
    "/a",
    "a/",
    ".",
    "..",
    "./a",
    "a/../b",
    "a b",
    "a#b",
    "a?b",
    "a%20b",
    "a+b",
    "a%2Fb",
    "ü",
    "u\u0308",
    "🙂",
    "a\\b",
)


@pytest.fixture
def place(swift):  # noqa: F811
    return swift.fresh()


@pytest.fixture
def store(place):
    made = place.connect(part_size=MIB)
    yield made
    made.close()


@pytest.fixture
def lossy(swift):  # noqa: F811
    with Lossy(swift.variables["SWIFT_S3_ENDPOINT"]) as made:
        yield made


def uploaded(store, key, *parts, options=None):
    upload = store.upload(key, options or PutOptions())
    for number, part in enumerate(parts, 1):
        upload.part(number, part)
    whole = b"".join(parts)
    upload.complete(size=len(whole), crc32c=crc32c(whole))
    return upload


def segments(swift, place):  # noqa: F811
    with closing(swift.client()) as client:
        return [found["name"] for found in client.get_container(f"{place.authority}+segments")[1]]


def test_a_key_is_any_text(store):
    for name in NAMES:
        store.put(name, name.encode())
    assert [store.get(name).decode() for name in NAMES] == list(NAMES)
    assert [info.key for page in store.list() for info in page.objects] == sorted(NAMES, key=str.encode)


def test_segments_go_with_their_object(store, swift, place):  # noqa: F811
    uploaded(store, "large", b"x" * MIB, b"end")
    assert len(segments(swift, place)) == 3
    store.delete("large")
    assert segments(swift, place) == []


def test_segments_of_an_object_that_was_written_over_are_told_and_thrown_away(store, swift, place):  # noqa: F811
    upload = uploaded(store, "large", b"x" * MIB, b"end")
    assert list(store.uploads()) == []
    store.put("large", b"small")
    left = list(store.uploads())
    assert [(info.key, info.id) for info in left] == [("large", upload.id)]
    store.discard(left[0])
    assert segments(swift, place) == []
    assert store.get("large") == b"small"


def test_nothing_of_a_whole_object_is_ever_discarded(store):
    upload = store.upload("large")
    upload.part(1, b"x" * MIB)
    told = list(store.uploads())
    upload.complete(size=MIB, crc32c=crc32c(b"x" * MIB))
    store.discard(told[0])
    assert store.get("large") == b"x" * MIB


def test_a_copy_of_a_large_object_has_bytes_of_its_own(store):
    uploaded(store, "large", b"x" * MIB, b"end")
    store.copy("large", "copy")
    store.delete("large")
    assert store.get("copy") == b"x" * MIB + b"end"


def test_a_temporary_url_is_made_with_the_accounts_key(swift, place):  # noqa: F811
    with closing(swift.client()) as client:
        client.post_account({"X-Account-Meta-Temp-Url-Key-2": "a key of the account"})
    store = place.connect(temp_url_key="a key of the account")
    store.put("a b#?%ü", b"signed")
    url = store.sign("a b#?%ü", "GET", 60)
    assert requests.get(url, timeout=10).content == b"signed"
    assert requests.put(url, data=b"", timeout=10).status_code == 401
    assert "a key of the account" not in url
    with pytest.raises(Unsupported, match="temp_url_key"):
        place.connect().sign("a", "GET", 60)


def test_metadata_that_are_too_long_are_refused_with_the_reason(store):
    with pytest.raises(RejectedSpec, match=r"longer than 256: (?i:x-object-meta-long)"):
        store.put("a", b"1", PutOptions(metadata={"long": "x" * 257}))
    with pytest.raises(NotFound):
        store.head("a")


def test_a_token_that_has_run_out_is_renewed(store):
    store.put("a", b"kept")
    url, _ = store.calls._known
    store.calls._known = url, "AUTH_tk_of_yesterday"
    assert store.get("a") == b"kept"


def test_a_key_that_is_wrong_is_in_no_error(place):
    with pytest.raises(AuthError) as told:
        place.connect(key="not-the-key").get("a")
    assert "not-the-key" not in repr(told.value) + str(told.value)


def test_somebody_else_may_not_read(swift, place):  # noqa: F811
    with pytest.raises(PermissionDenied):
        place.connect(user=swift.variables["SWIFT_READER"], key=swift.variables["SWIFT_READER_KEY"]).get("a")


def test_a_container_that_is_not_there_is_not_found(swift):  # noqa: F811
    store = registry.connect("swift", "never-made", "swift", swift.fresh().settings)
    for call in (lambda: store.put("a", b""), lambda: store.get("a"), lambda: list(store.list()), lambda: store.delete("a")):
        with pytest.raises(NotFound):
            call()


def test_credentials_that_are_not_whole_are_refused_at_once(place):
    with pytest.raises(InvalidSpec, match="auth_url"):
        place.connect(key=None)


def test_bytes_that_were_damaged_on_the_way_are_refused(place, lossy):
    store = place.connect(endpoint=lossy.address)
    store.put("a", b"old")
    lossy.faults = [Fault("damage", "PUT")]
    with pytest.raises(IntegrityError):
        store.put("a", b"new")
    assert store.get("a") == b"old"


@pytest.mark.parametrize("kind", ["cut", "lose", "refuse"])
def test_a_get_that_breaks_off_is_made_anew(place, lossy, kind):
    store = place.connect(endpoint=lossy.address)
    store.put("a", b"x" * 100_000)
    lossy.faults = [Fault(kind, "GET"), Fault(kind, "GET")]
    assert store.get("a") == b"x" * 100_000
    assert not lossy.faults


def test_swift_has_no_first_writer_and_says_so(store):
    with pytest.raises(Unsupported, match="may both be told"):
        store.put("a", b"", PutOptions(if_absent=True))


def test_a_put_whose_answer_was_lost_is_made_again(place, lossy):
    store = place.connect(endpoint=lossy.address)
    store.put("a", b"old")
    lossy.faults = [Fault("lose", "PUT")]
    made = store.put("a", b"new")
    assert store.head("a") == made
    assert store.get("a") == b"new"


class TestCopies(CopiesOfOneVersion):
    """While another writes."""


@pytest.mark.parametrize("body", [b"<html><body>Log in</body></html>", b'{"error": "log in"}'])
def test_an_answer_that_is_no_list_is_no_empty_list(place, lossy, body):
    store = place.connect(endpoint=lossy.address)
    store.put("a", b"")
    lossy.faults = [Fault("refuse", "GET", 200, {"X-Trans-Id": "of-a-proxy"}, body)]
    assert [info.key for page in store.list() for info in page.objects] == ["a"]
    lossy.faults = [Fault("refuse", "GET", 200, {"X-Trans-Id": "of-a-proxy"}, body) for _ in range(4)]
    with pytest.raises(TransientError, match="no list"):
        list(store.list())
