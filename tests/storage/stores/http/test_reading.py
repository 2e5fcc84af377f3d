"""http:// and https://: objects of the web are read whole, or not at all."""

import gzip
import os
from contextlib import closing

import pytest

from cloudlayer.errors import (
    AuthError,
    Changed,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.storage.transfers.buffers import SMALL
from tests.storage.stores.http.conftest import DATA


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


def test_an_object_of_the_web_is_copied_into_a_store_and_a_file(file, client, tmp_path):
    copied = file.copy("memory://http-test/copy")
    assert client.file("memory://http-test/copy").get() == DATA
    assert copied.content_type == "text/csv"
    file.get_file(tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == DATA


def test_an_answer_with_another_range_is_not_taken(web, file, page, monkeypatch):
    from tests.storage.stores.http import web as module

    send = module._Handler._send

    def shifted(self, status, headers, body, page=None):
        if status == 206:
            headers = {**headers, "Content-Range": "bytes 1-2/3000000"}
        send(self, status, headers, body, page)

    monkeypatch.setattr(module._Handler, "_send", shifted)
    with pytest.raises((UnknownCloudError, IntegrityError)):
        file.get(5, 9)


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
