"""Gateways that serve data, and what its tests ask them."""

from __future__ import annotations

import http.client
from pathlib import Path

from cloudlayer.fleet.routes import DataAccess

from .stand_ins import KEY, Gateway, start_gateway

NAME = "key a key"
"""The name of the key of the tests."""


def start_with_data(folder: Path, configuration: str, access: DataAccess) -> Gateway:
    """A gateway with a configuration file, and with what `access` opens."""
    file = folder / "config.toml"
    file.write_text(configuration)
    file.chmod(0o600)
    started = start_gateway(folder, environment={"CLOUDLAYER_CONFIG": str(file)})
    started.show(data=access)
    return started


def ask(
    gateway: Gateway, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request whose path goes out as it is: requests would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Authorization": KEY, **named})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
