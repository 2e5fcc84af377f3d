"""A REST cloud at `url`, in threads of this process: every call is in a journal, and rules bring faults about."""

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.rest.rules import Rule


@dataclass
class Call:
    """One request, and what became of it. `method` is the cloud's own name for the operation, empty where there is none."""

    verb: str
    url: str
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    status: int = 0
    outcome: str = "executed"

    @property
    def path(self):
        """The path, unquoted."""
        return unquote(urlsplit(self.url).path)

    @property
    def query(self):
        """The query's parameters by name."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


@dataclass
class Answer:
    """What is sent back: a status, a document (None: no body; bytes go as they are) and headers besides the usual ones."""

    status: int
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)


class RestFake:
    """A cloud to inherit from: give `method`, `execute` and `error`.

    `rules` bring faults about, `calls` is the journal, `clock` counts the seconds that operations take.
    """

    def __init__(self):
        self.rules = []
        self.calls = []
        self.clock = time.monotonic
        self.lock = threading.RLock()
        fake = self

        class Handler(_Handler):
            cloud = fake

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def method(self, call):
        """The cloud's own name for the operation that is called, such as "compute.instances.insert"; empty if there is none."""
        raise NotImplementedError

    def execute(self, call):
        """The Answer to a call that no rule kept from happening. Called under `lock`."""
        raise NotImplementedError

    def error(self, call, code, message, status):
        """The Answer that tells an error in the cloud's own form; `status` is None where the code has one of its own."""
        raise NotImplementedError

    def follow(self, clock):
        """Let time run on this clock (a thing with `monotonic()`), the driver's."""
        self.clock = clock.monotonic

    def reset(self):
        """No faults and an empty journal; a fake forgets its things as well."""
        self.rules.clear()
        self.calls.clear()

    def close(self):
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, **rule):
        """Add a rule; the first one that matches a call and is not used up applies."""
        self.rules.append(Rule(**rule))

    def count(self, method):
        """How many calls of a method there were."""
        return sum(call.method == method for call in self.calls)

    def respond(self, call):
        """The Answer to a call under the rules; None where the connection is to be dropped."""
        with self.lock:
            call.method = self.method(call)
            self.calls.append(call)
            rule = next((rule for rule in self.rules if rule.take(call)), Rule())
        if rule.latency:
            time.sleep(rule.latency)
        if rule.refuse:
            call.outcome = "refused"
            return None
        if rule.code:
            answer = self._refusal(call, rule)
        else:
            with self.lock:
                answer = self.execute(call)
        call.status = answer.status
        if rule.lost_response:
            call.outcome = "executed, response lost"
            return None
        return answer

    def _refusal(self, call, rule):
        code = rule.code(call) if callable(rule.code) else rule.code
        call.outcome = f"injected {code}"
        answer = self.error(call, code, rule.message, rule.status)
        if rule.retry_after is not None:
            answer.headers["Retry-After"] = str(rule.retry_after)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that hung up is none of the fake's business."""


class _Handler(BaseHTTPRequestHandler):
    cloud = None
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: an unbuffered one waits forty milliseconds for the other side's acknowledgement
    disable_nagle_algorithm = True

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        call = Call(self.command, self.path, _document(body), {name.lower(): value for name, value in self.headers.items()})
        answer = self.cloud.respond(call)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = _content(answer.document)
        headers = {"Content-Type": "application/json; charset=utf-8"} if content else {}
        self.send_response(answer.status)
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815  (named by the standard library)

    def log_message(self, *args):
        """Requests are in the journal."""


def _content(document):
    if isinstance(document, bytes):
        return document
    return b"" if document is None else json.dumps(document).encode()


def _document(body):
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
