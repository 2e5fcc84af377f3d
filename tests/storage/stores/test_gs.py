"""What gs:// promises beyond the conformance suite, before the emulator of Cloud Storage.

The emulator heeds no precondition: that they are sent is seen in the requests, and that they hold by a server's refusal.
"""

import json
import traceback

import pytest

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    Changed,
    IntegrityError,
    InvalidSpec,
    NotFound,
    Throttled,
    TransientError,
)
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import combine, crc32c
from cloudlayer.storage.objects import PutOptions
from tests.storage.lossy import Fault, Lossy
from tests.storage.servers import gcs  # noqa: F401
from tests.storage.stores.meanwhile import after_a_look

ABSENT = PutOptions(if_absent=True)


@pytest.fixture
def place(gcs):  # noqa: F811
    return gcs.fresh()


@pytest.fixture
def store(place):
    return place.connect(part_size=1024)


@pytest.fixture
def lossy(gcs):  # noqa: F811
    with Lossy(gcs.address) as started:
        yield started


@pytest.fixture
def behind(lossy, place):
    return place.connect(endpoint=lossy.address, retry_for=5.0)


def keys(store, prefix=""):
    return [found.key for page in store.list(prefix) for found in page.objects]


def refusal(status, reason):
    """A refusal as Cloud Storage writes it."""
    told = {"error": {"code": status, "message": reason, "errors": [{"reason": reason}]}}
    return status, {"content-type": "application/json"}, json.dumps(told).encode()


def test_what_is_put_comes_back_with_all_that_was_said_of_it(store):
    made = store.put("a//b c#?%+é", b"data", PutOptions(content_type="text/plain", metadata={"who": "me"}))
    seen = store.head("a//b c#?%+é")
    assert (made.etag, made.crc32c) == (seen.etag, seen.crc32c)
    assert (seen.metadata, seen.content_type, seen.size) == ({"who": "me"}, "text/plain", 4)
    assert store.get("a//b c#?%+é") == b"data"
    assert b"".join(store.open("a//b c#?%+é", start=1, end=3)) == b"at"
    assert keys(store, "a//") == ["a//b c#?%+é"]


def test_conditions_are_sent_as_generations(behind, lossy):
    made = behind.put("key", b"data", ABSENT)
    assert "ifGenerationMatch=0" in lossy.seen[-1][1]
    behind.put("key", b"data", PutOptions(if_match=made.etag))
    assert f"ifGenerationMatch={made.etag}" in lossy.seen[-1][1]
    again = behind.head("key")
    behind.get("key", if_match=again.etag)
    assert f"ifGenerationMatch={again.etag}" in lossy.seen[-1][1]
    behind.delete("key", if_match=again.etag)
    assert f"ifGenerationMatch={again.etag}" in lossy.seen[-1][1]


def test_a_condition_that_does_not_hold_is_told_as_the_one_asked_for(behind, lossy):
    lossy.faults = [Fault("refuse", "POST", *refusal(412, "conditionNotMet")) for _ in range(2)]
    with pytest.raises(AlreadyExists):
        behind.put("key", b"", ABSENT)
    with pytest.raises(Changed):
        behind.put("key", b"", PutOptions(if_match="17"))
    with pytest.raises(Changed):
        behind.put("key", b"", PutOptions(if_match='"not of cloud storage"'))


def test_what_was_created_is_told_as_created_though_the_answer_was_lost(behind, lossy):
    lossy.faults = [Fault("lose", "POST"), Fault("refuse", "POST", *refusal(412, "conditionNotMet"))]
    made = behind.put("key", b"mine", ABSENT)
    assert made.etag == behind.head("key").etag
    assert behind.head("key").metadata == {}


def test_bytes_that_broke_on_the_way_are_told(store, behind, lossy):
    data = b"d" * 4096
    store.put("key", data)
    lossy.faults = [Fault("cut", "GET")]
    assert behind.get("key") == data


def test_a_wait_that_is_too_long_is_told_with_its_seconds(behind, lossy):
    status, headers, body = refusal(429, "rateLimitExceeded")
    lossy.faults = [Fault("refuse", "POST", status, {**headers, "retry-after": "3600"}, body)]
    with pytest.raises(Throttled) as told:
        behind.put("key", b"data")
    assert told.value.retry_after == 3600


def test_more_parts_than_one_compose_takes_are_composed_in_rounds(store):
    parts = [bytes([number]) * 1024 for number in range(34)]
    options = PutOptions(metadata={"who": "me"}, content_type="text/plain")
    upload = store.upload("folder/key", options, size=34 * 1024)
    for number, part in enumerate(parts[:20], 1):
        upload.part(number, part)
    assert keys(store) == []
    assert [(left.key, left.id) for left in store.uploads("folder/")] == [("folder/key", upload.id)]
    again = store.upload("folder/key", options, size=34 * 1024, resume=upload.id)
    assert again.have() == {number: crc32c(part) for number, part in enumerate(parts[:20], 1)}
    for number, part in enumerate(parts[20:], 21):
        again.part(number, part)
    total = 0
    for part in parts:
        total = combine(total, crc32c(part), 1024)
    with pytest.raises(IntegrityError):
        again.complete(size=34 * 1024, crc32c=total ^ 1)
    made = again.complete(size=34 * 1024, crc32c=total)
    assert (made.crc32c, made.metadata, made.content_type) == (total, {"who": "me"}, "text/plain")
    assert store.get("folder/key") == b"".join(parts)
    assert list(store.uploads()) == []
    assert keys(store) == ["folder/key"]


def test_what_was_begun_and_left_is_thrown_away(store):
    upload = store.upload("key", size=10)
    upload.part(1, b"x" * 10)
    for left in list(store.uploads()):
        store.discard(left)
    assert list(store.uploads()) == []
    with pytest.raises(NotFound):
        store.upload("key", resume=upload.id)


@pytest.mark.parametrize("key", [".", "..", "a\nb"])
def test_a_key_that_cloud_storage_does_not_have_is_refused(store, key):
    with pytest.raises(InvalidSpec, match="is no key here"):
        store.put(key, b"")


def test_wrong_settings_are_told_with_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(InvalidSpec, match="cannot be read"):
        registry.connect("gs", "bucket", "gs", {"credentials": str(tmp_path / "none.json")})
    with pytest.raises(InvalidSpec, match="anonymous excludes"):
        registry.connect("gs", "bucket", "gs", {"credentials": "x", "anonymous": True})
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(AuthError, match="no credentials"):
        registry.connect("gs", "bucket", "gs", {})


def test_nobody_there_is_told_as_a_broken_connection():
    store = registry.connect("gs", "bucket", "gs", {"endpoint": "http://127.0.0.1:9", "anonymous": True, "retry_for": 0.1})
    for call in (lambda: store.get("key"), lambda: store.put("key", b""), lambda: list(store.list())):
        with pytest.raises(TransientError) as told:
            call()
        assert "127.0.0.1" not in "".join(traceback.format_exception(told.value))


def test_a_copy_is_of_the_generation_whose_metadata_goes_with_it(behind, lossy):
    generation = behind.put("source", b"data", PutOptions(metadata={"who": "me"})).etag
    behind.copy("source", "copy")
    assert any(f"ifSourceGenerationMatch={generation}" in path for method, path in lossy.seen if method == "POST")


def test_a_copy_whose_source_was_written_over_is_begun_anew(behind, store, lossy, monkeypatch):
    named = behind.put("source", b"old").etag
    after_a_look(monkeypatch, behind, lambda: store.put("source", b"new", PutOptions(metadata={"who": "you"})))
    lossy.faults = [Fault("refuse", "POST", *refusal(412, "conditionNotMet"))]
    assert behind.copy("source", "copy", ABSENT).metadata == {"who": "you"}
    with pytest.raises(Changed):
        behind.copy("source", "copy", if_match=named)


def test_a_condition_on_the_target_of_a_copy_is_told_as_such(behind, lossy):
    behind.put("source", b"data")
    lossy.faults = [Fault("refuse", "POST", *refusal(412, "conditionNotMet"))]
    with pytest.raises(AlreadyExists):
        behind.copy("source", "copy", ABSENT)
