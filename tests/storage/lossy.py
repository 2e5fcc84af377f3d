"""A server between a client and a real one: it loses answers, refuses, damages and breaks off, as it is told beforehand."""

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "content-encoding"}


@dataclass
class Fault:
    """What is done to the next request of `method`, once: `kind` is lose, refuse, damage, or cut."""

    kind: str
    method: str
    status: int = 503
    headers: dict = field(default_factory=dict)
    body: bytes = b""


class Lossy:
    """In front of `address`. `faults` are used up in order; `seen` has method and path of every request."""

    def __init__(self, address):
        self.faults = []
        self.seen = []
        self._session = requests.Session()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(address))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def fault(self, method):
        """The fault of this request, which is used up."""
        for index, fault in enumerate(self.faults):
            if fault.method == method:
                return self.faults.pop(index)
        return None

    def _handler(self, address):
        lossy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                lossy.seen.append((self.command, self.path))
                fault = lossy.fault(self.command)
                if fault and fault.kind == "refuse":
                    return self.answer(fault.status, fault.headers, fault.body)
                if fault and fault.kind == "damage":
                    body = b"#" + body[1:]
                # the Host stays what was signed
                prepared = requests.Request(self.command, address, headers=dict(self.headers), data=body).prepare()
                prepared.url = address + self.path
                answer = lossy._session.send(prepared, stream=True, allow_redirects=False)
                content = answer.raw.read(decode_content=False)
                headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                if fault and fault.kind == "lose":
                    self.close_connection = True
                    return None
                length = int(answer.headers.get("content-length") or 0) if self.command == "HEAD" else len(content)
                if fault and fault.kind == "cut":
                    content = content[: len(content) // 2]
                    self.close_connection = True
                return self.answer(answer.status_code, headers, content, length)

            def answer(self, status, headers, body, length=None):
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body) if length is None else length))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(body)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = do_PATCH = do  # noqa: N815

            def log_message(self, *_):
                pass

        return Handler
