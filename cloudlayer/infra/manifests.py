"""The manifest of a `Fleet`: as a program gives it, as an input, and as what it says.

A program may be moved and edited without a difference: where a source folder lies is none, and what is in it is.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pulumi
from pulumi import Input, Output
from pulumi.dynamic import CheckFailure
from pulumi.runtime.rpc import UNKNOWN

from cloudlayer.errors import InvalidSpec
from cloudlayer.functions.manifest import Manifest, with_file
from cloudlayer.infra.inputs import failure, is_hidden
from cloudlayer.infra.values import unknowns
from cloudlayer.runtime.sources import source_digest, source_files
from cloudlayer.specs import Location, checked, faults

MANIFEST: Final = "manifest"
SOURCES: Final = "sources"

Written = Mapping[str, Any] | str | os.PathLike[str]
"""A manifest as the path of a fleet.toml, or as what would stand in one, in which values may be outputs."""


def declared(manifest: Input[Written]) -> tuple[Any, Any]:
    """The manifest as an input with absolute paths, and the digests of its functions' source folders, one by one."""
    if isinstance(manifest, Mapping | str | os.PathLike):
        document = _resolved(manifest)
        return document, _digests(document)
    later: Output[Any] = Output.all(manifest).apply(lambda given: _resolved(given[0]))
    return later, later.apply(_digests)


def failures(document: Any) -> list[CheckFailure]:
    """What is wrong with a manifest, each with its place; what is not known yet is not judged."""
    if document == UNKNOWN:
        return []
    hidden = set(unknowns(document))
    found = [(place, reason) for place, reason in faults(Manifest, document) if not is_hidden(place, hidden)]
    return [failure((MANIFEST, *place), reason) for place, reason in found or _missing(document)]


def manifest_of(document: Mapping[str, Any]) -> Manifest:
    """What it says. InvalidSpec where it is wrong."""
    return checked(Manifest, document, MANIFEST)


def name_of(document: Any) -> str:
    """The fleet's name, if it is known."""
    return str(document["fleet"]["name"]) if isinstance(document, Mapping) else str(UNKNOWN)


def providers_of(document: Any) -> set[str]:
    """Where the fleet may buy, as far as it is known."""
    return set(document["fleet"]["providers"]) if isinstance(document, Mapping) else {UNKNOWN}


def form(document: Any, digests: Sequence[str]) -> Any:
    """What two manifests have in common that ask for the same: source folders by their content."""
    if not isinstance(document, Mapping):
        return document
    functions = list(document.get("function", ()))
    for number, digest in enumerate(digests):
        if digest:
            functions[number] = {**functions[number], "source": digest}
    return {**document, "function": functions}


def _resolved(manifest: Written) -> Any:
    if isinstance(manifest, Mapping):
        return _absolute(dict(manifest), Path.cwd())
    path = Path(manifest)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise pulumi.RunError(f"{path}: cannot be read: {error.strerror}; name a manifest such as fleet.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise pulumi.RunError(f"{path}: is not TOML: {error}") from None
    return _absolute(document, path.parent)


def _absolute(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """With the paths of files in `folder` made absolute; what is not as a manifest should be is left for the check to tell."""
    fleet, functions = document.get("fleet"), document.get("function")
    if isinstance(fleet, Mapping) and isinstance(fleet.get("providers"), list | tuple):
        providers = [_mapped(name, lambda text: with_file(text, folder)) for name in fleet["providers"]]
        document["fleet"] = {**fleet, "providers": providers}
    if isinstance(functions, list | tuple):
        document["function"] = [_with_source(function, folder) for function in functions]
    return document


def _with_source(function: Any, folder: Path) -> Any:
    if not isinstance(function, Mapping) or function.get("source") is None:
        return function
    return {**function, "source": _mapped(function["source"], lambda text: _place(text, folder))}


def _place(source: str, folder: Path) -> str:
    return source if "://" in source else str((folder / source).resolve())


def _digests(document: Any) -> list[Any]:
    functions = document.get("function", ()) if isinstance(document, Mapping) else ()
    sources = [function.get("source") if isinstance(function, Mapping) else None for function in functions]
    return [_mapped(source, _digest) if source is not None else "" for source in sources]


def _digest(source: str) -> str:
    """The digest of a folder that is here; none where the check finds fault with it."""
    try:
        return source_digest(Path(source)) if "://" not in source else ""
    except InvalidSpec:
        return ""


def _missing(document: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """The sources that are no folders which can be deployed."""
    for number, function in enumerate(document.get("function", ())):
        source = function.get("source", UNKNOWN)
        if source == UNKNOWN or "://" in source:
            continue
        try:
            source_files(Path(source))
        except InvalidSpec as error:
            yield ("function", number, "source"), str(error)


def _mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """A text changed, and an output of one as well; anything else is left as it is."""
    if isinstance(value, Output):
        return value.apply(change)
    return change(value) if isinstance(value, str) else value
