"""Why a machine cannot be reached, told from what the OpenSSH client says."""

from __future__ import annotations

import re
from typing import Final

from cloudlayer.errors import EngineError, TransientError

_HOST_KEY: Final = re.compile(
    r"host key verification failed|host key is known for|host identification has changed", re.IGNORECASE
)
_NOT_KNOWN: Final = re.compile(r"host key is known for", re.IGNORECASE)
_ON_THE_WAY: Final = re.compile(r"\bjump(\d+)\b")
_REFUSED: Final = re.compile(r"permission denied \(|too many authentication failures", re.IGNORECASE)
_BAD_KEY: Final = re.compile(
    r"unprotected private key|bad permissions|invalid format|error in libcrypto|no such identity", re.I
)
_NOISE: Final = re.compile(r"^(@+|\s*)$|WARNING: |kex_exchange_identification: Connection closed by remote", re.IGNORECASE)


class HostKeyRefused(EngineError):
    """The machine at this address has none of the host keys that are pinned. Nothing connects to it until a person looked."""


class KeyRefused(EngineError):
    """The machine does not let this key in."""


def explained(name: str, said: str) -> EngineError | TransientError:
    """What the SSH client said when it ended, as an error of ours; `name` is the machine."""
    last = last_line(said)
    if (on_the_way := _ON_THE_WAY.search(said)) is not None:
        name = f"machine {int(on_the_way[1]) + 1} on the way to {name}"
    if _HOST_KEY.search(said):
        what = "has another host key than the one that is pinned"
        if _NOT_KNOWN.search(said):
            what = "shows no host key of a kind that is pinned"
        return HostKeyRefused(
            f"{name} {what}: somebody may be in between, or the machine was installed anew; "
            "compare its key on its own console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) before you pin it"
        )
    if _BAD_KEY.search(said):
        return KeyRefused(
            f"the private key for {name} cannot be used, it must be a key file of mode 0600 without passphrase: {last}"
        )
    if _REFUSED.search(said):
        return KeyRefused(f"{name} does not let our key in: add its public part to authorized_keys of the user ({last})")
    return TransientError(f"{name} cannot be reached: {last or 'the connection ended'}", code="unreachable")


def last_line(said: str) -> str:
    """The last line that tells something."""
    lines = [" ".join(line.split()) for line in said.splitlines() if not _NOISE.search(line)]
    return next((line for line in reversed(lines) if line), "")[-300:]
