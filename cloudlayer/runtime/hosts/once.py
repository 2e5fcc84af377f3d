"""One command by a connection of its own: where none is kept, or with so much input that others would wait behind it."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudlayer.interfaces import Access, Deadline
from cloudlayer.runtime.hosts.client import MACHINE, Client
from cloudlayer.runtime.hosts.commands import Ended, execute
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
        ended = run_alone(client, name, text, doing=f"running {command[0]} on {name}", input=input, deadline=deadline)
    return checked(name, command, ended, deadline)


def run_alone(client: Client, name: str, text: str, *, doing: str, input: bytes, deadline: Deadline) -> Ended:
    """The end of a shell's command there, as `Master.run` tells it, by a connection of its own."""
    ended = execute(client.alone("-T", "--", MACHINE, shell(text)), doing=doing, input=input, deadline=deadline)
    if ended.code == CLIENT_FAILED:
        raise explained(name, ended.errors.decode("utf-8", "replace"))
    return ended._replace(output=output(ended.output))
