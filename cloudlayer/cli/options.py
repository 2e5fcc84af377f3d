"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Fleet = Annotated[str | None, typer.Option("--fleet", metavar="NAME", help="Which fleet, where there are several.")]
Manifest = Annotated[Path, typer.Argument(metavar="MANIFEST", help="The fleet's manifest, such as fleet.toml.")]
Providers = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="NAME[:REGION]", help="This provider only; may be given several times."),
]
Provider = Annotated[str, typer.Option("--provider", metavar="NAME[:REGION]", help="Where, such as aws:us-east-1.")]
OneProvider = Annotated[str | None, typer.Option("--provider", metavar="NAME[:REGION]", help="This provider only.")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="May be given several times.")]
SpecFile = Annotated[
    Path | None, typer.Option("--file", metavar="SPEC.TOML", help="The whole spec; options given beside it count before it.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Come back when it is done, and tell how it goes meanwhile.")]
Timeout = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long to wait, at most.")]
Ids = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names or ids, as `list` shows them.")]
Id = Annotated[str, typer.Argument(metavar="NAME", help="A name or an id, as `list` shows them.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, envvar="CLOUDLAYER_PORT", help="The gateway's port.")]


def application(help: str | None = None) -> typer.Typer:
    """A holder for the commands of one file."""
    return typer.Typer(help=help, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
