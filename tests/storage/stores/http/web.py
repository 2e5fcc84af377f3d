"""A web server on loopback that does what a test tells it to: serve, lead elsewhere, break off, refuse."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What is under a path. `breaks`: how many bytes of its body each of the next answers has."""

    data: bytes = b""
    etag: str | None = '"1"'
    headers: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    knows_head: bool = True
    knows_ranges: bool = True
    tells_length: bool = True
    moved: str | None = None


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]


class Web(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = {}
        self.asked = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def authority(self):
        return f"127.0.0.1:{self.server_port}"

    @property
    def uri(self):
        return f"http://{self.authority}/"

    def handle_error(self, request, client_address):
        """A reader that goes away is no matter."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def _answer(self):
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers)))
        page = self.server.pages.get(self.path)
        if page is None:
            return self._send(404, {}, b"")
        if page.moved:
            return self._send(302, {"Location": page.moved}, b"gone there")
        if page.statuses:
            return self._send(page.statuses.pop(0), page.headers, b"not now")
        if self.command == "HEAD" and not page.knows_head:
            return self._send(405, {}, b"")
        if (wanted := self.headers.get("If-Match")) and page.etag and wanted != page.etag:
            return self._send(412, {}, b"")
        return self._serve(page)

    def _serve(self, page):
        about = {**page.headers, **({"ETag": page.etag} if page.etag else {})}
        size = len(page.data)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not match or not page.knows_ranges or self.command == "HEAD":
            return self._send(200, about, page.data, page)
        first, last = match[1], match[2]
        start = int(first) if first else max(size - int(last), 0)
        stop = min(int(last) + 1, size) if first and last else size
        if start >= stop:
            return self._send(416, {"Content-Range": f"bytes */{size}"}, b"")
        return self._send(206, {**about, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}, page.data[start:stop], page)

    def _send(self, status, headers, body, page=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        told = page is None or page.tells_length
        self.send_header(*(("Content-Length", str(len(body))) if told else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        if self.command == "HEAD":
            return
        stop = page.breaks.pop(0) if page and page.breaks else len(body)
        self.wfile.write(body[:stop] if told else b"%x\r\n%s\r\n" % (stop, body[:stop]) if stop else b"")
        if stop < len(body):
            self.close_connection = True
        elif not told:
            self.wfile.write(b"0\r\n\r\n")
