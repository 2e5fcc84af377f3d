"""One command on a machine that no connection is kept to."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Access, Deadline
from cloudlayer.runtime.hosts.client import MACHINE, Client
from cloudlayer.runtime.hosts.commands import execute
from cloudlayer.runtime.hosts.master import CLIENT_FAILED
from cloudlayer.runtime.hosts.refusals import explained
from cloudlayer.runtime.hosts.remote import as_asked, checked, output, shell

_SECONDS: Final = 30.0


def run_once(
    access: Access,
    name: str,
    command: Sequence[str],
    *,
    input: bytes = b"",
    root: bool = False,
    deadline: Deadline | None = None,
) -> bytes:
    """What a command printed on the machine called `name`, by a connection of its own, within 30 seconds or the deadline.

    Raises what SshHost.run does.
    """
    deadline = deadline or Deadline.after(_SECONDS)
    with tempfile.TemporaryDirectory(prefix="cloudlayer-") as folder:
        client = Client(access, Path(folder))
        client.write()
        text = shlex.join(as_asked(command, deadline, sudo=root and access.user != "root"))
        doing = f"running {command[0]} on {name}"
        ended = execute(client.alone("-T", "--", MACHINE, shell(text)), doing=doing, input=input, deadline=deadline)
    if ended.code == CLIENT_FAILED:
        raise explained(name, ended.errors.decode("utf-8", "replace"))
    return checked(name, command, ended._replace(output=output(ended.output)), deadline)
