"""The user's function: found in its folder, loaded once, called with decoded input, its results and errors encoded."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

OWN_FOLDER = str(Path(__file__).parent)
JSON = "application/json"
_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class LoadFailed(Exception):
    """The function cannot be served; `error` is the envelope's inner part."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error


class BadInput(Exception):
    """The caller's body is not what its content type says."""

    error_type = "ParsingError"


class BadResult(Exception):
    """The function returned something that cannot be sent."""

    error_type = "AlgorithmError"


def find_module(folder: Path) -> str:
    """The name of the one module at the top of `folder` that defines `apply`; ValueError with the mend otherwise."""
    found = [path.stem for path in sorted(folder.glob("*.py")) if _defines_apply(path)]
    if len(found) != 1:
        which = f"{', '.join(found)} define" if found else "no .py file at its top defines"
        raise ValueError(f"{folder.name}: {which} apply(input); exactly one file at the folder's top must")
    if found[0] in sys.stdlib_module_names:
        raise ValueError(f"{folder.name}: {found[0]}.py hides a module of the standard library; give it another name")
    return found[0]


def _defines_apply(path: Path) -> bool:
    try:
        body = ast.parse(path.read_bytes(), str(path)).body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{path.name}: is not Python: {error}") from None
    return any("apply" in _names(node) for node in body)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


class Function:
    """A loaded function. `is_async` tells that `apply` is a coroutine function."""

    def __init__(self, module: Any) -> None:
        self.apply: Callable[[Any], Any] = module.apply
        self.load: Callable[[], Any] | None = getattr(module, "load", None)
        self.is_async = inspect.iscoroutinefunction(self.apply)


def import_function(source: Path) -> Function:
    """Import the function of a folder, without calling its `load`. Raises LoadFailed."""
    sys.path.insert(0, str(source))
    try:
        return Function(importlib.import_module(find_module(source)))
    except Exception as error:
        raise LoadFailed(describe(error)) from error


def decode(content_type: str, body: bytes) -> Any:
    """The input of a call, from its body. Raises BadInput."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == JSON or kind.endswith("+json"):
            return json.loads(body)
        if kind.startswith("text/") or kind == "application/text":
            return body.decode()
    except (ValueError, RecursionError) as error:
        wanted = "UTF-8 text" if isinstance(error, UnicodeDecodeError) else "JSON"
        raise BadInput(f"the body is not {wanted}, though its content type is {kind}: {error}") from None
    return body


def encode(result: Any) -> tuple[str, bytes]:
    """(content type, body) of a result. Raises BadResult if it is none that can be sent."""
    if isinstance(result, bytes | bytearray | memoryview):
        return "application/octet-stream", bytes(result)
    try:
        if isinstance(result, str):
            return "text/plain; charset=utf-8", result.encode()
        return JSON, _encoder.encode(result).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(result).__name__
        raise BadResult(f"apply returned a {kind} that is no JSON: {error}; return JSON values, str or bytes") from None


def describe(error: BaseException) -> dict[str, Any]:
    """The envelope's inner part for an error: message, error_type, and the stack without the worker's own frames."""
    declared = getattr(error, "error_type", None)
    error_type = declared if isinstance(declared, str) else "AlgorithmError"
    if isinstance(error, MemoryError):
        error_type = "OutOfMemoryError"
    described = traceback.TracebackException(type(error), error, _user_frames(error.__traceback__), compact=True)
    message = str(error) or type(error).__name__
    return {"message": message, "error_type": error_type, "stack_trace": "".join(described.format())}


def failure(error: BaseException) -> bytes:
    """The whole envelope, as JSON."""
    return json.dumps({"error": describe(error)}).encode()


def _user_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_own(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _is_own(filename: str) -> bool:
    return filename.startswith((OWN_FOLDER, "<frozen importlib")) or "/importlib/" in filename
