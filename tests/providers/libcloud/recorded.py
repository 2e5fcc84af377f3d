"""Answers of real clouds, as Libcloud's own package ships them, served over HTTP to Libcloud's own drivers."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import libcloud

SHIPPED = Path(libcloud.__file__).parent / "test"


class Recorded:
    """A cloud at `host` and `port` that answers as it did when it was recorded.

    `routes` leads from "METHOD /path" (or "METHOD command", where a cloud has one path for all of its commands) to (status,
    file among the fixtures) or (status, text); of several answers each is given once, the last one for ever. What has no route
    is 404. `asked` is the journal: (method, path or command, document that was sent).
    """

    def __init__(self, folder, routes):
        self._folder = SHIPPED / folder
        self.routes = dict(routes)
        self.asked = []
        self._given = Counter()
        recorded = self

        class Handler(BaseHTTPRequestHandler):
            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorded.answer(self, body)

            do_GET = do_POST = do_DELETE = do_PUT = do  # noqa: N815

            def log_message(self, *args):
                """Requests are in the journal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host, self.port = self._server.server_address[:2]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, request):
        return sum(f"{method} {path}" == request for method, path, _ in self.asked)

    def answer(self, handler, body):
        address = urlsplit(handler.path)
        path = parse_qs(address.query).get("command", [address.path])[0]
        request = f"{handler.command} {path}"
        self.asked.append((handler.command, path, _document(body)))
        status, text = self._routed(request)
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        if status == 429:
            handler.send_header("Retry-After", "3")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def _routed(self, request):
        found = self.routes.get(request, (404, "{}"))
        answers = found if isinstance(found, list) else [found]
        status, text = answers[min(self._given[request], len(answers) - 1)]
        self._given[request] += 1
        file = self._folder / text
        return status, file.read_bytes() if text.endswith(".json") else text.encode()


def _document(body):
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
