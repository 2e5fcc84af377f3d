"""Who may read and write what by the data API: nothing that was not opened, by whatever name it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloudlayer import errors, storage
from cloudlayer.errors import CloudLayerError, InvalidSpec
from cloudlayer.fleet.routes import DataAccess, Routes
from cloudlayer.gateway.data_errors import told
from cloudlayer.gateway.data_requests import query_of, uri_of
from cloudlayer.gateway.envelope import CallError
from cloudlayer.storage.paths import check_segments, holds
from cloudlayer.storage.uri import Location, parse

from .data_worlds import ask, start_with_data
from .stand_ins import CREDENTIALS, KEY, PEPPER, TOKEN, Gateway, credential

SECRET = b"nobody may see this"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a part that is open and one that is not."""
    folder = tmp_path_factory.mktemp("files")
    for name, content in (("open", b"seen"), ("open/inner", b"seen"), ("open-not", SECRET), ("closed", SECRET)):
        (folder / name).mkdir()
        (folder / name / "file").write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Gateway]:
    """blob:// is all of the folder, of which a part is open to be read, and a part of that to be written."""
    access = DataAccess(open=("blob://open/", "data://", "memory://m/open"), write=(f"file://{files}/open/inner",))
    configuration = f'[stores.blob]\nuri = "file://{files}"\n'
    started = start_with_data(tmp_path_factory.mktemp("gateway"), configuration, access)
    yield started
    started.stop()


def message(body: bytes) -> str:
    """What an error says."""
    told: str = json.loads(body)["error"]["message"]
    return told


def test_what_is_open_is_read_by_every_name_that_leads_there(gateway: Gateway, files: Path) -> None:
    for path in ("blob://open/file", f"file://{files}/open/file", "blob%3A%2F%2Fopen%2Ffile"):
        assert ask(gateway, "GET", f"/v1/data/{path}")[2] == b"seen"
    listed = json.loads(ask(gateway, "GET", "/v1/data/blob://open")[2])
    assert ([each["filename"] for each in listed["files"]], listed["folders"]) == (["file"], [{"name": "inner"}])


@pytest.mark.parametrize(
    "path",
    [
        "blob://closed/file",
        "blob://open-not/file",
        "blob://open/../closed/file",
        "blob://open/%2e%2e/closed/file",
        "blob://open/%2E./closed/file",
        "blob://open%2F..%2Fclosed%2Ffile",
        "blob://open/%252e%252e/closed/file",
        "blob://open/%25252e%25252e/closed/file",
        "blob://open/..\\closed\\file",
        "blob://open/..;/closed/file",
        "blob://open/./file",
        "blob://open//../../closed/file",
        "blob:///open/file",
        "blob://",
        "blob://ope",
        "BLOB://closed/file",
        "file://{files}/closed/file",
        "file://{files}/open/../closed/file",
        "file://{files}//closed/file",
        "file://{files}",
        "file:///etc/passwd",
        "file://localhost{files}/closed/file",
        "memory://any/thing",
        "memory://m/open/../closed",
        "memory://m/open/%252e%252e/closed",
        "memory://m/open/..;/closed",
        "memory://m/open-not",
        "../../etc/passwd",
        "s3://bucket/key",
        "nonsense://x/y",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_is_not_open_is_neither_seen_nor_touched(gateway: Gateway, files: Path, method: str, path: str) -> None:
    path = path.replace("{files}", str(files))
    for target in (f"/v1/data/{path}", f"/v1/connector/{path.replace('://', '/', 1)}"):
        status, _, body = ask(gateway, method, target, b"" if method == "PUT" else None)
        assert status in (400, 403)
        assert SECRET not in body
    assert (files / "closed" / "file").read_bytes() == (files / "open-not" / "file").read_bytes() == SECRET


def test_a_marker_leads_nowhere_else(gateway: Gateway) -> None:
    for marker in ("../closed", "/", "../", "..%2Fclosed%2F"):
        listed = ask(gateway, "GET", f"/v1/data/blob://open/?marker={marker}")[2]
        names = {each["filename"] for each in json.loads(listed)["files"]}
        assert names <= {"file"}


def test_reading_and_writing_are_opened_apart(gateway: Gateway, files: Path) -> None:
    status, _, body = ask(gateway, "PUT", "/v1/data/blob://open/new", b"1")
    assert (status, '"write" of [fleet.data]' in message(body)) == (403, True)
    assert ask(gateway, "DELETE", "/v1/data/blob://open/file")[0] == 403
    assert ask(gateway, "DELETE", "/v1/data/blob://open/?force=true")[0] == 403
    assert ask(gateway, "POST", "/v1/data/blob://open", b'{"name": "folder"}')[0] == 403
    assert ask(gateway, "PUT", "/v1/data/blob://open/inner/new", b"1")[0] == 200
    assert (files / "open/inner/new").read_bytes() == b"1"
    assert ask(gateway, "POST", "/v1/data/blob://open/inner", b'{"name": "folder"}')[0] == 200
    assert ask(gateway, "POST", "/v1/data/blob://open/inner", b'{"name": "../x"}')[0] == 400
    assert ask(gateway, "POST", "/v1/data/blob://open/inner", b'{"name": ".."}')[0] == 400
    assert ask(gateway, "DELETE", "/v1/data/blob://open/inner/new")[0] == 200


def test_a_key_is_needed_and_a_token_of_a_function_without_data_is_none(gateway: Gateway) -> None:
    for key in ("", "wrong"):
        status, headers, body = ask(gateway, "GET", "/v1/data/blob://open/file", Authorization=key)
        assert (status, "API key" in message(body), "API key" in headers["X-Error-Message"]) == (401, True, True)
    assert ask(gateway, "GET", "/v1/data/blob://open/file", Authorization=f"Bearer {KEY}")[0] == 200
    status, _, body = ask(gateway, "GET", "/v1/data/blob://open/file", Authorization=TOKEN)
    assert (status, json.loads(body)["error"]["code"], "function's `data`" in message(body)) == (403, 2001, True)


def test_a_functions_token_opens_what_its_function_may_read_and_nothing_of_the_fleets(
    fresh_gateway: Gateway, files: Path
) -> None:
    fleets, its = DataAccess(write=(f"file://{files}",)), DataAccess(open=(f"file://{files}/open/inner",))
    token = replace(credential("token", ()), data=its)
    fresh_gateway.controller.send(Routes(1, PEPPER, (*CREDENTIALS, token), data=fleets))
    fresh_gateway.controller.await_snapshot(1)
    for path, status in (("open/inner/file", 200), ("open/file", 403), ("closed/file", 403)):
        assert ask(fresh_gateway, "GET", f"/v1/data/file://{files}/{path}", Authorization="token")[0] == status
        assert ask(fresh_gateway, "GET", f"/v1/data/file://{files}/{path}")[0] == 200
    assert ask(fresh_gateway, "PUT", f"/v1/data/file://{files}/open/inner/file", b"x", Authorization="token")[0] == 403


def test_an_alias_that_the_configuration_has_not_is_told_with_what_to_write(gateway: Gateway) -> None:
    status, _, body = ask(gateway, "GET", "/v1/data/collection/file")
    assert (status, 'write stores.data with uri = "s3://BUCKET/"' in message(body)) == (400, True)


def test_without_a_word_of_it_no_data_is_served_and_no_library_of_a_store_is_loaded(fresh_gateway: Gateway) -> None:
    fresh_gateway.show()
    status, _, body = ask(fresh_gateway, "GET", "/v1/data/blob://x")
    assert (status, "[fleet.data]" in message(body)) == (403, True)
    mapped = Path(f"/proc/{fresh_gateway.process.pid}/maps").read_text()
    assert "httptools" in mapped
    assert "google_crc32c" not in mapped
    assert "obstore" not in mapped


def test_what_a_newer_snapshot_closes_is_closed_at_once(fresh_gateway: Gateway, files: Path) -> None:
    path = f"/v1/data/file://{files}/open/file"
    fresh_gateway.show(data=DataAccess(open=(f"file://{files}/open",)))
    assert ask(fresh_gateway, "GET", path)[0] == 200
    fresh_gateway.show(data=DataAccess(open=(f"file://{files}/other",)))
    assert ask(fresh_gateway, "GET", path)[0] == 403


def test_other_methods_and_bodies_that_are_no_json_are_told_apart(gateway: Gateway) -> None:
    assert ask(gateway, "OPTIONS", "/v1/data/blob://open/file")[0] == 501
    for body in (b"", b"[]", b'{"name": 1}', b"[" * 5000):
        assert ask(gateway, "POST", "/v1/data/blob://open/inner", body)[0] == 400
    assert ask(gateway, "GET", "/v1/data/blob://open/%ff")[0] == 400


SEGMENTS = st.sampled_from(["a", "b", "..", ".", "", "%2e%2e", "%252E%2e", "..;x", "a..", "...", "a%2Fb", "..%2f", "é"])
SLASHES = st.sampled_from(["/", "\\", "%2f", "%5C", "%252F", "//"])


@st.composite
def _keys(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.tuples(SEGMENTS, SLASHES), max_size=6))
    return "".join(segment + slash for segment, slash in parts) + draw(SEGMENTS)


def _as_a_server_might(key: str, times: int) -> list[str]:
    """The segments that a careless server reads: decoded, backslashes turned, parameters cut, dots resolved."""
    for _ in range(times):
        key = unquote(key)
    walked = list[str]()
    for segment in key.replace("\\", "/").split("/"):
        name = segment.partition(";")[0]
        if name == "..":
            walked = walked[:-1]
        elif name not in ("", "."):
            walked.append(segment)
    return walked


@given(_keys(), st.sampled_from(["a", "a/", "a/b", "a/b/"]), st.integers(0, 3))
@example("a/%252e%252e/b", "a/", 2)
def test_whatever_is_let_through_is_below_its_prefix_for_the_most_careless_server(key: str, prefix: str, times: int) -> None:
    try:
        check_segments(key)
    except InvalidSpec:
        return
    if holds(Location("s3", "bucket", prefix), Location("s3", "bucket", key)):
        within = [part for part in prefix.split("/") if part]
        assert _as_a_server_might(key, times)[: len(within)] == within


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_prefix_holds_itself_and_what_follows_a_slash_alone(prefix: str, rest: str) -> None:
    def inside(key: str) -> bool:
        return holds(Location("s3", "b", prefix), Location("s3", "b", key))

    assert inside(prefix)
    assert inside(f"{prefix}/{rest}" if prefix and not prefix.endswith("/") else prefix + rest)
    if prefix and rest and not prefix.endswith("/") and not rest.startswith("/"):
        assert not inside(prefix + rest)
    for other in (Location("s3", "c", prefix), Location("s3", "b", prefix, "team"), Location("gs", "b", prefix)):
        assert not holds(Location("s3", "b", prefix), other)


@given(st.text(max_size=30))
def test_a_path_is_decoded_once_and_names_what_was_meant(name: str) -> None:
    try:
        path = quote(name, safe="/")
    except UnicodeEncodeError:
        return
    assert uri_of(f"/v1/data/blob://{path}", "me") == f"blob://{name}"
    assert uri_of(f"/v1/connector/s3+lab/bucket/{path}", "me") == f"s3+lab://bucket/{name}"
    location = parse(f"s3+lab://bucket/{name}")
    assert parse(str(location)) == location


def test_paths_without_a_scheme_are_of_data_and_dot_my_is_the_caller() -> None:
    assert uri_of("/v1/data/", "me") == "data://"
    assert uri_of("/v1/data/.my/x", "me") == uri_of("/v1/data/data://.my/x", "me") == "data://me/x"
    assert uri_of("/v1/data/.my", "me") == "data://me"
    assert uri_of("/v1/data/.mya/http://x", "me") == "data://.mya/http://x"
    assert uri_of("/v1/data/blob://.my/x", "me") == "blob://.my/x"
    assert uri_of("/v1/data/a+b%2Bc%20d", "me") == "data://a+b+c d"
    assert uri_of("/v1/data/azureblob+lab://c/x", "me") == "az+lab://c/x"


def test_a_query_has_the_protocols_options_alone() -> None:
    assert query_of("marker=a+b%2Bc&force=true") == {"marker": "a b+c", "force": "true"}
    with pytest.raises(CallError, match="%3F"):
        query_of("x=1")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (errors.NotFound("m"), 404, None),
        (errors.PermissionDenied("m"), 403, None),
        (errors.AuthError("m"), 403, None),
        (errors.AlreadyExists("m"), 409, None),
        (errors.Changed("m"), 409, None),
        (errors.InvalidSpec("m"), 400, None),
        (errors.Unsupported("m"), 501, None),
        (errors.Throttled("m", retry_after=2.1), 429, 3),
        (errors.Throttled("m"), 429, 1),
        (errors.QuotaError("m", name="bytes"), 507, None),
        (errors.TransientError("m"), 503, 1),
        (errors.OutcomeUnknown("m"), 503, None),
        (errors.IntegrityError("m"), 502, None),
        (errors.UnknownCloudError("m"), 502, None),
    ],
)
def test_every_error_of_a_store_has_its_status(error: CloudLayerError, status: int, retry_after: int | None) -> None:
    made = told(error)
    assert (made.status, made.retry_after, made.message) == (status, retry_after, "m")


def test_an_alias_in_a_prefix_is_the_store_that_it_stands_for() -> None:
    with storage.connect({"blob": {"uri": "s3+team://bucket/base"}, "data": {"uri": "memory://d"}}) as client:
        assert str(client.locate("blob://x")) == "s3+team://bucket/base/x"
        assert holds(client.locate("blob://open"), client.locate("s3+team://bucket/base/open/x"))
        assert not holds(client.locate("blob://open"), client.locate("s3://bucket/base/open/x"))
        assert str(client.locate("data://x")) == "memory://d/x"
