"""A stack for tests whose programs put things on a shelf: the provider of samples/shelf.py."""

import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from .results import Result
from .stack import Stack

SAMPLES = Path(__file__).parent / "samples"
HEAD = "import pulumi\nfrom shelf import Thing\n"
CHAIN = 'disk = Thing("disk", size={size}, {disk})\nvm = Thing("vm", size=1, image=disk.tag, {vm})\n'


class Shelf:
    """A stack, the program that a test gives it, and the folder in which its things lie."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder, self.program = folder / "things", folder / "program" / "main.py"
        self.folder.mkdir()
        self.program.parent.mkdir()
        environment = {"SHELF": str(self.folder), "PYTHONPATH": str(SAMPLES)}
        self.stack = Stack(folder / "state", self.program, project="p", environment=environment, **options)

    def write(self, text: str) -> None:
        self.program.write_text(HEAD + text)

    def up(self, text: str, **options: Any) -> Result:
        self.write(text)
        return self.stack.up(**options)

    def chain(self, size: int = 1, disk: str = "", vm: str = "") -> Result:
        return self.up(CHAIN.format(size=size, disk=disk, vm=vm))

    @property
    def things(self) -> dict[str, dict[str, Any]]:
        found = [json.loads(file.read_text()) for file in self.folder.glob("*.json")]
        return {thing["label"]: thing for thing in found}

    def file(self, name: str) -> Path:
        return self.folder / f"{self.stack.resources[name].id}.json"

    def calls(self, *verbs: str) -> list[str]:
        """What was called since the last question."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.write_text("")
        return [line for line in lines if not verbs or line.split()[0] in verbs]

    def wait_for(self, calls: Collection[str]) -> None:
        """Wait until these calls were made. Fails after half a minute."""
        made: set[str] = set()
        until = time.monotonic() + 30
        while missing := set(calls) - made:
            assert time.monotonic() < until, missing
            made |= set(self.calls())
            time.sleep(0.02)

    def changes(self) -> list[str]:
        return self.calls("create", "update", "delete")
