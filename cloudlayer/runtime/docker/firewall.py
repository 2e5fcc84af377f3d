"""Rules of a machine's firewall that containers are bound by, for all our networks at once, told apart by their bridges' names.

They stand before any translation of addresses and outside the chains that Docker rewrites, and stay when the networks go.
IPv6 needs none: our networks have no IPv6.
"""

from __future__ import annotations

import os
import shlex
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline, Host

INTERNAL_BRIDGE: Final = "cldi-"
OPEN_BRIDGE: Final = "cldo-"

# Link-local is where clouds answer about the machine, credentials included; Azure's second address hands out certificates.
# Both may be the cloud's name servers too, so port 53 stays.
_METADATA: Final = ("169.254.0.0/16", "168.63.129.16/32")
_NO_METADATA: Final = tuple(
    ("raw", "PREROUTING", "-i", f"{OPEN_BRIDGE}+", "-d", address, "-p", "tcp", "!", "--dport", "53", "-j", "DROP")
    for address in _METADATA
)
_NO_HOST: Final = (
    ("filter", "INPUT", "-i", f"{INTERNAL_BRIDGE}+", "-m", "conntrack", "!", "--ctstate", "ESTABLISHED,RELATED", "-j", "DROP"),
)
_LONGEST: Final = 30.0


class Firewall:
    """The rules on one machine. Another machine's are asked for once a connection, since a start of it forgets them."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._protected: dict[bool, int] = {}

    def protect(self, internet: bool) -> None:
        """See that the rules of our open or internal networks are there. EngineError, with the mend, if they are not."""
        connection = self._host.connection
        if not self._host.is_here and self._protected.get(internet) == connection:
            return
        need = "a container with internet = true must be kept from the cloud's metadata service"
        if not internet:
            need = "a container with internet = false must be kept from its machine's own ports"
        if self._host.is_here and os.geteuid() != 0:
            raise EngineError(f"{need}, which takes a firewall rule: run the controller as root")
        script = _adding(_NO_METADATA if internet else _NO_HOST)
        try:
            self._host.run(["sh", "-c", script], root=True, deadline=Deadline.after(_LONGEST))
        except TransientError:
            raise
        except EngineError as error:
            raise EngineError(f"{need}, which takes iptables and a rule of it: {error}") from error
        self._protected[internet] = connection


def _adding(rules: tuple[tuple[str, ...], ...]) -> str:
    """A script that adds the rules which are not there."""
    lines = ["command -v iptables >/dev/null || { echo 'iptables is not installed: install it' >&2; exit 1; }"]
    for table, *rule in rules:
        words = shlex.join(rule)
        lines.append(f"iptables -w 10 -t {table} -C {words} 2>/dev/null || iptables -w 10 -t {table} -I {words} || exit 1")
    return "\n".join(lines)
