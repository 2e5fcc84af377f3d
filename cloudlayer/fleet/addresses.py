"""Where a gateway is to listen."""

from __future__ import annotations

import socket

from cloudlayer.errors import Conflict


def free_port(host: str, port: int) -> int:
    """The port, if it can be had; one that the kernel chooses for 0, since controller and gateway must agree on one."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise Conflict(f"{url_of(host, port)} cannot be served: {error.strerror}; choose another port or host") from None


def url_of(host: str, port: int) -> str:
    """The URL of a gateway that listens there."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
