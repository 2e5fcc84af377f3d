import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, TextIOWrapper

import pytest


class Gateway:
    """What answers on the port, as the protocol asks; it keeps the last call."""

    def __init__(self):
        self.status, self.headers, self.body, self.path, self.sent = 200, {}, b"", "", {}
        self.answer({"result": None, "metadata": {"content_type": "json", "duration": 0.1}})

    def answer(self, document, status=200, **headers):
        self.reply = (status, json.dumps(document).encode() if not isinstance(document, bytes) else document, headers)

    def result(self, value, kind):
        self.answer({"result": value, "metadata": {"content_type": kind, "duration": 0.1}})

    def fault(self, message, error_type="AlgorithmError", status=200, **headers):
        self.answer({"error": {"message": message, "error_type": error_type, "stack_trace": ""}}, status, **headers)


@pytest.fixture
def gateway(monkeypatch, cli):
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            gateway.path, gateway.sent = self.path, self.headers
            gateway.body = self.rfile.read(int(self.headers["Content-Length"]))
            status, body, headers = gateway.reply
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("CLOUDLAYER_PORT", str(server.server_port))
    monkeypatch.setenv("CLOUDLAYER_API_KEY", "key")
    yield gateway
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def piped(monkeypatch):
    def piped(content):
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(content)))

    return piped


def test_a_json_input_goes_as_json_and_the_result_is_printed(cli, gateway):
    gateway.result({"sentiment": 0.474}, "json")
    outcome = cli("call", "nlp/SentimentAnalysis/1.0.4", '{"document": "I like it"}')
    assert (outcome.code, outcome.document) == (0, {"sentiment": 0.474})
    assert (gateway.path, gateway.body) == ("/v1/algo/nlp/SentimentAnalysis/1.0.4", b'{"document": "I like it"}')
    assert (gateway.sent["Content-Type"], gateway.sent["Authorization"]) == ("application/json", "Simple key")


@pytest.mark.parametrize(
    ("arguments", "kind", "body"),
    [
        ([], "application/json", b"null"),
        (["hello there"], "text/plain", b"hello there"),
        (["12"], "application/json", b"12"),
        (["--text", "12"], "text/plain", b"12"),
        (["--json-input", "[1]"], "application/json", b"[1]"),
        (["--binary", "raw"], "application/octet-stream", b"raw"),
        (["é"], "text/plain", "é".encode()),
    ],
)
def test_an_input_goes_as_what_it_is_or_as_it_is_said_to_be(cli, gateway, arguments, kind, body):
    assert cli("call", "nlp/Echo", *arguments).code == 0
    assert (gateway.sent["Content-Type"], gateway.body) == (kind, body)


def test_an_input_may_come_from_standard_input(cli, gateway, piped):
    piped(b"\x00\xff")
    cli("call", "nlp/Echo", "-", "--binary")
    assert gateway.body == b"\x00\xff"


def test_bytes_that_are_no_text_need_to_be_called_binary(cli, gateway, piped):
    piped(b"\xff")
    outcome = cli("call", "nlp/Echo", "-")
    assert outcome.code == 2
    assert "--binary" in outcome.err


@pytest.mark.parametrize(
    ("value", "kind", "printed"),
    [
        ("plain text", "text", "plain text\n"),
        (base64.b64encode(b"\x01bytes").decode(), "binary", "\x01bytes"),
        (None, "void", ""),
    ],
)
def test_a_result_is_printed_as_its_type_asks(cli, gateway, value, kind, printed):
    gateway.result(value, kind)
    assert cli("call", "nlp/Echo").out == printed


def test_with_json_the_whole_envelope_is_printed(cli, gateway):
    gateway.result("x", "text")
    assert cli("call", "nlp/Echo", "--json").document == {"result": "x", "metadata": {"content_type": "text", "duration": 0.1}}


@pytest.mark.parametrize("json_wanted", [[], ["--json"]])
def test_a_function_that_fails_exits_with_1_and_its_message(cli, gateway, json_wanted):
    gateway.fault("the text is empty", "InputError")
    outcome = cli("call", "nlp/Echo", *json_wanted)
    assert (outcome.code, outcome.err) == (1, "error: InputError: the text is empty\n")
    assert bool(outcome.out) == bool(json_wanted)


@pytest.mark.parametrize(
    ("status", "headers", "code", "words"),
    [
        (401, {}, 5, "m"),
        (429, {"Retry-After": "3"}, 75, "m; try again in 3 s"),
        (503, {}, 75, "m"),
        (413, {}, 1, "TooLarge: m"),
    ],
)
def test_a_refusal_exits_with_the_code_of_its_kind(cli, gateway, status, headers, code, words):
    gateway.fault("m", "TooLarge", status, **headers)
    outcome = cli("call", "nlp/Echo")
    assert (outcome.code, outcome.err) == (code, f"error: {words}\n")


def test_what_is_no_gateway_is_told_apart(cli, gateway):
    gateway.answer(b"<html>", 404)
    outcome = cli("call", "nlp/Echo")
    assert outcome.code == 1
    assert "no gateway of cloudlayer: HTTP 404" in outcome.err


def test_nothing_that_answers_is_told_with_the_mend(cli, gateway):
    outcome = cli("call", "nlp/Echo", "--url", "http://127.0.0.1:1")
    assert outcome.code == 75
    assert "cannot be reached" in outcome.err
    assert "cloudlayer up" in outcome.err


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://x:port", "http://x:99999"])
def test_an_address_that_is_none_is_refused(cli, gateway, url):
    outcome = cli("call", "nlp/Echo", "--url", url)
    assert outcome.code == 2, outcome.err
    assert "write it as in http://127.0.0.1:8080" in outcome.err


def test_the_key_may_stand_in_a_file(cli, gateway, tmp_path):
    (tmp_path / "key").write_text("other\n")
    assert cli("call", "nlp/Echo", "--key-file", str(tmp_path / "key")).code == 0
    assert gateway.sent["Authorization"] == "Simple other"


def test_without_a_key_the_two_ways_to_give_one_are_told(cli, monkeypatch):
    monkeypatch.delenv("CLOUDLAYER_API_KEY", raising=False)
    outcome = cli("call", "nlp/Echo")
    assert outcome.code == 5
    assert "CLOUDLAYER_API_KEY" in outcome.err
    assert "--key-file" in outcome.err


@pytest.mark.parametrize("key", ["se\ncret", "sécret"])
def test_a_key_that_cannot_be_sent_is_not_shown(cli, gateway, monkeypatch, key):
    monkeypatch.setenv("CLOUDLAYER_API_KEY", key)
    outcome = cli("call", "nlp/Echo")
    assert outcome.code == 5
    assert "cret" not in outcome.err


def test_a_key_cannot_be_given_as_an_argument(cli):
    assert "--key " not in cli("call", "--help").out


def test_a_function_name_is_escaped_and_its_patterns_are_kept(cli, gateway):
    cli("call", "algo://nlp/Echo x?y/1.*")
    assert gateway.path == "/v1/algo/nlp/Echo%20x%3Fy/1.*"


def test_two_kinds_of_input_at_once_are_wrong_usage(cli, gateway):
    assert cli("call", "nlp/Echo", "x", "--text", "--binary").code == 2
