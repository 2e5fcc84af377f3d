"""A router that has no gateway."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from cloudlayer.runtime.router import line as lines
from cloudlayer.runtime.router import serving
from cloudlayer.runtime.router.client import Client
from cloudlayer.runtime.router.journal import Journal
from cloudlayer.runtime.router.line import Line
from cloudlayer.runtime.router.messages import Entry, Table
from cloudlayer.runtime.router.serving import Router

TOKEN = "token"


@pytest.mark.parametrize("function", ["a/Here", "a/There"])
def test_a_gateway_that_is_away_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    monkeypatch.setattr(lines, "AWAY_SECONDS", 0.3)
    monkeypatch.setattr(serving, "AWAY_SECONDS", 0.3)

    async def run() -> tuple[int, dict[str, str], bytes]:
        line = Line(str(tmp_path / "none"), "machine", "token", Journal(tmp_path / "j"))
        allowed = {hashlib.sha256(TOKEN.encode()).hexdigest(): ("a/Caller/1.0.0", ("a/Here",))}
        line.table = Table({"a/Here/1.0.0": Entry(5.0, False)}, {"a/Here": "a/Here/1.0.0"}, allowed)
        router = Router(line, Client(f"unix:{tmp_path / 'none'}"))
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(router.connection, str(tmp_path / "s"))
        running = loop.create_task(line.run())
        asked = Client(f"unix:{tmp_path / 's'}")
        path, headers = f"/v1/algo/{function}", (f"Authorization: {TOKEN}", "X-Request-Id: mine")
        answer = await asked.send("POST", path, headers, b"1", loop.time() + 5)
        running.cancel()
        server.close()
        asked.close()
        return answer.status, answer.headers, answer.body

    status, headers, body = asyncio.run(run())
    error = json.loads(body)["error"]
    assert (status, headers["retry-after"], error["error_type"], error["request_id"]) == (503, "1", "UnavailableError", "mine")
    assert "no connection to the gateway" in error["message"]
