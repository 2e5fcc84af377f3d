"""Functions to serve in tests, written into folders, and a way to call what serves them."""

from __future__ import annotations

import http.client
import json
import socket
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def function(folder: Path, code: str, **files: str) -> Path:
    """A source folder with `code` as its one module, and other files by name ("requirements_txt" is requirements.txt)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "served.py").write_text(textwrap.dedent(code))
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    return folder


def post(address: str, body: Any = None, *, timeout: float = 10.0, **headers: str) -> tuple[int, Any]:
    """POST to "unix:/path" or "http://host:port": (status, decoded body)."""
    connection = http.client.HTTPConnection("localhost", timeout=timeout)
    kind, _, where = address.partition(":")
    if kind == "unix":
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(where)
    else:
        host, _, port = where.removeprefix("//").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", "/", body if isinstance(body, bytes) else json.dumps(body).encode(), sent)
    answer = connection.getresponse()
    content, kind = answer.read(), answer.getheader("Content-Type", "")
    connection.close()
    return answer.status, json.loads(content) if kind == "application/json" else content


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true value of `condition`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)
    return value
