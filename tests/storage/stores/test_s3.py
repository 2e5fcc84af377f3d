"""What s3:// promises beyond the conformance suite, before a real server and with answers that are lost on the way."""

import asyncio
import time
import traceback

import boto3
import pytest
from botocore.config import Config

from benchmarks.objects_server import serving
from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    IntegrityError,
    InvalidSpec,
    NotFound,
    OutcomeUnknown,
    Throttled,
    TransientError,
    Unsupported,
)
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import combine, crc32c
from cloudlayer.storage.objects import PutOptions
from cloudlayer.units import MIB
from tests.storage.lossy import Fault, Lossy
from tests.storage.servers import moto_s3  # noqa: F401

ABSENT = PutOptions(if_absent=True)
ODD = ("a//b", "/a", "a/", "//", ".", "..", "./a", "a/../b", "a/.", "a b#?%+é", "a%2Fb", "ünï", "😀", "...", "a\\b", "\x7f")


@pytest.fixture(scope="module")
def server():
    with serving() as started:
        yield started


@pytest.fixture
def settings(server):
    return {
        "endpoint": server.endpoint,
        "region": "us-east-1",
        "access_key": "AKIDFORTESTS",
        "secret_key": "a-secret-of-tests",
        "retry_for": 5.0,
    }


@pytest.fixture
def bucket(server, settings, request):
    """A bucket of the test's own."""
    name = request.node.name.split("[")[0].replace("_", "-").lower()[-60:].strip("-")
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket=name)
    yield name
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", ()):
            client.delete_object(Bucket=name, Key=found["Key"])


@pytest.fixture
def store(bucket, settings):
    return registry.connect("s3", bucket, "s3", settings)


@pytest.fixture
def lossy(server):
    with Lossy(server.endpoint) as started:
        yield started


@pytest.fixture
def behind(lossy, bucket, settings):
    """A store whose answers may be lost."""
    return registry.connect("s3", bucket, "s3", {**settings, "endpoint": lossy.address})


def keys(store, prefix="", **options):
    return [found.key for page in store.list(prefix, **options) for found in page.objects]


def test_keys_that_are_no_paths_are_kept_apart_from_those_that_look_alike(store):
    for number, key in enumerate(ODD):
        store.put(key, str(number).encode())
    assert keys(store) == sorted(ODD, key=str.encode)
    for number, key in enumerate(ODD):
        assert store.get(key) == str(number).encode()
        assert store.head(key).key == key
        assert store.copy(key, f"copy{key}").size == len(str(number))
    assert store.delete_many(keys(store)) == {}
    assert keys(store) == []


def test_moto_keeps_such_keys_too(moto_s3):  # noqa: F811
    store = moto_s3.fresh().connect()
    for key in ("a//b", "/a", "a/", "a/../b", "a b#?%+é", "ünï"):
        store.put(key, key.encode())
        assert store.get(key) == key.encode()
        assert key in keys(store)


def test_a_prefix_is_a_text_and_not_a_folder(store):
    for key in ("ab", "a/b", "b"):
        store.put(key, b"")
    assert keys(store, "a") == ["a/b", "ab"]


def test_a_list_of_many_pages_is_whole_and_in_order(store):
    names = [f"n{number:04}" for number in range(2100)]
    for name in names:
        store.put(name, b"")
    assert keys(store) == names
    assert keys(store, after="n2000") == names[2001:]
    assert store.delete_many(names) == {}
    assert keys(store) == []


def test_what_was_created_is_told_as_created_though_the_answer_was_lost(behind, lossy):
    lossy.faults = [Fault("lose", "PUT")]
    made = behind.put("key", b"mine", ABSENT)
    assert made.etag == behind.head("key").etag
    assert behind.get("key") == b"mine"
    assert behind.head("key").metadata == {}


def test_so_is_what_replaced_one_that_it_knew(behind, lossy):
    first = behind.put("key", b"first")
    lossy.faults = [Fault("lose", "PUT")]
    second = behind.put("key", b"second", PutOptions(if_match=first.etag))
    assert second.etag == behind.head("key").etag != first.etag


def test_anothers_object_after_a_lost_answer_is_told_as_unknown(behind, store, lossy):
    store.put("key", b"another's")
    lossy.faults = [Fault("lose", "PUT")]
    with pytest.raises(OutcomeUnknown) as told:
        behind.put("key", b"mine", ABSENT)
    assert told.value.provider == behind.uri
    assert store.get("key") == b"another's"


def test_anothers_object_after_a_clean_refusal_is_told_as_there(behind, store, lossy):
    store.put("key", b"another's")
    lossy.faults = [Fault("refuse", "PUT", 503, {"retry-after": "0"})]
    with pytest.raises(AlreadyExists):
        behind.put("key", b"mine", ABSENT)


def test_a_write_that_is_under_way_beside_ours_is_waited_for(behind, lossy):
    lossy.faults = [Fault("refuse", "PUT", 409, {}, b"<Error><Code>ConditionalRequestConflict</Code></Error>")]
    assert behind.put("key", b"mine", ABSENT).size == 4


def test_an_upload_whose_end_was_lost_is_told_as_made(behind, lossy):
    data = b"x" * (6 * MIB)
    upload = behind.upload("key", ABSENT, size=len(data))
    upload.part(1, data)
    lossy.faults = [Fault("lose", "POST")]
    assert upload.complete(size=len(data), crc32c=crc32c(data)).crc32c == behind.head("key").crc32c == crc32c(data)


def test_a_conditional_delete_that_may_have_been_done_is_told_as_unknown(behind, lossy):
    made = behind.put("key", b"")
    lossy.faults = [Fault("lose", "DELETE")]
    with pytest.raises(OutcomeUnknown):
        behind.delete("key", if_match=made.etag)


def test_it_waits_as_long_as_the_service_asks_for(behind, lossy):
    lossy.faults = [Fault("refuse", "PUT", 503), Fault("refuse", "PUT", 503, {"retry-after": "1"})]
    begun = time.monotonic()
    behind.put("key", b"data")
    assert time.monotonic() - begun >= 1
    assert behind.get("key") == b"data"


def test_a_wait_that_is_too_long_is_told_with_its_seconds(behind, lossy):
    lossy.faults = [Fault("refuse", "GET", 503, {"retry-after": "3600"}) for _ in range(2)]
    with pytest.raises(Throttled) as told:
        behind.get("key")
    assert told.value.retry_after == 3600


@pytest.mark.parametrize("status", [500, 502, 504])
def test_what_fails_for_a_while_is_tried_again(behind, lossy, status):
    lossy.faults = [Fault("refuse", method, status) for method in ("PUT", "PUT", "GET", "GET")]
    behind.put("key", b"data")
    assert behind.get("key") == b"data"


def test_nobody_there_is_told_as_a_broken_connection(bucket, settings):
    store = registry.connect("s3", bucket, "s3", {**settings, "endpoint": "http://127.0.0.1:9", "retry_for": 0.2})
    with pytest.raises(TransientError):
        store.get("key")
    with pytest.raises(OutcomeUnknown):
        store.put("key", b"", ABSENT)


def test_a_read_that_broke_off_goes_on_where_it_was(behind, lossy):
    data = bytes(range(256)) * (64 * 1024)
    behind.put("key", data)
    lossy.faults = [Fault("cut", "GET"), Fault("cut", "GET")]
    assert b"".join(behind.open("key")) == data
    lossy.faults = [Fault("cut", "GET"), Fault("cut", "GET")]
    assert behind.get("key") == data


def test_bytes_that_broke_on_the_way_are_refused_by_the_server(behind, store, lossy):
    store.put("key", b"old")
    lossy.faults = [Fault("damage", "PUT") for _ in range(9)]
    with pytest.raises(IntegrityError):
        behind.put("key", b"data")
    assert store.get("key") == b"old"
    upload = behind.upload("key", size=6 * MIB)
    with pytest.raises(IntegrityError):
        upload.part(1, b"x" * (6 * MIB))


def test_bytes_that_broke_in_the_store_are_told_when_they_are_read(store):
    store.put("key", b"data")
    store._client.put_object(Bucket=store._bucket, Key="key", Body=b"else", Metadata={"cloudlayer-crc32c": "AAAAAA=="})
    with pytest.raises(IntegrityError):
        store.get("key")
    with pytest.raises(IntegrityError):
        b"".join(store.open("key"))
    with pytest.raises(IntegrityError):
        asyncio.run(store.get_async("key"))


def test_what_a_range_of_parts_is_has_the_sum_of_the_whole(store):
    parts = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c"]
    upload = store.upload("key", PutOptions(metadata={"who": "me"}), size=sum(map(len, parts)))
    again = store.upload("key", PutOptions(metadata={"who": "me"}), resume=upload.id)
    for number in (3, 1):
        again.part(number, parts[number - 1])
    last = store.upload("key", PutOptions(metadata={"who": "me"}), resume=upload.id)
    assert last.have() == {1: crc32c(parts[0]), 3: crc32c(parts[2])}
    last.part(2, parts[1])
    total = combine(combine(crc32c(parts[0]), crc32c(parts[1]), 5 * MIB), crc32c(parts[2]), 1)
    with pytest.raises(IntegrityError):
        last.complete(size=10 * MIB + 1, crc32c=total ^ 1)
    last.complete(size=10 * MIB + 1, crc32c=total)
    assert store.head("key").crc32c == total
    assert store.head("key").metadata == {"who": "me"}
    assert store.get("key") == b"".join(parts)
    assert list(store.uploads()) == []


def test_an_upload_under_a_condition_leaves_what_is_there(store):
    upload = store.upload("key", ABSENT, size=1)
    upload.part(1, b"x")
    store.put("key", b"first")
    with pytest.raises(AlreadyExists):
        upload.complete(size=1, crc32c=crc32c(b"x"))
    assert store.get("key") == b"first"
    upload.abort()


def test_what_was_begun_and_left_is_told_and_thrown_away(store):
    upload = store.upload("folder/key", size=1)
    assert [(left.key, left.id) for left in store.uploads("folder/")] == [("folder/key", upload.id)]
    assert list(store.uploads("other/")) == []
    for left in list(store.uploads()):
        store.discard(left)
        store.discard(left)
    assert list(store.uploads()) == []
    with pytest.raises(NotFound):
        store.upload("folder/key", resume=upload.id)


def test_a_copy_under_a_condition_never_overwrites(store):
    store.put("source", b"data", PutOptions(content_type="text/plain", metadata={"who": "me"}, tags={"a": "b"}))
    store.put("target", b"there")
    with pytest.raises(AlreadyExists):
        store.copy("source", "target", ABSENT)
    assert store.get("target") == b"there"
    made = store.copy("source", "new", ABSENT)
    assert (made.content_type, made.metadata, store.tags("new")) == ("text/plain", {"who": "me"}, {"a": "b"})


def test_what_the_configuration_says_is_lacking_is_refused_with_the_reason(bucket, settings):
    store = registry.connect("s3", bucket, "s3", {**settings, "lacks": ["tags", "compare_and_swap"]})
    with pytest.raises(Unsupported, match="as the configuration says"):
        store.put("key", b"", PutOptions(tags={"a": "b"}))
    with pytest.raises(NotFound):
        store.get("key")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"secret_key": None}, "together"),
        ({"anonymous": True}, "anonymous excludes"),
        ({"part_size": "1MiB"}, "5MiB"),
        ({"acces_key": "x"}, "unknown key"),
        ({"lacks": ["speed"]}, "no capability"),
        ({"profile": "nobody-has-this", "access_key": None, "secret_key": None}, "profile"),
    ],
)
def test_wrong_settings_are_told_with_what_to_do(settings, wrong, told):
    given = {name: value for name, value in {**settings, **wrong}.items() if value is not None}
    with pytest.raises(InvalidSpec, match=told):
        registry.connect("s3", "bucket", "s3+team", given)


def test_no_credentials_at_all_are_told_at_once(settings, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    del settings["access_key"], settings["secret_key"]
    with pytest.raises(AuthError, match="no credentials"):
        registry.connect("s3", "bucket", "s3", settings)


def test_a_named_profile_has_the_credentials(settings, bucket, monkeypatch, tmp_path):
    (tmp_path / "credentials").write_text("[team]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    del settings["access_key"], settings["secret_key"]
    store = registry.connect("s3", bucket, "s3+team", {**settings, "profile": "team"})
    store.put("key", b"data")
    assert store.get("key") == b"data"
    assert store.uri == f"s3+team://{bucket}/"


def test_no_secret_is_in_a_text(bucket, settings):
    store = registry.connect("s3", bucket, "s3", {**settings, "endpoint": "http://127.0.0.1:9", "retry_for": 0.1})
    texts = [repr(store), str(store)]
    for call in (lambda: store.get("key"), lambda: store.put("a//b", b""), lambda: list(store.list()), lambda: store.tags("k")):
        with pytest.raises(TransientError) as told:
            call()
        texts += ["".join(traceback.format_exception(told.value)), repr(told.value)]
    assert not [text for text in texts if settings["secret_key"] in text or "Signature" in text]


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Log in</body></html>",
        b"<!DOCTYPE html><p>Log in",
        b"<Error><Code>InternalError</Code></Error>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>a</NextMarker></ListBucketResult>",
        b'<ListBucketResult><IsTruncated><!-- -->true</IsTruncated><Name a="b">x</Name></ListBucketResult>',
    ],
)
def test_an_answer_that_is_no_whole_list_is_no_empty_list(behind, lossy, body):
    behind.put("key", b"")
    lossy.faults = [Fault("refuse", "GET", 200, {"content-type": "application/xml"}, body)]
    assert keys(behind) == ["key"]
    assert not lossy.faults


def test_where_no_list_comes_at_all_it_is_told(lossy, bucket, settings):
    lossy.faults = [Fault("refuse", "GET", 200, {}, b"<html><body>Log in</body></html>") for _ in range(9)]
    store = registry.connect("s3", bucket, "s3", {**settings, "endpoint": lossy.address, "retry_for": 0.2})
    with pytest.raises(TransientError):
        keys(store)
