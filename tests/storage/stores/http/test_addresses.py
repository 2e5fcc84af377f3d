"""Where a request goes: redirects, names, proxies; and no secret goes, or is told, where it does not belong."""

import traceback

import pytest

from cloudlayer import storage
from cloudlayer.errors import (
    CloudLayerError,
    InvalidSpec,
    PermissionDenied,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.aio import AsyncClient
from cloudlayer.storage.checksums import verify
from cloudlayer.storage.transfers import copy_object
from cloudlayer.storage.transfers.buffers import SMALL
from tests.storage.stores.http.conftest import DATA
from tests.storage.stores.http.web import Page


def test_redirects_are_followed_within_the_server_with_all_headers(web, page, client):
    web.pages["/old"] = Page(moved="/older")
    web.pages["/older"] = Page(moved=f"{web.uri}a/b.bin")
    file = client.file(f"{web.uri}old")
    assert file.get(5, 9) == DATA[5:9]
    assert file.stat().size == len(DATA)
    assert {asked.headers["Authorization"] for asked in web.asked} == {"Bearer hidden"}


def test_no_configured_header_follows_to_another_host(web, other, client):
    web.pages["/away"] = Page(moved=f"{other.uri}there")
    other.pages["/there"] = Page(moved=f"{web.uri}back")
    web.pages["/back"] = Page(b"back")
    assert client.file(f"{web.uri}away").get() == b"back"
    assert [asked.headers.get("Authorization") for asked in web.asked] == ["Bearer hidden", None]
    assert [asked.headers.get("Authorization") for asked in other.asked] == [None]


def test_a_circle_of_redirects_ends(web, client):
    web.pages["/round"] = Page(moved="/round")
    with pytest.raises(UnknownCloudError, match="more than 10 times"):
        client.file(f"{web.uri}round").get()
    assert len(web.asked) == 11


def test_a_redirect_out_of_the_web_is_not_followed(web, client):
    web.pages["/out"] = Page(moved="file:///etc/passwd")
    with pytest.raises(UnknownCloudError, match="no URL of the web"):
        client.file(f"{web.uri}out").get()


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("a b/c+d", "/a%20b/c+d"),
        ("a%20b?x=1&y=%2F", "/a%20b?x=1&y=%2F"),
        ("100%", "/100%25"),
        ("ü?q=ä", "/%C3%BC?q=%C3%A4"),
        ("a//b", "/a//b"),
        ("x?u=http://h/p", "/x?u=http://h/p"),
        ("x?list=../y", "/x?list=../y"),
    ],
)
def test_a_url_is_asked_for_as_a_browser_has_it(web, client, key, asked):
    web.pages[asked] = Page(b"this")
    assert client.file(web.uri + key).get() == b"this"


@pytest.mark.parametrize("key", ["a#b", "a/../b", "./a", "", "a\ud800"])
def test_a_key_that_no_url_has_is_refused_before_any_call(web, client, key):
    with pytest.raises(InvalidSpec):
        client.file(web.uri + key).get()
    assert not web.asked


@pytest.mark.parametrize(
    "uri", ["http://user@host/x", "http:///x", "http://ho st/x", "http://host:port/x", "http://host?x=1", "http://[::1/x"]
)
def test_a_host_that_is_none_is_refused(client, uri):
    with pytest.raises(InvalidSpec):
        client.file(uri)


def test_neither_headers_nor_queries_are_told(web, client):
    file = client.file(f"{web.uri}x?signature=s3cr3t")
    web.pages["/x?signature=s3cr3t"] = Page(statuses=[403] * 8)
    for call in (file.get, file.stat):
        with pytest.raises(PermissionDenied) as raised:
            call()
        assert "s3cr3t" not in str(raised.value)
        assert "hidden" not in str(raised.value) + repr(file.store) + repr(client)


def test_nothing_is_written(web, client, tmp_path):
    file = client.file(f"{web.uri}x")
    for call in (
        lambda: file.put(b"x"),
        lambda: file.put_stream([b"x"]),
        file.delete,
        lambda: file.move("memory://m/x"),
        file.sign,
        file.tags,
    ):
        with pytest.raises(Unsupported):
            call()
    with pytest.raises(Unsupported, match="no lists"):
        list(client.dir(web.uri).list())
    assert not web.asked


def test_the_proxy_of_the_environment_is_taken(web, monkeypatch):
    monkeypatch.setenv("http_proxy", web.uri)
    monkeypatch.setenv("no_proxy", "nowhere.example")
    web.pages["http://elsewhere.example/x"] = Page(b"by way of the proxy")
    with storage.connect({}) as client:
        assert client.file("http://elsewhere.example/x").get() == b"by way of the proxy"


SIGNATURE = "X-Signature=hidden"


def test_no_signature_is_told(web, page, client, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDLAYER_HOME", str(tmp_path / "home"))
    web.pages[f"/a/b.bin?{SIGNATURE}"] = page
    page.data = bytes(3 * SMALL)
    file = client.file(f"{web.uri}a/b.bin?{SIGNATURE}")
    told = [repr(file), repr(client.dir(f"{web.uri}a?{SIGNATURE}")), repr(AsyncClient({}).file(file.uri))]
    page.data = b"\xff"
    for verb in (file.text, file.json, lambda: file.text("none"), lambda: file.put_json({1j}), lambda: file.put(1)):
        told.append(error_of(verb))
    told.append(error_of(lambda: client.file(file.uri.replace("http", "HTTP"))))
    told.append(error_of(lambda: client.file(f"{web.uri}?{SIGNATURE}\ud800").get()))
    told.append(error_of(lambda: file.sign(expires=0)))
    told.append(error_of(lambda: verify(file.uri, size=1, expected_size=2, crc32c=None, expected=None)))
    page.data = bytes(3 * SMALL)
    seen = file.stat()
    page.etag = '"2"'
    told.append(error_of(lambda: copy_object(file.store, file.key, *client.resolve("memory://http/x"), info=seen)))
    page.breaks = [0] * 500
    told.append(error_of(lambda: file.get_file(tmp_path / "got")))
    told += [path.read_text() for path in (tmp_path / "home" / "transfers" / "downloads").iterdir()]
    assert [text for text in told if "hidden" in text or "Signature" in text] == []


def error_of(call):
    with pytest.raises(CloudLayerError) as caught:
        call()
    return "".join(traceback.format_exception_only(caught.value))


def test_a_signature_may_be_long(web, page, client):
    """That of a role has a token in it, of more than a thousand bytes."""
    query = "X-Amz-Security-Token=" + "x" * 3000
    web.pages[f"/a/b.bin?{query}"] = page
    assert client.file(f"{web.uri}a/b.bin?{query}").get() == DATA
    with pytest.raises(InvalidSpec, match="is too long"):
        client.file(f"{web.uri}{'x' * 1025}").get()
