"""Messages between an engine and what it started: a JSON object a packet, with file descriptors, over a socket pair."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

_LARGEST = 1 << 20
_ROOMY = 64 * 1024
_MOST_DESCRIPTORS = 16


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that keep messages apart and know when the other end is gone."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(channel: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message. Raises OSError if the other end is gone."""
    content = json.dumps(message).encode()
    if len(content) > _ROOMY:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
    socket.send_fds(channel, [content], list(descriptors))


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message and its descriptors. Raises EOFError once the other end is gone."""
    try:
        content, descriptors, _, _ = socket.recv_fds(channel, _LARGEST, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        content = b""
    if not content:
        raise EOFError
    message: dict[str, Any] = json.loads(content)
    return message, descriptors
