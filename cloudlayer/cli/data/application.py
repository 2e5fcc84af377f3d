"""What the commands for objects share: their holder, their options and arguments."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudlayer.cli import options

app = options.application("List, copy, sync and delete objects by URI, and files of this host.")

Uri = Annotated[str, typer.Argument(metavar="URI", help="Such as s3://bucket/folder/name, or a path of this host.")]
Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A URI, a path of this host, or - for standard input.")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="A URI, a path of this host, or - for standard output.")]
Tree = Annotated[str, typer.Argument(metavar="TARGET", help="A folder: a URI, or a path of this host.")]
SourceTree = Annotated[str, typer.Argument(metavar="SOURCE", help="A folder: a URI, or a path of this host.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="All that is in the folder, and in those below it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, and do nothing.")]
Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Names that match only, such as '*.csv' or 'logs/**'; several times."),
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Not the names that match; may be given several times.")
]
IfAbsent = Annotated[bool, typer.Option("--if-absent", help="Fail if the target is there already.")]
