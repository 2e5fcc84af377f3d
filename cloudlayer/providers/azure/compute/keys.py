"""The SSH key of a machine that nobody is to log in to: Azure makes no Linux machine without a key or a password."""

from __future__ import annotations

import threading

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_BITS = 2048


class ThrowawayKey:
    """The public half of a key pair whose private half is kept nowhere, not even here; made when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._public = ""

    def public(self) -> str:
        """The public key as OpenSSH writes it: the same for all machines of this process."""
        with self._lock:
            if not self._public:
                pair = generate_private_key(public_exponent=65537, key_size=_BITS)
                self._public = pair.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
            return self._public
