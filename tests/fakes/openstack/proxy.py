"""A proxy in front of real OpenStack services, with fault rules; the addresses in all answers lead through it.

Only Keystone's address has to be told: the others are learned from the catalogue that comes with a token.
"""

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.fakes.openstack.rules import Call, Rule

_OWN_HEADERS = ("transfer-encoding", "connection", "content-length", "content-encoding", "server", "date")
_SECONDS = 60


class Proxy:
    """OpenStack behind `url`. `rules` bring faults about, `calls` is the journal of what was passed on."""

    def __init__(self, keystone):
        self.rules = []
        self.calls = []
        self.origins = {"identity": _origin(keystone)}
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            def answer(self):
                proxy.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.base}/identity{urlsplit(keystone).path}"

    def fault(self, **keys):
        """Add a rule."""
        rule = Rule(**keys)
        with self._lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        """End all faults."""
        with self._lock:
            self.rules.clear()

    def close(self):
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler):
        """Pass a request on as the rules have it."""
        split = urlsplit(handler.path)
        service, _, rest = split.path.removeprefix("/").partition("/")
        length = int(handler.headers.get("Content-Length") or 0)
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        call = Call(service, handler.command, f"/{rest}", query, handler.rfile.read(length))
        with self._lock:
            rules = [rule for rule in self.rules if rule.take(call)]
            self.calls.append(call)
        time.sleep(sum(rule.latency for rule in rules))
        for rule in rules:
            if rule.refuse:
                handler.drop()
                return
            if rule.status is not None:
                handler.reply(rule.status, {**rule.headers, "Content-Type": "application/json"}, _written(rule.document))
                return
            call.query.update(rule.query)
            if rule.request is not None:
                call.body = _written(rule.request(call.document))
                call.tampered = True
        status, headers, body = self._passed_on(call, handler)
        call.status = status
        if any(rule.lose for rule in rules):
            handler.drop()
            return
        for rule in rules:
            if rule.answer is not None and status < 300 and body:
                body = _written(rule.answer(json.loads(body)))
        handler.reply(status, headers, body)

    def _passed_on(self, call, handler):
        connection = http.client.HTTPConnection(self.origins[call.service], timeout=_SECONDS)
        dropped = ("host", "content-length", "accept-encoding", "connection")
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in dropped}
        path = call.path + (f"?{urlencode(call.query)}" if call.query else "")
        try:
            connection.request(call.method, path, body=call.body or None, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if call.method == "POST" and call.path.endswith("/auth/tokens") and answer.status < 300:
            self._learn(json.loads(body))
        kept = {name: self._led_here(value) for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS}
        if "json" in (answer.getheader("Content-Type") or ""):
            body = self._led_here(body.decode()).encode()
        return answer.status, kept, body

    def _learn(self, document):
        for service in document["token"].get("catalog", ()):
            for endpoint in service["endpoints"]:
                origin = _origin(endpoint["url"])
                if origin not in self.origins.values():
                    self.origins[service["type"]] = origin

    def _led_here(self, text):
        for service, origin in self.origins.items():
            text = text.replace(f"http://{origin}", f"{self.base}/{service}")
        return text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_):
        pass

    def answer(self):
        raise NotImplementedError

    def _answered(self):
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answered  # noqa: N815


def _origin(url):
    return urlsplit(url).netloc


def _written(document):
    return b"" if document is None else json.dumps(document).encode()
