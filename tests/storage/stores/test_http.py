"""http:// and https://: objects of the web are read whole, or not at all, and no secret goes where it does not belong."""

import gzip
import os
import traceback
from contextlib import closing

import pytest

from cloudlayer import storage
from cloudlayer.errors import (
    AuthError,
    Changed,
    CloudLayerError,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.storage.aio import AsyncClient
from cloudlayer.storage.checksums import verify
from cloudlayer.storage.stores import retries
from cloudlayer.storage.transfers import copy_object
from cloudlayer.storage.transfers.buffers import SMALL
from tests.storage.stores.web import Page, Web

DATA = os.urandom(3_000_000)


@pytest.fixture
def web():
    with Web() as web:
        yield web
        web.shutdown()


@pytest.fixture
def other():
    with Web() as other:
        yield other
        other.shutdown()


@pytest.fixture
def client():
    with storage.connect({"http": {"timeout": "5s", "headers": {"Authorization": "Bearer hidden"}}}) as client:
        yield client


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Tries follow each other at once; how often they are made is as ever."""
    waits = []
    monkeypatch.setattr(retries._RETRYING, "sleep", waits.append)
    return waits


@pytest.fixture
def page(web):
    web.pages["/a/b.bin"] = page = Page(
        DATA, headers={"Content-Type": "text/csv", "Last-Modified": "Sun, 29 Nov 2026 07:00:00 GMT"}
    )
    return page


@pytest.fixture
def file(web, page, client):
    return client.file(f"{web.uri}a/b.bin")


def read(file, **span):
    with closing(file.stream(**span)) as reader:
        return b"".join(reader)


def test_an_object_is_read_whole_and_told(file):
    assert file.get() == DATA
    assert read(file) == DATA
    info = file.stat()
    assert (info.size, info.etag, info.content_type) == (len(DATA), '"1"', "text/csv")
    assert info.modified.isoformat() == "2026-11-29T07:00:00+00:00"
    assert file.exists()


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (10, 2_000_000), (2_999_990, None), (None, 7), (5, 10**9), (-9, None), (-(10**9), None), (-9, 2_999_995)],
)
def test_a_range_is_what_the_whole_has_there(file, page, knows_ranges, start, end):
    page.knows_ranges = knows_ranges
    assert file.get(start, end) == DATA[start:end]
    assert read(file, start=start, end=end) == DATA[start:end]


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize(("start", "end"), [(len(DATA), None), (10**9, None), (5, 5), (0, 0), (-1, 5)])
def test_a_range_without_a_byte_is_told(file, page, knows_ranges, start, end):
    page.knows_ranges = knows_ranges
    with pytest.raises(InvalidSpec, match="has no byte"):
        file.get(start, end)


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["ranges", "no ranges"])
def test_an_empty_object_is_read_and_told(file, page, knows_ranges):
    page.data, page.knows_head, page.knows_ranges = b"", False, knows_ranges
    assert file.get() == read(file) == b""
    assert file.stat().size == 0


def test_what_is_not_there_is_told(web, client):
    file = client.file(f"{web.uri}none")
    assert not file.exists()
    for call in (file.get, file.stat, file.stream):
        with pytest.raises(NotFound, match=r"none: is not there \[404\]") as raised:
            call()
        assert raised.value.provider == web.uri


def test_a_server_that_refuses_heads_is_asked_for_the_first_byte(web, file, page):
    page.knows_head = False
    assert file.stat().size == len(DATA)
    assert [(asked.method, asked.headers.get("Range")) for asked in web.asked] == [("HEAD", None), ("GET", "bytes=0-0")]


def test_a_server_that_knows_neither_heads_nor_ranges_is_not_read_for_a_size(web, file, page):
    page.knows_head = page.knows_ranges = False
    assert file.stat().size == len(DATA)


def test_what_has_no_length_that_is_told_is_measured(file, page):
    page.tells_length = page.knows_ranges = False
    assert file.stat().size == len(DATA)
    assert file.get() == read(file) == DATA
    assert file.get(-5) == DATA[-5:]
    with closing(file.stream()) as reader:
        assert reader.info.size == len(DATA)


def test_what_is_compressed_on_its_way_is_told_as_it_was(file, page):
    page.data, page.headers["Content-Encoding"], page.knows_ranges = gzip.compress(b"text"), "gzip", False
    assert file.get() == b"text"
    assert file.stat().size == 4


def test_a_stream_that_breaks_goes_on_where_it_broke(web, file, page):
    page.breaks = [1_000_000, 500_000, 0, 700_000]
    assert read(file) == DATA
    ranges = [asked.headers.get("Range") for asked in web.asked]
    assert ranges == [None, *(f"bytes={start}-2999999" for start in (1_000_000, 1_500_000, 1_500_000, 2_200_000))]
    assert {asked.headers.get("If-Match") for asked in web.asked[1:]} == {'"1"'}


def test_a_stream_that_breaks_goes_on_with_a_server_that_knows_no_ranges(file, page):
    page.knows_ranges, page.breaks = False, [1_000_000, 2_000_000]
    assert read(file) == DATA
    page.breaks = [1_000_000]
    assert read(file, start=999_000, end=1_001_000) == DATA[999_000:1_001_000]


def test_a_stream_never_goes_on_with_another_object(file, page):
    page.breaks = [1_000_000]
    pieces = iter(file.stream())
    next(pieces)
    page.etag, page.data = '"2"', bytes(len(DATA))
    with pytest.raises(Changed):
        list(pieces)


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_a_stream_without_an_etag_that_counts_ends_where_it_breaks(file, page, etag):
    page.etag, page.breaks = etag, [1_000_000]
    with pytest.raises(TransientError, match="broke off"):
        read(file)


@pytest.mark.parametrize("etag", [None, '"1"'])
def test_a_get_that_breaks_is_made_whole(file, page, etag):
    page.etag, page.breaks = etag, [1_000_000, 5]
    assert file.get() == DATA


def test_a_get_that_breaks_each_time_is_told(file, page):
    page.breaks = [0] * 100
    with pytest.raises(TransientError, match="broke off"):
        file.get()


def test_a_chunked_body_that_breaks_is_no_object(file, page):
    page.tells_length, page.etag, page.breaks = False, None, [1_000_000] * 100
    with pytest.raises(TransientError):
        file.get()


def test_an_etag_that_is_another_one_is_told(file, page):
    assert file.get(if_match='"1"') == DATA
    with pytest.raises(Changed):
        file.get(if_match='"2"')
    page.etag = 'W/"1"'
    assert file.get(if_match='W/"1"') == DATA
    with pytest.raises(Changed):
        file.get(if_match='W/"2"')


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_fault_that_passes_is_waited_for(file, page, status, no_waiting):
    page.statuses = [status, status]
    assert file.get() == DATA
    assert len(no_waiting) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_time_gets_it(file, page, status, no_waiting):
    page.statuses, page.headers["Retry-After"] = [status], "7"
    assert file.get() == DATA
    assert no_waiting == [7.0]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthError),
        (403, PermissionDenied),
        (404, NotFound),
        (410, NotFound),
        (418, UnknownCloudError),
        (429, Throttled),
        (451, PermissionDenied),
        (500, TransientError),
    ],
)
def test_each_refusal_has_its_error(file, page, status, kind):
    page.statuses = [status] * 4
    with pytest.raises(kind) as raised:
        file.get()
    assert raised.value.code == str(status)


def test_a_server_that_is_not_there_is_told(client, web):
    web.server_close()
    web.shutdown()
    with pytest.raises(TransientError, match="never made"):
        client.file(f"{web.uri}x").get()


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


def test_an_object_of_the_web_is_copied_into_a_store_and_a_file(file, client, tmp_path):
    copied = file.copy("memory://http-test/copy")
    assert client.file("memory://http-test/copy").get() == DATA
    assert copied.content_type == "text/csv"
    file.get_file(tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == DATA


def test_an_answer_with_another_range_is_not_taken(web, file, page, monkeypatch):
    from tests.storage.stores import web as module

    send = module._Handler._send

    def shifted(self, status, headers, body, page=None):
        if status == 206:
            headers = {**headers, "Content-Range": "bytes 1-2/3000000"}
        send(self, status, headers, body, page)

    monkeypatch.setattr(module._Handler, "_send", shifted)
    with pytest.raises((UnknownCloudError, IntegrityError)):
        file.get(5, 9)


def test_the_proxy_of_the_environment_is_taken(web, monkeypatch):
    monkeypatch.setenv("http_proxy", web.uri)
    monkeypatch.setenv("no_proxy", "nowhere.example")
    web.pages["http://elsewhere.example/x"] = Page(b"by way of the proxy")
    with storage.connect({}) as client:
        assert client.file("http://elsewhere.example/x").get() == b"by way of the proxy"


def transferred(file, tmp_path, client):
    """The object as a file of this host, and as one of another store."""
    target = client.file(f"memory://http/{tmp_path.name}")
    file.get_file(tmp_path / "got")
    file.copy(target)
    return (tmp_path / "got").read_bytes(), target.get()


@pytest.mark.parametrize("etag", ['"1"', None])
def test_of_a_server_without_ranges_a_large_object_is_sent_once(web, page, file, client, tmp_path, etag):
    page.data, page.knows_ranges, page.etag = os.urandom(3 * SMALL + 17), False, etag
    assert transferred(file, tmp_path, client) == (page.data, page.data)
    whole = [asked for asked in web.asked if asked.method == "GET" and "Range" not in asked.headers]
    assert len(whole) == 2  # for the file, and for the other store
    assert {asked.headers["Range"] for asked in web.asked if "Range" in asked.headers} <= {"bytes=0-0"}


def test_of_a_server_with_ranges_a_large_object_is_got_in_parts(web, page, file, client, tmp_path):
    page.data = os.urandom(3 * SMALL + 17)
    assert transferred(file, tmp_path, client) == (page.data, page.data)
    assert sum(asked.headers.get("Range") == f"bytes={SMALL}-{2 * SMALL - 1}" for asked in web.asked) == 2


def test_a_large_object_without_an_etag_that_is_replaced_meanwhile_is_never_mixed(web, page, file, client, tmp_path):
    """Nothing tells one version from the next: only bytes of one answer belong together."""
    page.data, page.etag, page.breaks = bytes(3 * SMALL), None, [len(DATA)]
    with pytest.raises(TransientError):
        file.copy(f"memory://http/{tmp_path.name}")
    assert not client.file(f"memory://http/{tmp_path.name}").exists()


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
