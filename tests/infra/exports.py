"""A stack's state as `pulumi stack export` writes it, from the test engine's."""

import json
from pathlib import Path
from typing import Any

from tests.infra.engine import Secret, Stack
from tests.infra.engine.state import Snapshot

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:sealed"}


def exported(stack: Stack, path: Path, *, without: str = "") -> Path:
    """Write the stack to `path`, `without` the resource of that name; secrets are sealed."""
    states = [state for state in stack.states if state.name != without]
    resources = [
        {"urn": one.urn, "type": one.type, "custom": one.custom, "id": one.id, "outputs": _sealed(one.outputs)}
        for one in states
    ]
    deployment = {"resources": resources, "pending_operations": Snapshot(stack.folder).pending}
    path.write_text(json.dumps({"version": 3, "deployment": deployment}))
    return path


def _sealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return SECRET
    if isinstance(value, dict):
        return {name: _sealed(each) for name, each in value.items()}
    return [_sealed(each) for each in value] if isinstance(value, list) else value
