"""A store that has all that a store can have, and on demand lacks something: what mutants are made of, and sound itself.

It keeps its objects in MemoryStore. Beside that it lets in only who knows its secret, has buckets that are not there, can be
at an address, and signs URLs that a server of its own serves.
"""

import hashlib
import hmac
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

from cloudlayer.errors import AuthError, Conflict, InvalidSpec, NotFound, TransientError, Unsupported
from cloudlayer.specs import Spec, checked
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.limits import check_key, check_path, check_put
from cloudlayer.storage.objects import PLAIN
from cloudlayer.storage.store import Store
from cloudlayer.storage.stores import memory

SECRET = "hunter-two-of-the-world"
REASON = "this store was told to lack it, so that the suite sees how it says so"
NAME = "world"
ABSENT = "never-made"
PART = 5 * 2**20


class Settings(Spec):
    """What may be set."""

    secret: str = SECRET
    address: str = ""


class WorldStore(Store):
    """One bucket. A mutant overrides what it breaks."""

    lacking = ()
    """Capabilities that it declares to lack."""

    lies = False
    """Whether it has them all the same."""

    takes_any = False
    """Whether it is connected whatever its settings say."""

    def __init__(self, authority, settings):
        self.uri = f"memory://{authority}/"
        self.capabilities = declare(self.uri, **dict.fromkeys(self.lacking, REASON))
        self.able = declare(self.uri) if self.lies else self.capabilities
        self.inner = memory.connect(authority, "memory", {"part_size": PART})
        self._authority = authority
        self._secret = settings.secret
        self._address = settings.address

    def gate(self, *needed):
        """Before every call: what is missing, and who asks."""
        for name in needed:
            if not self.able[name]:
                raise Unsupported(self.able[name].reason, provider=self.uri)
        if self._address:
            self.call()
        if self._secret != SECRET:
            raise AuthError("the secret is another one", provider=self.uri)
        if self._authority == ABSENT:
            raise NotFound(f"there is no bucket {self._authority}: absent", provider=self.uri)

    def call(self):
        """Ask a server that never answers."""
        host, _, port = self._address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=0.2) as connection:
                connection.recv(1)
        except OSError as error:
            raise TransientError(f"no answer: {error}", provider=self.uri) from None

    def key(self, *keys):
        """Whether these can be keys."""
        for key in keys:
            (check_key if self.able["any_key"] else check_path)(self.uri, key)

    def writes(self, key, options):
        """Before every call that makes an object."""
        self.key(key)
        check_put(self.uri, self.able, options)
        self.gate("put")
        if not self.able["key_is_no_folder"]:
            keys = set(self.inner._bucket.keys)
            parts = key.split("/")
            if any("/".join(parts[:end]) in keys for end in range(1, len(parts))) or any(k.startswith(f"{key}/") for k in keys):
                raise Conflict(f"{key} would be an object and a folder", provider=self.uri)

    def get(self, key, *, start=None, end=None, if_match=None):
        self.key(key)
        self.gate()
        return self.inner.get(key, start=start, end=end, if_match=if_match)

    def open(self, key, *, start=None, end=None, if_match=None):
        self.key(key)
        self.gate()
        return self.inner.open(key, start=start, end=end, if_match=if_match)

    def head(self, key):
        self.key(key)
        self.gate()
        return self.inner.head(key)

    def put(self, key, data, options=PLAIN):
        self.writes(key, options)
        return self.inner.put(key, data, options)

    def upload(self, key, options=PLAIN, *, size=None, resume=None):
        if resume is not None:
            self.gate("resume")
        self.writes(key, options)
        return self.inner.upload(key, options, size=size, resume=resume)

    def uploads(self, prefix=""):
        self.gate("uploads")
        yield from self.inner.uploads(prefix)

    def discard(self, upload):
        self.gate("uploads")
        self.inner.discard(upload)

    def delete(self, key, *, if_match=None):
        self.key(key)
        self.gate("put", *(["compare_and_swap"] if if_match is not None else []))
        self.inner.delete(key, if_match=if_match)

    def delete_many(self, keys):
        self.gate("put")
        return self.inner.delete_many(keys)

    def copy(self, key, target, options=PLAIN, *, if_match=None):
        self.key(key)
        self.writes(target, options)
        return self.inner.copy(key, target, options, if_match=if_match)

    def list(self, prefix="", *, shallow=False, after=""):
        self.gate("list")
        yield from self.inner.list(prefix, shallow=shallow, after=after)

    def sign(self, key, method, expires):
        self.gate("sign")
        if expires <= 0:
            raise InvalidSpec("a URL is good for some time: give seconds")
        return signed(self._authority, key, method, time.time() + expires)

    def tags(self, key):
        self.gate("tags")
        return self.inner.tags(key)

    def set_tags(self, key, tags):
        self.gate("tags")
        self.inner.set_tags(key, tags)


def signature(path, method, until):
    return hmac.new(SECRET.encode(), f"{method} {path} {until}".encode(), hashlib.sha256).hexdigest()


def signed(authority, key, method, until):
    """The URL by which the server of this process does `method`."""
    path = quote(f"/{authority}/{key}")
    asked = f"method={method}&until={until}&signature={signature(path, method, until)}"
    return f"http://127.0.0.1:{_server().server_port}{path}?{asked}"


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Says nothing."""

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        method, until = asked["method"], asked["until"]
        if signature(parts.path, method, until) != asked["signature"] or method != self.command or time.time() > float(until):
            return self._answer(403)
        authority, _, key = unquote(parts.path)[1:].partition("/")
        store = memory.connect(authority, "memory", {})
        if method == "PUT":
            store.put(key, body)
            return self._answer(200)
        return self._answer(200, store.get(key))

    do_PUT = do_GET  # noqa: N815


_SERVERS = []


def _server():
    if not _SERVERS:
        _SERVERS.append(ThreadingHTTPServer(("127.0.0.1", 0), _Handler))
        threading.Thread(target=_SERVERS[0].serve_forever, daemon=True).start()
    return _SERVERS[0]


KIND = [WorldStore]
"""What `connect` makes."""


def connect(authority, account, settings):
    """A store of KIND, of the names that are this world's. Registered in place of memory's while a mutant is tried."""
    if authority not in (NAME, ABSENT):
        return memory.connect(authority, account, {})
    kind = KIND[0]
    known = {name: value for name, value in settings.items() if name in Settings.model_fields or not kind.takes_any}
    return kind(authority, checked(Settings, known, f"stores.{account}"))
