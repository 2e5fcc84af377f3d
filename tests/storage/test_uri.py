"""URIs of objects: which store, which key, and nothing in them that is decoded or secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.uri import Location, parse


@pytest.mark.parametrize(
    ("uri", "scheme", "label", "authority", "key"),
    [
        ("s3://bucket/folder/name", "s3", None, "bucket", "folder/name"),
        ("s3+team://bucket/name", "s3", "team", "bucket", "name"),
        ("s3://bucket", "s3", None, "bucket", ""),
        ("s3://bucket//a//b/", "s3", None, "bucket", "/a//b/"),
        ("s3://bucket/a%20b?x=1#y +ü\n", "s3", None, "bucket", "a%20b?x=1#y +ü\n"),
        ("blob://records.csv", "blob", None, "", "records.csv"),
        ("blob+old://a/b", "blob", "old", "", "a/b"),
        ("dropbox://a/b", "dropbox", None, "", "a/b"),
        ("dropbox:///a", "dropbox", None, "", "/a"),
        ("file:///var/x", "file", None, "", "var/x"),
        ("hdfs://host:8020/x", "hdfs", None, "host:8020", "x"),
        ("sftp://user@host:22/x", "sftp", None, "user@host:22", "x"),
    ],
)
def test_a_uri_is_read_and_written_as_it_was(uri, scheme, label, authority, key):
    location = parse(uri)
    assert location == Location(scheme, authority, key, label)
    assert location.account == (f"{scheme}+{label}" if label else scheme)
    assert parse(str(location)) == location


@given(st.text())
def test_every_key_comes_back_as_it_is(key):
    assert parse(f"s3://bucket/{key}").key == parse(f"blob://{key}").key == key


@pytest.mark.parametrize(
    "uri", ["", "name", "/var/x", "s3:bucket/x", "s3:/bucket/x", "S3://bucket/x", "s3+://bucket/x", "s3+a b://bucket", "://x"]
)
def test_what_is_no_uri_is_told_with_what_to_write(uri):
    with pytest.raises(InvalidSpec, match="write SCHEME://BUCKET/KEY"):
        parse(uri)


def test_a_password_in_a_uri_is_refused_and_not_told():
    with pytest.raises(InvalidSpec, match="has a password in it") as raised:
        parse("sftp://user:s3cr3t@host/x")
    assert "s3cr3t" not in str(raised.value)
