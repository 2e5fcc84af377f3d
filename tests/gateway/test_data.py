"""Files and directories of the PyPI client, as it is, kept by the stores of the gateway's configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import Algorithmia
import pytest
import requests
from Algorithmia.acl import ReadAcl
from Algorithmia.errors import DataApiError

from cloudlayer.fleet.routes import DataAccess

from .data_worlds import NAME, ask, start_with_data
from .stand_ins import KEY, Gateway

CONFIGURATION = """
[stores.blob]
uri = "memory+team://objects/current"
[stores.data]
uri = "memory://home"
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this host that may be read, and written by the test alone."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Gateway]:
    """One gateway for all tests of this file."""
    access = DataAccess(open=(f"file://{files}",), write=("blob://", "data://", "s3+lab://bucket", "memory+az://x"))
    started = start_with_data(tmp_path_factory.mktemp("gateway"), CONFIGURATION, access)
    yield started
    started.stop()


def test_a_file_that_was_put_is_read_in_every_way_that_the_client_has(client: Any, tmp_path: Path) -> None:
    file = client.file("blob://records.csv")
    assert not file.exists()
    file.put("id,né\n1,2\n")
    assert file.exists()
    assert file.getString() == "id,né\n1,2\n"
    assert file.getBytes() == "id,né\n1,2\n".encode()
    assert Path(file.getFile(as_path=True)).read_bytes() == "id,né\n1,2\n".encode()
    assert client.file("blob://values.json").putJson({"a": [1, 2]}).getJson() == {"a": [1, 2]}
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(range(256)) * 5000)
    assert client.file("blob://sent").putFile(str(sent)).getBytes() == sent.read_bytes()


@pytest.mark.parametrize("text", ['q"<>^`{|}\\', "é", "日本", "plain"])
def test_text_in_utf8_is_read_as_that_and_not_as_what_the_client_guesses(client: Any, gateway: Gateway, text: str) -> None:
    assert client.file("blob://guessed").put(text).getString() == text
    ask(gateway, "PUT", "/v1/data/blob://guessed", text.encode(), Content_Type="text/csv")
    assert client.file("blob://guessed").getString() == text
    client.file("blob://guessed").put(b"\xff\xfe\x00")
    assert "charset" not in ask(gateway, "GET", "/v1/data/blob://guessed")[1]["Content-Type"]


def test_an_empty_file_is_one_whether_it_comes_chunked_or_not(client: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert client.file("blob://empty").putFile(str(tmp_path / "empty")).getBytes() == b""
    assert client.file("blob://empty-too").put(b"").getBytes() == b""
    assert client.file("blob://empty").exists()


@pytest.mark.parametrize("name", ["a b", "a+b", "été/日本", "100%.csv", "x//y", "=&;,:@!$'()*~[]", 'q"<>^`{|}\\'])
def test_unusual_names_are_kept_as_they_are(client: Any, name: str) -> None:
    client.file(f"blob://names/{name}").put(name)
    assert client.file(f"blob://names/{name}").getString() == name
    folder, _, last = f"blob://names/{name}".rpartition("/")
    assert last in {file.path.rpartition("/")[2] for file in client.dir(folder).files()} if "//" not in name else True


def test_a_file_that_is_not_there_is_told_with_its_name(client: Any, gateway: Gateway) -> None:
    with pytest.raises(DataApiError, match=r"unable to get file blob://nowhere - .*nowhere"):
        client.file("blob://nowhere").getString()
    status, headers, body = ask(gateway, "HEAD", "/v1/data/blob://nowhere/%C3%A9%0A")
    assert (status, body) == (404, b"")
    assert r"nowhere/\xe9 " in headers["X-Error-Message"]
    status, _, body = ask(gateway, "GET", "/v1/data/blob://nowhere")
    assert (status, json.loads(body)["error"]["error_type"]) == (404, "EntityNotFoundError")


def test_a_file_comes_with_its_type_size_and_etag(gateway: Gateway) -> None:
    ask(gateway, "PUT", "/v1/data/blob://typed", b"<a/>", Content_Type="image/svg+xml")
    told = ask(gateway, "HEAD", "/v1/data/blob://typed")[1]
    assert (told["Content-Type"], told["Content-Length"], told["X-Data-Type"]) == ("image/svg+xml", "4", "file")
    status, headers, body = ask(gateway, "GET", "/v1/data/blob://typed")
    assert (status, body, headers["ETag"], headers["Content-Type"]) == (200, b"<a/>", told["ETag"], "image/svg+xml")
    assert re.fullmatch(r'"[^"]+"', told["ETag"])
    ask(gateway, "PUT", "/v1/data/blob://typed", b"<b/>")
    assert ask(gateway, "HEAD", "/v1/data/blob://typed")[1]["ETag"] != told["ETag"]


def test_a_deleted_file_is_gone_and_one_that_is_not_there_is_an_error(client: Any, gateway: Gateway) -> None:
    file = client.file("blob://short-lived").put("x")
    assert json.loads(ask(gateway, "DELETE", "/v1/data/blob://short-lived")[2]) == {"result": {"deleted": 1}}
    assert not file.exists()
    with pytest.raises(DataApiError, match="short-lived"):
        file.delete()


def test_a_put_that_wants_to_be_the_first_is_refused_where_there_is_one(gateway: Gateway) -> None:
    assert ask(gateway, "PUT", "/v1/data/blob://first", b"1", If_None_Match="*")[0] == 200
    status, _, body = ask(gateway, "PUT", "/v1/data/blob://first", b"2", If_None_Match="*")
    assert (status, "first" in json.loads(body)["error"]["message"]) == (409, True)
    assert ask(gateway, "PUT", "/v1/data/blob://first", b"2", If_Match='"x"')[0] == 501
    assert ask(gateway, "GET", "/v1/data/blob://first")[2] == b"1"


def test_a_directory_lists_its_files_and_folders(client: Any) -> None:
    directory = client.dir("blob://tree")
    assert not directory.exists()
    directory.create()
    directory.file("one").put("1")
    directory.file("deep/two").put("22")
    directory.file("deeper/x/three").put("333")
    assert directory.exists()
    assert [file.path for file in directory.files()] == ["blob://tree/one"]
    assert [each.path for each in directory.dirs()] == ["blob://tree/deep", "blob://tree/deeper"]
    listed = next(iter(directory.dir("deep").files()))
    assert (listed.size, listed.last_modified.year >= 2024, listed.getString()) == (2, True, "22")


def test_a_long_directory_is_listed_page_by_page(files: Path, gateway: Gateway) -> None:
    names = [f"{number:04} é+&" for number in range(1500)]
    for name in names:
        (files / name).write_text(name)
    for number in range(0, 1500, 3):
        (files / f"{number:04} folder").mkdir()
        (files / f"{number:04} folder" / "in it").touch()
    seen_files, seen_folders, marker, pages = list[str](), list[str](), "", 0
    while pages == 0 or marker:
        answer = requests.get(
            f"{gateway.url}/v1/data/file://{files}", params={"marker": marker}, headers={"Authorization": KEY}, timeout=20
        )
        assert answer.headers["X-Data-Type"] == "directory"
        page, pages = answer.json(), pages + 1
        assert len(page["files"]) + len(page["folders"]) <= 1000
        seen_files += [each["filename"] for each in page["files"]]
        seen_folders += [each["name"] for each in page["folders"]]
        marker = page.get("marker", "")
    assert (seen_files, pages) == (names, 2)
    assert seen_folders == [f"{number:04} folder" for number in range(0, 1500, 3)]


def test_a_directory_that_is_not_empty_is_deleted_by_force_alone(client: Any) -> None:
    directory = client.dir("blob://doomed")
    for number in range(5):
        directory.file(f"{number % 2}/{number}").put("x")
    client.file("blob://doomed-not").put("x")
    with pytest.raises(DataApiError, match="not empty"):
        directory.delete()
    assert directory.delete(force=True)
    assert not directory.exists()
    assert client.file("blob://doomed-not").exists()
    with pytest.raises(DataApiError, match="doomed"):
        directory.delete(force=True)


def test_all_that_is_open_is_not_deleted_in_one_go(client: Any) -> None:
    client.file("blob://kept").put("x")
    with pytest.raises(DataApiError, match="all that is open"):
        client.dir("blob://").delete(force=True)
    assert client.file("blob://kept").exists()


def test_data_is_the_configurations_and_the_username_is_the_keys(client: Any) -> None:
    client.file("data://aaa/first").put("1")
    client.file("data://.my/notes/today").put("2")
    assert client.username() == NAME
    assert client.file(f"data://{NAME}/notes/today").getString() == "2"
    assert client.file("/aaa/first").getString() == "1"
    assert [each.path for each in client.dir("").list()] == [NAME, "aaa"]


def test_connectors_are_served_under_both_paths(gateway: Gateway) -> None:
    ask(gateway, "PUT", "/v1/connector/memory+az/x/a%20b", b"1")
    assert ask(gateway, "GET", "/v1/data/memory+az://x/a%20b")[2] == b"1"
    ask(gateway, "PUT", "/v1/connector/blob/by/connector", b"2")
    assert ask(gateway, "GET", "/v1/data/blob%3A//by/connector")[2] == b"2"
    refused = ask(gateway, "GET", "/v1/connector/azureblob+lab/container/x")
    assert (refused[0], "az+lab://container/x" in refused[1]["X-Error-Message"]) == (403, True)


def test_permissions_are_told_as_they_are_and_not_changed(client: Any) -> None:
    directory = client.dir("blob://rights")
    assert directory.get_permissions().read_acl.pseudonym == "private"
    with pytest.raises(DataApiError, match="no rights of their own"):
        directory.update_permissions(ReadAcl.public)
    with pytest.raises(Exception, match="Failure"):
        directory.create(ReadAcl.public)
    directory.create(ReadAcl.private)


def test_an_option_that_nobody_knows_may_be_half_of_a_name_and_is_refused(client: Any) -> None:
    client.file("blob://half").put("kept")
    with pytest.raises(DataApiError, match="%3F"):
        client.file("blob://half?of a name").delete()
    assert client.file("blob://half").getString() == "kept"


def test_a_connection_is_kept_over_files_that_are_there_and_that_are_not(gateway: Gateway) -> None:
    client = Algorithmia.client(KEY, gateway.url)
    for number in range(20):
        assert not client.file(f"blob://never/{number}").exists()
        assert client.file(f"blob://often/{number}").put("x").getString() == "x"


def test_the_log_has_no_name_and_no_content_of_an_object(gateway: Gateway) -> None:
    ask(gateway, "PUT", "/v1/data/blob://secret-name", b"secret-content")
    ask(gateway, "GET", "/v1/data/blob://secret-nowhere")
    assert "secret" not in "".join(gateway.text)
