"""Rules of this host's firewall that containers are bound by, for all our networks at once, told apart by their bridges' names.

They stand before any translation of addresses and outside the chains that Docker rewrites, and stay when the networks go.
IPv6 needs none: our networks have no IPv6.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

from cloudlayer.errors import EngineError

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
_LONGEST: Final = 30


def protect(internet: bool) -> None:
    """Make sure that the rules of our open or internal networks are there. EngineError, with the mend, where they cannot be."""
    need = "a container with internet = true must be kept from the cloud's metadata service"
    if not internet:
        need = "a container with internet = false must be kept from this host's own ports"
    if os.geteuid() != 0:
        raise EngineError(f"{need}, which takes a firewall rule: run the controller as root")
    iptables = shutil.which("iptables", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if iptables is None:
        raise EngineError(f"{need}, which takes iptables: install it")
    for table, *rule in _NO_METADATA if internet else _NO_HOST:
        command = [iptables, "-w", "10", "-t", table]
        if _run([*command, "-C", *rule]).returncode != 0:
            added = _run([*command, "-I", *rule])
            if added.returncode != 0:
                reason = " ".join(added.stderr.split())
                raise EngineError(f"{need}, and iptables could not add its rule: {reason}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"iptables did not work: {error}") from error
