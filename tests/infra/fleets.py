"""A fleet that a program declares: its stack, its home in a short folder, and its functions called as a user does."""

import json
from pathlib import Path
from typing import Any

from tests.end_to_end.deployment import Deployment, until
from tests.infra.engine import Result, Stack

KEY = "the-key-of-the-stack"
PROGRAM = """
import pulumi
import cloudlayer.infra as infra

config = pulumi.Config()
port, key = config.require_int("port"), config.get_secret("key")
fleet = infra.Fleet("fleet", manifest={manifest}, port=port, key=key, timeout=config.get("timeout") or 90)
for name in "url", "name", "functions", "api_key":
    pulumi.export(name, getattr(fleet, name))
"""
FUNCTION = """
[[function]]
name = "nlp/{name}"
version = "{version}"
source = "source"
engine = "process"
resources = {{ cpu = 0.2, memory = "64MiB", disk = "64MiB" }}
scale = {{ min = 1 }}
health = {{ stable = "0.2s", tries = 1 }}
{more}
"""


def manifest(*functions: str, name: str = "seefood", provider: str = "local") -> str:
    """A fleet.toml."""
    return "\n".join([f'[fleet]\nname = "{name}"\nproviders = ["{provider}"]', *functions])


def function(name: str = "Echo", version: str = "1.0.0", more: str = "") -> str:
    """One table of it."""
    return FUNCTION.format(name=name, version=version, more=more)


class Site:
    """A stack with one fleet; `deployment` is its home and the command line beside it."""

    def __init__(self, folder: Path, *, name: str = "dev", deployment: Deployment | None = None, **options: Any) -> None:
        self.deployment = deployment or Deployment(KEY)
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {**self.deployment.environment, **options.pop("environment", {})}
        config = {"p:port": str(self.deployment.port), **options.pop("config", {})}
        secrets = options.pop("secrets", {"p:key": KEY})
        self.stack = Stack(
            folder / f"state-{name}",
            self.folder / "main.py",
            project="p",
            name=name,
            config=config,
            secrets=secrets,
            environment=environment,
            timeout=150,
            **options,
        )
        self.program()
        self.source("def apply(input):\n    return input\n")
        self.manifest(function())

    def program(self, text: str = PROGRAM, manifest: str = '"fleet.toml"') -> None:
        """Make this the program."""
        self.stack.program.write_text(text.replace("{manifest}", manifest))

    def source(self, code: str) -> None:
        """Make this the functions' code."""
        (self.folder / "source").mkdir(exist_ok=True)
        (self.folder / "source" / "function.py").write_text(code)

    def manifest(self, *functions: str, **options: str) -> None:
        """Make this the fleet.toml."""
        (self.folder / "fleet.toml").write_text(manifest(*functions, **options))

    def up(self, **options: Any) -> Result:
        """Up, and it goes through."""
        result = self.stack.up(**options)
        assert result.ok, [failure.text for failure in result.failures]
        return result

    def fails(self, **options: Any) -> str:
        """Up, and it does not; what it says."""
        result = self.stack.up(**options)
        assert not result.ok
        return "\n".join(failure.text for failure in result.failures)

    def call(self, input: Any, function: str = "nlp/Echo") -> Any:
        """The answer of a call."""
        return self.deployment.call(function, input)

    def mark(self, name: str = "seefood") -> dict[str, Any]:
        """The file that says whose the fleet is."""
        path = self.deployment.folder / "h" / "fleets" / name / "pulumi.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() and path.read_text() else {}
        return found

    def kill_when(self, condition: Any, what: str) -> None:
        """Kill the plug-in of the run that another thread is in, once something is so."""
        until(condition, 60, what)
        self.stack.kill_plugin()
