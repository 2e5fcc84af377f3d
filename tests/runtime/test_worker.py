"""What the worker promises to gateways and to authors of functions."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from cloudlayer.runtime.sources import worker_snapshot
from tests.runtime.functions import post, until

ECHO = "def apply(input):\n    return input\n"


def test_values_text_and_bytes_come_back_as_what_they_are(serve) -> None:
    worker = serve(ECHO).ready()
    value = {"a": [1, 2.5, None, "ü", "\ud800"]}
    assert post(worker.address, value) == (200, value)
    assert post(worker.address, "ü".encode(), Content_Type="text/plain; charset=utf-8") == (200, "ü".encode())
    assert post(worker.address, b"\0\xff", Content_Type="application/octet-stream") == (200, b"\0\xff")
    assert b"text/plain; charset=utf-8" in worker.raw(b"POST / HTTP/1.0\r\nContent-Type: application/text\r\n\r\n")


def test_load_runs_once_before_anything_is_accepted(serve) -> None:
    code = """
        import time
        loaded = []
        def load():
            time.sleep(0.3)
            loaded.append(1)
        def apply(input):
            return len(loaded)
    """
    worker = serve(code, CLOUDLAYER_CONCURRENCY="4").ready()
    assert [post(worker.address)[1] for _ in range(3)] == [1, 1, 1]


def test_an_error_tells_message_type_and_the_functions_own_stack(serve) -> None:
    code = """
        class Wrong(Exception):
            error_type = "InputError"
        def deep(input):
            raise Wrong("no such thing")
        def apply(input):
            if input == "memory":
                raise MemoryError
            if input == "plain":
                raise KeyError("k")
            deep(input)
    """
    worker = serve(code).ready()
    status, answer = post(worker.address, 1)
    error = answer["error"]
    assert (status, error["message"], error["error_type"]) == (500, "no such thing", "InputError")
    assert "in deep" in error["stack_trace"]
    assert "server.py" not in error["stack_trace"]
    assert post(worker.address, "memory")[1]["error"]["error_type"] == "OutOfMemoryError"
    assert post(worker.address, "plain")[1]["error"]["error_type"] == "AlgorithmError"


@pytest.mark.parametrize(("body", "kind"), [(b"{", "application/json"), (b"\xff", "text/plain")])
def test_a_body_that_is_not_what_it_says_is_a_parsing_error(serve, body: bytes, kind: str) -> None:
    status, answer = post(serve(ECHO).ready().address, body, Content_Type=kind)
    assert (status, answer["error"]["error_type"]) == (500, "ParsingError")


@pytest.mark.parametrize("result", ["object()", "float('nan')", "{(1, 2): 3}", "[set()]"])
def test_a_result_that_is_no_json_is_an_error_that_says_so(serve, result: str) -> None:
    status, answer = post(serve(f"def apply(input):\n    return {result}\n").ready().address)
    assert (status, answer["error"]["error_type"]) == (500, "AlgorithmError")
    assert "return JSON values, str or bytes" in answer["error"]["message"]


def test_as_many_calls_run_at_once_as_it_was_told_and_the_rest_wait(serve) -> None:
    code = """
        import threading, time
        running, most, lock = 0, 0, threading.Lock()
        def apply(input):
            global running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.1)
            with lock:
                running -= 1
            return most
    """
    worker = serve(code, CLOUDLAYER_CONCURRENCY="3").ready()
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(post(worker.address)[1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), max(answers)) == (8, 3)


def test_coroutines_are_awaited_side_by_side(serve) -> None:
    code = """
        import asyncio
        arrived = asyncio.Event()
        async def load():
            await asyncio.sleep(0)
        async def apply(input):
            if input == "second":
                arrived.set()
            await arrived.wait()
            return input
    """
    worker = serve(code).ready()
    first: list[object] = []
    thread = threading.Thread(target=lambda: first.append(post(worker.address, "first")))
    thread.start()
    assert post(worker.address, "second") == (200, b"second")
    thread.join()
    assert first == [(200, b"first")]


def test_requests_in_one_packet_are_answered_in_order(serve) -> None:
    one = b"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    answers = serve(ECHO).ready().raw(b"".join(one % (len(str(n)), str(n).encode()) for n in range(500)))
    bodies = [part.split(b"HTTP/1.1")[0] for part in answers.split(b"\r\n\r\n")[1:]]
    assert bodies == [str(n).encode() for n in range(500)]


def test_chunked_bodies_arrive_whole_in_whatever_pieces(serve) -> None:
    worker = serve(ECHO).ready()
    content = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    content += b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(worker.path))
        for index in range(len(content)):
            connection.sendall(content[index : index + 1])
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.endswith(b"\r\n\r\nabcdefg")


@pytest.mark.parametrize("how", ["length", "chunks"])
def test_a_body_over_ten_mebibytes_is_refused_and_the_caller_hears_it(serve, how: str) -> None:
    worker, body = serve(ECHO).ready(), b"x" * (10 * 1024**2 + 1)
    head = b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\n"
    if how == "length":
        answer = worker.raw(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    else:
        answer = worker.raw(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    assert b" 413 " in answer
    assert b"TooLargeError" in answer
    assert post(worker.address, b"x" * 10 * 1024**2, Content_Type="text/plain")[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_next_caller_is_served(serve, request_: bytes) -> None:
    worker = serve(ECHO).ready()
    assert worker.raw(request_).startswith(b"HTTP/1.1 4")
    assert post(worker.address, 1) == (200, 1)


def test_health_is_told_while_a_call_runs(serve) -> None:
    worker = serve("import time\ndef apply(input):\n    time.sleep(30)\n").ready()
    threading.Thread(
        target=lambda: contextlib.suppress(OSError) and worker.raw(b"POST / HTTP/1.1\r\n\r\n"), daemon=True
    ).start()
    assert worker.raw(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert worker.raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 405")
    assert worker.raw(b"POST /x HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 404")


def test_a_call_whose_time_is_up_is_not_begun(serve) -> None:
    worker = serve("def apply(input):\n    print('begun')\n").ready()
    assert post(worker.address, X_Deadline=str(time.time() - 1))[1]["error"]["error_type"] == "TimeoutError"
    assert "begun" not in worker.log.read_text()


def test_termination_lets_the_call_in_flight_end_and_takes_no_more(serve) -> None:
    worker = serve("import time\ndef apply(input):\n    print('begun')\n    time.sleep(0.4)\n    return 'done'\n").ready()
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(post(worker.address)))
    thread.start()
    until(lambda: "begun" in worker.log.read_text())
    worker.process.send_signal(signal.SIGTERM)
    thread.join()
    assert answers == [(200, b"done")]
    assert worker.process.wait(5) == 0


def test_termination_waits_no_longer_than_its_grace(serve) -> None:
    worker = serve("import time\ndef apply(input):\n    print('begun')\n    time.sleep(60)\n", CLOUDLAYER_GRACE="0.2").ready()
    threading.Thread(target=lambda: worker.raw(b"POST / HTTP/1.1\r\n\r\n"), daemon=True).start()
    until(lambda: "begun" in worker.log.read_text())
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(5) == 0


@pytest.mark.parametrize(("leave", "code"), [("sys.exit(3)", 3), ("sys.exit('bye')", 1), ("os._exit(7)", 7)])
def test_a_function_that_exits_ends_its_process(serve, leave: str, code: int) -> None:
    worker = serve(f"import os, sys\ndef apply(input):\n    {leave}\n").ready()
    with pytest.raises(OSError):
        post(worker.address)
    assert worker.process.wait(5) == code


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def load():\n    raise ValueError('no model')\ndef apply(input): ...\n", "no model"),
        ("import nowhere_to_be_found\ndef apply(input): ...\n", "nowhere_to_be_found"),
        ("def other(input): ...\n", "exactly one file"),
        ("def apply(input) nonsense\n", "is not Python"),
    ],
)
def test_a_function_that_cannot_be_loaded_ends_with_its_reason(serve, code: str, message: str) -> None:
    worker = serve(code)
    assert worker.process.wait(10) == 70
    assert message in json.loads(worker.status.read_text())["error"]["message"]
    assert not worker.path.exists()


def test_it_serves_on_a_port_of_any_address_too(serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    worker = serve(ECHO, PORT=str(port)).ready()
    assert post(f"http://127.0.0.1:{port}", [1]) == (200, [1])
    assert post(worker.address, [2]) == (200, [2])


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    answer: ClassVar[dict[str, object]] = {}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append((self.path, dict(self.headers), body))
        content = json.dumps(type(self).answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def gateway() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Gateway.seen = []
    Gateway.answer = {"result": 5, "metadata": {"content_type": "json", "duration": 0.1}}
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


CALLER = """
    import cloudlayer_client
    def apply(input):
        try:
            answer = cloudlayer_client.client().algo("nlp/Other/1.0.0").pipe(input)
        except cloudlayer_client.AlgorithmException as error:
            return {"message": error.message, "type": error.error_type}
        return [answer.result, answer.metadata.content_type, answer.metadata.duration]
"""


def test_a_function_calls_another_with_its_token_request_id_and_deadline(serve, gateway: str) -> None:
    worker = serve(CALLER, CLOUDLAYER_URL=gateway, CLOUDLAYER_TOKEN="narrow").ready()
    deadline = time.time() + 7
    for _ in range(2):
        assert post(worker.address, {"a": 1}, X_Request_Id="r-1", X_Deadline=str(deadline)) == (200, [5, "json", 0.1])
    path, headers, body = Gateway.seen[1]
    assert path.startswith("/v1/algo/nlp/Other/1.0.0?timeout=")
    assert (headers["Authorization"], headers["X-Request-Id"], json.loads(body)) == ("narrow", "r-1", {"a": 1})
    assert float(headers["X-Deadline"]) == pytest.approx(deadline, abs=0.5)


def test_the_called_functions_error_is_the_callers_exception(serve, gateway: str) -> None:
    Gateway.answer = {"error": {"message": "too sour", "error_type": "InputError"}}
    worker = serve(CALLER, CLOUDLAYER_URL=gateway, CLOUDLAYER_TOKEN="narrow").ready()
    assert post(worker.address, 1)[1] == {"message": "too sour", "type": "InputError"}


def test_a_gateway_that_is_away_is_an_exception_too(serve) -> None:
    worker = serve(CALLER, CLOUDLAYER_URL="http://127.0.0.1:1", CLOUDLAYER_TOKEN="narrow").ready()
    assert "cannot be reached" in post(worker.address, 1)[1]["message"]


def test_the_worker_needs_the_standard_library_alone(tmp_path: Path) -> None:
    worker = worker_snapshot(tmp_path)
    code = f"import sys; sys.path.insert(0, {str(worker)!r}); import cloudlayer_worker.server, cloudlayer_worker.client"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, env={}, cwd=os.sep, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
