"""A fake of Dropbox's HTTP API, for lack of a server to test against.

The routes, with the types of what goes in and out of them, are those that the official SDK has generated from Dropbox's
published Stone specification: a request that is none is answered 400 as Dropbox does, and no answer leaves that is none.
What the routes do stands in `files.py`. Nothing here was ever compared with Dropbox itself.
"""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dropbox import files
from dropbox.stone_serializers import json_compat_obj_decode, json_compat_obj_encode
from dropbox.stone_validators import ValidationError, Void

from tests.fakes.dropbox.files import Account, Refused, Session, content_hash

ROUTES = {f"/2/files/{route.name}{f'_v{route.version}' if route.version > 1 else ''}": route for route in files.ROUTES.values()}
LARGEST = 150 * 1024 * 1024


class DropboxServer:
    """The server; `fresh()` is an account of its own. `requests` counts the calls of each route."""

    def __init__(self):
        self.accounts = {}
        self.requests = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.fake = self
        self._http.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()

    def fresh(self):
        """A place in an account that nobody else has."""
        from tests.storage.servers_others import Place

        token = f"token-{uuid.uuid4().hex}"
        self.accounts[token] = Account()
        settings = {"access_token": token, "endpoint": self.endpoint}
        return Place("dropbox", "", settings, lambda: None)


def _upload(account, arg, body):
    if len(body) > LARGEST:
        raise Refused(files.UploadError.payload_too_large)
    _check_hash(arg.content_hash, body, files.UploadError)
    try:
        return account.write(arg, body)
    except Refused as refused:
        session = f"session-{uuid.uuid4().hex}"
        raise Refused(files.UploadError.path(files.UploadWriteFailed(refused.error, session))) from None


def _check_hash(told, body, kind):
    if told is not None and told != content_hash(body):
        raise Refused(kind.content_hash_mismatch)


def _start(account, arg, body):
    _check_hash(arg.content_hash, body, files.UploadSessionStartError)
    name = f"session-{uuid.uuid4().hex}"
    account.sessions[name] = Session(bytearray(body), arg.close)
    return files.UploadSessionStartResult(session_id=name)


def _append(account, arg, body):
    session = account.session(arg.cursor, files.UploadSessionAppendError)
    _check_hash(arg.content_hash, body, files.UploadSessionAppendError)
    session.data += body
    session.closed = arg.close


def _finish(account, arg, body):
    try:
        session = account.session(arg.cursor, files.UploadSessionLookupError)
    except Refused as refused:
        raise Refused(files.UploadSessionFinishError.lookup_failed(refused.error)) from None
    _check_hash(arg.content_hash, body, files.UploadSessionFinishError)
    try:
        made = account.write(arg.commit, bytes(session.data) + body)
    except Refused as refused:
        raise Refused(files.UploadSessionFinishError.path(refused.error)) from None
    del account.sessions[arg.cursor.session_id]
    return made


def _wrapped(wrap, call):
    try:
        return call()
    except Refused as refused:
        raise Refused(wrap(refused.error)) from None


def _copy(account, arg, _):
    _wrapped(files.RelocationError.from_lookup, lambda: account.download(arg.from_path))
    made = _wrapped(files.RelocationError.to, lambda: account.copy(arg.from_path, arg.to_path))
    return files.RelocationResult(metadata=made)


def _delete(account, arg, _):
    _wrapped(files.DeleteError.path_lookup, lambda: account.metadata(arg.path))
    found = _wrapped(files.DeleteError.path_write, lambda: account.delete(arg.path, arg.parent_rev))
    return files.DeleteResult(metadata=found)


DOES = {
    "/2/files/copy_v2": _copy,
    "/2/files/delete_v2": _delete,
    "/2/files/download": lambda account, arg, _: _wrapped(files.DownloadError.path, lambda: account.download(arg.path)),
    "/2/files/get_metadata": lambda account, arg, _: _wrapped(files.GetMetadataError.path, lambda: account.metadata(arg.path)),
    "/2/files/list_folder": lambda account, arg, _: _wrapped(
        files.ListFolderError.path, lambda: account.list(arg.path, arg.recursive)
    ),
    "/2/files/list_folder/continue": lambda account, arg, _: account.more(arg.cursor),
    "/2/files/upload": _upload,
    "/2/files/upload_session/append_v2": _append,
    "/2/files/upload_session/finish": _finish,
    "/2/files/upload_session/start": _start,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.fake.requests[self.path] = self.server.fake.requests.get(self.path, 0) + 1
        account = self.server.fake.accounts.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if account is None:
            refusal = {"error_summary": "invalid_access_token/", "error": {".tag": "invalid_access_token"}}
            return self._json(401, refusal)
        route = ROUTES.get(self.path)
        if route is None or self.path not in DOES:
            return self._text(400, f"Unknown API function: {self.path!r}")
        try:
            arg = json_compat_obj_decode(route.arg_type, self._argument(route, body), strict=True)
        except (ValidationError, ValueError) as error:
            return self._text(400, f"Error in call to API function {route.name!r}: {error}")
        return self._answer(route, account, arg, body)

    def _argument(self, route, body):
        if route.attrs["style"] == "rpc":
            return json.loads(body)
        return json.loads(self.headers["Dropbox-API-Arg"])

    def _answer(self, route, account, arg, body):
        try:
            with account.lock:
                made = DOES[self.path](account, arg, body)
        except Refused as refused:
            error = json_compat_obj_encode(route.error_type, refused.error)
            return self._json(409, {"error_summary": f"{refused.error._tag}/", "error": error})
        if route.attrs["style"] == "download":
            return self._content(json_compat_obj_encode(route.result_type, made[0]), made[1])
        told = None if isinstance(route.result_type, Void) else json_compat_obj_encode(route.result_type, made)
        return self._json(200, told)

    def _content(self, told, data):
        status, wanted = 200, self.headers.get("Range")
        headers = {"Dropbox-API-Result": json.dumps(told)}
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            status = 206
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data = data[int(first) : int(last) + 1]
        self._send(status, "application/octet-stream", data, headers)

    def _json(self, status, told):
        self._send(status, "application/json", json.dumps(told).encode())

    def _text(self, status, told):
        self._send(status, "text/plain; charset=utf-8", told.encode())

    def _send(self, status, kind, data, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("X-Dropbox-Request-Id", uuid.uuid4().hex)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
