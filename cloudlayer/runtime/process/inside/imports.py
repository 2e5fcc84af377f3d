"""Imports ahead of a fork what a function's source imports, so that its replicas find it loaded."""

from __future__ import annotations

import ast
import contextlib
import importlib
import site
import threading
from pathlib import Path

# Imported when a first call comes, or by nearly every function.
_ALWAYS = ("asyncio", "concurrent.futures.thread", "http.client", "base64", "random", "traceback", "tempfile", "stringprep")


def set_path(requirements: str | None) -> None:
    """Add the requirements to where Python looks for modules, after its own library. The source comes first, at its import."""
    if requirements:
        site.addsitedir(requirements)
    site.setquit()


def wanted(source: Path) -> list[str]:
    """The names of the modules that the source's files import, their own left out."""
    own = {path.stem for path in source.iterdir()}
    names: set[str] = set()
    for path in source.rglob("*.py"):
        with contextlib.suppress(SyntaxError, ValueError, OSError):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    names.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module)
    return sorted(name for name in names if name.partition(".")[0] not in own)


def warm(names: list[str]) -> bool:
    """Import all that can be imported; False if that started threads, which a fork would lose."""
    for name in (*_ALWAYS, *names):
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)
    return threading.active_count() == 1
