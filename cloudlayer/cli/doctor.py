"""`cloudlayer doctor`: what is wrong on this host, with the store and with the providers, and the mend of each."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol, runtime_checkable

import typer

from cloudlayer.cli import options
from cloudlayer.cli.connections import ask_all, chosen
from cloudlayer.cli.examination import examine
from cloudlayer.cli.exits import ExitCode
from cloudlayer.cli.output import print_json, print_table
from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.home import VARIABLE, Home
from cloudlayer.interfaces import MachineContext, Provider
from cloudlayer.runtime.registry import connect_engine

app = options.application()

ENGINES: Final = ("process", "docker")
"""The engines that run functions on this host."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    "absent" is what is not set up here and nothing needs until it is asked for; "weak" works, and could do better here.
    """

    subject: str
    state: Literal["ok", "absent", "weak", "wrong"]
    message: str = ""


@runtime_checkable
class TellsWeaknesses(Protocol):
    """An engine that can tell what this host keeps it from doing, a line each with its mend."""

    def check(self) -> Sequence[str]:
        """The lines; none if all is well."""
        ...


@app.command()
def doctor(
    name: Annotated[
        str | None, typer.Argument(metavar="[PROVIDER]", help="This provider alone, with its limits and interfaces.")
    ] = None,
    provider: options.Providers = None,
    json: options.Json = False,
) -> None:
    """Check this host, the store's folder, the engines and the providers; exit with 1 if something is wrong.

    A provider that is not set up here is no fault unless it is named, and neither is an engine that does not answer.
    """
    if name is not None:
        if provider:
            raise typer.BadParameter("name the provider once: with --provider, this host is checked too")
        examine(name, json=json)
        return
    findings = [_python(), _home(), *_engines(), *_providers(chosen(provider), named=provider is not None)]
    if json:
        print_json(findings)
    else:
        print_table(["WHAT", "", "MEND"], [(item.subject, item.state, item.message) for item in findings])
    if any(item.state == "wrong" for item in findings):
        raise typer.Exit(ExitCode.FAILED)


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")


def _home() -> Finding:
    home = Home.from_environment()
    try:
        home.prepare()
        with tempfile.TemporaryFile(dir=home.path):
            return Finding("store", "ok", str(home.path))
    except OSError as error:
        return Finding("store", "wrong", f"{home.path}: {error.strerror}; set {VARIABLE} to a folder that can be written")


def _engines() -> list[Finding]:
    return [finding for name in ENGINES for finding in _engine(name)]


def _engine(name: str) -> list[Finding]:
    subject = f"engine {name}"
    try:
        weaknesses = _weaknesses(name)
    except CloudLayerError as error:
        return [Finding(subject, "absent", str(error))]
    found = [Finding(subject, "weak", line.removeprefix(f"{name} engine: ")) for line in weaknesses]
    return found or [Finding(subject, "ok")]


def _weaknesses(name: str) -> Sequence[str]:
    with tempfile.TemporaryDirectory() as folder:
        engine = connect_engine(name, MachineContext("doctor", Path(folder) / "machine", Path(folder) / "cache"))
        try:
            engine.list()
            return engine.check() if isinstance(engine, TellsWeaknesses) else ()
        finally:
            engine.close()


def _providers(names: list[str], *, named: bool) -> list[Finding]:
    findings = []
    for name, answer in ask_all(names, _faults).items():
        subject = f"provider {name}"
        if isinstance(answer, CloudLayerError):
            findings.append(Finding(subject, "wrong" if named else "absent", str(answer)))
        else:
            findings += [Finding(subject, "wrong", fault) for fault in answer] or [Finding(subject, "ok")]
    return findings


def _faults(provider: Provider) -> list[str]:
    return provider.check()
